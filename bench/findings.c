#include "bench/findings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/technique.h"

static void append(struct findings *f, struct finding row)
{
    struct finding *rows = realloc(f->rows, (f->n + 1) * sizeof *rows);
    if (!rows) {
        f->out_of_memory = true;
        return;
    }
    rows[f->n] = row;
    f->rows = rows;
    f->n++;
}

void trial_correctness(struct trial *t, const char *metric, double value, double bound)
{
    struct finding row = {.correctness = true, .value = value, .bound = bound};
    snprintf(row.metric, sizeof row.metric, "%s", metric);
    append(t->findings, row);
}

void trial_fidelity(struct trial *t, const char *subject, const char *metric, double value,
                    const char *reference, int proxy)
{
    struct finding row = {.proxy = proxy != 0, .value = value};
    snprintf(row.subject, sizeof row.subject, "%s", subject ? subject : "");
    snprintf(row.metric, sizeof row.metric, "%s", metric);
    snprintf(row.reference, sizeof row.reference, "%s", reference);
    append(t->findings, row);
}

void findings_free(struct findings *f)
{
    free(f->rows);
    *f = (struct findings){0};
}

bool finding_right(const struct finding *row)
{
    return isfinite(row->bound) && row->value <= row->bound; /* so NaN is wrong */
}

bool findings_right(const struct findings *f)
{
    size_t checked = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->rows[i].correctness) {
            if (!finding_right(&f->rows[i]))
                return false;
            checked++;
        }
    return checked && !f->out_of_memory;
}
