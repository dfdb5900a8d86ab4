#include "bench/counter_groups.h"

#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/perf_event_name.h"

#define FILES(F)                                                                                   \
    F(cpu)                                                                                         \
    F(cache)                                                                                       \
    F(dram)                                                                                        \
    F(dram_zen4) F(branch) F(tlb) F(fp) F(fp_zen) F(fp_zen4) F(fp_intel) F(energy) F(software)
#define DECLARE(name) extern const char embed_##name##_group[];
FILES(DECLARE)
#define ROW(name) {#name ".group", embed_##name##_group},
static const struct {
    const char *name, *text;
} files[] = {FILES(ROW)};

enum { N_FILES = sizeof files / sizeof files[0] };

/* "stream:0.9:3" */
static bool parse_check(const char *text, struct counter_event *e)
{
    static const struct {
        const char *name;
        enum counter_work work;
    } works[] = {{"loop", WORK_LOOP}, {"stream", WORK_STREAM}, {"fp", WORK_FP}};
    char name[16];
    if (sscanf(text, "%15[a-z]:%lf:%lf", name, &e->low, &e->high) != 3)
        return false;
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
        if (!strcmp(name, works[i].name)) {
            e->work = works[i].work;
            return true;
        }
    return false;
}

static bool parse_event(char *rest, struct counter_event *out)
{
    char *name = strsep(&rest, " "), *word;
    if (!rest) {
        const struct counter_event *known = counter_event_find(name);
        if (known)
            *out = *known;
        return known;
    }
    struct counter_event e = {.name = name,
                              .title = name,
                              .hardware = true,
                              .perf_type = COUNTER_NO_TYPE,
                              .work = WORK_UNKNOWN};
    e.unit = strsep(&rest, " ");
    bool right = true;
    while (right && (word = strsep(&rest, " "))) {
        if (!strncmp(word, "papi=", 5))
            e.papi = word + 5;
        else if (!strncmp(word, "perf=", 5))
            e.perf = word + 5;
        else if (!strncmp(word, "zone=", 5))
            e.zone = word + 5;
        else if (!strcmp(word, "scope=socket"))
            e.socket = true;
        else
            right = !strncmp(word, "check=", 6) && parse_check(word + 6, &e);
    }
    *out = e;
    return right && (e.papi || e.perf || e.zone);
}

/* "ipc = instructions / cycles [instruction/cycle]" */
static bool parse_metric(char *line, struct counter_metric *out)
{
    char *equals = strstr(line, " = "), *open = strrchr(line, '['), *close = strrchr(line, ']');
    if (!equals || !open || !close || close < open || close[1] || open <= equals + 3 ||
        open[-1] != ' ')
        return false;
    *equals = open[-1] = *close = '\0';
    *out = (struct counter_metric){line, equals + 3, open + 1};
    return true;
}

static bool names_cpu(const char *line, const struct counter_cpu *cpu)
{
    char vendor[32], models[128] = "";
    int family;
    int n = sscanf(line, "%31s %d %127s", vendor, &family, models);
    if (n < 2 || strcmp(vendor, cpu->vendor) || family != cpu->family)
        return false;
    bool found = n == 2;
    char *rest = models, *model;
    while (!found && (model = strsep(&rest, ",")))
        found = atoi(model) == cpu->model;
    return found;
}

static bool parse_line(char *line, const struct counter_cpu *cpu, struct counter_group *g)
{
    char *word = strsep(&line, " ");
    if (!*word || *word == '#')
        return true;
    if (!line)
        return false;
    if (!strcmp(word, "group")) {
        g->name = strsep(&line, " ");
        g->title = line ? line : g->name;
        return true;
    }
    if (!strcmp(word, "for")) {
        g->generic = g->generic || !strcmp(line, "generic");
        g->matches = g->matches || names_cpu(line, cpu);
        return true;
    }
    if (!strcmp(word, "event"))
        return g->n_events < GROUP_MAX_EVENTS && parse_event(line, &g->events[g->n_events++]);
    return !strcmp(word, "metric") && g->n_metrics < GROUP_MAX_METRICS &&
           parse_metric(line, &g->metrics[g->n_metrics++]);
}

void counter_group_symbols(const struct counter_group *g, double iterations, double items,
                           double seconds, struct formula_symbol *symbols)
{
    size_t n = 0;
    for (; n < g->n_events; n++)
        symbols[n] = (struct formula_symbol){g->events[n].name, g->events[n].unit, NAN};
    symbols[n++] = (struct formula_symbol){"iterations", "iteration", iterations};
    symbols[n++] = (struct formula_symbol){"items", "item", items};
    symbols[n++] = (struct formula_symbol){"seconds", "s", seconds};
    symbols[n] = (struct formula_symbol){0};
}

static enum status check_units(const char *file, const struct counter_group *g, struct err *err)
{
    struct formula_symbol symbols[GROUP_MAX_EVENTS + 4];
    struct formula_result unused;
    struct err why;
    counter_group_symbols(g, 1, 1, 1, symbols);
    for (size_t i = 0; i < g->n_metrics; i++)
        if (formula_evaluate(g->metrics[i].formula, g->metrics[i].unit, symbols, &unused, &why))
            return status_fail(err, E_FORMAT, "%s: %s: %.400s", file, g->metrics[i].name, why.text);
    return OK;
}

