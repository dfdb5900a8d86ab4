/* report.html: the documents of a folder as one page that opens offline. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/document.h"
#include "datasets/text_stream.h"
#include "plots/escape.h"
#include "plots/figure.h"
#include "plots/inline_svg.h"
#include "plots/plots.h"

extern const char embed_report_css[], embed_report_js[];

enum { PATH_BYTES = PLOTS_PATH, MAX_SVG_BYTES = 8 << 20, MAX_ROWS = 2000 };

#define COLUMNS(headers) (sizeof(headers) / sizeof(headers)[0])

static void escape_format(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    escape_html(out, text);
    fputs(after, out);
}

static void show_table(FILE *out, struct table *t)
{
    if (table_rows(t))
        table_html(t, MAX_ROWS, out);
    table_free(t);
}

/* ---- what the documents say about themselves ---- */

static void value_text(const struct json *j, FILE *out)
{
    switch (json_type(j)) {
    case JSON_BOOL:
        fputs(json_bool(j, false) ? "yes" : "no", out);
        break;
    case JSON_NUMBER:
        fprintf(out, "%.12g", json_number(j, NAN));
        break;
    case JSON_STRING:
        fputs(json_string(j, ""), out);
        break;
    case JSON_ARRAY:
        for (const struct json *i = json_first(j); i; i = json_next(i)) {
            value_text(i, out);
            if (json_next(i))
                fputs(json_type(i) == JSON_OBJECT ? "; " : " ", out);
        }
        break;
    case JSON_OBJECT:
        for (const struct json *i = json_first(j); i; i = json_next(i)) {
            fprintf(out, "%s ", json_key(i));
            value_text(i, out);
            fputs(json_next(i) ? ", " : "", out);
        }
        break;
    default:
        fputs("\xe2\x80\x93", out);
    }
}

static void add_value(struct table *t, const struct json *j)
{
    char *text = NULL;
    size_t n;
    FILE *out = text_stream(&text, &n);
    if (out)
        value_text(j, out);
    if (!out || fclose(out))
        t->out_of_memory = true;
    else
        table_text(t, text); /* mixed with words, numbers read better at the left */
    free(text);
}

/* One row for each member that is not an object: "caches.L2_bytes".  In `other`, when there is one,
 * the same member stands beside it. */
static void add_members(struct table *t, const char *prefix, const struct json *object,
                        const struct json *other, bool pairs)
{
    for (const struct json *j = json_first(object); j; j = json_next(j)) {
        char key[256];
        snprintf(key, sizeof key, "%.120s%s%.120s", prefix, *prefix ? "." : "", json_key(j));
        if (json_type(j) == JSON_OBJECT) {
            add_members(t, key, j, json_get(other, json_key(j)), pairs);
            continue;
        }
        table_text(t, key);
        add_value(t, j);
        if (pairs)
            add_value(t, json_get(other, json_key(j)));
    }
}

static void show_members(FILE *out, const struct json *object)
{
    static const char *const headers[] = {"what", "value"};
    struct table t = {.headers = headers, .n_columns = COLUMNS(headers)};
    add_members(&t, "", object, NULL, false);
    show_table(out, &t);
}

/* ---- the sections ---- */

struct count {
    const char *name, *text;
    size_t n;
};

/* How many nodes of an array have this word under key, for each word of counts. */
static size_t count_words(const struct json *array, const char *key, struct count *counts)
{
    size_t n = 0;
    for (const struct json *j = json_first(array); j; j = json_next(j), n++)
        for (struct count *c = counts; c->name; c++)
            c->n += !strcmp(json_get_string(j, key, ""), c->name);
    return n;
}

static void show_counts(FILE *out, const struct count *counts)
{
    fputs("<ul class=\"counts\">", out);
    for (; counts->name; counts++)
        if (counts->n)
            fprintf(out, "<li><b>%zu</b>%s</li>", counts->n, counts->text);
    fputs("</ul>\n", out);
}

