#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/environment.h"
#include "bench/plan.h"
#include "bench/roofs.h"
#include "bench/run_record.h"
#include "bench/stop.h"
#include "cli/build_info.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "datasets/document.h"
#include "numerics/cpu.h"

struct machine_options {
    bool json, quick;
    const char *out, *threads;
};

static const struct option_row options[] = {
    {"json", OPTION_FLAG, NULL, "the machine document on standard output, not a table",
     offsetof(struct machine_options, json), NULL},
    {"out", OPTION_TEXT, "DIR", "also write the document to DIR/machine.json",
     offsetof(struct machine_options, out), NULL},
    {"threads", OPTION_TEXT, "LIST", "numbers of threads, as in 1,2,max (default: 1,max)",
     offsetof(struct machine_options, threads), NULL},
    {"quick", OPTION_FLAG, NULL, "the best instruction set only, and fewer repetitions",
     offsetof(struct machine_options, quick), NULL},
    {0}};
const struct verb_help verb_machine_help = {
    "machine [options]",
    "Says what this machine is, as far as this process may use it, and measures its roofs:\n"
    "read, write and triad bandwidth in each level of the memory, and the peak rates of FMA,\n"
    "dot products of bytes and byte look-ups.  Each is the median of interleaved repetitions\n"
    "with their least and greatest.  Bandwidth counts the bytes that the loop names; a write\n"
    "also fetches the line it overwrites, which is not counted.",
    options, WORD_NONE, NULL};

static enum status parse_threads(const char *text, const struct machine *m, struct roof_plan *plan,
                                 struct err *err)
{
    enum { MOST = sizeof plan->threads / sizeof plan->threads[0] };
    int threads[MOST];
    size_t n;
    enum status s = plan_threads(text, (int)m->n_pus, threads, MOST, &n, err);
    for (size_t i = 0; i < MOST && !s; i++)
        plan->threads[i] = i < n ? (size_t)threads[i] : 0;
    return s;
}

/* 1536 KiB as "1.5 MiB". */
static const char *size_text(double bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    snprintf(text, 32, "%.4g %s", bytes, units[unit]);
    return text;
}

static const char *or_unknown(const char *text)
{
    return *text ? text : "not told";
}

static void print_facts(const struct machine *m, const struct context *context)
{
    char text[32], fingerprint[FINGERPRINT_SIZE];
    machine_fingerprint(m, fingerprint);
    printf("machine      %s\n", fingerprint);
    printf("processor    %s, %s", or_unknown(m->vendor), or_unknown(m->cpu));
    if (m->family >= 0)
        printf(" (family %d, model %d, stepping %d)", m->family, m->model, m->stepping);
    printf("\nmay use      %zu core%s, %zu thread%s, pinned in the order", m->n_cores,
           m->n_cores == 1 ? "" : "s", m->n_pus, m->n_pus == 1 ? "" : "s");
    for (size_t i = 0; i < m->n_pus && i < 16; i++)
        printf(" %d", m->pus[i]);
    printf("%s\nkernels      up to %s", m->n_pus > 16 ? " ..." : "",
           cpu_isa_name(context->features));
    if (context->features != m->features)
        printf(" (this processor has %s)", cpu_isa_name(m->features));
    printf("\n");
    for (int level = 0; level < N_CACHES; level++) {
        const struct machine_cache *c = &m->cache[level];
        if (c->bytes)
            printf("%-12s %s, %d of them, each for %d core%s\n",
                   machine_level_name((enum machine_level)level), size_text((double)c->bytes, text),
                   c->count, c->cores, c->cores == 1 ? "" : "s");
    }
    printf("memory       %s, %d NUMA node%s\n", size_text(m->memory_bytes, text), m->numa_nodes,
           m->numa_nodes == 1 ? "" : "s");
    if (m->cgroup_cpus > 0)
        printf("CPU quota    %.2f processors\n", m->cgroup_cpus);
    if (m->cgroup_memory_bytes > 0)
        printf("memory limit %s\n", size_text(m->cgroup_memory_bytes, text));
    printf("hypervisor   %s\nkernel       %s\n", or_unknown(m->hypervisor), or_unknown(m->kernel));
}

