#include "bench/doctor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/sysfile.h"

/* Each examination fills in kind and finding, and, where something disturbs, effect and remedy. */
typedef void examine_fn(const struct doctor *d, struct diagnosis *x);

static void found(struct diagnosis *x, enum diagnosis_kind kind, const char *finding)
{
    x->kind = kind;
    snprintf(x->finding, sizeof x->finding, "%s", finding);
}

static void disturbs(struct diagnosis *x, const char *effect, const char *remedy)
{
    x->kind = DIAGNOSIS_DISTURBS;
    x->effect = effect;
    x->remedy = remedy;
}

static void governor(const struct doctor *d, struct diagnosis *x)
{
    const struct setting *s = &d->after->governor;
    if (s->reason) {
        found(x, DIAGNOSIS_UNKNOWN, s->reason);
        return;
    }
    found(x, DIAGNOSIS_FINE, s->word);
    if (strcmp(s->word, "performance"))
        disturbs(x, "the clock follows the load: the first milliseconds of a cell run slower",
                 "cpupower frequency-set -g performance");
}

static void turbo(const struct doctor *d, struct diagnosis *x)
{
    double value;
    bool on;
    if (sysfile_number(d->root, &value, "/sys/devices/system/cpu/intel_pstate/no_turbo"))
        on = value == 0;
    else if (sysfile_number(d->root, &value, "/sys/devices/system/cpu/cpufreq/boost"))
        on = value != 0;
    else {
        found(x, DIAGNOSIS_UNKNOWN, "the system does not tell whether the clock is boosted");
        return;
    }
    found(x, DIAGNOSIS_FINE, on ? "on" : "off");
    if (on)
        disturbs(x, "the clock depends on temperature and on how many cores work",
                 "echo 0 >/sys/devices/system/cpu/cpufreq/boost, or 1 >.../intel_pstate/no_turbo, "
                 "for comparisons; leave it on to learn what users get");
}

static void smt(const struct doctor *d, struct diagnosis *x)
{
    double active;
    bool known = sysfile_number(d->root, &active, "/sys/devices/system/cpu/smt/active");
    bool siblings = d->machine->n_pus > d->machine->n_cores;
    if (!known && !siblings) {
        found(x, DIAGNOSIS_UNKNOWN, "the system does not tell whether cores have siblings");
        return;
    }
    if (!siblings && active == 0) {
        found(x, DIAGNOSIS_FINE,
              strcmp(d->machine->hypervisor, "none") ? "off, as far as the guest is told" : "off");
        return;
    }
    found(x, DIAGNOSIS_FINE, "on");
    disturbs(x, "work on the sibling of a core takes half of its units and caches",
             "--threads with the number of cores; echo off >/sys/devices/system/cpu/smt/control");
}

static void huge_pages(const struct doctor *d, struct diagnosis *x)
{
    const struct setting *s = &d->after->huge_pages;
    found(x, DIAGNOSIS_FINE, s->reason ? s->reason : s->word);
    if (s->reason || !strcmp(s->word, "never"))
        disturbs(x, "large arrays lie on small pages: misses in the TLB are timed too",
                 "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled");
}

static void numa_balancing(const struct doctor *d, struct diagnosis *x)
{
    double on;
    if (!sysfile_number(d->root, &on, "/proc/sys/kernel/numa_balancing")) {
        found(x, DIAGNOSIS_FINE, "the kernel has none");
        return;
    }
    snprintf(x->finding, sizeof x->finding, "%s, %d node%s", on != 0 ? "on" : "off",
             d->machine->numa_nodes, d->machine->numa_nodes == 1 ? "" : "s");
    if (on != 0 && d->machine->numa_nodes > 1)
        disturbs(x, "the kernel takes pages away to see who uses them: page faults are timed",
                 "sysctl kernel.numa_balancing=0");
}

static void address_layout(const struct doctor *d, struct diagnosis *x)
{
    double random;
    if (!sysfile_number(d->root, &random, "/proc/sys/kernel/randomize_va_space"))
        found(x, DIAGNOSIS_UNKNOWN, "the system does not tell");
    else if (random == 0) {
        found(x, DIAGNOSIS_FINE, "always the same");
        disturbs(x, "every process has the same lucky or unlucky layout: a bias, not a scatter",
                 "sysctl kernel.randomize_va_space=2; each round is a process of its own");
    } else
        found(x, DIAGNOSIS_FINE, "random in each process, so that rounds show what layout matters");
}

static void load(const struct doctor *d, struct diagnosis *x)
{
    double steal, foreign;
    environment_delta(d->before, d->after, d->after->own_cpu_s - d->before->own_cpu_s, &steal,
                      &foreign);
    if (isnan(foreign)) {
        found(x, DIAGNOSIS_UNKNOWN, d->after->busy_cpu_s.reason);
        return;
    }
    snprintf(x->finding, sizeof x->finding, "%.2f processors of foreign work, load average %.2f",
             foreign, d->after->load_1m.value);
    if (foreign > ENVIRONMENT_MAX_FOREIGN_CPUS)
        disturbs(x, "others take processors, cache and memory bandwidth: cells are degraded",
                 "stop other work (see top), or wait until it ends");
}

