#include "datasets/csv.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "datasets/mapping.h"

enum { MOST_BYTES = INT32_MAX, MOST_COLUMNS = 4096 };

/* A table under construction. */
struct parser {
    const char *at, *end, *name;
    size_t line;
    char *out; /* where the next string goes: never ahead of what was read */
    const char **cells;
    size_t n_cells, room;
    struct csv table;
    struct err *err;
};

static enum status fail(const struct parser *p, const char *what)
{
    return status_fail(p->err, E_FORMAT, "%s: line %zu: %s", p->name, p->line, what);
}

static bool at_line_end(const struct parser *p)
{
    return p->at == p->end || *p->at == '\n' ||
           (*p->at == '\r' && (p->at + 1 == p->end || p->at[1] == '\n'));
}

static void skip_line_end(struct parser *p)
{
    if (p->at < p->end && *p->at == '\r')
        p->at++;
    if (p->at < p->end)
        p->at++;
    p->line++;
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
        p->at++;
}

/* Reads up to the closing quote; the opening one has been read. */
static enum status read_quoted(struct parser *p)
{
    for (;;) {
        if (p->at == p->end)
            return fail(p, "a quote does not end");
        char c = *p->at++;
        if (c == '"') {
            if (p->at == p->end || *p->at != '"')
                break;
            p->at++;
        }
        p->line += c == '\n';
        *p->out++ = c;
    }
    skip_blanks(p);
    if (!at_line_end(p) && *p->at != ',')
        return fail(p, "text after a closing quote");
    return OK;
}

static enum status read_cell(struct parser *p)
{
    enum status s = OK;
    if (p->n_cells == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        const char **cells = realloc(p->cells, room * sizeof *cells);
        if (!cells)
            return status_fail(p->err, E_NOMEM, "%s: no memory for its cells", p->name);
        p->cells = cells;
        p->room = room;
    }
    skip_blanks(p);
    char *start = p->out;
    if (p->at < p->end && *p->at == '"') {
        p->at++;
        s = read_quoted(p);
    } else {
        while (!at_line_end(p) && *p->at != ',')
            *p->out++ = *p->at++;
        while (p->out > start && (p->out[-1] == ' ' || p->out[-1] == '\t'))
            p->out--;
    }
    *p->out++ = 0; /* in the place of the comma or line end, or the byte kept for the last cell */
    p->cells[p->n_cells++] = start;
    return s;
}

static enum status read_row(struct parser *p)
{
    size_t before = p->n_cells;
    for (;;) {
        enum status s = read_cell(p);
        if (s)
            return s;
        if (at_line_end(p))
            break;
        p->at++; /* the comma */
    }
    size_t cells = p->n_cells - before;
    if (cells > MOST_COLUMNS)
        return fail(p, "more than 4096 cells");
    if (!p->table.columns)
        p->table.columns = cells;
    else if (cells != p->table.columns)
        return status_fail(p->err, E_FORMAT, "%s: line %zu has %zu cells, the header %zu", p->name,
                           p->line, cells, p->table.columns);
    skip_line_end(p);
    return OK;
}

static enum status add_line(struct parser *p, size_t line)
{
    size_t n = p->table.rows;
    if (!(n & (n - 1))) { /* room for the next power of two */
        size_t *lines = realloc(p->table.line, 2 * (n ? n : 1) * sizeof *lines);
        if (!lines)
            return status_fail(p->err, E_NOMEM, "%s: no memory for its rows", p->name);
        p->table.line = lines;
    }
    p->table.line[n] = line;
    p->table.rows = n + 1;
    return OK;
}

static enum status read_rows(struct parser *p)
{
    while (p->at < p->end) {
        const char *start = p->at;
        size_t line = p->line;
        skip_blanks(p);
        if (p->at < p->end && *p->at == '#') {
            while (!at_line_end(p))
                p->at++;
        }
        if (at_line_end(p)) { /* empty, or a comment */
            skip_line_end(p);
            continue;
        }
        p->at = start;
        bool header = !p->table.columns;
        enum status s = read_row(p);
        if (!s && !header)
            s = add_line(p, line);
        if (s)
            return s;
    }
    return OK;
}

static enum status check_header(struct parser *p)
{
    const struct csv *t = &p->table;
    if (!t->columns)
        return fail(p, "there is no header row");
    for (size_t i = 0; i < t->columns; i++)
        for (size_t j = 0; j < i; j++)
            if (!strcmp(t->header[i], t->header[j]))
                return status_fail(p->err, E_FORMAT, "%s: two columns are named '%s'", p->name,
                                   t->header[i]);
    return OK;
}