/* How a roof compares: a bandwidth with that of DRAM, a peak with the bytes DRAM delivers. */
static void print_multiple(const struct roofs *r, const struct roof_row *row)
{
    const struct roof_row *dram =
        roofs_find(r, row->level ? row->name : "read", "DRAM", row->threads);
    if (dram && row->level)
        printf("%.3g x DRAM", row->value / dram->value);
    else if (dram)
        printf("%.3g %.*s per byte of DRAM read", row->value / dram->value,
               (int)strcspn(row->unit, "/"), row->unit);
}

static void print_roofs(const struct roofs *r)
{
    printf("\n%-8s %-5s %-7s %7s  %-13s %-18s %s\n", "roof", "level", "isa", "threads", "median",
           "[least, greatest]", "multiple");
    for (const struct roof_row *row = r->rows; row < r->rows + r->n; row++) {
        printf("%-8s %-5s %-7s %7zu ", row->name, row->level ? row->level : "-", row->isa,
               row->threads);
        if (row->reason) {
            printf("%s\n", row->reason);
            continue;
        }
        char interval[40];
        snprintf(interval, sizeof interval, "[%.1f, %.1f]", row->low / 1e9, row->high / 1e9);
        printf("%6.1f G%-6s %-18s ", row->value / 1e9, row->unit, interval);
        print_multiple(r, row);
        printf("\n");
    }
}

static enum status write_document(const char *folder, const struct json *document, struct err *err)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/machine.json", folder) >= (int)sizeof path)
        return status_fail(err, E_CANTCREATE, "%s: the path is too long", folder);
    return document_write(path, document, err);
}

static enum status print_document(const struct json *document, struct err *err)
{
    char *text = NULL;
    enum status s = json_print(document, true, &text, err);
    if (!s)
        puts(text);
    free(text);
    return s;
}

/* With a progress bar; Ctrl-C ends it. */
static enum status measure(const struct context *context, const struct machine *m,
                           const struct roof_plan *plan, struct roofs *roofs, struct err *err)
{
    struct stop stop;
    enum status s = stop_open(&stop, err);
    if (s)
        return s;
    struct progress_bar bar = progress_bar_new(context, &stop);
    s = roofs_measure(m, plan, &bar.progress, roofs, err);
    progress_bar_end(&bar);
    stop_close(&stop);
    return s;
}

static enum status report(const struct context *context, const struct machine_options *o,
                          const struct machine *m, const struct roof_plan *plan, struct err *err)
{
    struct run_record record;
    struct environment before, after;
    struct roofs roofs = {0};
    run_record_start(&record, &build_info, context->argc, context->argv, 0, context->features);
    environment_read("", &before);
    enum status s = measure(context, m, plan, &roofs, err);
    if (s)
        return s;
    environment_read("", &after);
    struct json *document = json_new_object();
    json_add_string(document, "schema", DOCUMENT_SCHEMA);
    json_add_string(document, "kind", "machine");
    run_record_add(&record, document, "complete");
    roofs_add_machine(m, &roofs, json_add_object(document, "machine"));
    struct json *environment = json_add_object(document, "environment");
    environment_add(&before, environment, "before");
    environment_add(&after, environment, "after");
    if (o->json) {
        s = print_document(document, err);
    } else {
        double steal, foreign;
        print_facts(m, context);
        print_roofs(&roofs);
        if (environment_delta(&before, &after, after.own_cpu_s - before.own_cpu_s, &steal,
                              &foreign))
            printf("\nDisturbed while measuring: %.1f %% steal, %.2f processors of foreign work; "
                   "'assay doctor' says more.\n",
                   100 * steal, foreign);
    }
    if (!s && o->out)
        s = write_document(o->out, document, err);
    json_free(document);
    roofs_free(&roofs);
    return s;
}

enum status verb_machine(const struct context *context, int argc, char **argv, struct err *err)
{
    struct machine_options o = {0};
    struct machine m;
    int words;
    bool helped;
    enum status s = options_parse(&verb_machine_help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    if (words)
        return status_fail(err, E_USAGE, "machine takes no words, not '%s'", argv[1]);
    s = machine_read(&m, err);
    if (s)
        return s;
    struct roof_plan plan =
        o.quick ? roof_plan_quick(&m, context->features) : roof_plan_full(&m, context->features);
    if (o.threads)
        s = parse_threads(o.threads, &m, &plan, err);
    if (!s && o.out)
        s = document_make_folder(o.out, err); /* before the measurement, not after */
    if (!s)
        s = report(context, &o, &m, &plan, err);
    machine_free(&m);
    return s;
}
