/* The doctor on processors: their clock, who else uses them, and how many this process gets. */
#include <glob.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cgroup.h"
#include "bench/doctor_topic.h"
#include "bench/sysfile.h"

static const char everywhere[] = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";

/* How many processors have another governor than `word`; those without one do not count. */
static size_t other_governors(const struct doctor *d, const char *word)
{
    char pattern[PATH_MAX];
    glob_t files;
    size_t others = 0;
    if (snprintf(pattern, sizeof pattern, "%s%s", d->root, everywhere) >= (int)sizeof pattern ||
        glob(pattern, 0, NULL, &files))
        return 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char text[DOCTOR_WORD_SIZE];
        others +=
            sysfile_text("", text, sizeof text, "%s", files.gl_pathv[i]) && strcmp(text, word);
    }
    globfree(&files);
    return others;
}

static void effect_of_clock(const struct doctor *d, struct diagnosis *x)
{
    if (isfinite(d->probe->clock_start))
        doctor_effect(x,
                      "Measured: a loop's first millisecond after half a second of rest ran at "
                      "%.0f %% of its speed after 300 ms.",
                      100 * d->probe->clock_start);
}

static void effect_of_company(const struct doctor *d, struct diagnosis *x)
{
    if (d->machine->n_pus > 1 && isfinite(d->probe->together))
        doctor_effect(x,
                      "Measured: with all %zu threads at work, each ran at %.0f %% of the speed "
                      "of one alone.",
                      d->machine->n_pus, 100 * d->probe->together);
}

void doctor_governor(const struct doctor *d, struct diagnosis *x)
{
    static const char file[] = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    char word[DOCTOR_WORD_SIZE];
    if (!doctor_word(d, x, file, word)) {
        if (doctor_is_guest(d) && !doctor_has_file(d, file))
            doctor_advise(x, "nothing to set inside a virtual machine: its host governs the clock");
        effect_of_clock(d, x);
        return;
    }
    size_t others = other_governors(d, word);
    if (!others && !strcmp(word, "performance")) {
        doctor_found(x, DIAGNOSIS_FINE, "%s", word);
        effect_of_clock(d, x);
        return;
    }
    doctor_effect(x, "The clock follows the load: the beginning of a cell runs slower.");
    effect_of_clock(d, x);
    if (!others) {
        doctor_found(x, DIAGNOSIS_DISTURBS, "%s", word);
        doctor_offer(d, x, file, everywhere, "performance", word);
        return;
    }
    doctor_found(x, DIAGNOSIS_DISTURBS, "%s on the first processor, another on %zu", word, others);
    const char *sudo = d->superuser ? "" : "sudo ";
    snprintf(x->remedy, sizeof x->remedy, "grep . %s >governors.txt && echo performance | %stee %s",
             everywhere, sudo, everywhere);
    snprintf(x->undo, sizeof x->undo,
             "while IFS=: read -r f g; do echo \"$g\" | %stee \"$f\"; done <governors.txt", sudo);
}

void doctor_turbo(const struct doctor *d, struct diagnosis *x)
{
    static const char intel[] = "/sys/devices/system/cpu/intel_pstate/no_turbo";
    static const char boost[] = "/sys/devices/system/cpu/cpufreq/boost";
    bool is_intel = doctor_has_file(d, intel);
    long value;
    if (!doctor_number(d, x, is_intel ? intel : boost, &value)) {
        if (doctor_is_guest(d) && !doctor_has_file(d, is_intel ? intel : boost))
            doctor_advise(x, "nothing to set inside a virtual machine: its host boosts the clock");
        effect_of_company(d, x);
        return;
    }
    bool on = is_intel ? !value : value;
    doctor_found(x, on ? DIAGNOSIS_DISTURBS : DIAGNOSIS_FINE, "%s (%ld)", on ? "on" : "off", value);
    if (on) {
        char found[24];
        snprintf(found, sizeof found, "%ld", value);
        doctor_effect(x, "The clock depends on temperature and on how many cores work.");
        doctor_offer(d, x, is_intel ? intel : boost, NULL, is_intel ? "1" : "0", found);
        doctor_advise(x, "off for comparisons; on to learn what users get");
    }
    effect_of_company(d, x);
}

