#include "bench/environment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/cgroup.h"
#include "bench/sysfile.h"

static double timeval_s(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static double own_cpu_s(void)
{
    double sum = 0;
    static const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (int i = 0; i < 2; i++) {
        struct rusage usage;
        if (!getrusage(who[i], &usage))
            sum += timeval_s(usage.ru_utime) + timeval_s(usage.ru_stime);
    }
    return sum;
}

static struct reading known(double value)
{
    return (struct reading){.value = value};
}

static struct reading absent(const char *reason)
{
    return (struct reading){.value = NAN, .reason = reason};
}

/* The first line of /proc/stat.  guest time stands in user time already. */
static void read_cpu_times(const char *root, struct environment *e)
{
    char text[512];
    double user, nice, system, idle, iowait, irq, softirq, steal, tick = sysconf(_SC_CLK_TCK);
    e->busy_cpu_s = e->steal_cpu_s = e->total_cpu_s = absent("no processor times in /proc/stat");
    if (!sysfile_text(root, text, sizeof text, "/proc/stat") ||
        sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &system, &idle, &iowait,
               &irq, &softirq, &steal) != 8)
        return;
    double busy = user + nice + system + irq + softirq, total = busy + idle + iowait + steal;
    if (total == 0)
        return; /* a sandbox that counts nothing */
    e->busy_cpu_s = known(busy / tick);
    e->steal_cpu_s = known(steal / tick);
    e->total_cpu_s = known(total / tick);
}

static void read_frequency(const char *root, struct environment *e)
{
    static const char hidden[] = "no cpufreq driver: a virtual machine, or the kernel lacks one";
    double khz;
    char text[4096];
    e->frequency_mhz = e->frequency_max_mhz = absent(hidden);
    if (sysfile_number(root, &khz, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"))
        e->frequency_mhz = known(khz / 1e3);
    if (sysfile_number(root, &khz, "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"))
        e->frequency_max_mhz = known(khz / 1e3);
    if (!sysfile_text(root, text, sizeof text,
                      "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
        e->governor.reason = hidden;
    snprintf(e->governor.word, sizeof e->governor.word, "%.31s", text);
}

/* "always [madvise] never": the word in brackets. */
static void read_huge_pages(const char *root, struct environment *e)
{
    char text[128];
    e->huge_pages.reason = "the kernel has no transparent huge pages";
    if (sysfile_text(root, text, sizeof text, "/sys/kernel/mm/transparent_hugepage/enabled")) {
        const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
        if (close) {
            snprintf(e->huge_pages.word, sizeof e->huge_pages.word, "%.*s", (int)(close - open - 1),
                     open + 1);
            e->huge_pages.reason = NULL;
        }
    }
}

static void read_temperature(const char *root, struct environment *e)
{
    double hottest = -INFINITY, milli;
    for (int i = 0; sysfile_number(root, &milli, "/sys/class/thermal/thermal_zone%d/temp", i); i++)
        hottest = fmax(hottest, milli / 1e3);
    for (int i = 0; sysfile_number(root, &milli, "/sys/class/hwmon/hwmon%d/temp1_input", i); i++)
        hottest = fmax(hottest, milli / 1e3);
    e->temperature_c = isfinite(hottest) ? known(hottest) : absent("no temperature sensor");
}

static void read_throttling(const char *root, struct environment *e)
{
    double count, sum = 0;
    int cpu = 0;
    for (;
         sysfile_number(root, &count,
                        "/sys/devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count", cpu);
         cpu++)
        sum += count;
    e->throttle_count = cpu ? known(sum) : absent("this processor counts no thermal throttling");
    struct cgroup group = cgroup_read(root);
    e->quota_throttled_s = isnan(group.throttled_s)
                               ? absent("the control group counts no throttling")
                               : known(group.throttled_s);
}

void environment_read(const char *root, struct environment *out)
{
    struct environment e = {0};
    struct timespec now;
    char text[4096];
    double value;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    e.now_s = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    e.own_cpu_s = own_cpu_s();
    read_cpu_times(root, &e);
    e.load_1m =
        sysfile_number(root, &value, "/proc/loadavg") ? known(value) : absent("no /proc/loadavg");
    e.memory_available_bytes = sysfile_text(root, text, sizeof text, "/proc/meminfo") &&
                                       sysfile_field(text, "MemAvailable", &value)
                                   ? known(value * 1024)
                                   : absent("no MemAvailable in /proc/meminfo");
    read_frequency(root, &e);
    read_huge_pages(root, &e);
    read_temperature(root, &e);
    read_throttling(root, &e);
    *out = e;
}

static void add_reason(struct json *object, const char *key, const char *reason)
{
    char name[64];
    snprintf(name, sizeof name, "%s_reason", key);
    json_add_null(object, key);
    json_add_string(object, name, reason);
}

static void add_reading(struct json *object, const char *key, const struct reading *r)
{
    if (r->reason)
        add_reason(object, key, r->reason);
    else
        json_add_number(object, key, r->value);
}

static void add_setting(struct json *object, const char *key, const struct setting *s)
{
    if (s->reason)
        add_reason(object, key, s->reason);
    else
        json_add_string(object, key, s->word);
}

void environment_add(const struct environment *e, struct json *parent, const char *key)
{
    struct json *object = json_add_object(parent, key);
    add_reading(object, "load_1m", &e->load_1m);
    add_setting(object, "governor", &e->governor);
    add_reading(object, "frequency_mhz", &e->frequency_mhz);
    add_reading(object, "frequency_max_mhz", &e->frequency_max_mhz);
    add_setting(object, "huge_pages", &e->huge_pages);
    add_reading(object, "temperature_c", &e->temperature_c);
    add_reading(object, "throttle_count", &e->throttle_count);
    add_reading(object, "quota_throttled_s", &e->quota_throttled_s);
    add_reading(object, "memory_available_bytes", &e->memory_available_bytes);
    add_reading(object, "busy_cpu_s", &e->busy_cpu_s);
    add_reading(object, "steal_cpu_s", &e->steal_cpu_s);
    add_reading(object, "total_cpu_s", &e->total_cpu_s);
    json_add_number(object, "own_cpu_s", e->own_cpu_s);
}

bool environment_delta(const struct environment *before, const struct environment *after,
                       double own_cpu_seconds, double *steal_share, double *foreign_cpus)
{
    double total = after->total_cpu_s.value - before->total_cpu_s.value;
    double steal = after->steal_cpu_s.value - before->steal_cpu_s.value;
    double busy = after->busy_cpu_s.value - before->busy_cpu_s.value;
    double elapsed = after->now_s - before->now_s;
    /* absent readings are NAN, and make these so */
    *steal_share = total > 0 ? fmax(steal, 0) / total : NAN;
    *foreign_cpus = elapsed > 0 && !isnan(busy) ? fmax(busy - own_cpu_seconds, 0) / elapsed : NAN;
    return *steal_share > ENVIRONMENT_MAX_STEAL_SHARE ||
           *foreign_cpus > ENVIRONMENT_MAX_FOREIGN_CPUS;
}