static void show_summary(FILE *out, const struct results *r)
{
    struct count cells[] = {{"ok", "cells measured", 0},
                            {"degraded", "degraded", 0},
                            {"skipped", "skipped", 0},
                            {"invalid", "invalid", 0},
                            {"failed", "failed", 0},
                            {"timeout", "timed out", 0},
                            {NULL, NULL, 0}},
                 checks[] = {{"reproduced", "claims reproduced", 0},
                             {"direction", "right in direction", 0},
                             {"not-reproduced", "not reproduced", 0},
                             {"skipped", "claims skipped", 0},
                             {"error", "checks in error", 0},
                             {NULL, NULL, 0}},
                 profiled[] = {{"ok", "cells profiled", 0}, {NULL, NULL, 0}},
                 compared[] = {{"slower", "slower", 0},
                               {"faster", "faster", 0},
                               {"equivalent", "equivalent", 0},
                               {"unresolved", "unresolved", 0},
                               {NULL, NULL, 0}};
    const struct json *rows = json_get(r->check, "checks");
    size_t n_cells = count_words(json_get(r->bench, "cells"), "status", cells),
           n_checks = count_words(rows, "verdict", checks), unexplained = 0,
           n_profiled = count_words(json_get(r->profile, "cells"), "status", profiled),
           n_compared = count_words(json_get(r->compare, "cells"), "verdict", compared);
    for (const struct json *j = json_first(rows); j; j = json_next(j))
        unexplained += !strcmp(json_get_string(j, "verdict", ""), "not-reproduced") &&
                       !*json_get_string(j, "explained", "");
    size_t bad = cells[3].n + cells[4].n + cells[5].n, bad_claims = checks[4].n + unexplained;
    bool interrupted = !strcmp(json_get_string(results_run(r), "status", ""), "interrupted");
    fprintf(out, "<section id=\"summary\">\n<p class=\"verdict%s\">",
            bad || bad_claims || interrupted || compared[0].n ? " bad" : "");
    if (interrupted)
        fputs("The run was interrupted: what follows is a part of it. ", out);
    if (bad)
        fprintf(out, "%zu of %zu cells give no time: invalid, failed or timed out. ", bad, n_cells);
    else if (n_cells)
        fprintf(out, "All %zu cells that could run gave a correct result and a time. ",
                n_cells - cells[2].n);
    if (bad_claims)
        fprintf(out, "%zu of %zu claims are not reproduced without an explanation, or in error.",
                bad_claims, n_checks);
    else if (n_checks)
        fprintf(out, "Every claim of %zu is reproduced, skipped or explained.", n_checks);
    if (n_profiled)
        fprintf(out, " %zu of %zu cells were profiled.", profiled[0].n, n_profiled);
    if (n_compared)
        fprintf(out, " %zu of %zu compared cells are slower.", compared[0].n, n_compared);
    if (!n_cells && !n_checks && !n_profiled && !n_compared)
        fprintf(out, "%zu analys%s.", r->n_analyses, r->n_analyses == 1 ? "is" : "es");
    fputs("</p>\n", out);
    show_counts(out, cells);
    show_counts(out, checks);
    show_counts(out, profiled);
    show_counts(out, compared);
    fputs("</section>\n", out);
}

/* Worst first. */
static void show_statuses(FILE *out, const struct results *r)
{
    static const char *const headers[] = {"status", "cell", "threads", "reason"};
    static const char *const order[] = {"failed", "timeout", "invalid", "degraded", "skipped"};
    const struct json *counters = json_get(r->bench, "counters");
    struct table t = {.headers = headers, .n_columns = COLUMNS(headers)};
    if (!r->bench)
        return;
    fputs("<section id=\"statuses\"><h2>Statuses and reasons</h2>\n", out);
    for (size_t i = 0; i < COLUMNS(order); i++)
        for (size_t j = 0; j < r->n_cells; j++)
            if (!strcmp(r->cells[j].status, order[i])) {
                table_text(&t, order[i]);
                table_text(&t, r->cells[j].path);
                table_number(&t, r->cells[j].threads, 6);
                table_text(&t, r->cells[j].reason);
            }
    if (!table_rows(&t))
        fputs("<p>Every cell was measured.</p>\n", out);
    show_table(out, &t);
    escape_format(out, "<p>Hardware counters: ", json_get_string(counters, "status", ""), "");
    escape_format(out, " (", json_get_string(counters, "backend", ""), ")");
    if (*json_get_string(counters, "reason", ""))
        escape_format(out, ": ", json_get_string(counters, "reason", ""), "");
    fputs(".</p>\n</section>\n", out);
}

