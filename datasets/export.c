#include "datasets/export.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/statistics/order_interval.h"

/* Nanoseconds of an iteration. */
static double iteration_ns(const struct json *sample)
{
    return json_get_number(sample, "elapsed_ns", NAN) / json_get_number(sample, "iterations", NAN);
}

static bool is_measured(const struct json *cell)
{
    const char *status = json_get_string(cell, "status", "");
    return (!strcmp(status, "ok") || !strcmp(status, "degraded")) &&
           json_size(json_get(cell, "samples")) > 0;
}

/* ---- Google Benchmark ---- */

/* What all entries of a cell share; a name of its own for each thread count, as --threads of the
 * library gives it. */
struct family {
    const struct json *cell;
    char name[600];
    size_t index, repetitions;
};

static struct json *add_entry(struct json *list, const struct family *f, const char *aggregate)
{
    struct json *e = json_add_object(list, NULL);
    char name[640];
    snprintf(name, sizeof name, "%s%s%s", f->name, aggregate ? "_" : "",
             aggregate ? aggregate : "");
    json_add_string(e, "name", name);
    json_add_u64(e, "family_index", f->index);
    json_add_u64(e, "per_family_instance_index", 0);
    json_add_string(e, "run_name", f->name);
    json_add_string(e, "run_type", aggregate ? "aggregate" : "iteration");
    json_add_u64(e, "repetitions", f->repetitions);
    if (aggregate) {
        json_add_string(e, "aggregate_name", aggregate);
        json_add_string(e, "aggregate_unit", "time");
    }
    json_add_number(e, "threads", json_get_number(f->cell, "threads", 1));
    return e;
}

static void add_times(struct json *entry, double iterations, double ns)
{
    json_add_number(entry, "iterations", iterations);
    json_add_number(entry, "real_time", ns);
    json_add_number(entry, "cpu_time", ns);
    json_add_string(entry, "time_unit", "ns");
}

static enum status add_family(struct json *list, const struct family *f, struct err *err)
{
    const struct json *samples = json_get(f->cell, "samples");
    if (!is_measured(f->cell)) {
        struct json *e = add_entry(list, f, NULL);
        json_add_bool(e, "error_occurred", true);
        json_add_string(e, "error_message",
                        json_get_string(f->cell, "reason", "no time was published"));
        add_times(e, 0, 0);
        return OK;
    }
    double *ns = malloc(f->repetitions * sizeof *ns), mean = 0, squares = 0, n = 0;
    if (!ns)
        return status_fail(err, E_NOMEM, "no memory to export");
    for (const struct json *s = json_first(samples); s; s = json_next(s)) {
        struct json *e = add_entry(list, f, NULL);
        double per_second =
            json_get_number(s, "items", NAN) * 1e9 / json_get_number(s, "elapsed_ns", NAN);
        json_add_u64(e, "repetition_index", (uint64_t)n);
        add_times(e, json_get_number(s, "iterations", 0), iteration_ns(s));
        if (isfinite(per_second))
            json_add_number(e, "items_per_second", per_second);
        ns[(size_t)n++] = iteration_ns(s);
        double step = ns[(size_t)n - 1] - mean; /* Welford's update */
        mean += step / n;
        squares += step * (ns[(size_t)n - 1] - mean);
    }
    if (n >= 2) {
        add_times(add_entry(list, f, "mean"), n, mean);
        add_times(add_entry(list, f, "median"), n, order_interval(ns, (size_t)n).estimate);
        add_times(add_entry(list, f, "stddev"), n, sqrt(squares / (n - 1)));
    }
    free(ns);
    return OK;
}

static void add_context(struct json *root, const struct json *bench)
{
    const struct json *run = json_get(bench, "run");
    const struct json *facts = json_get(json_get(bench, "machine"), "facts");
    struct json *context = json_add_object(root, "context");
    json_add_string(context, "date", json_get_string(run, "created", ""));
    json_add_string(context, "host_name", json_get_string(run, "host", ""));
    json_add_string(context, "executable",
                    json_string(json_first(json_get(run, "command")), "assay"));
    json_add_number(context, "num_cpus", (double)json_size(json_get(facts, "processors")));
    json_add_string(context, "cpu", json_get_string(facts, "cpu", ""));
    json_add_string(context, "assay_run", json_get_string(run, "id", ""));
    json_add_string(context, "assay_version", json_get_string(run, "version", ""));
    json_add_string(context, "machine_fingerprint",
                    json_get_string(json_get(bench, "machine"), "fingerprint", ""));
}

static enum status google_benchmark(const struct json *bench, char **text, struct err *err)
{
    struct json *root = json_new_object();
    add_context(root, bench);
    struct json *list = json_add_array(root, "benchmarks");
    enum status s = OK;
    size_t index = 0;
    for (const struct json *c = json_first(json_get(bench, "cells")); c && !s; c = json_next(c)) {
        struct family f = {c, .index = index++};
        size_t samples = json_size(json_get(c, "samples"));
        f.repetitions = is_measured(c) ? samples : 1;
        int n = snprintf(f.name, sizeof f.name, "%.500s/threads:%.0f",
                         json_get_string(c, "path", ""), json_get_number(c, "threads", 1));
        if (json_get_number(c, "ranks", 1) > 1)
            snprintf(f.name + n, sizeof f.name - (size_t)n, "/ranks:%.0f",
                     json_get_number(c, "ranks", 1));
        s = add_family(list, &f, err);
    }
    if (!s)
        s = json_print(root, true, text, err);
    json_free(root);
    return s;
}

