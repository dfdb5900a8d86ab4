#include "cli/bench_dry_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/roofline.h"
#include "cli/bench_table.h"

/* Read bandwidth of DRAM as it was measured for that number of threads: what the control of a block
 * will about be.  NAN when it was not. */
static double stored_control(const struct json *machine, int threads)
{
    double best = NAN;
    for (const struct json *r = json_first(json_get(machine, "roofs")); r; r = json_next(r))
        if (!strcmp(json_get_string(r, "name", ""), "read") &&
            !strcmp(json_get_string(r, "level", ""), "DRAM") &&
            json_get_number(r, "threads", 0) == threads)
            best = fmax(best, json_get_number(r, "value", NAN));
    return best;
}

static void print_cell(const struct json *machine, const struct json *cell, int threads)
{
    const struct json *work = json_get(cell, "work");
    const char *reason = json_get_string(cell, "reason", NULL);
    char bytes[32], footprint[32], limit[32] = "-", bound[48] = "";
    struct roofline roofline;
    bench_table_bytes(json_get_number(work, "bytes_read", NAN) +
                          json_get_number(work, "bytes_written", NAN),
                      bytes, sizeof bytes);
    bench_table_bytes(json_get_number(cell, "footprint_bytes", NAN), footprint, sizeof footprint);
    if (roofline_limit(machine, cell, threads, stored_control(machine, threads), &roofline)) {
        bench_table_time(roofline.limit_s, limit, sizeof limit);
        snprintf(bound, sizeof bound, "%s%s%s", roofline.bound, roofline.level ? " " : "",
                 roofline.level ? roofline.level : "");
    }
    printf("  %-24s %-5s %10s %10s  %10s %-12s%s%s\n", json_get_string(cell, "variant", ""),
           json_get_string(cell, "mode", "-"), bytes, footprint, limit, bound,
           reason ? json_get_string(cell, "status", "") : "", reason ? ": " : "");
    if (reason)
        printf("    %s\n", reason);
}

/* The cells of the round in the plan's order: their own is shuffled. */
static void print_block(const struct json *machine, const struct plan_block *block,
                        const struct json *round)
{
    char name[256];
    plan_block_name(block, name, sizeof name);
    printf("%s, %d thread%s\n  %-24s %-5s %10s %10s  %10s\n", name, block->threads,
           block->threads == 1 ? "" : "s", "variant", "mode", "bytes", "footprint", "limit");
    for (size_t i = 0; i < block->n_variants; i++)
        for (const struct json *c = json_first(json_get(round, "cells")); c; c = json_next(c))
            if (!strcmp(json_get_string(c, "variant", ""), block->variants[i]->name))
                print_cell(machine, c, block->threads);
}

enum status bench_dry_run(const struct runner *r, const struct json *machine, struct err *err)
{
    struct runner survey = *r;
    double block_s = 0;
    size_t n_blocks = 0, n_cells = 0;
    enum status s = OK;
    survey.iterations = 1;
    survey.control = false;
    survey.rounds = 1;
    for (size_t i = 0; !s && i < r->plan->n_blocks; i++) {
        const struct plan_block *block = &r->plan->blocks[i];
        struct json *round = NULL;
        if (!plan_in_shard(&r->shard, i))
            continue;
        n_blocks++;
        n_cells += block->n_variants;
        s = stop_asked(r->stop) ? status_fail(err, E_INTERRUPTED, "interrupted")
                                : runner_block(&survey, i, 0, i, NULL, &round, err);
        if (s)
            break;
        print_block(machine, block, round);
        /* Beside the timed part a cell prepares and checks as it just did; the search for the
         * number of iterations takes about as long again as the timed part. */
        block_s += json_get_number(round, "elapsed_s", 0);
        if (!r->iterations)
            block_s += 2 * r->min_time_s * (double)block->n_variants;
        json_free(round);
    }
    if (!s)
        printf("\n%zu cells in %zu blocks, %u round%s: about %.0f s\n", n_cells, n_blocks,
               r->rounds, r->rounds == 1 ? "" : "s", ceil(block_s * r->rounds));
    if (!s && !json_size(json_get(machine, "roofs")))
        printf("no limits are shown: --out DIR with an earlier run of this machine has them\n");
    return s;
}
