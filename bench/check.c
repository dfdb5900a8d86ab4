#include "bench/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"reproduced", "skipped", "direction", "not-reproduced",
                                        "error"};
    return names[v];
}

enum verdict claim_verdict(const struct claim *c)
{
    if (!isfinite(c->measured))
        return CHECK_ERROR;
    if (c->low <= c->measured && c->measured <= c->high)
        return REPRODUCED;
    /* Right sign: between "no effect" and the threshold. */
    if (c->no_effect < c->low && c->no_effect < c->measured && c->measured < c->low)
        return DIRECTION;
    if (c->no_effect > c->high && c->no_effect > c->measured && c->measured > c->high)
        return DIRECTION;
    return NOT_REPRODUCED;
}

/* Copies *text into the block at *to and lets *text point there. */
static void keep(const char **text, char **to)
{
    if (*text) {
        size_t n = strlen(*text) + 1;
        memcpy(*to, *text, n);
        *text = *to;
        *to += n;
    }
}

static void append(struct check *check, struct claim claim, enum verdict verdict,
                   const char *reason)
{
    const char **texts[] = {
        &claim.row,       &claim.text, &claim.paper.unit, &claim.paper.where, &claim.unit,
        &claim.explained, &reason};
    enum { N_TEXTS = sizeof texts / sizeof texts[0] };
    size_t bytes = 1;
    for (size_t i = 0; i < N_TEXTS; i++)
        bytes += *texts[i] ? strlen(*texts[i]) + 1 : 0;
    struct check_result *results = realloc(check->results, (check->n + 1) * sizeof *results);
    char *strings = malloc(bytes), *to = strings;
    if (results)
        check->results = results;
    if (!results || !strings) {
        free(strings);
        check->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < N_TEXTS; i++)
        keep(texts[i], &to);
    results[check->n++] = (struct check_result){claim, verdict, strings, (char *)reason};
    if (check->on_row)
        check->on_row(check, &results[check->n - 1]);
}

void check_row(struct check *check, const struct claim *claim)
{
    enum verdict verdict = claim_verdict(claim);
    append(check, *claim, verdict,
           verdict == CHECK_ERROR ? "the measured value is not finite" : NULL);
}

void check_skip(struct check *check, const char *row, enum claim_kind kind, const char *text,
                const char *reason)
{
    struct claim claim = {.row = row,
                          .kind = kind,
                          .text = text,
                          .paper.value = NAN,
                          .measured = NAN,
                          .low = NAN,
                          .high = NAN,
                          .no_effect = NAN};
    append(check, claim, SKIPPED, reason);
}

struct rng *check_rng(struct check *check)
{
    return &check->rng;
}

unsigned check_features(const struct check *check)
{
    return check->features;
}

const char *check_data_dir(const struct check *check)
{
    return check->data_dir;
}

void check_run(struct check *check)
{
    check->technique->check(check);
}

void check_free(struct check *check)
{
    for (size_t i = 0; i < check->n; i++)
        free(check->results[i].strings);
    free(check->results);
    check->results = NULL;
    check->n = 0;
}