/* ---- CSV ---- */

static void csv_text(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\n\r")]) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void csv_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.17g", value);
    else
        fputc(',', out);
}

static void csv_row(FILE *out, const struct json *cell, const struct json *sample)
{
    static const char *const names[] = {"path",    "family", "technique", "task",
                                        "variant", "case",   NULL};
    const struct json *work = json_get(cell, "work");
    for (const char *const *name = names; *name; name++) {
        csv_text(out, json_get_string(cell, *name, ""));
        fputc(',', out);
    }
    fprintf(out, "%.0f,%.0f,", json_get_number(cell, "threads", 1),
            json_get_number(cell, "ranks", 1));
    csv_text(out, json_get_string(cell, "isa", ""));
    fputc(',', out);
    csv_text(out, json_get_string(cell, "mode", ""));
    fputc(',', out);
    csv_text(out, json_get_string(cell, "status", ""));
    csv_number(out, json_get_number(work, "flops", NAN));
    csv_number(out, json_get_number(work, "bytes_read", NAN));
    csv_number(out, json_get_number(work, "bytes_written", NAN));
    csv_number(out, json_get_number(sample, "round", NAN));
    csv_number(out, json_get_number(sample, "elapsed_ns", NAN));
    csv_number(out, json_get_number(sample, "iterations", NAN));
    csv_number(out, json_get_number(sample, "items", NAN));
    csv_number(out, iteration_ns(sample));
    fputc('\n', out);
}

static void csv(FILE *out, const struct json *bench)
{
    fputs("path,family,technique,task,variant,case,threads,ranks,isa,mode,status,flops,bytes_read,"
          "bytes_written,round,elapsed_ns,iterations,items,iteration_ns\n",
          out);
    for (const struct json *c = json_first(json_get(bench, "cells")); c; c = json_next(c)) {
        const struct json *s = json_first(json_get(c, "samples"));
        do /* a cell without samples has its row too */
            csv_row(out, c, s);
        while ((s = json_next(s)));
    }
}

/* ---- Markdown ---- */

void export_markdown_words(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]", *text))
            fputc('\\', out);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
}

static void markdown_row(FILE *out, const struct json *cell)
{
    const struct json *metrics = json_get(cell, "metrics"), *speedup = json_get(metrics, "speedup");
    const struct json *low = json_first(json_get(speedup, "interval"));
    double time = json_get_number(json_get(metrics, "time"), "estimate", NAN);
    double times = json_get_number(speedup, "estimate", NAN);
    fputs("| ", out);
    export_markdown_words(out, json_get_string(cell, "variant", ""));
    if (isfinite(time))
        fprintf(out, " | %.4g", time * 1e6);
    else
        fputs(" | -", out);
    if (isfinite(times) && low)
        fprintf(out, " | %.3g [%.3g, %.3g] | ", times, json_number(low, NAN),
                json_number(json_next(low), NAN));
    else if (isfinite(times))
        fprintf(out, " | %.3g | ", times);
    else
        fputs(" | - | ", out);
    export_markdown_words(out, json_get_string(cell, "status", ""));
    fputs(" |\n", out);
}

static bool same_block(const struct json *a, const struct json *b)
{
    return !strcmp(json_get_string(a, "technique", ""), json_get_string(b, "technique", "")) &&
           !strcmp(json_get_string(a, "task", ""), json_get_string(b, "task", "")) &&
           !strcmp(json_get_string(a, "case", ""), json_get_string(b, "case", "")) &&
           json_get_number(a, "threads", 0) == json_get_number(b, "threads", 0);
}

static void markdown(FILE *out, const struct json *bench)
{
    const struct json *before = NULL, *run = json_get(bench, "run");
    fputs("Run ", out);
    export_markdown_words(out, json_get_string(run, "id", ""));
    fputs(" on ", out);
    export_markdown_words(out, json_get_string(run, "host", ""));
    fputs(", version ", out);
    export_markdown_words(out, json_get_string(run, "version", ""));
    fputc('\n', out);
    for (const struct json *c = json_first(json_get(bench, "cells")); c; c = json_next(c)) {
        if (!before || !same_block(before, c)) {
            double threads = json_get_number(c, "threads", 0);
            fputs("\n### ", out);
            export_markdown_words(out, json_get_string(c, "technique", ""));
            fputs(" / ", out);
            export_markdown_words(out, json_get_string(c, "task", ""));
            fputs(" / ", out);
            export_markdown_words(out, json_get_string(c, "case", ""));
            fprintf(out, ", %.0f thread%s\n\n", threads, threads == 1 ? "" : "s");
            fputs("| variant | time (µs) | speed-up | status |\n|---|---:|---:|---|\n", out);
        }
        markdown_row(out, c);
        before = c;
    }
}

enum status export_print(const struct json *bench, enum export_format format, char **text,
                         struct err *err)
{
    if (json_type(json_get(bench, "cells")) != JSON_ARRAY)
        return status_fail(err, E_FORMAT, "the document has no cells");
    if (format == EXPORT_GOOGLE_BENCHMARK)
        return google_benchmark(bench, text, err);
    char *printed = NULL;
    size_t n;
    FILE *out = open_memstream(&printed, &n);
    if (!out)
        return status_fail(err, E_NOMEM, "no memory to export");
    if (format == EXPORT_CSV)
        csv(out, bench);
    else
        markdown(out, bench);
    bool bad = ferror(out) != 0;
    if (fclose(out) || bad) {
        free(printed);
        return status_fail(err, E_NOMEM, "no memory to export");
    }
    *text = printed;
    return OK;
}
