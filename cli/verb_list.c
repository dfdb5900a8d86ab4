#include <stdio.h>
#include <string.h>

#include "analyses/analysis.h"
#include "bench/counters.h"
#include "bench/registry.h"
#include "cli/verbs.h"
#include "numerics/formats/scalar_format.h"

#define LISTS "techniques|variants|cases|formats|analyses|counters"

static const struct option_row options[] = {{0}};
const struct verb_help verb_list_help = {
    "list [" LISTS "]",
    "Lists what this program knows, one line each, columns separated by tabs.\n"
    "A variant or case is shown as the cell path that `assay bench` takes.  Counters are opened, "
    "run\n"
    "over known work and checked first; what cannot be trusted here says why.",
    options, WORD_CHOICE, LISTS};

static void list_techniques(void)
{
    for (const struct registry_row *r = registry; r->technique; r++)
        printf("%s\t%s\t%s\n", r->technique->id, r->family, r->technique->title);
}

static void list_variants(void)
{
    for (const struct registry_row *r = registry; r->technique; r++)
        for (const struct task *t = r->technique->tasks; t->name; t++)
            for (const struct variant *v = t->variants; v->name; v++)
                printf("%s/%s/%s\t%s\n", r->technique->id, t->name, v->name, v->title);
}

static void list_cases(void)
{
    for (const struct registry_row *r = registry; r->technique; r++)
        for (const struct task *t = r->technique->tasks; t->name; t++)
            for (const struct matrix_case *c = t->cases; c->name; c++)
                printf("%s/%s/*/%s\t%s%s\n", r->technique->id, t->name, c->name,
                       c->flags & DRAM ? "cold" : "warm", c->flags & QUICK ? "\tquick" : "");
}

/* Bits for a weight of a 4096 x 4096 matrix with bf16 scales, alone and by common groups. */
static void list_formats(void)
{
    static const size_t blocks[] = {BLOCK_CHANNEL, 128, 64, 32};
    printf("format\tbits\tchannel\tblock 128\tblock 64\tblock 32\twhat it is\n");
    for (const struct scalar_format *f = scalar_formats; f->name; f++) {
        struct codebook codebook = {.bits = f->bits};
        scalar_format_codebook(f, SCALE_ABSMAX, 64, 5, &codebook, NULL); /* for its bits alone */
        printf("%s\t%.6g", f->name, codebook.bits);
        for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
            struct block_format format = {.codebook = &codebook,
                                          .scale_format = SCALE_BF16,
                                          .block = blocks[i],
                                          .extra_bits = scalar_format_extra_bits(f)};
            printf("\t%.6g", block_format_bits(&format, 4096, 4096));
        }
        printf("\t%s\n", f->title);
    }
    printf("\nnamed format\tbits\telement\tscaling\tblock\tscales\twhat it is\n");
    for (const struct named_format *f = named_formats; f->name; f++) {
        const struct scalar_format *element = scalar_format_find(f->element);
        struct codebook codebook;
        scalar_format_codebook(element, scaling_find(f->scaling)->rule, f->block, 5, &codebook,
                               NULL);
        struct block_format format = {.codebook = &codebook,
                                      .scale_format = f->scale_format,
                                      .block = f->block,
                                      .extra_bits = scalar_format_extra_bits(element)};
        printf("%s\t%.6g\t%s\t%s\t", f->name, block_format_bits(&format, 4096, 4096), f->element,
               f->scaling);
        if (f->block == BLOCK_TENSOR || f->block == BLOCK_CHANNEL)
            printf("%s", f->block == BLOCK_TENSOR ? "tensor" : "channel");
        else
            printf("%zu", f->block);
        printf("\t%s\t%s\n", scale_format_name(f->scale_format), f->title);
    }
}

static void list_analyses(void)
{
    for (const struct analysis *const *a = analyses; *a; a++)
        printf("%s\t%s\n", (*a)->name, (*a)->title);
}

static void list_counters_of(const char *choice)
{
    struct counters counters;
    struct err err;
    enum status s = counters_open(choice, &counters, &err);
    for (size_t i = 0; i < counters.n; i++) {
        const struct counter_probe *p = &counters.probes[i];
        printf("%s\t%s\t%s\t%s\t%s%s%s\n", counters.backend.name, p->event->name,
               p->event->hardware ? "hardware" : "software", p->event->title,
               counter_state_name(p->state), p->reason[0] ? "\t" : "", p->reason);
    }
    if (s && !counters.n)
        printf("%s\t\t\t\tunavailable\t%s\n", choice, err.text);
    counters_close(&counters);
}

static void list_counters(void)
{
    list_counters_of("papi");
    list_counters_of("perf");
}

static const struct {
    const char *name;
    void (*list)(void);
} lists[] = {{"techniques", list_techniques}, {"variants", list_variants},
             {"cases", list_cases},           {"formats", list_formats},
             {"analyses", list_analyses},     {"counters", list_counters}};

enum status verb_list(const struct context *context, int argc, char **argv, struct err *err)
{
    (void)context;
    int words;
    bool helped;
    enum status s = options_parse(&verb_list_help, argc, argv, NULL, &words, &helped, err);
    if (s || helped)
        return s;
    if (words > 1)
        return status_fail(err, E_USAGE, "list takes one word, not '%s'", argv[2]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (!words || !strcmp(argv[1], lists[i].name)) {
            lists[i].list();
            return OK;
        }
    return status_fail(err, E_USAGE, "list: no list '%s'; there are " LISTS, argv[1]);
}
