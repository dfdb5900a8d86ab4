#include "bench/measure.h"

#include "datasets/mapping.h"
#include "numerics/cpu.h"

const char *cell_status_name(enum cell_status s)
{
    static const char *const names[] = {"ok", "skipped", "invalid", "failed"};
    return names[s];
}

const char *cell_mode_name(enum cell_mode m)
{
    static const char *const names[] = {NULL, "warm", "cold"};
    return names[m];
}

/* Judged by the footprint, not by the case's flag: the cache may be another than the case's author
 * thought of. */
static enum cell_mode mode_of(size_t footprint_bytes, size_t llc_bytes)
{
    if (!footprint_bytes || !llc_bytes)
        return MODE_NEITHER;
    if (footprint_bytes / COLD_FACTOR >= llc_bytes)
        return MODE_COLD;
    return footprint_bytes <= llc_bytes ? MODE_WARM : MODE_NEITHER;
}

static void set(struct cell *cell, enum cell_status status, const char *reason)
{
    cell->status = status;
    status_fail(&cell->reason, E_FAILED, "%s", reason);
}

static void run_trial(void *context, size_t n)
{
    struct trial *t = context;
    t->v->run(t, n);
}

/* The first wrong row, or what else is wrong with the findings. */
static void explain_invalid(struct cell *cell)
{
    const struct findings *f = &cell->findings;
    if (f->out_of_memory) {
        set(cell, CELL_FAILED, "out of memory for the findings");
        return;
    }
    set(cell, CELL_INVALID, "the technique reported no correctness");
    for (size_t i = f->n; i-- > 0;)
        if (f->rows[i].correctness && !finding_right(&f->rows[i]))
            status_fail(&cell->reason, E_FAILED, "%s is %g, bound %g", f->rows[i].metric,
                        f->rows[i].value, f->rows[i].bound);
}

/* From the first run on; the trial is prepared. */
static void run_check_time(const struct block *b, struct trial *t, struct cell *cell)
{
    t->v->run(t, 1);
    b->task->fidelity(t);
    cell->work = b->task->work(t);
    cell->footprint_bytes = t->footprint_bytes;
    cell->mode = mode_of(t->footprint_bytes, b->llc_bytes);
    cell->ran = true;
    if (!findings_right(&cell->findings)) {
        explain_invalid(cell);
        return;
    }
    if (b->observe) {
        b->observe(b->user, t, cell);
        return;
    }
    struct gbench job = {.run = run_trial,
                         .context = t,
                         .items = &t->items_done,
                         .iterations = b->iterations,
                         .min_time_s = b->min_time_s};
    if (gbench_time(&job, &cell->sample, &cell->reason))
        cell->status = CELL_FAILED;
    else if (!(cell->sample.items > 0)) /* not counted by run(), so the same in every iteration */
        cell->sample.items = cell->work.items * (double)cell->sample.iterations;
}

void measure_cell(const struct block *b, const struct variant *v, struct cell *cell)
{
    struct rng rng = {b->seed};
    *cell = (struct cell){.v = v, .isa = cpu_isa_name(b->features)};
    const char *no_such_case = b->task->skip ? b->task->skip(v, b->c) : NULL;
    if (no_such_case) {
        set(cell, CELL_SKIPPED, no_such_case);
        return;
    }
    struct trial t = {.v = v,
                      .c = b->c,
                      .threads = b->threads,
                      .features = b->features,
                      .rng = &rng,
                      .user_weights = b->weights,
                      .llc_bytes = b->llc_bytes,
                      .findings = &cell->findings};
    enum status s = b->task->prepare(&t, &cell->reason);
    if (t.isa)
        cell->isa = t.isa;
    cell->weights_taken = t.weights_taken;
    if (!s)
        run_check_time(b, &t, cell);
    else if (s == E_SKIP)
        cell->status = CELL_SKIPPED;
    else
        cell->status = CELL_FAILED;
    if (cell->status && !cell->reason.text[0])
        status_fail(&cell->reason, E_FAILED, s == E_NOMEM ? "out of memory" : "no reason given");
    b->task->release(&t);
}

const struct tensor *trial_weights(struct trial *t)
{
    t->weights_taken = t->user_weights != NULL;
    return t->user_weights;
}

void cell_free(struct cell *cell)
{
    findings_free(&cell->findings);
}

uint64_t block_data_hash(const struct block *b, bool weights_taken)
{
    if (weights_taken)
        return mapping_hash(b->weights->data, b->weights->count * dtype_bytes(b->weights->dtype));
    struct rng rng = {b->seed};
    uint64_t draws[1 << 12];
    for (size_t i = 0; i < sizeof draws / sizeof draws[0]; i++)
        draws[i] = rng_u64(&rng);
    return mapping_hash(draws, sizeof draws);
}