static void show_roofs(FILE *out, const struct json *machine)
{
    static const char *const headers[] = {"roof", "level", "instruction set", "threads", "value",
                                          "low",  "high",  "reason"};
    struct table t = {.headers = headers, .n_columns = COLUMNS(headers)};
    for (const struct json *j = json_first(json_get(machine, "roofs")); j; j = json_next(j)) {
        const struct json *low = json_first(json_get(j, "interval"));
        double values[] = {json_get_number(j, "value", NAN), json_number(low, NAN),
                           json_number(low ? json_next(low) : NULL, NAN)};
        table_text(&t, json_get_string(j, "name", ""));
        table_text(&t, json_get_string(j, "level", "\xe2\x80\x93"));
        table_text(&t, json_get_string(j, "isa", ""));
        table_number(&t, json_get_number(j, "threads", NAN), 6);
        for (size_t i = 0; i < 3; i++) {
            char text[32];
            format_si(values[i], json_get_string(j, "unit", ""), text);
            table_entry(&t, text, values[i]);
        }
        table_text(&t, json_get_string(j, "reason", ""));
    }
    if (table_rows(&t))
        fputs("<section id=\"roofs\"><h2>Roofs</h2>\n"
              "<p class=\"soft\">Bandwidths and peak rates, measured on this machine.</p>\n",
              out);
    bool any = table_rows(&t) > 0;
    show_table(out, &t);
    fputs(any ? "</section>\n" : "", out);
}

static void show_machine(FILE *out, const struct results *r)
{
    static const char *const headers[] = {"what", "before", "after"};
    const struct json *machine = results_machine(r),
                      *environment = json_get(r->bench, "environment");
    if (machine) {
        escape_format(out, "<section id=\"machine\"><h2>Machine</h2>\n<p>Fingerprint <code>",
                      json_get_string(machine, "fingerprint", ""), "</code></p>\n");
        show_members(out, json_get(machine, "facts"));
        fputs("</section>\n", out);
    }
    if (environment) {
        struct table t = {.headers = headers, .n_columns = COLUMNS(headers)};
        fputs("<section id=\"environment\"><h2>Environment</h2>\n", out);
        add_members(&t, "", json_get(environment, "before"), json_get(environment, "after"), true);
        show_table(out, &t);
        fputs("</section>\n", out);
    }
    show_roofs(out, machine);
}

/* Reads a drawing; NULL when there is none.  Not a link: a stranger's folder must not show other
 * files. */
static char *read_svg(const char *results, const char *name, size_t *n)
{
    char place[PATH_BYTES], path[PATH_BYTES];
    struct err err;
    struct stat st;
    char *bytes = NULL;
    if (plots_place(results, "plots", place, &err) ||
        snprintf(path, sizeof path, "%s/%s.svg", place, name) >= (int)sizeof path)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= MAX_SVG_BYTES)
        bytes = malloc((size_t)st.st_size);
    ssize_t got = 0;
    for (*n = 0; bytes && *n < (size_t)st.st_size; *n += (size_t)got) {
        got = read(fd, bytes + *n, (size_t)st.st_size - *n);
        if (got <= 0)
            break;
    }
    close(fd);
    return bytes;
}

static void show_drawing(FILE *out, const char *results, const struct figure *f, size_t index)
{
    size_t n, n_inlined;
    char *inlined = NULL, prefix[32], *svg = read_svg(results, f->name, &n);
    struct err why = {{0}};
    if (!svg) {
        fputs("<p class=\"soft\">Not drawn; the table below says the same.</p>\n", out);
        return;
    }
    snprintf(prefix, sizeof prefix, "f%zu-", index);
    FILE *stream = text_stream(&inlined, &n_inlined);
    enum status s = stream ? inline_svg(svg, n, prefix, f->title, stream, &why) : E_NOMEM;
    if (stream && fclose(stream))
        s = E_NOMEM;
    if (!s)
        fprintf(out, "<div>%s</div>\n", inlined);
    else
        escape_format(out, "<p class=\"soft\">The drawing is left out: ",
                      why.text[0] ? why.text : "not enough memory", ".</p>\n");
    free(inlined);
    free(svg);
}

