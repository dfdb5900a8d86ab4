#include "bench/doctor_probe.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/environment.h"

static const double alone_s = 0.3, together_s = 0.25, start_s = 1e-3;

enum {
    LOOP_TURNS = 16384, /* of six dependent instructions: some 30 us */
    MAX_SAMPLES = 65536,
    TIMER_READINGS = 20000,
    PAGE = 4096,
    HUGE_PAGE = 2 << 20,
    AREA = 64 << 20, /* more than a second-level TLB reaches with small pages */
    READS = 200000
};

static double read_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now_s(void)
{
    return read_s(CLOCK_MONOTONIC);
}

/* Without what a neighbour took from this thread: what is asked here is what the hardware does. */
static double worked_s(void)
{
    return read_s(CLOCK_THREAD_CPUTIME_ID);
}

/* Each step needs the one before: its time is a number of cycles, whatever the memory does. */
static uint64_t loop(uint64_t x)
{
    for (int i = 0; i < LOOP_TURNS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

/* Runs the loop again and again for that long; the times of the first `most` runs go to samples
 * (which may be NULL).  Returns runs per second of the thread's CPU time. */
static double spin(double seconds, double *samples, size_t most, size_t *n_samples)
{
    volatile uint64_t sink = 88172645463325252u;
    double worked = worked_s(), begin = now_s(), before = begin, runs = 0;
    size_t n = 0;
    while (before - begin < seconds) {
        sink = loop(sink);
        double after = now_s();
        if (n < most)
            samples[n++] = after - before;
        before = after;
        runs++;
    }
    if (n_samples)
        *n_samples = n;
    return runs / (worked_s() - worked);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts samples.  The q-quantile as the order statistic below it. */
static double quantile(double *samples, size_t n, double q)
{
    qsort(samples, n, sizeof *samples, ascending);
    return n ? samples[(size_t)(q * (double)(n - 1))] : NAN;
}

/* Returns the speed of one thread alone, in runs per second. */
static double probe_alone(struct doctor_probe *p)
{
    double *samples = malloc(MAX_SAMPLES * sizeof *samples), elapsed = 0;
    size_t n = 0, first = 0;
    double speed = spin(alone_s, samples, samples ? MAX_SAMPLES : 0, &n);
    while (first < n && elapsed < start_s)
        elapsed += samples[first++];
    if (n > 2 * first) {
        double start = quantile(samples, first, 0.5);
        p->clock_start = quantile(samples + n / 2, n - n / 2, 0.5) / start;
        /* without the ramp, which is no jitter */
        p->jitter_median = quantile(samples + first, n - first, 0.5);
        p->jitter_p99 =
            samples[first + (size_t)(0.99 * (double)(n - first - 1))] / p->jitter_median - 1;
    }
    free(samples);
    return speed;
}

static void probe_together(const struct machine *m, const char *root, double alone,
                           struct doctor_probe *p)
{
    struct environment before, after;
    double sum = 0, foreign;
    int threads = 0;
    environment_read(root, &before);
#pragma omp parallel num_threads((int)m->n_pus) reduction(+ : sum, threads)
    {
        machine_pin(m, (size_t)omp_get_thread_num());
#pragma omp barrier
        sum += spin(together_s, NULL, 0, NULL);
        threads++;
        machine_unpin(m);
    }
    environment_read(root, &after);
    p->together = sum / threads / alone;
    environment_delta(&before, &after, after.own_cpu_s - before.own_cpu_s, &p->steal_share,
                      &foreign);
    if (!before.quota_throttled_s.reason && !after.quota_throttled_s.reason)
        p->throttled_s = after.quota_throttled_s.value - before.quota_throttled_s.value;
}

static void probe_timer(struct doctor_probe *p)
{
    double begin = now_s(), before = begin, step = INFINITY;
    for (int i = 0; i < TIMER_READINGS; i++) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        /* in whole nanoseconds within the second: a double of seconds is too coarse for a step */
        double ns = (double)t.tv_nsec;
        if (i && ns > before)
            step = fmin(step, ns - before);
        before = ns;
    }
    p->timer_ns = (now_s() - begin) / TIMER_READINGS * 1e9;
    p->timer_step_ns = isfinite(step) ? step : NAN;
}

/* Keeps the lesser of what was found before and now: fresh memory is dear once, when a hypervisor
 * has to find it.  advice: MADV_HUGEPAGE or MADV_NOHUGEPAGE; a kernel without either has the pages
 * it has. */
static void probe_pages(int advice, double *fault_ns, double *read_ns)
{
    size_t room = (size_t)AREA + HUGE_PAGE;
    char *mapped = mmap(NULL, room, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        return;
    char *area = mapped + (HUGE_PAGE - (uintptr_t)mapped % HUGE_PAGE) % HUGE_PAGE;
    madvise(area, AREA, advice);
    double begin = worked_s();
    for (size_t i = 0; i < AREA; i += PAGE)
        *(volatile char *)(area + i) = 0;
    double touched = worked_s();
    uint64_t place = 1;
    for (int i = 0; i < READS; i++) /* Knuth's MMIX generator; what is read is 0 */
        place = place * 6364136223846793005u + 1442695040888963407u +
                *(volatile unsigned char *)(area + (place >> 38));
    *read_ns = fmin(*read_ns, (worked_s() - touched) / READS * 1e9);
    *fault_ns = fmin(*fault_ns, (touched - begin) / (AREA / PAGE) * 1e9);
    munmap(mapped, room);
}

void doctor_probe(const struct machine *m, const char *root, struct doctor_probe *out)
{
    struct doctor_probe p = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    machine_pin(m, 0);
    double alone = probe_alone(&p);
    probe_timer(&p);
    bool room = m->cgroup_memory_bytes == 0 || m->cgroup_memory_bytes > 4.0 * AREA;
    for (int i = 0; i < 2 && room; i++) {
        probe_pages(MADV_NOHUGEPAGE, &p.fault_small_ns, &p.read_small_ns);
        probe_pages(MADV_HUGEPAGE, &p.fault_huge_ns, &p.read_huge_ns);
    }
    machine_unpin(m);
    probe_together(m, root, alone, &p);
    *out = p;
}
