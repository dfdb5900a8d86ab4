#include "bench/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "numerics/buffer.h"
#include "numerics/rng.h"

#define CACHE_EVENT(cache, op, result)                                                             \
    (PERF_COUNT_HW_CACHE_##cache | PERF_COUNT_HW_CACHE_OP_##op << 8 |                              \
     PERF_COUNT_HW_CACHE_RESULT_##result << 16)

/* The limits are wide where a count depends on the machine (prefetched lines may count or not), and
 * narrow where the work fixes it. */
const struct counter_event counter_events[] = {
    {"instructions", "instruction", "instructions retired", true, "PAPI_TOT_INS",
     PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, WORK_LOOP, 1.9, 2.6, NULL, NULL, false},
    {"cycles", "cycle", "core cycles", true, "PAPI_TOT_CYC", PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_CPU_CYCLES, WORK_LOOP, 0.2, 20, NULL, NULL, false},
    {"branches", "branch", "branches retired", true, "PAPI_BR_INS", PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_BRANCH_INSTRUCTIONS, WORK_LOOP, 0.9, 1.3, NULL, NULL, false},
    {"branch-misses", "branch", "mispredicted branches", true, "PAPI_BR_MSP", PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_BRANCH_MISSES, WORK_RANDOM, 0.1, 1.5, NULL, NULL, false},
    {"l1d-misses", "line", "L1 data cache read misses", true, "PAPI_L1_DCM", PERF_TYPE_HW_CACHE,
     CACHE_EVENT(L1D, READ, MISS), WORK_STREAM, 0.01, 4, NULL, NULL, false},
    {"llc-misses", "line", "last-level cache misses", true, "PAPI_L3_TCM", PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_CACHE_MISSES, WORK_STREAM, 0.01, 8, NULL, NULL, false},
    {"dtlb-misses", "miss", "data TLB read misses", true, "PAPI_TLB_DM", PERF_TYPE_HW_CACHE,
     CACHE_EVENT(DTLB, READ, MISS), WORK_STREAM, 1e-6, 1, NULL, NULL, false},
    {"task-clock", "ns", "time on a processor", false, "perf::TASK-CLOCK", PERF_TYPE_SOFTWARE,
     PERF_COUNT_SW_TASK_CLOCK, WORK_LOOP, 0.8, 1.25, NULL, NULL, false},
    {"page-faults", "fault", "page faults", false, "perf::PAGE-FAULTS", PERF_TYPE_SOFTWARE,
     PERF_COUNT_SW_PAGE_FAULTS, WORK_FAULTS, 1, 1.2, NULL, NULL, false},
    {"context-switches", "switch", "context switches", false, "perf::CONTEXT-SWITCHES",
     PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, WORK_SLEEP, 1, 3, NULL, NULL, false},
    {0},
};

const struct counter_event *counter_event_find(const char *name)
{
    for (const struct counter_event *e = counter_events; e->name; e++)
        if (!strcmp(e->name, name))
            return e;
    return NULL;
}

const char *counter_state_name(enum counter_state s)
{
    static const char *const names[] = {"ok",   "unchecked",   "absent", "denied",
                                        "busy", "not-running", "wrong",  "failed"};
    return names[s];
}

static enum counter_state errno_state(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return COUNTER_DENIED;
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
    case ENOSYS:
    case EINVAL:
        return COUNTER_ABSENT;
    case EBUSY:
        return COUNTER_BUSY;
    default:
        return COUNTER_FAILED;
    }
}

/* What to do about an errno of opening a counter. */
static const char *remedy(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return "allow it with 'sysctl kernel.perf_event_paranoid=1' or CAP_PERFMON; in a container "
               "also let its seccomp profile pass perf_event_open";
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
    case EINVAL:
        return "no such name, or not on this processor, or this virtual machine has no PMU: ask "
               "for a host or VM type with one";
    case ENOSYS:
        return "this kernel, or the container's seccomp profile, has no perf_event_open";
    case EBUSY:
        return "another profiler or the NMI watchdog holds the counter: stop it, or 'sysctl "
               "kernel.nmi_watchdog=0'";
    case EMFILE:
        return "too many open files: raise 'ulimit -n'";
    default:
        return "an error that has no known remedy";
    }
}

/* The same for the energy that the kernel's powercap files tell: neither a PMU nor perf events are
 * involved. */