static void show_figure(FILE *out, const char *results, const struct figure *f, size_t index,
                        bool table_open)
{
    escape_format(out, "<h3>", f->title, "</h3>\n");
    fprintf(out, "<figure id=\"figure-%zu\">\n", index);
    show_drawing(out, results, f, index);
    fprintf(out, "<figcaption>Figure %zu. ", index);
    escape_format(out, "", f->caption, "</figcaption>\n</figure>\n");
    fprintf(out, "<details%s><summary>Table of figure %zu</summary>\n", table_open ? " open" : "",
            index);
    table_html(&f->table, MAX_ROWS, out);
    fputs("</details>\n", out);
}

static bool is_claims(const struct figure *f)
{
    return !strcmp(f->name, "claims");
}

static void show_figures(FILE *out, const char *results, const struct figures *fs)
{
    size_t others = 0;
    for (size_t i = 0; i < fs->n; i++)
        if (is_claims(&fs->list[i])) {
            fputs("<section id=\"claims\"><h2>Claims</h2>\n", out);
            show_figure(out, results, &fs->list[i], i + 1, true);
            fputs("</section>\n", out);
        } else {
            others++;
        }
    if (!others)
        return;
    fputs("<section id=\"figures\"><h2>Figures</h2>\n", out);
    for (size_t i = 0; i < fs->n; i++)
        if (!is_claims(&fs->list[i]))
            show_figure(out, results, &fs->list[i], i + 1, false);
    if (fs->left_out)
        fprintf(out, "<p class=\"soft\">%zu more figures were not drawn.</p>\n", fs->left_out);
    fputs("</section>\n", out);
}

static void add_si(struct table *t, double value, const char *unit)
{
    char text[32];
    format_si(value, unit, text);
    table_entry(t, text, value);
}

static void show_cells(FILE *out, const struct results *r)
{
    static const char *const headers[] = {"technique", "task",   "variant",   "case",
                                          "threads",   "status", "time",      "low",
                                          "high",      "n",      "speed-up",  "share of the limit",
                                          "bound by",  "bytes",  "footprint", "instruction set",
                                          "mode",      "role",   "reason"};
    struct table t = {.headers = headers, .n_columns = COLUMNS(headers)};
    if (!r->n_cells)
        return;
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct cell *c = &r->cells[i];
        char bound[64];
        snprintf(bound, sizeof bound, "%.30s %.30s", c->bound, c->bound_level);
        table_text(&t, c->technique);
        table_text(&t, c->task);
        table_text(&t, c->variant);
        table_text(&t, c->case_name);
        table_number(&t, c->threads, 6);
        table_text(&t, c->status);
        add_si(&t, c->time.value, "s");
        add_si(&t, c->time.low, "s");
        add_si(&t, c->time.high, "s");
        table_number(&t, (double)c->time.n, 6);
        table_number(&t, c->speedup.value, 4);
        table_number(&t, c->fraction, 3);
        table_text(&t, bound);
        add_si(&t, c->bytes, "B");
        add_si(&t, json_get_number(c->json, "footprint_bytes", NAN), "B");
        table_text(&t, c->isa);
        table_text(&t, c->mode);
        table_text(&t, c->role);
        table_text(&t, c->reason);
    }
    fputs("<section id=\"cells\"><h2>All cells</h2>\n", out);
    show_table(out, &t);
    fputs("</section>\n", out);
}

/* The members of an analysis's summary that are no lists: "mb_per_s". */
static void show_scalars(FILE *out, const struct json *object)
{
    static const char *const headers[] = {"what", "value"};
    struct table t = {.headers = headers, .n_columns = COLUMNS(headers)};
    for (const struct json *j = json_first(object); j; j = json_next(j))
        if (json_type(j) != JSON_ARRAY && json_type(j) != JSON_OBJECT) {
            table_text(&t, json_key(j));
            add_value(&t, j);
        }
    show_table(out, &t);
}