void doctor_smt(const struct doctor *d, struct diagnosis *x)
{
    static const char file[] = "/sys/devices/system/cpu/smt/active";
    static const char control[] = "/sys/devices/system/cpu/smt/control";
    char found[DOCTOR_WORD_SIZE];
    long active = 0;
    bool known = doctor_number(d, x, file, &active);
    bool siblings = d->machine->n_pus > d->machine->n_cores;
    if (!known && !siblings)
        return;
    if (!siblings && !active) {
        doctor_found(x, DIAGNOSIS_FINE, "off%s",
                     doctor_is_guest(d) ? ", as far as the guest is told" : "");
        return;
    }
    doctor_effect(x, "Work on the sibling of a core takes half of its units and caches.");
    effect_of_company(d, x);
    struct diagnosis switched = {0}; /* its finding is not that of the topic */
    if (doctor_word(d, &switched, control, found) && !strcmp(found, "on"))
        doctor_offer(d, x, control, NULL, "off", found);
    doctor_found(x, DIAGNOSIS_DISTURBS, "on: %zu threads on %zu core%s", d->machine->n_pus,
                 d->machine->n_cores, d->machine->n_cores == 1 ? "" : "s");
    doctor_advise(x, "or leave it on, and measure with --threads %zu: one for each core",
                  d->machine->n_cores);
}

void doctor_throttling(const struct doctor *d, struct diagnosis *x)
{
    const struct reading *thermal = &d->after->throttle_count;
    snprintf(x->source, sizeof x->source, "/sys/devices/system/cpu/cpu*/thermal_throttle");
    if (thermal->reason) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "%s", thermal->reason);
        if (doctor_is_guest(d))
            doctor_advise(x, "only the host of a virtual machine knows");
        return;
    }
    doctor_found(x, DIAGNOSIS_FINE, "%.0f times by heat since the start", thermal->value);
    if (thermal->value > 0) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "The clock was held back, and will be again under long load: later cells "
                         "run slower than early ones.");
        doctor_advise(x, "better cooling, a lower clock, or turbo off");
    }
}

void doctor_timer(const struct doctor *d, struct diagnosis *x)
{
    static const char file[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    static const char list[] = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    /* Those that are read without a system call. */
    static const char *const fast[] = {
        "tsc",      "kvm-clock",        "hyperv_clocksource_tsc_page", "arch_sys_counter",
        "timebase", "riscv_clocksource"};
    const struct doctor_probe *p = d->probe;
    char word[DOCTOR_WORD_SIZE], available[256];
    if (doctor_word(d, x, file, word)) {
        doctor_found(x, DIAGNOSIS_DISTURBS, "%s", word);
        for (size_t i = 0; i < sizeof fast / sizeof fast[0]; i++)
            if (!strcmp(word, fast[i]))
                x->kind = DIAGNOSIS_FINE;
    }
    if (x->kind == DIAGNOSIS_DISTURBS) {
        doctor_effect(x,
                      "The kernel is entered for each reading: short batches time the clock too.");
        sysfile_text(d->root, available, sizeof available, "%s", list);
        const char *tsc = strstr(available, "tsc");
        if (tsc && (tsc == available || tsc[-1] == ' ') && (!tsc[3] || tsc[3] == ' '))
            doctor_offer(d, x, file, NULL, "tsc", word);
        else
            doctor_advise(x, "the kernel offers no tsc here (it found it unsteady, or the host "
                             "hides it): nothing can be set");
    }
    if (isfinite(p->timer_ns) && isfinite(p->timer_step_ns))
        doctor_effect(x, "Measured: a reading takes %.0f ns, the least step is %.0f ns.",
                      p->timer_ns, p->timer_step_ns);
}

void doctor_load(const struct doctor *d, struct diagnosis *x)
{
    double share, foreign;
    environment_delta(d->before, d->after, d->after->own_cpu_s - d->before->own_cpu_s, &share,
                      &foreign);
    snprintf(x->source, sizeof x->source, "/proc/stat, /proc/loadavg");
    if (isnan(foreign)) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "%s",
                     d->after->busy_cpu_s.reason ? d->after->busy_cpu_s.reason
                                                 : "no time passed between two readings");
        return;
    }
    if (d->after->load_1m.reason)
        doctor_found(x, DIAGNOSIS_FINE, "%.2f processors of foreign work", foreign);
    else
        doctor_found(x, DIAGNOSIS_FINE, "%.2f processors of foreign work, load average %.2f",
                     foreign, d->after->load_1m.value);
    if (foreign > ENVIRONMENT_MAX_FOREIGN_CPUS) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "Others take processors, cache and memory bandwidth: cells are marked "
                         "degraded.");
        doctor_advise(x, "wait until it ends, or stop it: the command shows who works");
        snprintf(x->remedy, sizeof x->remedy, "ps -eo pcpu,pid,args --sort=-pcpu | head");
    }
}

