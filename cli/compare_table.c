#include "cli/compare_table.h"

#include <math.h>
#include <string.h>

#include "cli/bench_table.h"
#include "datasets/export.h"

enum { TEXT = 64 };

struct table {
    FILE *out;
    bool markdown;
};

static void words(const struct table *t, const char *text)
{
    if (t->markdown) {
        export_markdown_words(t->out, text);
        return;
    }
    for (; *text; text++) /* a terminal must not obey a name */
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, t->out);
}

static void heading(const struct table *t, const char *verdict, size_t n)
{
    fprintf(t->out, t->markdown ? "\n### %s: %zu\n\n" : "\n%s: %zu\n", verdict, n);
    if (t->markdown)
        fputs("| cell | threads | base | new | new / base | p (Holm) | evidence | |\n"
              "|---|---:|---:|---:|---:|---:|---|---|\n",
              t->out);
}

/* "1.082 [1.071, 1.094]" */
static void ratio_text(const struct json *ratio, char text[TEXT])
{
    const struct json *low = json_first(json_get(ratio, "interval"));
    double estimate = json_get_number(ratio, "estimate", NAN);
    if (!isfinite(estimate))
        snprintf(text, TEXT, "-");
    else if (low)
        snprintf(text, TEXT, "%.3f [%.3f, %.3f]", estimate, json_number(low, NAN),
                 json_number(json_next(low), NAN));
    else
        snprintf(text, TEXT, "%.3f", estimate);
}

/* What an unresolved cell needs, or why a cell was not compared. */
static void remark(const struct table *t, const struct json *cell)
{
    double more = json_get_number(cell, "more_rounds", NAN);
    const char *verdict = json_get_string(cell, "verdict", "");
    if (isfinite(more))
        fprintf(t->out, "needs some %.0f more rounds", more);
    else if (!strcmp(verdict, "unresolved"))
        fputs("more rounds will hardly tell", t->out);
    else
        words(t, json_get_string(cell, "reason", ""));
}

static void row(const struct table *t, const struct json *cell)
{
    char base[TEXT], new[TEXT], ratio[TEXT], p[TEXT] = "-";
    double p_holm = json_get_number(cell, "p_holm", NAN);
    double threads = json_get_number(cell, "threads", 1);
    bench_table_time(json_get_number(json_get(cell, "base"), "median_s", NAN), base, sizeof base);
    bench_table_time(json_get_number(json_get(cell, "new"), "median_s", NAN), new, sizeof new);
    ratio_text(json_get(cell, "ratio"), ratio);
    if (isfinite(p_holm))
        snprintf(p, sizeof p, "%.2g", p_holm);
    if (t->markdown) {
        fputs("| ", t->out);
        words(t, json_get_string(cell, "path", ""));
        fprintf(t->out, " | %.0f | %s | %s | %s | %s | %s | ", threads, base, new, ratio, p,
                json_get_string(cell, "evidence", ""));
        remark(t, cell);
        fputs(" |\n", t->out);
        return;
    }
    fprintf(t->out, "  %-24s %9s -> %-9s p %-8s %s, %.0f thread%s  ", ratio, base, new, p,
            json_get_string(cell, "evidence", ""), threads, threads == 1 ? "" : "s");
    words(t, json_get_string(cell, "path", ""));
    fputs("  ", t->out);
    remark(t, cell);
    fputc('\n', t->out);
}

static bool has_verdict(const struct json *cell, const char *verdict)
{
    return !strcmp(json_get_string(cell, "verdict", ""), verdict);
}

static void print_verdict(const struct table *t, const struct json *cells, const char *verdict,
                          const char *title)
{
    size_t n = 0;
    for (const struct json *c = json_first(cells); c; c = json_next(c))
        n += has_verdict(c, verdict);
    if (!n)
        return;
    heading(t, title, n);
    for (const struct json *c = json_first(cells); c; c = json_next(c))
        if (has_verdict(c, verdict))
            row(t, c);
}

static void print_number(const struct table *t, const struct json *value)
{
    if (json_type(value) == JSON_NUMBER)
        fprintf(t->out, "%.17g", json_number(value, 0));
    else
        fputs("none", t->out);
}

static void print_changes(const struct table *t, const struct json *cells)
{
    bool any = false;
    for (const struct json *c = json_first(cells); c; c = json_next(c))
        for (const struct json *x = json_first(json_get(c, "changes")); x; x = json_next(x)) {
            if (!any)
                fprintf(t->out, "\n%sexact figures that changed\n%s", t->markdown ? "### " : "",
                        t->markdown ? "\n" : "");
            any = true;
            fputs(t->markdown ? "- " : "  ", t->out);
            words(t, json_get_string(c, "path", ""));
            fprintf(t->out, " (%.0f threads) ", json_get_number(c, "threads", 1));
            words(t, json_get_string(x, "metric", ""));
            fputs(": ", t->out);
            print_number(t, json_get(x, "base"));
            fputs(" -> ", t->out);
            print_number(t, json_get(x, "new"));
            fputc('\n', t->out);
        }
}

static void print_unmatched(const struct table *t, const struct json *unmatched)
{
    if (!json_size(unmatched))
        return;
    fprintf(t->out, "\n%swithout a partner: %zu\n%s", t->markdown ? "### " : "",
            json_size(unmatched), t->markdown ? "\n" : "");
    for (const struct json *u = json_first(unmatched); u; u = json_next(u)) {
        fprintf(t->out, "%sonly in %s: ", t->markdown ? "- " : "  ", json_get_string(u, "in", ""));
        words(t, json_get_string(u, "path", ""));
        fprintf(t->out, ", %.0f threads\n", json_get_number(u, "threads", 1));
    }
}

static void print_source(const struct table *t, const struct json *document, const char *key)
{
    const struct json *source = json_get(document, key);
    const char *run = json_get_string(source, "run", NULL);
    fprintf(t->out, "%s%s: ", t->markdown ? "- " : "", key);
    words(t, json_get_string(source, "source", ""));
    if (run) {
        fputs(", run ", t->out);
        words(t, run);
    }
    fputc('\n', t->out);
}

void compare_table_print(const struct json *document, bool markdown, FILE *out)
{
    struct table t = {out, markdown};
    const struct json *cells = json_get(document, "cells");
    const struct json *sums = json_get(document, "summary");
    print_source(&t, document, "base");
    print_source(&t, document, "new");
    for (const struct json *n = json_first(json_get(document, "notes")); n; n = json_next(n)) {
        fputs(markdown ? "- " : "note: ", out);
        words(&t, json_string(n, ""));
        fputc('\n', out);
    }
    print_verdict(&t, cells, "slower", "slower");
    print_verdict(&t, cells, "faster", "faster");
    print_verdict(&t, cells, "unresolved", "unresolved");
    print_verdict(&t, cells, "equivalent", "equivalent");
    print_verdict(&t, cells, "", "not compared");
    print_changes(&t, cells);
    print_unmatched(&t, json_get(document, "unmatched"));
    fprintf(out,
            "\n%.0f slower, %.0f faster, %.0f equivalent, %.0f unresolved, %.0f not compared, %zu "
            "without a partner; margin %.3g %%\n",
            json_get_number(sums, "slower", 0), json_get_number(sums, "faster", 0),
            json_get_number(sums, "equivalent", 0), json_get_number(sums, "unresolved", 0),
            json_get_number(sums, "not_compared", 0), json_size(json_get(document, "unmatched")),
            100 * json_get_number(document, "margin", 0));
}
