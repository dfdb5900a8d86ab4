/*
 * Iterations over rotating copies by a team of threads: what every workload's run() does.
 *
 * A cold case works on another copy in each iteration, as many as exceed four times the last-level
 * cache, so that no copy is still cached when its turn comes again.  Each thread owns a contiguous
 * range of the parts of a copy (rows, blocks), and an iteration ends when every thread is done with
 * it, as a decode step needs the whole of a layer's output before the next layer begins.
 */
#ifndef BENCH_WORKLOADS_ROTATION_H
#define BENCH_WORKLOADS_ROTATION_H

#include <omp.h>
#include <stddef.h>

#include "bench/technique.h"

struct rotation {
    size_t copies, next; /* next: of the next iteration; kept between calls */
    size_t parts;        /* of a copy */
    int threads;
};

/* Copies for this variant of a case: 1 for a warm one. bytes > 0: what one copy of it occupies. */
static inline size_t rotation_copies(const struct trial *t, size_t bytes)
{
    return t->c->flags & DRAM ? 4 * t->llc_bytes / bytes + 1 : 1;
}

/* Does parts first .. end-1 of one copy; thread is 0 .. threads-1. */
typedef void rotation_fn(void *user, size_t copy, size_t first, size_t end, size_t thread);

static inline void rotation_run(struct rotation *r, size_t n, rotation_fn *each, void *user)
{
#pragma omp parallel num_threads(r->threads) if (r->threads > 1)
    {
        /* the team may be smaller than asked for */
        size_t team = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
        size_t first = r->parts * me / team, end = r->parts * (me + 1) / team, copy = r->next;
        for (size_t i = 0; i < n; i++) {
            each(user, copy, first, end, me);
            copy = copy + 1 < r->copies ? copy + 1 : 0;
            if (team > 1) { /* alone, a barrier would take longer than a short row */
#pragma omp barrier
            }
        }
    }
    r->next = (r->next + n) % r->copies;
}

#endif