static void show_run(FILE *out, const struct results *r)
{
    fputs("<section id=\"run\"><h2>Run record</h2>\n", out);
    const struct {
        const char *name;
        const struct json *document;
    } documents[] = {{"bench.json", r->bench},
                     {"check.json", r->check},
                     {"profile.json", r->profile},
                     {"compare.json", r->compare}};
    for (size_t i = 0; i < COLUMNS(documents); i++)
        if (documents[i].document) {
            fprintf(out, "<h3>%s</h3>\n", documents[i].name);
            show_members(out, json_get(documents[i].document, "run"));
        }
    for (size_t i = 0; i < r->n_analyses; i++) {
        const struct analysis_document *a = &r->analyses[i];
        escape_format(out, "<h3>analysis-", a->stem, ".json</h3>\n");
        show_members(out, json_get(a->json, "run"));
        for (const struct json *j = json_first(json_get(a->json, "input")); j; j = json_next(j))
            show_members(out, j);
        show_members(out, json_get(a->json, "parameters"));
        show_scalars(out, json_get(a->json, "summary"));
    }
    fputs("</section>\n", out);
}

static void show_links(FILE *out, const struct results *r, const struct figures *fs)
{
    bool claims = false;
    for (size_t i = 0; i < fs->n; i++)
        claims |= is_claims(&fs->list[i]);
    const struct {
        const char *id, *text;
        bool there;
    } links[] = {{"statuses", "Statuses", r->bench != NULL},
                 {"machine", "Machine", results_machine(r) != NULL},
                 {"claims", "Claims", claims},
                 {"figures", "Figures", fs->n > claims},
                 {"cells", "All cells", r->n_cells > 0},
                 {"run", "Run record", true}};
    fputs("<nav aria-label=\"Sections\"><ul>", out);
    for (size_t i = 0; i < COLUMNS(links); i++)
        if (links[i].there)
            fprintf(out, "<li><a href=\"#%s\">%s</a></li>", links[i].id, links[i].text);
    fputs("</ul></nav>\n", out);
}

static void write_page(FILE *out, const char *results, const struct drawing *d)
{
    const struct json *run = results_run(&d->results);
    const char *host = json_get_string(run, "host", "an unnamed host"),
               *created = json_get_string(run, "created", "");
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\">\n",
          out);
    escape_format(out, "<title>Assay report: ", host, "</title>\n");
    fprintf(out, "<style>\n%s</style>\n</head>\n<body>\n<header>\n", embed_report_css);
    escape_format(out, "<h1>Assay report: ", host, "</h1>\n");
    escape_format(out, "<p class=\"soft\">", created, "");
    escape_format(out, " \xc2\xb7 ", json_get_string(run, "id", ""), "");
    escape_format(out, " \xc2\xb7 assay ", json_get_string(run, "version", ""),
                  "</p>\n</header>\n");
    fputs("<main>\n", out);
    show_summary(out, &d->results);
    show_links(out, &d->results, &d->figures);
    show_statuses(out, &d->results);
    show_machine(out, &d->results);
    show_figures(out, results, &d->figures);
    show_cells(out, &d->results);
    show_run(out, &d->results);
    fprintf(out, "</main>\n<script>\n%s</script>\n</body>\n</html>\n", embed_report_js);
}

enum status report_write(const char *results, struct err *err)
{
    struct drawing d;
    char path[PATH_BYTES], *page = NULL;
    size_t n = 0;
    enum status s = plots_place(results, "report.html", path, err);
    if (!s)
        s = drawing_load(results, &d, err);
    if (s)
        return s;
    FILE *out = text_stream(&page, &n);
    if (out)
        write_page(out, results, &d);
    bool bad = !out || ferror(out);
    if ((out && fclose(out)) || bad)
        s = status_fail(err, E_NOMEM, "%s: not enough memory", path);
    if (!s)
        s = document_write_bytes(path, page, n, err);
    free(page);
    drawing_free(&d);
    return s;
}
