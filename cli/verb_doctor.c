#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "bench/doctor.h"
#include "cli/verbs.h"
#include "plots/gnuplot.h"

struct doctor_options {
    bool json, brief;
    const char *out;
};

static const struct option_row options[] = {
    {"json", OPTION_FLAG, NULL, "a JSON object on standard output, not a text",
     offsetof(struct doctor_options, json), NULL},
    {"brief", OPTION_FLAG, NULL, "one line for each topic", offsetof(struct doctor_options, brief),
     NULL},
    {"out", OPTION_TEXT, "DIR", "the folder of results whose disk is looked at (default: results)",
     offsetof(struct doctor_options, out), NULL},
    {0}};
const struct verb_help verb_doctor_help = {
    "doctor [options]",
    "Names what on this host disturbs measurements: for each topic what was found and where, what\n"
    "it does to a timing, measured in a second where it can be, the command that changes it, and\n"
    "the command that restores what was found.  It changes nothing itself.",
    options, WORD_NONE, NULL};

enum { WIDTH = 100, INDENT = 28, LABEL = 8 };

struct palette {
    const char *marks[3], *strong, *faint, *end;
};
static const struct palette plain = {{"", "", ""}, "", "", ""};
static const struct palette colours = {{[DIAGNOSIS_FINE] = "\033[32m",
                                        [DIAGNOSIS_DISTURBS] = "\033[1;31m",
                                        [DIAGNOSIS_UNKNOWN] = "\033[33m"},
                                       "\033[1m",
                                       "\033[2m",
                                       "\033[0m"};

static void print_label(const struct palette *p, const char *label)
{
    printf("%*s%s%-*s%s", INDENT - LABEL, "", p->faint, LABEL, label, p->end);
}

/* Words wrapped at WIDTH, behind a label. */
static void print_words(const struct palette *p, const char *label, const char *text)
{
    size_t column = INDENT;
    if (!*text)
        return;
    print_label(p, label);
    for (const char *word = text; *word;) {
        size_t n = strcspn(word, " ");
        if (column > INDENT && column + 1 + n > WIDTH) {
            printf("\n%*s", INDENT, "");
            column = INDENT;
        }
        printf("%s%.*s", column > INDENT ? " " : "", (int)n, word);
        column += n + (column > INDENT);
        word += n + strspn(word + n, " ");
    }
    printf("\n");
}

/* A command stays on one line, so that it can be pasted. */
static void print_command(const struct palette *p, const char *label, const char *command)
{
    if (!*command)
        return;
    print_label(p, label);
    printf("%s%s%s\n", p->strong, command, p->end);
}

static void print_topic(const struct palette *p, const struct diagnosis *x, bool brief)
{
    static const char *const marks[] = {
        [DIAGNOSIS_FINE] = "ok", [DIAGNOSIS_DISTURBS] = "!!", [DIAGNOSIS_UNKNOWN] = "??"};
    printf("%s%s%s  %-*s%s\n", p->marks[x->kind], marks[x->kind], p->end, INDENT - LABEL - 4,
           x->topic, x->finding);
    if (brief)
        return;
    if (x->kind != DIAGNOSIS_FINE)
        print_words(p, "from", x->source);
    print_words(p, "effect", x->effect);
    print_words(p, x->remedy[0] ? "note" : "remedy", x->advice);
    print_command(p, "remedy", x->remedy);
    print_command(p, "undo", x->undo);
}

static void print_text(const struct palette *p, const struct diagnosis found[DIAGNOSES], bool brief)
{
    int count[3] = {0};
    const char *section = "";
    for (int i = 0; i < DIAGNOSES; i++) {
        if (strcmp(section, found[i].section)) {
            section = found[i].section;
            printf("%s%s%s%s\n", i ? "\n" : "", p->strong, section, p->end);
        }
        print_topic(p, &found[i], brief);
        count[found[i].kind]++;
    }
    printf("\n%d of %d topics disturb measurements or leave something out here, %d are in order, "
           "%d unknown.\n",
           count[DIAGNOSIS_DISTURBS], DIAGNOSES, count[DIAGNOSIS_FINE], count[DIAGNOSIS_UNKNOWN]);
}

static enum status print_json(const struct doctor *d, const struct diagnosis found[DIAGNOSES],
                              struct err *err)
{
    char *text = NULL;
    struct json *object = json_new_object();
    doctor_add(d, found, object);
    enum status s = json_print(object, true, &text, err);
    if (!s)
        puts(text);
    free(text);
    json_free(object);
    return s;
}

/* The folder, or the nearest one above it that is there; *free_bytes NAN when none tells. */
static void look_at_disk(const char *folder, char place[4096], double *free_bytes)
{
    struct statvfs disk;
    snprintf(place, 4096, "%s", folder);
    *free_bytes = NAN;
    while (statvfs(place, &disk)) {
        char *slash = strrchr(place, '/');
        if (!strcmp(place, ".") || !strcmp(place, "/"))
            return;
        if (slash == place)
            slash[1] = '\0';
        else if (slash)
            *slash = '\0';
        else
            strcpy(place, ".");
    }
    *free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
}

enum status verb_doctor(const struct context *context, int argc, char **argv, struct err *err)
{
    static const struct timespec watch = {.tv_nsec = 500 * 1000 * 1000};
    struct doctor_options o = {.out = "results"};
    struct machine m;
    struct environment before, after;
    struct doctor_probe probe;
    struct diagnosis found[DIAGNOSES];
    struct gnuplot gnuplot;
    struct err missing = {{0}};
    char place[4096];
    int words;
    bool helped;
    enum status s = options_parse(&verb_doctor_help, argc, argv, &o, &words, &helped, err);
    if (s || helped)
        return s;
    if (words)
        return status_fail(err, E_USAGE, "doctor takes no words, not '%s'", argv[1]);
    s = machine_read(&m, err);
    if (s)
        return s;
    bool draws = !gnuplot_find(context->search_path, &gnuplot, &missing);
    environment_read("", &before);
    nanosleep(&watch, NULL);
    environment_read("", &after);
    doctor_probe(&m, "", &probe);
    struct doctor doctor = {.root = "",
                            .machine = &m,
                            .before = &before,
                            .after = &after,
                            .probe = &probe,
                            .gnuplot = draws ? gnuplot.path : NULL,
                            .gnuplot_missing = missing.text,
                            .results = place,
                            .superuser = !geteuid()};
    look_at_disk(o.out, place, &doctor.results_free_bytes);
    doctor_examine(&doctor, found);
    if (o.json)
        s = print_json(&doctor, found, err);
    else
        print_text(context->color && isatty(STDOUT_FILENO) ? &colours : &plain, found, o.brief);
    machine_free(&m);
    return s;
}
