/*
 * The matrix: which cells a run measures, gathered into blocks, and in which order.
 *
 * A block is all chosen variants of one task on one case with one number of threads; its first
 * variant is the task's baseline, whether chosen or not, because every other is compared with it.
 * The order of blocks in a round and of variants in a block follows from seed, round and the
 * block's place alone, so that a part of the plan, run elsewhere or later, keeps its order.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/registry.h"
#include "datasets/json.h"

enum preset {
    PRESET_SMOKE, /* the SMOKE case of every task, all variants, one iteration, one round */
    PRESET_QUICK, /* HEADLINE variants, one DRAM and one CACHE case with QUICK, all threads */
    PRESET_FULL   /* everything, on one thread and on all */
};
const char *preset_name(enum preset preset);

/* In the quick preset a block has at most this many cells. */
enum { QUICK_MAX_CELLS = 4 };

struct plan_request {
    const struct registry_row *registry; /* ends with a row without a technique */
    /* Globs on TECHNIQUE[/TASK[/VARIANT[/CASE]]]; '*' does not cross '/'.  A part that is not "*"
     * chooses for itself: the preset's flags and limits do not apply to the variants or cases that
     * it names.  No pattern: everything. */
    const char *const *patterns;
    size_t n_patterns;
    const char *family; /* NULL: all */
    enum preset preset;
    const int *threads; /* [n_threads], each >= 1; none: the preset's choice */
    size_t n_threads;
    int max_threads; /* what this process may use */
};

struct plan_block {
    const struct registry_row *row;
    const struct task *task;
    const struct matrix_case *c;
    int threads;
    const struct variant **variants; /* [n_variants], the baseline first */
    size_t n_variants;
};

struct plan {
    struct plan_block *blocks; /* [n_blocks], in the registry's order */
    size_t n_blocks, n_cells;
};

/* E_USAGE names the pattern that matches nothing and the nearest technique, or the family that is
 * unknown; E_NOMEM.  *out is untouched then. */
enum status plan_make(const struct plan_request *request, struct plan *out, struct err *err);
void plan_free(struct plan *plan);

/* A permutation of 0..n_blocks-1, and of 0..n_variants-1 of one block. */
void plan_block_order(const struct plan *plan, uint64_t seed, unsigned round, size_t *order);
void plan_variant_order(const struct plan *plan, size_t block, uint64_t seed, unsigned round,
                        size_t *order);

/* Technique, task, "*" and case, joined by slashes: also a pattern that chooses the block. */
void plan_block_name(const struct plan_block *block, char *text, size_t size);

/* A part of a plan that is measured by itself: every n-th block from the i-th on.  All zero is the
 * whole. */
struct shard {
    size_t i, n; /* 1 <= i <= n */
};
bool plan_in_shard(const struct shard *shard, size_t block);

/* "2/8".  E_USAGE names what is wrong with the text; *out is untouched then. */
enum status plan_shard(const char *text, struct shard *out, struct err *err);

/* The plan as an array of {block, threads, variants: [name, ...]}; NULL when memory is short. */
struct json *plan_record(const struct plan *plan);

/* The plan back from its record.  E_FORMAT: not a record; E_UNAVAILABLE names the block that this
 * registry does not have; E_NOMEM.  *out is untouched then. */
enum status plan_from_record(const struct registry_row *rows, const struct json *record,
                             struct plan *out, struct err *err);

/* Parses "1,2,max" into at most `capacity` thread counts, ascending, each once.  E_USAGE names what
 * is wrong with the text; *n is untouched then. */
enum status plan_threads(const char *text, int max_threads, int *out, size_t capacity, size_t *n,
                         struct err *err);

#endif
