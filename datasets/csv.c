#include "datasets/csv.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "datasets/mapping.h"

enum { NAME_SHOWN = 60, NUMBER_BYTES = 64 };

/* ---- Text to cells ---- */

/* What is read and how far, and where the text of the cells goes. */
struct reader {
    const char *at, *end, *name;
    size_t line, column; /* of the cell under way; the column from 0 */
    char separator;
    char *text; /* the next free byte of the table's */
    struct csv table;
};

/* "runs.csv: line 7, column 'loss'" or, in the header and beyond the last, "column 3". */
static enum status bad_cell(const struct reader *r, const char *what, struct err *err)
{
    if (r->column < r->table.columns && *r->table.header[r->column])
        return status_fail(err, E_FORMAT, "%s: line %zu, column '%.*s': %s", r->name, r->line,
                           NAME_SHOWN, r->table.header[r->column], what);
    return status_fail(err, E_FORMAT, "%s: line %zu, column %zu: %s", r->name, r->line,
                       r->column + 1, what);
}

static bool at_line_end(const struct reader *r)
{
    return r->at == r->end || *r->at == '\n' || *r->at == '\r';
}

static void take_line_end(struct reader *r)
{
    if (r->at == r->end)
        return;
    r->at += r->end - r->at > 1 && r->at[0] == '\r' && r->at[1] == '\n';
    r->at++;
    r->line++;
}

static bool is_blank(const struct reader *r, char c)
{
    return c == ' ' || (c == '\t' && r->separator != '\t');
}

/* Past empty lines and comments, to the first byte of a row; false at the end. */
static bool find_row(struct reader *r)
{
    while (r->at < r->end) {
        const char *start = r->at;
        while (r->at < r->end && is_blank(r, *r->at))
            r->at++;
        if (!at_line_end(r) && *start != '#') {
            r->at = start;
            return true;
        }
        while (!at_line_end(r))
            r->at++;
        take_line_end(r);
    }
    return false;
}

/* The inside of a cell in quotes, and what blanks follow it. */
static enum status take_quoted(struct reader *r, struct err *err)
{
    size_t first = r->line;
    for (r->at++;; r->at++) {
        if (r->at == r->end) {
            r->line = first;
            return bad_cell(r, "a quote that does not end", err);
        }
        if (*r->at == '"' && (r->at + 1 == r->end || r->at[1] != '"'))
            break;
        if (*r->at == '\n')
            r->line++;
        if (!*r->at)
            return bad_cell(r, "a NUL byte", err);
        r->at += *r->at == '"';
        *r->text++ = *r->at;
    }
    r->at++;
    while (!at_line_end(r) && is_blank(r, *r->at))
        r->at++;
    if (!at_line_end(r) && *r->at != r->separator)
        return bad_cell(r, "text after a closing quote", err);
    return OK;
}

static enum status take_plain(struct reader *r, struct err *err)
{
    char *last = r->text;
    for (; !at_line_end(r) && *r->at != r->separator; r->at++) {
        if (!*r->at)
            return bad_cell(r, "a NUL byte", err);
        *r->text++ = *r->at;
        if (!is_blank(r, *r->at))
            last = r->text;
    }
    r->text = last; /* without blanks at the end */
    return OK;
}

/* One cell, up to the separator or the line end after it. */
static enum status take_cell(struct reader *r, const char **cell, struct err *err)
{
    *cell = r->text;
    while (!at_line_end(r) && is_blank(r, *r->at))
        r->at++;
    enum status s = !at_line_end(r) && *r->at == '"' ? take_quoted(r, err) : take_plain(r, err);
    *r->text++ = '\0';
    return s;
}

/* Of the header row at r->at: the separator that occurs most often outside of quotes. */
static char choose_separator(const struct reader *r)
{
    static const char candidates[] = ",;\t";
    size_t count[3] = {0}, best = 0;
    bool quoted = false;
    for (const char *p = r->at; p < r->end && (quoted || (*p != '\n' && *p != '\r')); p++) {
        const char *c = *p ? strchr(candidates, *p) : NULL;
        quoted ^= *p == '"';
        if (c && !quoted)
            count[c - candidates]++;
    }
    for (size_t i = 1; i < 3; i++)
        if (count[i] > count[best])
            best = i;
    return candidates[best];
}

static enum status read_header(struct reader *r, struct err *err)
{
    struct csv *t = &r->table;
    double number;
    size_t n = 0, numbers = 0;
    if (!find_row(r))
        return status_fail(err, E_FORMAT, "%s: no header row, nothing but comments", r->name);
    t->separator = r->separator = choose_separator(r);
    t->header = malloc(CSV_MAX_COLUMNS * sizeof *t->header);
    if (!t->header)
        return status_fail(err, E_NOMEM, "%s: no memory for its header", r->name);
    for (bool more = true; more; n++) {
        r->column = n;
        if (n == CSV_MAX_COLUMNS)
            return bad_cell(r, "too many columns; 4096 can be read", err);
        enum status s = take_cell(r, &t->header[n], err);
        if (s)
            return s;
        numbers += csv_number(t->header[n], &number);
        for (size_t i = 0; i < n; i++)
            if (*t->header[n] && !strcmp(t->header[i], t->header[n]))
                return bad_cell(r, "a second column of that name", err);
        more = !at_line_end(r);
        r->at += more;
    }
    if (numbers == n)
        return status_fail(err, E_FORMAT,
                           "%s: line %zu: numbers where the names of the columns should be",
                           r->name, r->line);
    t->columns = n;
    take_line_end(r);
    return OK;
}