static const char *powercap_remedy(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return "the kernel lets only root read the energy: run as root, or 'sudo chmod a+r "
               "/sys/class/powercap/*/energy_uj'";
    case ENOENT:
        return "no such zone in /sys/class/powercap: a virtual machine has none; on a host "
               "'modprobe intel_rapl_msr' (Intel and AMD)";
    case EIO:
        return "the zone's energy_uj or max_energy_range_uj in /sys/class/powercap holds no number";
    default:
        return "an error of /sys/class/powercap that has no known remedy";
    }
}

/* ---- Work of a known count ---- */

enum {
    LOOP_TURNS = 20000000,
    RANDOM_BRANCHES = 1 << 20,
    STREAM_BYTES = 256 << 20,
    LINE_BYTES = 64,
    FAULT_PAGES = 4096,
    FP_ADDITIONS = 1000000,
    SLEEPS = 20
};

/* Two instructions a turn, whatever the compiler thinks of the loop. */
static void loop(uint64_t turns)
{
#if defined(__x86_64__)
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) : : "cc");
#elif defined(__aarch64__)
    __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(turns) : : "cc");
#else
    for (volatile uint64_t i = 0; i < turns; i++)
        ;
#endif
}

static void random_branches(void)
{
    struct rng rng = {1};
    volatile unsigned taken = 0;
    for (size_t i = 0; i < RANDOM_BRANCHES; i += 64) {
        uint64_t bits = rng_u64(&rng);
        for (int b = 0; b < 64; b++)
            if (bits >> b & 1)
                taken = taken + 1; /* volatile: a branch, not a conditional move */
    }
}

static void touch_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = FAULT_PAGES * page;
    char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return;
    madvise(map, bytes, MADV_NOHUGEPAGE); /* one fault a page */
    for (size_t i = 0; i < bytes; i += page)
        *(volatile char *)(map + i) = 1;
    munmap(map, bytes);
}

