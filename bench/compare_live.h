/*
 * Two builds compared while they run: single rounds of their workers, interleaved block by block.
 *
 * In each pair a block is measured three times in an order drawn from the seed: by the base, by the
 * new build, and by the base again.  The ratio of a pair is formed from neighbours in time, so the
 * drift of the host cancels; base against base goes the same way as new against base, and tells how
 * often this host, now, calls alike things different.
 *
 *   screening     LIVE_SCREEN pairs of every block.  A cell is flagged when the exact interval of
 *                 its median ratio leaves 1 out and reaches beyond the margin; of either
 * comparison. confirmation  LIVE_CONFIRM fresh pairs of the blocks with a flagged cell; the flagged
 * cells are judged by these alone: median ratio, exact sign-test interval, Holm over them.
 *
 * A cell that was not flagged is equivalent or unresolved by its screening pairs.
 */
#ifndef BENCH_COMPARE_LIVE_H
#define BENCH_COMPARE_LIVE_H

#include "bench/runner.h"

enum { LIVE_SCREEN = 12, LIVE_CONFIRM = 40 };

/* runner: of the base; its program is replaced by the second for the new build, its rounds are not
 * used.  Adds mode, margin, base, new, notes, false_alarms, cells, unmatched and summary to a
 * document of kind "compare".  Errors as runner_block(), and nothing was added; but with
 * E_INTERRUPTED the pairs that were done are judged, and a note says so, if there was one. */
enum status compare_live(const struct runner *runner, const char *new_program, double margin,
                         struct json *document, struct err *err);

#endif
