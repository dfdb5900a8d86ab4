/* The doctor on memory: pages, nodes, layout, limits, swap, and the disk of the results. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cgroup.h"
#include "bench/doctor_topic.h"
#include "bench/sysfile.h"

void doctor_huge_pages(const struct doctor *d, struct diagnosis *x)
{
    static const char file[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    const struct doctor_probe *p = d->probe;
    char text[128], word[DOCTOR_WORD_SIZE] = "";
    snprintf(x->source, sizeof x->source, "%s", file);
    if (sysfile_text(d->root, text, sizeof text, "%s", file)) {
        const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
        if (close)
            snprintf(word, sizeof word, "%.*s", (int)(close - open - 1), open + 1);
        if (!doctor_is_word(word))
            doctor_found(x, DIAGNOSIS_UNKNOWN, "its file names no choice");
        else
            doctor_found(x, DIAGNOSIS_FINE, "%s", word);
    } else
        doctor_found(x, DIAGNOSIS_UNKNOWN, "the kernel has none, or does not show them");
    if (!strcmp(word, "never")) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "Large arrays lie on small pages: misses in the TLB are timed too.");
        doctor_offer(d, x, file, NULL, "madvise", word);
    }
    if (isfinite(p->read_small_ns) && isfinite(p->read_huge_ns))
        doctor_effect(
            x,
            "Measured: where huge pages are asked for, a random read of 64 MiB takes %.0f ns and a "
            "first touch of 4 KiB %.0f ns; on small pages %.0f and %.0f ns.",
            p->read_huge_ns, p->fault_huge_ns, p->read_small_ns, p->fault_small_ns);
}

void doctor_numa(const struct doctor *d, struct diagnosis *x)
{
    static const char file[] = "/proc/sys/kernel/numa_balancing";
    long mode;
    int nodes = d->machine->numa_nodes;
    const char *plural = nodes == 1 ? "" : "s";
    if (!doctor_has_file(d, file)) {
        snprintf(x->source, sizeof x->source, "%s", file);
        doctor_found(x, nodes > 1 ? DIAGNOSIS_UNKNOWN : DIAGNOSIS_FINE, "no such switch, %d node%s",
                     nodes, plural);
        return;
    }
    if (!doctor_number(d, x, file, &mode))
        return;
    doctor_found(x, DIAGNOSIS_FINE, "%ld, %d node%s", mode, nodes, plural);
    if (mode && nodes > 1) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "The kernel takes pages away to see who uses them, and moves them: faults "
                         "and copies fall into timed loops.");
        doctor_offer_sysctl(d, x, "kernel.numa_balancing", 0, mode);
    }
}

/* `setarch -R` and debuggers switch it off for one process and its children. */
static bool is_unrandomised(const struct doctor *d)
{
    enum { ADDR_NO_RANDOMIZE_BIT = 0x0040000 };
    char text[32];
    return sysfile_text(d->root, text, sizeof text, "/proc/self/personality") &&
           strtoul(text, NULL, 16) & ADDR_NO_RANDOMIZE_BIT;
}

void doctor_layout(const struct doctor *d, struct diagnosis *x)
{
    long mode;
    if (!doctor_number(d, x, "/proc/sys/kernel/randomize_va_space", &mode))
        return;
    doctor_found(x, DIAGNOSIS_FINE, "%ld: random in each process", mode);
    doctor_effect(x, "Not measured here. The literature finds that layout alone moves a result by "
                     "several per cent (Mytkowicz et al., ASPLOS 2009).");
    if (mode && !is_unrandomised(d)) {
        doctor_effect(x, "Each round is a process of its own, so that rounds average over it.");
        return;
    }
    x->kind = DIAGNOSIS_DISTURBS;
    doctor_effect(x, "Every round has the same lucky or unlucky one: a bias that no number of "
                     "rounds shows.");
    if (!mode) {
        doctor_found(x, DIAGNOSIS_DISTURBS, "0: always the same");
        doctor_offer_sysctl(d, x, "kernel.randomize_va_space", 2, mode);
    } else {
        snprintf(x->source, sizeof x->source, "/proc/self/personality");
        doctor_found(x, DIAGNOSIS_DISTURBS, "switched off for this process");
        doctor_advise(x, "start assay without 'setarch -R', and not from a debugger");
    }
}