/* Room for as many cells and rows as the bytes left can hold. */
static enum status make_room(struct reader *r, struct err *err)
{
    size_t ends = 1, separators = 0;
    for (const char *p = r->at; p < r->end; p++) {
        ends += *p == '\n' || *p == '\r';
        separators += *p == r->separator;
    }
    r->table.cells = malloc((ends + separators) * sizeof *r->table.cells);
    r->table.line = malloc(ends * sizeof *r->table.line);
    return r->table.cells && r->table.line
               ? OK
               : status_fail(err, E_NOMEM, "%s: no memory for %zu rows", r->name, ends);
}

static enum status read_row(struct reader *r, struct err *err)
{
    struct csv *t = &r->table;
    size_t first = r->line;
    const char **cells = t->cells + t->rows * t->columns;
    for (r->column = 0;; r->column++) {
        if (r->column == t->columns) {
            r->line = first;
            return bad_cell(r, "more cells than the header has columns", err);
        }
        enum status s = take_cell(r, &cells[r->column], err);
        if (s)
            return s;
        if (at_line_end(r))
            break;
        r->at++;
    }
    if (++r->column < t->columns) {
        r->line = first;
        return bad_cell(r, "the row ends before it", err);
    }
    t->line[t->rows++] = first;
    take_line_end(r);
    return OK;
}

enum status csv_parse(const char *bytes, size_t n, const char *name, struct csv *out,
                      struct err *err)
{
    struct reader r = {.at = bytes, .end = bytes + n, .name = name, .line = 1, .separator = ','};
    enum status s = OK;
    if (n > CSV_MAX_BYTES)
        return status_fail(err, E_FORMAT, "%s: %zu bytes; a table has at most %d", name, n,
                           CSV_MAX_BYTES);
    if (n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
        r.at += 3;
    r.table.text = r.text = malloc(n + 2); /* each cell's NUL stands for what ended it */
    if (!r.text)
        s = status_fail(err, E_NOMEM, "%s: no memory for its text", name);
    if (!s)
        s = read_header(&r, err);
    if (!s)
        s = make_room(&r, err);
    while (!s && find_row(&r))
        s = read_row(&r, err);
    if (s)
        csv_free(&r.table);
    else
        *out = r.table;
    return s;
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
    free(t->cells);
    free(t->line);
    free(t->text);
    *t = (struct csv){0};
}

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

/* ---- Cells to numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies digits at *p, without signs between groups of three; false when the groups are not such.
 */
static bool take_digits(const char **p, char **out, const char *out_end)
{
    size_t in_group = 0, groups = 0;
    char sign = 0;
    for (;; ++*p) {
        if (is_digit(**p)) {
            if (*out == out_end)
                return false;
            *(*out)++ = **p;
            in_group++;
        } else if (**p && strchr(",_ ", **p) && is_digit((*p)[1])) {
            if ((sign && **p != sign) || !in_group || in_group > 3 || (groups && in_group != 3))
                return false;
            sign = **p;
            groups++;
            in_group = 0;
        } else
            return !groups || in_group == 3;
    }
}

bool csv_number(const char *cell, double *out)
{
    char plain[NUMBER_BYTES], *q = plain;
    const char *end = plain + sizeof plain - 1, *p = cell;
    if (*p == '+' || *p == '-')
        *q++ = *p++;
    const char *whole = q;
    if (!take_digits(&p, &q, end))
        return false;
    size_t digits = (size_t)(q - whole);
    if (*p == '.' && q < end) {
        for (*q++ = *p++; is_digit(*p) && q < end; digits++)
            *q++ = *p++;
    }
    if (digits && (*p == 'e' || *p == 'E') && q < end) {
        *q++ = *p++;
        if ((*p == '+' || *p == '-') && q < end)
            *q++ = *p++;
        if (!is_digit(*p))
            return false;
        while (is_digit(*p) && q < end)
            *q++ = *p++;
    }
    if (!digits || *p)
        return false;
    *q = '\0';
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return false;
    double value = strtod_l(plain, NULL, c);
    freelocale(c);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool csv_missing(const char *cell)
{
    static const char *const words[] = {"", "na", "n/a", "nan", "null", "none", "?", "-"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcasecmp(cell, words[i]))
            return true;
    return false;
}

enum status csv_numbers(const struct csv *t, const char *column, const char *name, double *out,
                        struct err *err)
{
    size_t c = csv_column(t, column);
    if (c == t->columns)
        return status_fail(err, E_FORMAT, "%s: no column '%.*s' in it", name, NAME_SHOWN, column);
    for (size_t i = 0; i < t->rows; i++) {
        const char *cell = t->cells[i * t->columns + c];
        out[i] = NAN;
        if (csv_missing(cell))
            continue;
        if (t->separator == ';' && strchr(cell, ','))
            return status_fail(err, E_FORMAT,
                               "%s: line %zu, column '%.*s': '%.*s': a comma may be a decimal or a "
                               "thousands sign here; write a point, or nothing",
                               name, t->line[i], NAME_SHOWN, t->header[c], NAME_SHOWN, cell);
        if (!csv_number(cell, &out[i]))
            return status_fail(err, E_FORMAT,
                               "%s: line %zu, column '%.*s': '%.*s' is not a finite number", name,
                               t->line[i], NAME_SHOWN, t->header[c], NAME_SHOWN, cell);
    }
    return OK;
}