static void steal(const struct doctor *d, struct diagnosis *x)
{
    double share, foreign;
    environment_delta(d->before, d->after, 0, &share, &foreign);
    if (isnan(share)) {
        found(x, DIAGNOSIS_UNKNOWN, "the system does not count stolen time");
        return;
    }
    double ever = d->after->steal_cpu_s.value / d->after->total_cpu_s.value;
    snprintf(x->finding, sizeof x->finding, "%.1f %% now, %.2g %% since the start", 100 * share,
             100 * ever);
    if (share > ENVIRONMENT_MAX_STEAL_SHARE)
        disturbs(x, "the hypervisor runs other guests on these processors: cells are degraded",
                 "a host or an instance type with processors of its own");
}

static void quota(const struct doctor *d, struct diagnosis *x)
{
    double cpus = d->machine->cgroup_cpus;
    if (cpus == 0) {
        found(x, DIAGNOSIS_FINE, "none");
        return;
    }
    snprintf(x->finding, sizeof x->finding, "%.2f processors of %zu", cpus, d->machine->n_pus);
    if (cpus < (double)d->machine->n_pus)
        disturbs(x, "threads beyond the quota are stopped for the rest of each period",
                 "--threads below the quota, or a container without one (docker: no --cpus)");
}

static void throttling(const struct doctor *d, struct diagnosis *x)
{
    const struct reading *thermal = &d->after->throttle_count;
    const struct reading *group = &d->after->quota_throttled_s;
    if (thermal->reason && group->reason) {
        found(x, DIAGNOSIS_UNKNOWN, thermal->reason);
        return;
    }
    double heat = thermal->reason ? 0 : thermal->value, held = group->reason ? 0 : group->value;
    snprintf(x->finding, sizeof x->finding,
             "%.0f times by heat, %.2f s by a quota, since the start", heat, held);
    if (heat > 0 || held > 0)
        disturbs(x, "the clock or the threads were held back, and may be again",
                 "better cooling or a lower clock; a larger quota");
}

static void virtualisation(const struct doctor *d, struct diagnosis *x)
{
    const char *hypervisor = d->machine->hypervisor;
    if (!*hypervisor) {
        found(x, DIAGNOSIS_UNKNOWN, "the system does not tell");
        return;
    }
    found(x, DIAGNOSIS_FINE, hypervisor);
    if (strcmp(hypervisor, "none"))
        disturbs(x, "other guests share the last-level cache, the memory and perhaps the cores",
                 "compare inside blocks only, as assay does; a dedicated host for absolute values");
}

static void counters(const struct doctor *d, struct diagnosis *x)
{
    double type, paranoid = 0;
    bool pmu = sysfile_number(d->root, &type, "/sys/bus/event_source/devices/cpu/type") ||
               sysfile_number(d->root, &type, "/sys/bus/event_source/devices/cpu_core/type") ||
               sysfile_number(d->root, &type, "/sys/bus/event_source/devices/armv8_pmuv3_0/type");
    if (!sysfile_number(d->root, &paranoid, "/proc/sys/kernel/perf_event_paranoid")) {
        found(x, DIAGNOSIS_FINE, "the kernel has no perf events");
        disturbs(x, "no hardware counters: bytes moved are modelled, not counted",
                 "a kernel with CONFIG_PERF_EVENTS");
        return;
    }
    snprintf(x->finding, sizeof x->finding, "%s, perf_event_paranoid %.0f",
             pmu ? "a PMU is there" : "no PMU", paranoid);
    if (!pmu)
        disturbs(x, "no hardware counters: bytes moved are modelled, not counted",
                 "bare metal, or an instance whose hypervisor passes the PMU on");
    else if (paranoid > 2)
        disturbs(x, "this user may not open hardware counters",
                 "sysctl kernel.perf_event_paranoid=1, or the capability CAP_PERFMON");
}

static void gnuplot(const struct doctor *d, struct diagnosis *x)
{
    found(x, DIAGNOSIS_FINE, d->has_gnuplot ? "found" : "missing");
    if (!d->has_gnuplot)
        disturbs(x, "results come as text tables, without figures", "apt-get install gnuplot-nox");
}

static const struct {
    const char *topic;
    examine_fn *examine;
} topics[DIAGNOSES] = {
    {"governor", governor},
    {"turbo", turbo},
    {"SMT", smt},
    {"huge pages", huge_pages},
    {"NUMA balancing", numa_balancing},
    {"address layout", address_layout},
    {"load", load},
    {"steal", steal},
    {"CPU quota", quota},
    {"throttling", throttling},
    {"virtualisation", virtualisation},
    {"counters", counters},
    {"gnuplot", gnuplot},
};

void doctor_examine(const struct doctor *d, struct diagnosis out[DIAGNOSES])
{
    for (int i = 0; i < DIAGNOSES; i++) {
        out[i] = (struct diagnosis){.topic = topics[i].topic};
        topics[i].examine(d, &out[i]);
    }
}