void doctor_jitter(const struct doctor *d, struct diagnosis *x)
{
    /* One run in a hundred is compared: 1000 timer interrupts a second hit one in thirty runs of
     * 30 us, and each may take 3 us of it. */
    static const double most = 0.1;
    const struct doctor_probe *p = d->probe;
    snprintf(x->source, sizeof x->source, "measured");
    if (!isfinite(p->jitter_p99)) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "too few runs to tell");
        return;
    }
    doctor_found(x, p->jitter_p99 > most ? DIAGNOSIS_DISTURBS : DIAGNOSIS_FINE,
                 "a fixed loop of %.1f us: the slowest 1 %% take %.1f %% longer or more",
                 1e6 * p->jitter_median, 100 * p->jitter_p99);
    if (x->kind == DIAGNOSIS_DISTURBS) {
        doctor_effect(x, "Single timings scatter as much: more rounds are needed for the same "
                         "interval of the median.");
        doctor_advise(x, "stop other work; see load, steal and governor; --rounds with a larger "
                         "number narrows the intervals");
    }
}

void doctor_steal(const struct doctor *d, struct diagnosis *x)
{
    double share, foreign, spun = d->probe->steal_share;
    environment_delta(d->before, d->after, 0, &share, &foreign);
    snprintf(x->source, sizeof x->source, "/proc/stat");
    if (isnan(share)) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "the system does not count stolen time");
        return;
    }
    double ever = d->after->steal_cpu_s.value / d->after->total_cpu_s.value;
    doctor_found(x, DIAGNOSIS_FINE, "%.1f %% at rest, %.2g %% since the start", 100 * share,
                 100 * ever);
    if (isfinite(spun))
        doctor_effect(x, "Measured: %.1f %% while all processors worked for 250 ms.", 100 * spun);
    if (fmax(share, isfinite(spun) ? spun : 0) > ENVIRONMENT_MAX_STEAL_SHARE) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "The hypervisor runs others on these processors: cells are marked "
                         "degraded.");
        doctor_advise(x, "cannot be changed inside a virtual machine: take a host or an instance "
                         "type with processors of its own, or a quieter hour");
    }
}

void doctor_virtualisation(const struct doctor *d, struct diagnosis *x)
{
    const char *hypervisor = d->machine->hypervisor;
    const char *container = doctor_in_container(d) ? ", in a container" : "";
    snprintf(x->source, sizeof x->source, "CPUID%s",
             *container ? ", /.dockerenv and the like" : "");
    if (!*hypervisor) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "the processor does not tell%s", container);
        return;
    }
    doctor_found(x, DIAGNOSIS_FINE, "%s%s", hypervisor, container);
    if (doctor_is_guest(d)) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "Other guests share the last-level cache, the memory and perhaps the "
                         "cores; pages are translated twice.");
        doctor_advise(x, "cannot be changed from inside: ratios within a run hold, as its rounds "
                         "are interleaved; for absolute values take a dedicated host");
    }
}

/* Writes "150000 100000" of version 2, or the quota of version 1, for the undo; "" when the file
 * holds anything else. */
static void quota_as_found(const struct doctor *d, const char *file, char text[64])
{
    sysfile_text(d->root, text, 64, "%s", file);
    if (strspn(text, "0123456789 ") != strlen(text))
        text[0] = '\0';
}

