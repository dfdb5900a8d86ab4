/* The doctor on what can be counted: the PMU, who may use it, and the energy of the socket. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/counters.h"
#include "bench/doctor_topic.h"

/* The folder of the processor's PMU, or NULL. */
static const char *pmu_folder(const struct doctor *d)
{
    static const char *const folders[] = {
        "/sys/bus/event_source/devices/cpu", "/sys/bus/event_source/devices/cpu_core",
        "/sys/bus/event_source/devices/armv8_pmuv3_0", "/sys/bus/event_source/devices/armv8_pmuv3"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (doctor_has_file(d, folders[i]))
            return folders[i];
    return NULL;
}

void doctor_pmu(const struct doctor *d, struct diagnosis *x)
{
    const char *folder = pmu_folder(d);
    snprintf(x->source, sizeof x->source, "%s", folder ? folder : "/sys/bus/event_source/devices");
    if (folder) {
        doctor_found(x, DIAGNOSIS_FINE, "present");
        return;
    }
    if (!doctor_has_file(d, "/sys/bus/event_source/devices")) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "the system does not show its event sources");
        return;
    }
    doctor_found(x, DIAGNOSIS_DISTURBS, "no PMU");
    doctor_effect(x, "None on a timing, but no hardware counters: bytes moved are modelled or "
                     "simulated, not counted.");
    if (doctor_is_guest(d))
        doctor_advise(x, "cannot be changed inside a virtual machine: take bare metal, or an "
                         "instance type whose hypervisor passes the PMU on");
    else
        doctor_advise(x, "a kernel with CONFIG_PERF_EVENTS and the driver of this processor's PMU");
}

void doctor_paranoid(const struct doctor *d, struct diagnosis *x)
{
    enum { USER_MAY_COUNT_ITSELF = 2 }; /* 3 and 4 are patches of distributions */
    static const char file[] = "/proc/sys/kernel/perf_event_paranoid";
    long level;
    if (!doctor_has_file(d, file)) {
        snprintf(x->source, sizeof x->source, "%s", file);
        doctor_found(x, DIAGNOSIS_UNKNOWN, "the kernel has no perf events, or hides them");
        doctor_effect(x, "Without them not even software events are counted.");
        doctor_advise(x, "a kernel with CONFIG_PERF_EVENTS");
        return;
    }
    if (!doctor_number(d, x, file, &level))
        return;
    doctor_found(x, DIAGNOSIS_FINE, "perf_event_paranoid %ld%s", level,
                 level > USER_MAY_COUNT_ITSELF && d->superuser ? ", which does not bind root" : "");
    if (level > USER_MAY_COUNT_ITSELF && !d->superuser) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "None on a timing, but this user may count nothing, not even software "
                         "events.");
        doctor_offer_sysctl(d, x, "kernel.perf_event_paranoid", 1, level);
    }
}

/* For what is of use to a PMU only. */
static bool without_pmu(const struct doctor *d, struct diagnosis *x)
{
    if (pmu_folder(d))
        return false;
    snprintf(x->source, sizeof x->source, "/sys/bus/event_source/devices");
    doctor_found(x, DIAGNOSIS_FINE, "of no account without a PMU");
    return true;
}

void doctor_watchdog(const struct doctor *d, struct diagnosis *x)
{
    long on;
    if (without_pmu(d, x) || !doctor_number(d, x, "/proc/sys/kernel/nmi_watchdog", &on))
        return;
    doctor_found(x, DIAGNOSIS_FINE, "%s", on ? "on" : "off");
    if (on) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "It holds one hardware counter of each processor (cycles): fewer events "
                         "count together, and more passes are needed.");
        doctor_offer_sysctl(d, x, "kernel.nmi_watchdog", 0, on);
    }
}

void doctor_rdpmc(const struct doctor *d, struct diagnosis *x)
{
    char file[128], found[16];
    long mode;
    if (without_pmu(d, x))
        return;
    snprintf(file, sizeof file, "%s/rdpmc", pmu_folder(d));
    if (!doctor_has_file(d, file)) {
        snprintf(x->source, sizeof x->source, "%s", file);
        doctor_found(x, DIAGNOSIS_FINE, "this processor has no such switch");
        return;
    }
    if (!doctor_number(d, x, file, &mode))
        return;
    doctor_found(x, DIAGNOSIS_FINE, "%ld", mode);
    if (!mode) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(
            x, "Counters are read by a system call instead of an instruction: short cells count "
               "more of the reading.");
        snprintf(found, sizeof found, "%ld", mode);
        doctor_offer(d, x, file, NULL, "1", found);
    }
}

/* The permissions of the first energy file there is; 0: none. */
static unsigned energy_mode(const struct doctor *d)
{
    char path[PATH_MAX];
    struct stat info;
    unsigned mode = 0;
    snprintf(path, sizeof path, "%s/sys/class/powercap", d->root);
    DIR *folder = opendir(path);
    for (struct dirent *e; folder && !mode && (e = readdir(folder));)
        if (snprintf(path, sizeof path, "%s/sys/class/powercap/%s/energy_uj", d->root, e->d_name) <
                (int)sizeof path &&
            !stat(path, &info))
            mode = info.st_mode & 07777;
    if (folder)
        closedir(folder);
    return mode;
}

void doctor_energy(const struct doctor *d, struct diagnosis *x)
{
    static const struct counter_event package = {
        .name = "energy", .unit = "uJ", .title = "energy", .zone = "package"};
    const struct counter_event *event = &package;
    struct counter_backend powercap;
    char undo[96];
    void *set;
    counters_powercap(d->root, &powercap);
    int error = powercap.open(powercap.self, &event, 1, &set);
    snprintf(x->source, sizeof x->source, "/sys/class/powercap");
    if (!error) {
        powercap.close(powercap.self, set);
        doctor_found(x, DIAGNOSIS_FINE, "the package's can be read");
        return;
    }
    doctor_effect(x, "None on a timing, but no cell tells the energy it took.");
    if (error == -ENOENT) {
        doctor_found(x, DIAGNOSIS_DISTURBS, "no powercap zone of the package");
        if (doctor_is_guest(d))
            doctor_advise(x, "cannot be changed inside a virtual machine: the hypervisor keeps "
                             "RAPL to itself");
        else
            doctor_commands(d, x, "modprobe intel_rapl_msr", "modprobe -r intel_rapl_msr");
    } else if (error == -EACCES || error == -EPERM) {
        doctor_found(x, DIAGNOSIS_DISTURBS, "only root may read it (energy_uj, mode %o)",
                     energy_mode(d));
        snprintf(undo, sizeof undo, "chmod %o /sys/class/powercap/*/energy_uj", energy_mode(d));
        doctor_commands(d, x, "chmod a+r /sys/class/powercap/*/energy_uj", undo);
        doctor_advise(x, "undo it after the run: energy tells other users' secrets "
                         "(CVE-2020-8694)");
    } else
        doctor_found(x, DIAGNOSIS_UNKNOWN, "its files cannot be understood: %s", strerror(-error));
}
