#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/doctor.h"
#include "cli/verbs.h"

static const struct option_row options[] = {{0}};
const struct verb_help verb_doctor_help = {
    "doctor",
    "Names what on this host disturbs measurements: for each finding the effect on a timing and\n"
    "the remedy.  It changes nothing, and takes half a second to see what others do.",
    options, WORD_NONE, NULL};

/* folder: PATH, or NULL */
static bool on_path(const char *folder, const char *program)
{
    while (folder && *folder) {
        char path[PATH_MAX];
        int n = (int)strcspn(folder, ":");
        if (snprintf(path, sizeof path, "%.*s/%s", n, folder, program) < (int)sizeof path &&
            !access(path, X_OK))
            return true;
        folder += n + (folder[n] == ':');
    }
    return false;
}

static void print(const struct diagnosis *x)
{
    static const char *const marks[] = {
        [DIAGNOSIS_FINE] = "ok", [DIAGNOSIS_DISTURBS] = "!!", [DIAGNOSIS_UNKNOWN] = "??"};
    printf("%s  %-15s %s\n", marks[x->kind], x->topic, x->finding);
    if (x->kind == DIAGNOSIS_DISTURBS)
        printf("    %-15s effect: %s\n    %-15s remedy: %s\n", "", x->effect, "", x->remedy);
}

enum status verb_doctor(const struct context *context, int argc, char **argv, struct err *err)
{
    static const struct timespec watch = {.tv_nsec = 500 * 1000 * 1000};
    struct machine m;
    struct environment before, after;
    struct diagnosis findings[DIAGNOSES];
    int words, disturbing = 0;
    bool helped;
    enum status s = options_parse(&verb_doctor_help, argc, argv, NULL, &words, &helped, err);
    if (s || helped)
        return s;
    if (words)
        return status_fail(err, E_USAGE, "doctor takes no words, not '%s'", argv[1]);
    s = machine_read(&m, err);
    if (s)
        return s;
    environment_read("", &before);
    nanosleep(&watch, NULL);
    environment_read("", &after);
    struct doctor doctor = {.root = "",
                            .machine = &m,
                            .before = &before,
                            .after = &after,
                            .has_gnuplot = on_path(context->search_path, "gnuplot")};
    doctor_examine(&doctor, findings);
    for (int i = 0; i < DIAGNOSES; i++) {
        print(&findings[i]);
        disturbing += findings[i].kind == DIAGNOSIS_DISTURBS;
    }
    printf("\n%d of %d disturb measurements here\n", disturbing, DIAGNOSES);
    machine_free(&m);
    return OK;
}