void doctor_quota(const struct doctor *d, struct diagnosis *x)
{
    struct cgroup limits = cgroup_read(d->root);
    char quota[64], found[72];
    snprintf(x->source, sizeof x->source, "%s",
             limits.cpus > 0 ? limits.cpus_file : "/proc/self/cgroup");
    if (limits.cpus == 0) {
        if (limits.cpus_unclear || !doctor_has_file(d, "/proc/self/cgroup"))
            doctor_found(x, DIAGNOSIS_UNKNOWN, "the control groups do not tell");
        else
            doctor_found(x, DIAGNOSIS_FINE, "none");
        return;
    }
    doctor_found(x, DIAGNOSIS_FINE, "%.2f processors of %zu", limits.cpus, d->machine->n_pus);
    if (limits.cpus >= (double)d->machine->n_pus)
        return;
    x->kind = DIAGNOSIS_DISTURBS;
    doctor_effect(x, "Threads beyond the quota are stopped for the rest of each period.");
    if (isfinite(d->probe->throttled_s))
        doctor_effect(x, "Measured: held back for %.0f ms while all processors worked for 250 ms.",
                      1e3 * d->probe->throttled_s);
    if (!isnan(limits.throttled_s))
        doctor_effect(x, "Since the start: %.2f s.", limits.throttled_s);
    double whole = floor(limits.cpus);
    if (doctor_in_container(d)) {
        doctor_advise(x, "a container cannot lift its own quota: start it without --cpus%s",
                      whole >= 1 ? ", or keep --threads below it" : "");
        return;
    }
    quota_as_found(d, limits.cpus_file, quota);
    if (*quota && doctor_is_path(limits.cpus_file)) {
        snprintf(found, sizeof found, "'%s'", quota);
        doctor_offer(d, x, limits.cpus_file, NULL,
                     strstr(limits.cpus_file, "cfs_quota_us") ? "-1" : "max", found);
    }
}

/* How many processors "0-3,8" names; -1: it is no such list. */
static long list_size(const char *text)
{
    long n = 0;
    if (strspn(text, "0123456789,-") != strlen(text))
        return -1; /* it goes into a command */
    for (;;) {
        char *end;
        long first = strtol(text, &end, 10), last = first;
        if (end == text || first < 0)
            return -1;
        if (*end == '-') {
            text = end + 1;
            last = strtol(text, &end, 10);
            if (end == text)
                return -1;
        }
        if (last < first || last > INT_MAX)
            return -1;
        n += last - first + 1;
        if (!*end)
            return n;
        if (*end != ',' || n > INT_MAX)
            return -1;
        text = end + 1;
    }
}

void doctor_cpuset(const struct doctor *d, struct diagnosis *x)
{
    static const char key[] = "Cpus_allowed_list:";
    char status[SYSFILE_MAX_BYTES], online[256], allowed[256] = "";
    snprintf(x->source, sizeof x->source, "Cpus_allowed_list of /proc/self/status");
    sysfile_text(d->root, status, sizeof status, "/proc/self/status");
    sysfile_text(d->root, online, sizeof online, "/sys/devices/system/cpu/online");
    const char *line = strstr(status, key);
    if (line)
        sscanf(line + strlen(key), " %255s", allowed);
    long n_allowed = list_size(allowed), n_online = list_size(online);
    if (n_allowed < 1 || n_online < 1) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "the system does not list its processors");
        return;
    }
    doctor_found(x, DIAGNOSIS_FINE, "%.60s: %ld of %ld online processors", allowed, n_allowed,
                 n_online);
    if (n_allowed < n_online) {
        char shell[512], back[512];
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "Roofs and 'max' threads are those of the part, and work on the rest "
                         "shares its cache and memory bandwidth.");
        int n = snprintf(shell, sizeof shell, "taskset -pc %s $$", online);
        int m = snprintf(back, sizeof back, "taskset -pc %s $$", allowed);
        if (doctor_in_container(d))
            doctor_advise(x,
                          "a container cannot widen its own set: start it without --cpuset-cpus");
        else if (n < (int)sizeof x->remedy && m < (int)sizeof x->undo) {
            strcpy(x->remedy, shell); /* one's own shell needs no sudo */
            strcpy(x->undo, back);
            doctor_advise(x, "for this shell; a cpuset of a service or batch system stays as it "
                             "is until its owner widens it");
        }
    }
}
