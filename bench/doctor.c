#include "bench/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/doctor_topic.h"
#include "bench/sysfile.h"

static void gnuplot(const struct doctor *d, struct diagnosis *x)
{
    snprintf(x->source, sizeof x->source, "PATH");
    if (d->gnuplot) {
        doctor_found(x, DIAGNOSIS_FINE, "%s, 5.2 or newer", d->gnuplot);
        return;
    }
    doctor_found(x, DIAGNOSIS_DISTURBS, "missing or too old");
    doctor_effect(x, "None on a timing: results come as text tables, without figures.");
    doctor_advise(x, "%s", d->gnuplot_missing);
    doctor_commands(d, x, "apt-get install gnuplot-nox", "apt-get remove gnuplot-nox");
}

static const struct {
    const char *section, *topic;
    doctor_topic_fn *examine;
} topics[] = {
    {"Clock and cores", "governor", doctor_governor},
    {"Clock and cores", "turbo", doctor_turbo},
    {"Clock and cores", "SMT", doctor_smt},
    {"Clock and cores", "throttling", doctor_throttling},
    {"Clock and cores", "timer", doctor_timer},
    {"Others on this machine", "load", doctor_load},
    {"Others on this machine", "jitter", doctor_jitter},
    {"Others on this machine", "steal", doctor_steal},
    {"Others on this machine", "virtualisation", doctor_virtualisation},
    {"Limits of this process", "CPU quota", doctor_quota},
    {"Limits of this process", "cpuset", doctor_cpuset},
    {"Limits of this process", "memory limit", doctor_memory_limit},
    {"Memory", "huge pages", doctor_huge_pages},
    {"Memory", "NUMA balancing", doctor_numa},
    {"Memory", "address layout", doctor_layout},
    {"Memory", "swap", doctor_swap},
    {"Counters", "PMU", doctor_pmu},
    {"Counters", "perf events", doctor_paranoid},
    {"Counters", "NMI watchdog", doctor_watchdog},
    {"Counters", "rdpmc", doctor_rdpmc},
    {"Counters", "energy", doctor_energy},
    {"Results", "disk", doctor_disk},
    {"Results", "gnuplot", gnuplot},
};
_Static_assert(sizeof topics / sizeof topics[0] == DIAGNOSES, "one row for each diagnosis");

const char *diagnosis_kind_name(enum diagnosis_kind kind)
{
    static const char *const names[] = {[DIAGNOSIS_FINE] = "ok",
                                        [DIAGNOSIS_DISTURBS] = "disturbs",
                                        [DIAGNOSIS_UNKNOWN] = "unknown"};
    return names[kind];
}

/* A name from the kernel, of a control group say, may hold what moves a terminal's cursor. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void doctor_examine(const struct doctor *d, struct diagnosis out[DIAGNOSES])
{
    for (int i = 0; i < DIAGNOSES; i++) {
        out[i] = (struct diagnosis){.section = topics[i].section, .topic = topics[i].topic};
        topics[i].examine(d, &out[i]);
        make_printable(out[i].finding);
        make_printable(out[i].source);
        make_printable(out[i].advice);
    }
}

static void add_text(struct json *object, const char *key, const char *text)
{
    json_add_string(object, key, *text ? text : NULL);
}

static void add_probe(const struct doctor_probe *p, struct json *object)
{
    json_add_number(object, "clock_start", p->clock_start);
    json_add_number(object, "jitter_median_s", p->jitter_median);
    json_add_number(object, "jitter_p99", p->jitter_p99);
    json_add_number(object, "together", p->together);
    json_add_number(object, "steal_share", p->steal_share);
    json_add_number(object, "throttled_s", p->throttled_s);
    json_add_number(object, "timer_ns", p->timer_ns);
    json_add_number(object, "timer_step_ns", p->timer_step_ns);
    json_add_number(object, "fault_small_ns", p->fault_small_ns);
    json_add_number(object, "fault_huge_ns", p->fault_huge_ns);
    json_add_number(object, "read_small_ns", p->read_small_ns);
    json_add_number(object, "read_huge_ns", p->read_huge_ns);
}

void doctor_add(const struct doctor *d, const struct diagnosis found[DIAGNOSES],
                struct json *object)
{
    int disturb = 0;
    struct json *list = json_add_array(object, "topics");
    for (int i = 0; i < DIAGNOSES; i++) {
        const struct diagnosis *x = &found[i];
        struct json *topic = json_add_object(list, NULL);
        json_add_string(topic, "section", x->section);
        json_add_string(topic, "topic", x->topic);
        json_add_string(topic, "state", diagnosis_kind_name(x->kind));
        json_add_string(topic, "found", x->finding);
        add_text(topic, "source", x->source);
        add_text(topic, "effect", x->effect);
        add_text(topic, "advice", x->advice);
        add_text(topic, "remedy", x->remedy);
        add_text(topic, "undo", x->undo);
        disturb += x->kind == DIAGNOSIS_DISTURBS;
    }
    json_add_number(object, "disturb", disturb);
    add_probe(d->probe, json_add_object(object, "measured"));
}

/* ---- What topics are written with ---- */

bool doctor_is_word(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "_.+-";
    size_t n = strlen(text);
    return n && n < DOCTOR_WORD_SIZE && strspn(text, letters) == n;
}

bool doctor_is_path(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "_.+-/:@,";
    return *text == '/' && strspn(text, letters) == strlen(text);
}

