#include "plots/style.h"

#include <stdlib.h>
#include <string.h>

static const unsigned colours[] = {0x0072b2, 0xe69f00, 0x009e73, 0xcc79a7, 0xd55e00, 0x56b4e9,
                                   0x882255, 0x999933, 0x332288, 0xaa4499, 0x6b3e26};
/* circle, square, triangle up, diamond, triangle down, pentagon */
static const int shapes[] = {7, 5, 9, 13, 11, 15};
static const int dashes[] = {1, 2, 4, 5, 3};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct look look_at(size_t i)
{
    return (struct look){colours[i % COUNT(colours)], shapes[i % COUNT(shapes)],
                         dashes[i % COUNT(dashes)]};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t find(const struct styles *s, const char *name)
{
    const char **at = s->n ? bsearch(&name, s->names, s->n, sizeof name, by_name) : NULL;
    return at ? (size_t)(at - s->names) : s->n;
}

enum status styles_assign(const struct results *r, struct styles *out, struct err *err)
{
    struct styles s = {.names = calloc(r->n_cells + 1, sizeof *s.names),
                       .baseline = calloc(r->n_cells + 1, sizeof *s.baseline)};
    if (!s.names || !s.baseline) {
        styles_free(&s);
        return status_fail(err, E_NOMEM, "not enough memory to style the variants");
    }
    for (size_t i = 0; i < r->n_cells; i++)
        s.names[i] = r->cells[i].variant;
    qsort(s.names, r->n_cells, sizeof *s.names, by_name);
    for (size_t i = 0; i < r->n_cells; i++)
        if (!s.n || strcmp(s.names[s.n - 1], s.names[i]))
            s.names[s.n++] = s.names[i];
    for (size_t i = 0; i < r->n_cells; i++)
        if (!strcmp(r->cells[i].role, "baseline"))
            s.baseline[find(&s, r->cells[i].variant)] = true;
    *out = s;
    return OK;
}

void styles_free(struct styles *s)
{
    free(s->names);
    free(s->baseline);
    *s = (struct styles){0};
}

struct look styles_look(const struct styles *s, const char *variant)
{
    size_t i = find(s, variant);
    struct look look = look_at(i);
    if (i < s->n && s->baseline[i])
        look.rgb = LOOK_NEUTRAL;
    return look;
}