enum status csv_parse(const char *bytes, size_t n, const char *name, struct csv *out,
                      struct err *err)
{
    struct parser p = {.at = bytes, .end = bytes + n, .name = name, .line = 1, .err = err};
    enum status s = OK;
    if (n > MOST_BYTES || memchr(bytes, 0, n))
        return status_fail(err, E_FORMAT, "%s: %s", name,
                           n > MOST_BYTES ? "more than 2 GiB" : "a NUL: this is no text");
    if (n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
        p.at += 3;
    p.table.text = p.out = malloc(n + 1); /* a cell is as long as in the file, but for its end */
    if (!p.out)
        s = status_fail(err, E_NOMEM, "%s: no memory for %zu bytes", name, n);
    if (!s)
        s = read_rows(&p);
    p.table.header = p.cells;
    if (!s)
        s = check_header(&p);
    if (s) {
        csv_free(&p.table);
        return s;
    }
    p.table.cells = p.cells + p.table.columns;
    *out = p.table;
    return OK;
}

enum status csv_read(const char *path, struct csv *out, struct err *err)
{
    struct mapping m;
    enum status s = mapping_open(path, &m, err);
    if (s)
        return s;
    s = csv_parse(m.bytes, m.n, path, out, err);
    mapping_close(&m);
    return s;
}

void csv_free(struct csv *t)
{
    free(t->header);
    free(t->line);
    free(t->text);
    *t = (struct csv){0};
}

/* ---- Columns ---- */

size_t csv_column(const struct csv *t, const char *name)
{
    for (size_t i = 0; i < t->columns; i++)
        if (!strcmp(t->header[i], name))
            return i;
    for (size_t i = 0; i < t->columns; i++)
        if (!strcasecmp(t->header[i], name))
            return i;
    return t->columns;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies digits from *at to *out; returns how many. */
static size_t copy_digits(const char **at, char **out)
{
    size_t n = 0;
    for (; is_digit(**at); n++)
        *(*out)++ = *(*at)++;
    return n;
}

/* The digits before the point, thousands apart or together: groups after the first are of three,
 * with one separator throughout. */
static bool copy_whole(const char **at, char **out, size_t *n)
{
    size_t group = *n = copy_digits(at, out);
    char separator = **at;
    if (separator != ',' && separator != '_' && separator != ' ')
        return true;
    if (group < 1 || group > 3)
        return false;
    while (**at == separator) {
        (*at)++;
        group = copy_digits(at, out);
        *n += group;
        if (group != 3)
            return false;
    }
    return true;
}

/* strtod of the C locale. */
static bool convert(const char *text, double *out)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return false;
    locale_t previous = uselocale(c);
    *out = strtod(text, NULL);
    uselocale(previous);
    freelocale(c);
    return isfinite(*out);
}

bool csv_number(const char *cell, double *out)
{
    enum { MOST = 400 }; /* the longest decimal of use, 1e308 written out, has 309 digits */
    char text[MOST + 2], *to = text;
    size_t whole, fraction = 0;
    double value;
    if (strlen(cell) > MOST)
        return false;
    if (*cell == '-' || *cell == '+')
        *to++ = *cell++;
    if (!copy_whole(&cell, &to, &whole))
        return false;
    if (*cell == '.') {
        *to++ = *cell++;
        fraction = copy_digits(&cell, &to);
    }
    if (!whole && !fraction)
        return false;
    if (*cell == 'e' || *cell == 'E') {
        *to++ = *cell++;
        if (*cell == '-' || *cell == '+')
            *to++ = *cell++;
        if (!copy_digits(&cell, &to))
            return false;
    }
    *to = 0;
    if (*cell || !convert(text, &value))
        return false;
    *out = value;
    return true;
}

enum status csv_numbers(const struct csv *t, const char *column, const char *name, double *out,
                        struct err *err)
{
    size_t c = csv_column(t, column);
    if (c == t->columns)
        return status_fail(err, E_FORMAT, "%s: there is no column '%s'", name, column);
    for (size_t i = 0; i < t->rows; i++)
        if (!csv_number(t->cells[i * t->columns + c], &out[i]))
            return status_fail(err, E_FORMAT, "%s: line %zu, column '%s': '%s' is no number", name,
                               t->line[i], t->header[c], t->cells[i * t->columns + c]);
    return OK;
}