static bool root_path(const struct doctor *d, const char *path, char full[PATH_MAX])
{
    return snprintf(full, PATH_MAX, "%s%s", d->root, path) < PATH_MAX;
}

bool doctor_has_file(const struct doctor *d, const char *path)
{
    char full[PATH_MAX];
    return root_path(d, path, full) && !access(full, F_OK);
}

bool doctor_word(const struct doctor *d, struct diagnosis *x, const char *path,
                 char word[DOCTOR_WORD_SIZE])
{
    char text[64];
    snprintf(x->source, sizeof x->source, "%s", path);
    if (!sysfile_text(d->root, text, sizeof text, "%s", path))
        doctor_found(x, DIAGNOSIS_UNKNOWN, "%s",
                     doctor_has_file(d, path) ? "its file cannot be read"
                                              : "the system does not tell");
    else if (!doctor_is_word(text))
        doctor_found(x, DIAGNOSIS_UNKNOWN, "its file does not hold a word");
    else {
        snprintf(word, DOCTOR_WORD_SIZE, "%.47s", text);
        return true;
    }
    return false;
}

bool doctor_number(const struct doctor *d, struct diagnosis *x, const char *path, long *value)
{
    char word[DOCTOR_WORD_SIZE], *end;
    if (!doctor_word(d, x, path, word))
        return false;
    errno = 0;
    long parsed = strtol(word, &end, 10);
    if (*end || end == word || errno) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "its file holds no number, but %s", word);
        return false;
    }
    *value = parsed;
    return true;
}

bool doctor_is_guest(const struct doctor *d)
{
    return *d->machine->hypervisor && strcmp(d->machine->hypervisor, "none");
}

bool doctor_in_container(const struct doctor *d)
{
    return doctor_has_file(d, "/.dockerenv") || doctor_has_file(d, "/run/.containerenv") ||
           doctor_has_file(d, "/run/systemd/container");
}

void doctor_found(struct diagnosis *x, enum diagnosis_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(x->finding, sizeof x->finding, format, arguments);
    va_end(arguments);
    x->kind = kind;
}

/* Appends to text, behind the separator when there is some already. */
__attribute__((format(printf, 4, 0))) static void
add_words(char *text, size_t size, const char *separator, const char *format, va_list arguments)
{
    size_t n = strlen(text);
    if (n)
        n += (size_t)snprintf(text + n, size - n, "%s", separator);
    if (n < size)
        vsnprintf(text + n, size - n, format, arguments);
}

void doctor_effect(struct diagnosis *x, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_words(x->effect, sizeof x->effect, " ", format, arguments);
    va_end(arguments);
}

void doctor_advise(struct diagnosis *x, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_words(x->advice, sizeof x->advice, "; ", format, arguments);
    va_end(arguments);
}

bool doctor_commands(const struct doctor *d, struct diagnosis *x, const char *remedy,
                     const char *undo)
{
    const char *sudo = d->superuser ? "" : "sudo ";
    int n = snprintf(x->remedy, sizeof x->remedy, "%s%s", sudo, remedy);
    int m = snprintf(x->undo, sizeof x->undo, "%s%s", sudo, undo);
    bool whole = n < (int)sizeof x->remedy && m < (int)sizeof x->undo;
    if (!whole) /* half a command is worse than none */
        x->remedy[0] = x->undo[0] = '\0';
    return whole;
}

/* Nobody may write to the file: it is on a file system that is mounted to be read. */
static bool is_read_only(const struct doctor *d, const char *path)
{
    char full[PATH_MAX];
    return root_path(d, path, full) && faccessat(AT_FDCWD, full, W_OK, AT_EACCESS) &&
           (errno == EROFS || (d->superuser && errno == EACCES));
}

static void advise_read_only(const struct doctor *d, struct diagnosis *x, const char *remedy)
{
    doctor_advise(x, "%s may not be written from %s; on the host: %s", x->source,
                  doctor_in_container(d) ? "this container" : "here", remedy);
}

void doctor_offer(const struct doctor *d, struct diagnosis *x, const char *path,
                  const char *pattern, const char *wanted, const char *found)
{
    const char *sudo = d->superuser ? "" : "sudo ", *target = pattern ? pattern : path;
    char remedy[512], undo[512];
    int n = snprintf(remedy, sizeof remedy, "echo %s | %stee %s", wanted, sudo, target);
    int m = snprintf(undo, sizeof undo, "echo %s | %stee %s", found, sudo, target);
    if (n >= (int)sizeof remedy || m >= (int)sizeof undo)
        return;
    if (is_read_only(d, path)) {
        advise_read_only(d, x, remedy);
        return;
    }
    strcpy(x->remedy, remedy);
    strcpy(x->undo, undo);
}

void doctor_offer_sysctl(const struct doctor *d, struct diagnosis *x, const char *key, long wanted,
                         long found)
{
    char path[96], remedy[96], undo[96];
    snprintf(path, sizeof path, "/proc/sys/%s", key);
    for (char *dot = path; (dot = strchr(dot, '.'));)
        *dot = '/';
    snprintf(remedy, sizeof remedy, "sysctl -w %s=%ld", key, wanted);
    snprintf(undo, sizeof undo, "sysctl -w %s=%ld", key, found);
    if (is_read_only(d, path))
        advise_read_only(d, x, remedy);
    else
        doctor_commands(d, x, remedy, undo);
}

const char *doctor_size(double bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    snprintf(text, 32, "%.3g %s", bytes, units[unit]);
    return text;
}
