#include <stdio.h>

#include "bench/registry.h"
#include "cli/verbs.h"

static const struct option_row options[] = {{0}};
const struct verb_help verb_describe_help = {
    "describe TECHNIQUE ...",
    "Prints a technique's source, claim, tasks, variants, cases and expected values.", options,
    WORD_TECHNIQUE, NULL};

static void print_params(const struct param *p)
{
    for (int i = 0; i < MAX_PARAMS && p[i].name; i++)
        printf("%s%s=%g", i ? " " : "  ", p[i].name, p[i].value);
}

static void describe(const struct registry_row *row)
{
    const struct technique *t = row->technique;
    printf("%s: %s\n  family  %s\n  source  %s\n  claim   %s\n", t->id, t->title, row->family,
           t->source, t->claim);
    for (const struct task *k = t->tasks; k->name; k++) {
        printf("\n  task %s\n", k->name);
        for (const struct variant *v = k->variants; v->name; v++) {
            printf("    variant %-22s %s%s", v->name, v->title,
                   v == k->variants  ? " (baseline)"
                   : v->flags & PEER ? " (peer)"
                                     : "");
            print_params(v->p);
            printf("\n");
        }
        for (const struct matrix_case *c = k->cases; c->name; c++) {
            printf("    case    %-22s %s%s", c->name, c->flags & DRAM ? "cold" : "warm",
                   c->flags & QUICK ? ", in the quick preset" : "");
            print_params(c->p);
            printf("\n");
        }
    }
    for (const struct expect *e = t->expect; e && e->task; e++)
        printf("%s    %s/%s%s%s %s = %g +- %g: %s\n", e == t->expect ? "\n  expected\n" : "",
               e->task, e->variant, e->subject ? " " : "", e->subject ? e->subject : "", e->metric,
               e->value, e->tolerance, e->why);
}

enum status verb_describe(const struct context *context, int argc, char **argv, struct err *err)
{
    (void)context;
    int words;
    bool helped;
    enum status s = options_parse(&verb_describe_help, argc, argv, NULL, &words, &helped, err);
    if (s || helped)
        return s;
    if (!words)
        return status_fail(err, E_USAGE, "describe needs a technique; 'assay list' names them");
    for (int i = 1; i <= words; i++) {
        const struct registry_row *row = registry_find(argv[i]);
        if (!row)
            return status_fail(err, E_USAGE, "no technique '%s'; 'assay list' names them", argv[i]);
        describe(row);
    }
    return OK;
}
