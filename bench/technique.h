/*
 * The technique contract: what one file of bench/<family>/ tells the harness.
 *
 * A technique has tasks; a task has variants (the first is the baseline) and cases; a cell is one
 * variant on one case with a number of threads.  The harness prepares a trial, runs it once, asks
 * `fidelity` what is right and how exact it is, and only then times `run`.
 */
#ifndef BENCH_TECHNIQUE_H
#define BENCH_TECHNIQUE_H

#include <stddef.h>

#include "numerics/rng.h"
#include "numerics/status.h"
#include "numerics/tensor.h"

struct check;
struct findings;

struct param {
    const char *name;
    double value;
};
enum { MAX_PARAMS = 8 };

enum variant_flag {
    HEADLINE = 1 << 0, /* runs in the quick preset */
    PEER = 1 << 1,     /* a library that a user would pick instead */
    NEEDS_MODEL = 1 << 2
};
enum case_flag {
    QUICK = 1 << 0, /* runs in the quick preset */
    DRAM = 1 << 1,  /* cold: rotates over copies that exceed the last-level cache four times */
    CACHE = 1 << 2, /* warm: one copy, which every variant's footprint keeps in L2 or L3 */
    SMOKE = 1 << 3  /* small enough for one iteration in a test */
};

struct trial;
/* n iterations and nothing else: no allocation, no clock.  A copy index persists across calls. */
typedef void run_fn(struct trial *t, size_t n);

struct variant {
    const char *name, *title;
    run_fn *run;
    unsigned flags;
    struct param p[MAX_PARAMS]; /* ends at the first without a name */
};

struct matrix_case {
    const char *name;
    unsigned flags;
    struct param p[MAX_PARAMS];
};

/* The resource that a variant is bound by when it runs as well as it can. */
enum roof {
    ROOF_DRAM_READ,  /* reads at the bandwidth of the level the cell lives in (DRAM when cold) */
    ROOF_DRAM_WRITE, /* mostly writes */
    ROOF_DRAM_COPY,  /* reads and writes */
    ROOF_FMA_F32,    /* roof_ops flop */
    ROOF_DOT_I8,     /* roof_ops multiply and add operations on 8-bit integers */
    ROOF_LOOKUP      /* roof_ops bytes looked up in a table held in a register */
};

/* What one iteration must do by arithmetic.  Compulsory traffic only: every input byte once, every
 * output byte once, write-allocate not counted. */
struct work {
    double flops, bytes_read, bytes_written, items;
    const char *unit; /* of an item: "token", "weight", "element" */
    enum roof roof;
    double roof_ops; /* for the compute roofs; 0 otherwise */
};

struct trial {
    const struct variant *v;
    const struct matrix_case *c;
    int threads;       /* the OpenMP threads to use; the harness has pinned them */
    unsigned features; /* enum cpu_feature that may be used */
    struct rng *rng;
    const struct tensor *user_weights; /* for trial_weights() alone */
    int weights_taken;                 /* by trial_weights() */
    size_t llc_bytes;                  /* last-level cache that this process can use */
    double items_done;      /* added to by run() when the items of an iteration are random */
    size_t footprint_bytes; /* set by prepare(): what all copies of this variant occupy */
    const char *isa;        /* set by prepare(): of the kernel it picked; NULL: of features */
    void *state;            /* the technique's own */
    struct findings *findings;
};

struct task {
    const char *name;
    const struct variant *variants;
    const struct matrix_case *cases;
    /* Untimed, <= 0.3 s.  E_SKIP with a reason, or E_NOMEM; release() is called after either. */
    enum status (*prepare)(struct trial *t, struct err *err);
    struct work (*work)(const struct trial *t); /* after the first run: bytes may depend on data */
    void (*fidelity)(struct trial *t);          /* after the first run: see trial_correctness() */
    void (*release)(struct trial *t);
    /* A reason why this variant has no such case, or NULL. May itself be NULL. */
    const char *(*skip)(const struct variant *v, const struct matrix_case *c);
};

/* A fidelity value that arithmetic foretells; the tests check each on the smallest case. */
struct expect {
    const char *task, *variant, *metric;
    double value, tolerance;
    const char *why;     /* where the value comes from */
    const char *subject; /* NULL: the variant itself */
};

struct technique {
    const char *id, *title, *source, *claim;
    const struct task *tasks;
    void (*check)(struct check *check);
    double check_seconds; /* about; tests run checks that take at most 5 */
    const struct expect *expect;
};

/* The value of a parameter of the cell, the variant's before the case's; 0 when neither has it. */
double param(const struct trial *t, const char *name);

/* The user's weights [rows][cols], any dtype; NULL: draw seeded ones.  A trial that asks is
 * recorded as computed on them, one that does not as seeded. */
const struct tensor *trial_weights(struct trial *t);

/* Correctness: the distance of this variant's output from the reference kernel's ON THE SAME DATA,
 * and the bound that the kernel's header derives.  Right iff value <= bound and the bound is
 * finite, so NaN is wrong, and a wrong cell is never timed.  A cell that reports none is invalid.
 */
void trial_correctness(struct trial *t, const char *metric, double value, double bound);

/* Fidelity: an error against the exact original ("fp64-exact"), a result and no gate.  subject:
 * what the value is of, when one timing serves several (five code books, one kernel), else NULL.
 * proxy: measured on other data than the buffers that are timed. */
void trial_fidelity(struct trial *t, const char *subject, const char *metric, double value,
                    const char *reference, int proxy);

/* ---- Claim checks ---- */

enum claim_kind { CLAIM_EXACT, CLAIM_STATISTICAL, CLAIM_TIMING };

struct claim {
    const char *row; /* a name unique in the technique: "a.crd-level-with-lloyd-max" */
    enum claim_kind kind;
    const char *text; /* the claim in one sentence */
    struct {
        double value; /* NAN when the source gives no number */
        const char *unit, *where;
    } paper;
    double measured;
    const char *unit;
    /* `reproduced` iff low <= measured <= high (-INFINITY, INFINITY for one-sided thresholds). */
    double low, high;
    /* The value of "no effect".  Between it and the threshold the verdict is `direction`: the right
     * sign, but less than claimed; NAN: there is no such value. */
    double no_effect;
    const char *explained; /* why an honest failure at this scale is expected; else NULL */
};

/* Emits one row; the verdict is derived from it.  Strings must outlive the call only. */
void check_row(struct check *check, const struct claim *claim);

/* Emits a row that could not be judged here (no model, no such hardware), with the reason. */
void check_skip(struct check *check, const char *row, enum claim_kind kind, const char *text,
                const char *reason);

/* The generator of this check; its seed is in the record. */
struct rng *check_rng(struct check *check);

/* The features a check may use, as in struct trial. */
unsigned check_features(const struct check *check);

/* The folder of real inputs that the user named (ASSAY_DATA), or NULL: rows that need one of its
 * files are skipped then, as they are when the file is not there. */
const char *check_data_dir(const struct check *check);

/* Times the named variants of one task and case in one interleaved block, on all threads, with the
 * harness's own clock and rules: median_ns[i] per iteration of variants[i].  Not OK: a reason is in
 * err, and nothing was written.  For rows of kind CLAIM_TIMING only. */
enum status check_time(struct check *check, const char *task, const char *case_name,
                       const char *const *variants, size_t n, double *median_ns, struct err *err);

#endif