enum status counter_group_parse(const char *file, const char *text, const struct counter_cpu *cpu,
                                struct counter_group *out, struct err *err)
{
    struct counter_group g = {.text = strdup(text)};
    char *rest = g.text, *line;
    size_t number = 0;
    enum status s = rest ? OK : status_fail(err, E_NOMEM, "%s: out of memory", file);
    while (!s && (line = strsep(&rest, "\n")))
        if (number++, !parse_line(line, cpu, &g))
            s = status_fail(err, E_FORMAT, "%s: line %zu is not understood", file, number);
    if (!s && !g.name)
        s = status_fail(err, E_FORMAT, "%s: the group has no name", file);
    if (!s)
        s = check_units(file, &g, err);
    if (s)
        counter_group_free(&g);
    else
        *out = g;
    return s;
}

void counter_group_free(struct counter_group *group)
{
    free(group->text);
    group->text = NULL;
}

/* Whether the list "cpu,cache" has the word. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
        if (!strncmp(p, word, n) && (!p[n] || p[n] == ','))
            return true;
    return false;
}

/* Adds a group, in the place of a generic one of the same name when it is for this processor. */
static void take_group(struct counter_choice *c, struct counter_group *g)
{
    size_t i = 0;
    while (i < c->n_groups && strcmp(c->groups[i].name, g->name))
        i++;
    bool wanted = i == c->n_groups ? g->matches || g->generic : g->matches;
    if (!wanted) {
        counter_group_free(g);
        return;
    }
    if (i < c->n_groups)
        counter_group_free(&c->groups[i]);
    else
        c->n_groups++;
    c->groups[i] = *g;
}

/* An event by a name of the portable table, of PAPI or of perf, as far as it is known what it is:
 * what PAPI's name of a row of the table counts can be checked as that row is. */
static struct counter_event event_by_name(const char *name)
{
    struct perf_selector places[64];
    size_t n;
    const struct counter_event *known = counter_event_find(name);
    if (known)
        return *known;
    struct counter_event e = {.name = name,
                              .unit = "event",
                              .title = name,
                              .hardware = true,
                              .papi = name,
                              .perf = name,
                              .perf_type = COUNTER_NO_TYPE,
                              .work = WORK_UNKNOWN};
    for (known = counter_events; known->name; known++)
        if (!strcmp(known->papi, name)) {
            e = *known;
            e.name = name;
            e.perf_type = COUNTER_NO_TYPE;
            return e;
        }
    if (!perf_event_name("", name, places, sizeof places / sizeof places[0], &n)) {
        e.hardware = places[0].type != PERF_TYPE_SOFTWARE;
        e.socket = places[0].cpu >= 0;
        e.papi = e.socket ? NULL : name; /* PAPI counts the calling thread */
    }
    return e;
}

/* A user's list of events as a group of its own, without figures. */
static enum status make_list(const char *events, struct counter_group *out, struct err *err)
{
    struct counter_group g = {.name = "events", .title = "Events by name", .text = strdup(events)};
    enum status s = g.text ? OK : status_fail(err, E_NOMEM, "no memory for the events");
    for (char *p = g.text, *next = p; next && !s; p = next) {
        bool inside = false;
        for (next = p; *next && (*next != ',' || inside); next++)
            inside ^= *next == '/';
        if (*next)
            *next++ = '\0';
        else
            next = NULL;
        if (g.n_events == GROUP_MAX_EVENTS || !*p)
            s = status_fail(err, E_USAGE, "--events: %s",
                            *p ? "more than 16 events" : "an empty name");
        else
            g.events[g.n_events++] = event_by_name(p);
    }
    if (s)
        counter_group_free(&g);
    else
        *out = g;
    return s;
}

static enum status collect_events(struct counter_choice *c, struct err *err)
{
    for (size_t i = 0; i < c->n_groups; i++)
        for (size_t k = 0; k < c->groups[i].n_events; k++) {
            const struct counter_event *e = &c->groups[i].events[k];
            size_t n = 0;
            while (n < c->n_events && strcmp(c->events[n]->name, e->name))
                n++;
            if (n == CHOICE_MAX_EVENTS)
                return status_fail(err, E_USAGE, "more than %d events", CHOICE_MAX_EVENTS);
            if (n == c->n_events)
                c->events[c->n_events++] = e;
        }
    return OK;
}

enum status counter_choice_make(const char *names, const char *events,
                                const struct counter_cpu *cpu, struct counter_choice *out,
                                struct err *err)
{
    struct counter_choice c = {.groups = calloc(N_FILES + 1, sizeof *c.groups)};
    enum status s = c.groups ? OK : status_fail(err, E_NOMEM, "no memory for the groups");
    for (size_t i = 0; i < N_FILES && !s && (names || !events); i++) {
        struct counter_group g;
        s = counter_group_parse(files[i].name, files[i].text, cpu, &g, err);
        if (!s && (!names || has_word(names, g.name)))
            take_group(&c, &g);
        else if (!s)
            counter_group_free(&g);
    }
    for (const char *p = names; p && !s; p = strchr(p, ','), p = p ? p + 1 : NULL) {
        size_t i = 0, n = strcspn(p, ",");
        while (i < c.n_groups && (strlen(c.groups[i].name) != n || memcmp(c.groups[i].name, p, n)))
            i++;
        if (i == c.n_groups)
            s = status_fail(err, E_USAGE,
                            "--group: no group '%.*s'; there are cpu, cache, dram, branch, tlb, "
                            "fp, energy, software",
                            (int)n, p);
    }
    if (!s && events) {
        s = make_list(events, &c.groups[c.n_groups], err);
        c.n_groups += !s;
    }
    if (!s)
        s = collect_events(&c, err);
    if (s)
        counter_choice_free(&c);
    else
        *out = c;
    return s;
}

void counter_choice_free(struct counter_choice *c)
{
    for (size_t i = 0; i < c->n_groups; i++)
        counter_group_free(&c->groups[i]);
    free(c->groups);
    *c = (struct counter_choice){0};
}
