/* Every registered technique keeps the contract of bench/technique.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/check.h"
#include "bench/findings.h"
#include "bench/registry.h"
#include "numerics/cpu.h"

enum { SEED = 1, LLC_BYTES = 1 << 20 }; /* a small cache: few copies, quick tests */

#define FOR_EACH(type, item, first) for (const type *item = (first); item->name; item++)

/* The smallest case that a test may run. */
static const struct matrix_case *smoke_case(const struct task *task)
{
    FOR_EACH(struct matrix_case, c, task->cases)
    if (c->flags & SMOKE)
        return c;
    return NULL;
}

static const char *where(const struct technique *t, const struct task *k, const struct variant *v)
{
    static char text[160];
    snprintf(text, sizeof text, "%s/%s/%s", t->id, k->name, v->name);
    return text;
}

/* The value of a fidelity row, or NaN. */
static double fidelity_value(const struct findings *f, const char *subject, const char *metric)
{
    for (size_t i = 0; i < f->n; i++)
        if (!f->rows[i].correctness && !strcmp(f->rows[i].metric, metric) &&
            !strcmp(f->rows[i].subject, subject ? subject : ""))
            return f->rows[i].value;
    return NAN;
}

static void expected_values_hold(const struct technique *t, const struct task *k,
                                 const struct variant *v, const struct findings *f)
{
    for (const struct expect *e = t->expect; e && e->task; e++) {
        if (strcmp(e->task, k->name) || strcmp(e->variant, v->name))
            continue;
        double value = fidelity_value(f, e->subject, e->metric);
        if (!(fabs(value - e->value) <= e->tolerance))
            fail_msg("%s: seed %d: %s %s is %.9g, expected %g +- %g: %s", where(t, k, v), SEED,
                     e->subject ? e->subject : "", e->metric, value, e->value, e->tolerance,
                     e->why);
    }
}

static void trial_keeps_the_contract(const struct technique *t, const struct task *k,
                                     const struct variant *v, unsigned features)
{
    struct rng rng = {SEED};
    struct findings findings = {0};
    struct err err = {{0}};
    struct trial trial = {.v = v,
                          .c = smoke_case(k),
                          .threads = 2,
                          .features = features,
                          .rng = &rng,
                          .llc_bytes = LLC_BYTES,
                          .findings = &findings};
    if (k->skip && (k->skip)(v, trial.c)) /* cmocka has a macro skip() */
        return;
    enum status s = k->prepare(&trial, &err);
    if (s == E_SKIP) {
        print_message("%s: skipped: %s\n", where(t, k, v), err.text);
        k->release(&trial);
        return;
    }
    if (s)
        fail_msg("%s: prepare: %s", where(t, k, v), err.text);
    size_t cold = trial.c->flags & DRAM ? 4 * (size_t)LLC_BYTES : 1;
    if (trial.footprint_bytes < cold)
        fail_msg("%s: occupies %zu bytes, needs %zu", where(t, k, v), trial.footprint_bytes, cold);
    v->run(&trial, 1);
    struct work w = k->work(&trial);
    if (!(w.items > 0) || !w.unit || !(w.bytes_read + w.bytes_written > 0) || !(w.flops >= 0))
        fail_msg("%s: work is not positive", where(t, k, v));
    if (w.roof >= ROOF_FMA_F32 && !(w.roof_ops > 0))
        fail_msg("%s: a compute roof without operations", where(t, k, v));
    k->fidelity(&trial);
    for (size_t i = 0; i < findings.n; i++)
        if (findings.rows[i].correctness && !finding_right(&findings.rows[i]))
            fail_msg("%s, %s, seed %d: %s is %g, bound %g", where(t, k, v), cpu_isa_name(features),
                     SEED, findings.rows[i].metric, findings.rows[i].value, findings.rows[i].bound);
    if (!findings_right(&findings))
        fail_msg("%s: no correctness was reported", where(t, k, v));
    if (features == cpu_features())
        expected_values_hold(t, k, v, &findings);
    v->run(&trial, 3); /* a copy index, a rolled-back cache: a second call must work too */
    findings_free(&findings);
    k->release(&trial);
}

static void every_variant_is_right_on_every_instruction_set(void **unused)
{
    (void)unused;
    static const char *const isas[] = {"ref", "avx2", "avx512", "vnni"};
    unsigned last = ~0u;
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        unsigned features;
        assert_int_equal(cpu_at_most(isas[i], cpu_features(), &features, NULL), OK);
        if (features == last)
            continue;
        last = features;
        for (const struct registry_row *r = registry; r->technique; r++)
            FOR_EACH(struct task, k, r->technique->tasks)
        FOR_EACH(struct variant, v, k->variants)
        trial_keeps_the_contract(r->technique, k, v, features);
    }
}

static void every_descriptor_is_complete(void **unused)
{
    (void)unused;
    for (const struct registry_row *r = registry; r->technique; r++) {
        const struct technique *t = r->technique;
        if (!t->id || !t->title || !t->source || !t->claim || !t->check || !(t->check_seconds > 0))
            fail_msg("%s: a member of the descriptor is missing", t->id);
        assert_ptr_equal(registry_find(t->id), r); /* ids are unique */
        FOR_EACH(struct task, k, t->tasks)
        {
            if (!k->prepare || !k->work || !k->fidelity || !k->release || !smoke_case(k))
                fail_msg("%s/%s: a function or a SMOKE case is missing", t->id, k->name);
            FOR_EACH(struct matrix_case, c, k->cases)
            if (!(c->flags & DRAM) == !(c->flags & CACHE))
                fail_msg("%s/%s: case %s is neither or both of DRAM and CACHE", t->id, k->name,
                         c->name);
            FOR_EACH(struct variant, v, k->variants)
            if (!v->run || !v->title || task_variant(k, v->name) != v)
                fail_msg("%s: incomplete, or twice there", where(t, k, v));
        }
        for (const struct expect *e = t->expect; e && e->task; e++) {
            const struct task *k = technique_task(t, e->task);
            if (!k || !task_variant(k, e->variant) || !(e->tolerance > 0) || !e->why)
                fail_msg("%s: expect row for %s/%s fits nothing, or has no reason", t->id, e->task,
                         e->variant);
        }
    }
}

static void quick_checks_hold(void **unused)
{
    (void)unused;
    for (const struct registry_row *r = registry; r->technique; r++) {
        if (r->technique->check_seconds > 5)
            continue;
        struct check check = {.technique = r->technique, .rng = {SEED}, .features = cpu_features()};
        check_run(&check);
        assert_false(check.out_of_memory);
        size_t judged = 0;
        for (size_t i = 0; i < check.n; i++) {
            const struct check_result *row = &check.results[i];
            if (row->claim.kind == CLAIM_TIMING)
                continue;
            judged += row->verdict != SKIPPED;
            if (row->verdict == CHECK_ERROR || (row->verdict >= DIRECTION && !row->claim.explained))
                fail_msg("%s: %s: %s: measured %g, wanted %g..%g (seed %d)", r->technique->id,
                         row->claim.row, verdict_name(row->verdict), row->claim.measured,
                         row->claim.low, row->claim.high, SEED);
        }
        if (!judged)
            fail_msg("%s: the check judged no row of its own", r->technique->id);
        check_free(&check);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_descriptor_is_complete),
        cmocka_unit_test(every_variant_is_right_on_every_instruction_set),
        cmocka_unit_test(quick_checks_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
