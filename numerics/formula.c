#include "numerics/formula.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TERMS = 8, MAX_WORD = 24, MAX_DEPTH = 32 };

/* A product of powers of words. */
struct unit {
    struct {
        char word[MAX_WORD];
        int power;
    } terms[MAX_TERMS];
    size_t n;
};

struct quantity {
    double value;
    struct unit unit;
};

struct parser {
    const char *text, *at;
    const struct formula_symbol *symbols;
    const char *missing;
    int depth;
    struct err *err;
    enum status status; /* of the first error; what follows it does nothing */
};

static void fail(struct parser *p, const char *what)
{
    if (!p->status)
        p->status =
            status_fail(p->err, E_FORMAT, "formula '%.100s', at '%.30s': %s", p->text, p->at, what);
}

static void multiply_word(struct parser *p, struct unit *u, const char *word, size_t n, int power)
{
    size_t i = 0;
    while (i < u->n && (strlen(u->terms[i].word) != n || memcmp(u->terms[i].word, word, n)))
        i++;
    if (i == u->n) {
        if (n >= MAX_WORD || u->n == MAX_TERMS) {
            fail(p, "the unit is too long");
            return;
        }
        memcpy(u->terms[i].word, word, n);
        u->terms[i].word[n] = '\0';
        u->terms[i].power = 0;
        u->n++;
    }
    u->terms[i].power += power;
    if (!u->terms[i].power)
        u->terms[i] = u->terms[--u->n];
}

static struct unit parse_unit(struct parser *p, const char *text, size_t n)
{
    struct unit u = {.n = 0};
    int power = 1;
    for (size_t i = 0; i < n && !p->status;) {
        size_t word = i;
        while (i < n && isalnum((unsigned char)text[i]))
            i++;
        if (i == word || (i < n && text[i] != '*' && text[i] != '/')) {
            fail(p, "a unit is words between '*' and '/'");
            break;
        }
        if (i - word != 1 || text[word] != '1')
            multiply_word(p, &u, text + word, i - word, power);
        if (i < n)
            power = text[i++] == '/' ? -1 : 1;
    }
    return u;
}

static bool same_unit(const struct unit *a, const struct unit *b)
{
    size_t same = 0;
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++)
            same += !strcmp(a->terms[i].word, b->terms[k].word) &&
                    a->terms[i].power == b->terms[k].power;
    return same == a->n && a->n == b->n;
}

static void skip_space(struct parser *p)
{
    while (*p->at == ' ')
        p->at++;
}

static struct quantity parse_sum(struct parser *p);

static struct quantity parse_number(struct parser *p)
{
    char *end;
    struct quantity q = {.value = strtod(p->at, &end)};
    p->at = end;
    const char *close = *p->at == '[' ? strchr(p->at, ']') : NULL;
    if (close) {
        q.unit = parse_unit(p, p->at + 1, (size_t)(close - p->at - 1));
        p->at = close + 1;
    }
    return q;
}

static struct quantity parse_name(struct parser *p)
{
    struct quantity q = {.value = NAN};
    const char *name = p->at;
    size_t n = 0;
    while (isalnum((unsigned char)name[n]) || (n && name[n] && strchr("-_.:", name[n])))
        n++;
    const struct formula_symbol *s = p->symbols;
    while (s->name && (strlen(s->name) != n || memcmp(s->name, name, n)))
        s++;
    if (!s->name) {
        fail(p, "no event or quantity of this name");
        return q;
    }
    p->at += n;
    q.value = s->value;
    q.unit = parse_unit(p, s->unit, strlen(s->unit));
    if (isnan(s->value) && !p->missing)
        p->missing = s->name;
    return q;
}

static struct quantity parse_factor(struct parser *p)
{
    struct quantity q = {.value = NAN};
    skip_space(p);
    if (*p->at == '(' && p->depth < MAX_DEPTH) {
        p->at++;
        p->depth++;
        q = parse_sum(p);
        p->depth--;
        if (*p->at == ')')
            p->at++;
        else
            fail(p, "a ')' is missing");
    } else if (isdigit((unsigned char)*p->at)) {
        q = parse_number(p);
    } else if (isalpha((unsigned char)*p->at)) {
        q = parse_name(p);
    } else {
        fail(p, "a name, a number or '(' is missing");
    }
    skip_space(p);
    return q;
}

static struct quantity parse_product(struct parser *p)
{
    struct quantity q = parse_factor(p);
    while (!p->status && (*p->at == '*' || *p->at == '/')) {
        bool divides = *p->at++ == '/';
        struct quantity right = parse_factor(p);
        q.value = divides ? right.value ? q.value / right.value : NAN : q.value * right.value;
        for (size_t i = 0; i < right.unit.n && !p->status; i++)
            multiply_word(p, &q.unit, right.unit.terms[i].word, strlen(right.unit.terms[i].word),
                          divides ? -right.unit.terms[i].power : right.unit.terms[i].power);
    }
    return q;
}

static struct quantity parse_sum(struct parser *p)
{
    struct quantity q = parse_product(p);
    while (!p->status && (*p->at == '+' || *p->at == '-')) {
        bool subtracts = *p->at++ == '-';
        struct quantity right = parse_product(p);
        if (!p->status && !same_unit(&q.unit, &right.unit))
            fail(p, "a sum of different units");
        q.value += subtracts ? -right.value : right.value;
    }
    return q;
}

enum status formula_evaluate(const char *text, const char *unit,
                             const struct formula_symbol *symbols, struct formula_result *out,
                             struct err *err)
{
    struct parser p = {.text = text, .at = text, .symbols = symbols, .err = err};
    struct quantity q = parse_sum(&p);
    if (!p.status && *p.at)
        fail(&p, "text after the end");
    struct unit wanted = parse_unit(&p, unit, strlen(unit));
    if (!p.status && !same_unit(&q.unit, &wanted))
        p.status =
            status_fail(err, E_FORMAT, "formula '%.100s': its unit is not %.60s", text, unit);
    if (!p.status)
        *out = (struct formula_result){q.value, p.missing};
    return p.status;
}