static void give_up_processor(void)
{
    for (int i = 0; i < SLEEPS; i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void add_doubles(void)
{
    volatile double sum = 0; /* volatile: one scalar addition each */
    for (int i = 0; i < FP_ADDITIONS; i++)
        sum = sum + 0.5;
}

static void stream(const char *lines)
{
    unsigned sum = 0;
    for (size_t i = 0; i < STREAM_BYTES; i += LINE_BYTES)
        sum += (unsigned char)lines[i];
    __asm__ volatile("" : : "r"(sum)); /* the reads happen */
}

static double thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

double counter_work_units(const struct counter_event *event)
{
    switch (event->work) {
    case WORK_LOOP:
        return event->hardware ? LOOP_TURNS : NAN;
    case WORK_RANDOM:
        return RANDOM_BRANCHES;
    case WORK_STREAM:
        return (double)STREAM_BYTES / LINE_BYTES;
    case WORK_FAULTS:
        return FAULT_PAGES;
    case WORK_SLEEP:
        return SLEEPS;
    case WORK_FP:
        return FP_ADDITIONS;
    case WORK_UNKNOWN:
        break;
    }
    return NAN;
}

/* Does the work and returns how many units of it the event should be compared with. */
static double do_work(const struct counter_event *event, const char *lines)
{
    double start = thread_ns();
    switch (event->work) {
    case WORK_UNKNOWN:
    case WORK_LOOP:
        loop(LOOP_TURNS);
        break;
    case WORK_FP:
        add_doubles();
        break;
    case WORK_RANDOM:
        random_branches();
        break;
    case WORK_STREAM:
        stream(lines);
        break;
    case WORK_FAULTS:
        touch_pages();
        break;
    case WORK_SLEEP:
        give_up_processor();
        break;
    }
    double units = counter_work_units(event);
    return isnan(units) ? thread_ns() - start : units;
}

/* ---- The probe ---- */

void counter_probe_fail(struct counter_probe *p, const char *step, int error)
{
    p->state = errno_state(error);
    snprintf(p->reason, sizeof p->reason, "%s: %s: %s", step, strerror(error),
             p->event->zone ? powercap_remedy(error) : remedy(error));
}

/* Judges what was read against the units of work that were done. */
static void judge(struct counter_probe *p, const struct counter_raw *raw, double units)
{
    if (!raw->running_ns || raw->running_ns < raw->enabled_ns) {
        p->state = COUNTER_NOT_RUNNING;
        snprintf(p->reason, sizeof p->reason,
                 "ran for %.0f %% of the time: the hardware counters are shared with another user",
                 raw->enabled_ns ? 100.0 * (double)raw->running_ns / (double)raw->enabled_ns : 0);
        return;
    }
    if (p->event->work == WORK_UNKNOWN) {
        p->state = COUNTER_UNCHECKED;
        snprintf(p->reason, sizeof p->reason, "there is no known work to check it with");
        return;
    }
    p->gain = (double)raw->value / units;
    if (p->gain < p->event->low || p->gain > p->event->high) {
        p->state = COUNTER_WRONG;
        snprintf(p->reason, sizeof p->reason,
                 "counted %llu for work that gives %g to %g: it opens but does not count",
                 (unsigned long long)raw->value, p->event->low * units, p->event->high * units);
        return;
    }
    p->state = COUNTER_OK;
}

struct counter_probe counter_probe_event(const struct counter_backend *backend,
                                         const struct counter_event *event)
{
    struct counter_probe p = {.event = event, .gain = NAN};
    struct counter_raw raw = {0};
    void *set = NULL;
    int error = backend->open(backend->self, &event, 1, &set);
    if (error) {
        counter_probe_fail(&p, "cannot be opened", -error);
        return p;
    }
    char *lines = event->work == WORK_STREAM ? buffer_alloc(STREAM_BYTES) : NULL;
    if (event->work == WORK_STREAM && !lines) {
        counter_probe_fail(&p, "no memory for the work it is checked with", ENOMEM);
    } else if ((error = backend->begin(backend->self, set)) < 0) {
        counter_probe_fail(&p, "cannot be started", -error);
    } else {
        double units = do_work(event, lines);
        if ((error = backend->end(backend->self, set, &raw)) < 0)
            counter_probe_fail(&p, "cannot be read", -error);
        else
            judge(&p, &raw, units);
    }
    buffer_free(lines, STREAM_BYTES);
    backend->close(backend->self, set);
    return p;
}

/* ---- Choosing ---- */

static int none_open(void *self, const struct counter_event *const *events, size_t n, void **set)
{
    (void)self, (void)events, (void)n, (void)set;
    return -ENOSYS;
}

static const struct counter_backend none = {.name = "none", .open = none_open};

/* Probes every event; the first hardware event's reason stands for all when none of them counts. */
static enum status probe_all(struct counters *c, struct err *err)
{
    for (c->n = 0; counter_events[c->n].name;)
        c->n++;
    c->probes = calloc(c->n, sizeof *c->probes);
    if (!c->probes)
        return status_fail(err, E_NOMEM, "no memory for the counter probe");
    c->n_hardware = 0;
    for (size_t i = 0; i < c->n; i++) {
        c->probes[i] = counter_probe_event(&c->backend, &counter_events[i]);
        if (c->probes[i].event->hardware && c->probes[i].state == COUNTER_OK)
            c->n_hardware++;
        else if (c->probes[i].event->hardware && !c->reason[0])
            snprintf(c->reason, sizeof c->reason, "no hardware event counts: %s %.180s",
                     c->probes[i].event->name, c->probes[i].reason);
    }
    if (c->n_hardware)
        c->reason[0] = '\0';
    c->status = c->n_hardware ? "ok" : "unavailable";
    return OK;
}

static enum status open_backend(const char *name, struct counters *out, struct err *err)
{
    struct counters c = {.backend = none, .status = "unavailable"};
    enum status s =
        !strcmp(name, "papi") ? counters_papi(&c.backend, err) : counters_perf(&c.backend, err);
    if (s)
        snprintf(c.reason, sizeof c.reason, "%.250s", err->text);
    else
        s = probe_all(&c, err);
    *out = c;
    return s;
}

enum status counters_open(const char *choice, struct counters *out, struct err *err)
{
    *out = (struct counters){.backend = none, .status = "off"};
    if (!strcmp(choice, "none"))
        return OK;
    if (strcmp(choice, "auto")) {
        enum status s = open_backend(choice, out, err);
        if (!s && !out->n_hardware)
            s = status_fail(err, E_UNAVAILABLE, "--counters %s: %s", choice, out->reason);
        return s;
    }
    enum status s = open_backend("papi", out, err);
    if (s == E_NOMEM || out->n_hardware)
        return s;
    struct counters papi = *out;
    s = open_backend("perf", out, err);
    if (s == E_NOMEM) {
        counters_close(&papi);
        return s;
    }
    /* Software events alone are as good through PAPI. */
    if (!out->n_hardware && papi.n) {
        counters_close(out);
        *out = papi;
    } else {
        counters_close(&papi);
    }
    return OK;
}

void counters_close(struct counters *c)
{
    free(c->probes);
    c->probes = NULL;
    c->n = 0;
}