void doctor_memory_limit(const struct doctor *d, struct diagnosis *x)
{
    struct cgroup limits = cgroup_read(d->root);
    char size[32], all[32];
    if (limits.memory_bytes == 0 || limits.memory_bytes >= d->machine->memory_bytes) {
        snprintf(x->source, sizeof x->source, "%s",
                 limits.memory_bytes > 0 ? limits.memory_file : "/proc/self/cgroup");
        if (limits.memory_unclear || !doctor_has_file(d, "/proc/self/cgroup"))
            doctor_found(x, DIAGNOSIS_UNKNOWN, "the control groups do not tell");
        else
            doctor_found(x, DIAGNOSIS_FINE, "none below the %s there are",
                         doctor_size(d->machine->memory_bytes, all));
        return;
    }
    snprintf(x->source, sizeof x->source, "%s", limits.memory_file);
    doctor_found(x, DIAGNOSIS_DISTURBS, "%s of %s", doctor_size(limits.memory_bytes, size),
                 doctor_size(d->machine->memory_bytes, all));
    doctor_effect(x, "Near the limit the kernel takes file pages back, and weights are read from "
                     "disk again; beyond it, it ends the process. Cells that do not fit are left "
                     "out.");
    if (doctor_in_container(d)) {
        doctor_advise(x, "a container cannot lift its own limit: start it with a larger --memory");
    } else if (doctor_is_path(limits.memory_file)) {
        char found[32];
        snprintf(found, sizeof found, "%.0f", limits.memory_bytes);
        /* version 1 has a name of its own for "no limit" */
        doctor_offer(d, x, limits.memory_file, NULL,
                     strstr(limits.memory_file, "limit_in_bytes") ? "-1" : "max", found);
    }
}

/* The devices of /proc/swaps as `swapon` takes them; false when a name or their sum does not fit.
 */
static bool swap_devices(const struct doctor *d, char *command, size_t size, double *total_kib,
                         double *used_kib, int *n)
{
    char text[4096];
    size_t length = 0;
    *total_kib = *used_kib = *n = 0;
    if (!sysfile_text(d->root, text, sizeof text, "/proc/swaps"))
        return false;
    for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
        char name[128];
        double kib, used;
        int priority;
        if (sscanf(line, " %127s %*s %lf %lf %d", name, &kib, &used, &priority) != 4 ||
            !doctor_is_path(name) || !isfinite(kib) || !isfinite(used))
            return false;
        int wrote = priority < 0 ? snprintf(command + length, size - length, "%sswapon %s",
                                            *n ? "; " : "", name)
                                 : snprintf(command + length, size - length, "%sswapon -p %d %s",
                                            *n ? "; " : "", priority, name);
        if (wrote < 0 || (size_t)wrote >= size - length)
            return false;
        length += (size_t)wrote;
        *total_kib += kib;
        *used_kib += used;
        ++*n;
    }
    return !strncmp(text, "Filename", 8);
}

void doctor_swap(const struct doctor *d, struct diagnosis *x)
{
    char undo[400], quoted[420], total[32], used[32];
    double total_kib, used_kib;
    int n;
    snprintf(x->source, sizeof x->source, "/proc/swaps");
    if (!swap_devices(d, undo, sizeof undo, &total_kib, &used_kib, &n)) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "%s",
                     doctor_has_file(d, "/proc/swaps") ? "its file cannot be understood"
                                                       : "the system does not tell");
        return;
    }
    if (!n) {
        doctor_found(x, DIAGNOSIS_FINE, "none");
        return;
    }
    doctor_found(x, used_kib > 0 ? DIAGNOSIS_DISTURBS : DIAGNOSIS_FINE, "%s, %s of it in use",
                 doctor_size(1024 * total_kib, total), doctor_size(1024 * used_kib, used));
    if (used_kib > 0) {
        doctor_effect(x, "Memory is or was short: pages of weights that come back from disk are "
                         "timed as if they were computed with.");
        if (n > 1)
            snprintf(quoted, sizeof quoted, "sh -c '%s'", undo);
        doctor_commands(d, x, "swapoff -a", n > 1 ? quoted : undo);
        if (d->after->memory_available_bytes.value < 1024 * used_kib)
            doctor_advise(x, "what lies there does not fit into memory: end other work first");
    }
}

void doctor_disk(const struct doctor *d, struct diagnosis *x)
{
    /* A full run keeps its journal, documents and figures: some thousand cells of a few KiB, twice
     * while a document replaces the one before. */
    static const double wanted = 64 << 20;
    char size[32];
    snprintf(x->source, sizeof x->source, "%.191s", d->results);
    if (isnan(d->results_free_bytes)) {
        doctor_found(x, DIAGNOSIS_UNKNOWN, "the file system does not tell what is free");
        return;
    }
    doctor_found(x, DIAGNOSIS_FINE, "%s free", doctor_size(d->results_free_bytes, size));
    if (d->results_free_bytes < wanted) {
        x->kind = DIAGNOSIS_DISTURBS;
        doctor_effect(x, "None on a timing, but a run stops when its journal cannot be written; "
                         "--resume goes on with it.");
        doctor_advise(x, "make room there, or give --out a folder on another disk");
    }
}
