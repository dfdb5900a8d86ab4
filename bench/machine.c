#include "bench/machine.h"

#include <hwloc.h>
#include <omp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "bench/cgroup.h"
#include "numerics/cpu.h"

static const struct {
    unsigned feature;
    const char *name;
} features[] = {
    {CPU_AVX2, "avx2"}, {CPU_AVX512, "avx512"}, {CPU_VNNI, "vnni"}, {CPU_NEON, "neon"}, {0}};

const char *machine_level_name(enum machine_level level)
{
    static const char *const names[N_LEVELS] = {"L1", "L2", "L3", "DRAM"};
    return names[level];
}

static void read_hypervisor(char text[16])
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    enum { HYPERVISOR_BIT = 31, HYPERVISOR_LEAF = 0x40000000 };
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return;
    if (!(c >> HYPERVISOR_BIT & 1)) {
        strcpy(text, "none");
        return;
    }
    unsigned signature[4] = {0}; /* 12 characters, perhaps ended by NULs */
    __cpuid(HYPERVISOR_LEAF, a, signature[0], signature[1], signature[2]);
    memcpy(text, signature, sizeof signature);
#else
    (void)text;
#endif
}

static int number_or_unknown(const char *text)
{
    return text ? (int)strtol(text, NULL, 10) : -1;
}

static void read_package(hwloc_topology_t topology, struct machine *m)
{
    hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    if (!package)
        package = hwloc_get_root_obj(topology);
    const char *vendor = hwloc_obj_get_info_by_name(package, "CPUVendor");
    const char *cpu = hwloc_obj_get_info_by_name(package, "CPUModel");
    snprintf(m->vendor, sizeof m->vendor, "%s", vendor ? vendor : "");
    snprintf(m->cpu, sizeof m->cpu, "%s", cpu ? cpu : "");
    m->family = number_or_unknown(hwloc_obj_get_info_by_name(package, "CPUFamilyNumber"));
    m->model = number_or_unknown(hwloc_obj_get_info_by_name(package, "CPUModelNumber"));
    m->stepping = number_or_unknown(hwloc_obj_get_info_by_name(package, "CPUStepping"));
}

/* The processors that the process may run on.  With OMP_PROC_BIND or OMP_PLACES, OpenMP binds the
 * first thread to one place early, so that its affinity says too little: the places say it. */
static void read_usable(hwloc_topology_t topology, hwloc_bitmap_t usable)
{
    int places = omp_get_proc_bind() == omp_proc_bind_false ? 0 : omp_get_num_places();
    for (int place = 0; place < places; place++) {
        int n = omp_get_place_num_procs(place);
        int *ids = malloc((size_t)n * sizeof *ids);
        if (ids)
            omp_get_place_proc_ids(place, ids);
        for (int i = 0; ids && i < n; i++)
            hwloc_bitmap_set(usable, (unsigned)ids[i]);
        free(ids);
    }
    if (hwloc_bitmap_iszero(usable))
        hwloc_get_cpubind(topology, usable, HWLOC_CPUBIND_PROCESS);
    hwloc_bitmap_t allowed = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology));
    if (hwloc_bitmap_intersects(usable, allowed))
        hwloc_bitmap_and(usable, usable, allowed);
    else
        hwloc_bitmap_copy(usable, allowed);
    hwloc_bitmap_free(allowed);
}

/* The k-th usable processor of a core, or -1. */
static int nth_usable(hwloc_const_cpuset_t core, hwloc_const_cpuset_t usable, size_t k)
{
    for (int id = hwloc_bitmap_first(core); id >= 0; id = hwloc_bitmap_next(core, id))
        if (hwloc_bitmap_isset(usable, (unsigned)id) && k-- == 0)
            return id;
    return -1;
}

static enum status read_pus(hwloc_topology_t topology, hwloc_const_cpuset_t usable,
                            struct machine *m, struct err *err)
{
    size_t total = (size_t)hwloc_bitmap_weight(usable), found = 1;
    hwloc_obj_t core = NULL;
    m->pus = malloc(total * sizeof *m->pus);
    if (!m->pus)
        return status_fail(err, E_NOMEM, "machine: no memory for %zu processors", total);
    for (size_t sibling = 0; found && m->n_pus < total; sibling++) {
        found = 0;
        while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core))) {
            int id = nth_usable(core->cpuset, usable, sibling);
            if (id < 0)
                continue;
            m->pus[m->n_pus++] = id;
            found++;
        }
        if (!sibling)
            m->n_cores = found;
    }
    if (!m->n_pus) { /* a system that tells no cores: each processor counts as one */
        for (int id = hwloc_bitmap_first(usable); id >= 0; id = hwloc_bitmap_next(usable, id))
            m->pus[m->n_pus++] = id;
        m->n_cores = m->n_pus;
    }
    return OK;
}

static size_t cores_within(hwloc_topology_t topology, hwloc_const_cpuset_t set,
                           hwloc_const_cpuset_t usable)
{
    size_t n = 0;
    hwloc_obj_t core = NULL;
    while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)))
        n += hwloc_bitmap_intersects(core->cpuset, set) &&
             hwloc_bitmap_intersects(core->cpuset, usable);
    return n;
}

static void read_caches(hwloc_topology_t topology, hwloc_const_cpuset_t usable, struct machine *m)
{
    static const hwloc_obj_type_t types[N_CACHES] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
                                                     HWLOC_OBJ_L3CACHE};
    for (int level = 0; level < N_CACHES; level++) {
        struct machine_cache *c = &m->cache[level];
        size_t all = 0;
        hwloc_obj_t cache = NULL;
        while ((cache = hwloc_get_next_obj_by_type(topology, types[level], cache))) {
            if (!hwloc_bitmap_intersects(cache->cpuset, usable))
                continue;
            int cores = (int)cores_within(topology, cache->cpuset, usable);
            /* where cores differ (big and little), the first one speaks */
            if (!c->bytes)
                c->bytes = cache->attr->cache.size;
            c->cores = cores > c->cores ? cores : c->cores;
            c->count++;
            all += cache->attr->cache.size;
        }
        if (all)
            m->llc_bytes = all;
    }
}

static int count_nodes(hwloc_topology_t topology, hwloc_const_cpuset_t usable)
{
    int n = 0;
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)))
        n += hwloc_bitmap_intersects(node->cpuset, usable);
    return n;
}

enum status machine_read(struct machine *out, struct err *err)
{
    struct machine m = {.features = cpu_features()};
    struct utsname system;
    hwloc_topology_t topology = NULL;
    hwloc_bitmap_t usable = hwloc_bitmap_alloc();
    enum status s = OK;
    if (!usable || hwloc_topology_init(&topology)) {
        s = status_fail(err, E_NOMEM, "machine: no memory for the topology");
        goto out;
    }
    if (hwloc_topology_load(topology)) {
        s = status_fail(err, E_UNAVAILABLE,
                        "machine: hwloc finds no topology; is /sys mounted and readable?");
        goto out;
    }
    read_package(topology, &m);
    read_usable(topology, usable);
    s = read_pus(topology, usable, &m, err);
    if (s)
        goto out;
    read_caches(topology, usable, &m);
    m.numa_nodes = count_nodes(topology, usable);
    struct cgroup limits = cgroup_read("");
    m.cgroup_cpus = limits.cpus;
    m.cgroup_memory_bytes = limits.memory_bytes;
    read_hypervisor(m.hypervisor);
    if (!uname(&system))
        snprintf(m.kernel, sizeof m.kernel, "%s %s %s", system.sysname, system.release,
                 system.machine);
    m.memory_bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
out:
    if (topology)
        hwloc_topology_destroy(topology);
    hwloc_bitmap_free(usable);
    if (s)
        machine_free(&m);
    else
        *out = m;
    return s;
}

void machine_free(struct machine *m)
{
    free(m->pus);
    *m = (struct machine){0};
}

static uint64_t fnv1a(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}

void machine_fingerprint(const struct machine *m, char text[FINGERPRINT_SIZE])
{
    char line[160];
    uint64_t hash = 0xCBF29CE484222325u;
    hash = fnv1a(hash, m->vendor);
    hash = fnv1a(hash, m->cpu);
    snprintf(line, sizeof line, "|%d %d %d|%u|%zu %zu|%d|%g|%s|", m->family, m->model, m->stepping,
             m->features, m->n_pus, m->n_cores, m->numa_nodes, m->cgroup_cpus, m->hypervisor);
    hash = fnv1a(hash, line);
    hash = fnv1a(hash, m->kernel);
    for (int level = 0; level < N_CACHES; level++) {
        snprintf(line, sizeof line, "|%zu %d %d", m->cache[level].bytes, m->cache[level].count,
                 m->cache[level].cores);
        hash = fnv1a(hash, line);
    }
    snprintf(text, FINGERPRINT_SIZE, "%016llx", (unsigned long long)hash);
}

static void add_known_string(struct json *facts, const char *key, const char *value)
{
    json_add_string(facts, key, *value ? value : NULL);
}

static void add_known_number(struct json *facts, const char *key, double value, bool known)
{
    if (known)
        json_add_number(facts, key, value);
    else
        json_add_null(facts, key);
}

void machine_add_facts(const struct machine *m, struct json *facts)
{
    add_known_string(facts, "vendor", m->vendor);
    add_known_string(facts, "cpu", m->cpu);
    add_known_number(facts, "family", m->family, m->family >= 0);
    add_known_number(facts, "model", m->model, m->model >= 0);
    add_known_number(facts, "stepping", m->stepping, m->stepping >= 0);
    struct json *isa = json_add_array(facts, "isa");
    for (int i = 0; features[i].name; i++)
        if (m->features & features[i].feature)
            json_add_string(isa, NULL, features[i].name);
    json_add_u64(facts, "cores", m->n_cores);
    struct json *pus = json_add_array(facts, "processors");
    for (size_t i = 0; i < m->n_pus; i++)
        json_add_number(pus, NULL, m->pus[i]);
    struct json *caches = json_add_array(facts, "caches");
    for (int level = 0; level < N_CACHES; level++) {
        const struct machine_cache *c = &m->cache[level];
        if (!c->bytes)
            continue;
        struct json *cache = json_add_object(caches, NULL);
        json_add_string(cache, "level", machine_level_name((enum machine_level)level));
        json_add_u64(cache, "bytes", c->bytes);
        json_add_number(cache, "count", c->count);
        json_add_number(cache, "cores_sharing", c->cores);
    }
    json_add_u64(facts, "llc_bytes", m->llc_bytes);
    json_add_number(facts, "numa_nodes", m->numa_nodes);
    add_known_number(facts, "cgroup_cpus", m->cgroup_cpus, m->cgroup_cpus > 0);
    add_known_number(facts, "cgroup_memory_bytes", m->cgroup_memory_bytes,
                     m->cgroup_memory_bytes > 0);
    add_known_string(facts, "hypervisor", m->hypervisor);
    add_known_string(facts, "kernel", m->kernel);
    json_add_number(facts, "memory_bytes", m->memory_bytes);
}

enum status machine_omp_places(const struct machine *m, size_t threads, char *text, size_t size,
                               struct err *err)
{
    size_t n = 0;
    if (!threads || threads > m->n_pus)
        return status_fail(err, E_USAGE, "%zu threads: this process may use 1 to %zu", threads,
                           m->n_pus);
    for (size_t i = 0; i < threads; i++) {
        int wrote = snprintf(text + n, size - n, "%s{%d}", i ? "," : "", m->pus[i]);
        if (wrote < 0 || (size_t)wrote >= size - n)
            return status_fail(err, E_USAGE, "OMP_PLACES for %zu threads needs more than %zu bytes",
                               threads, size);
        n += (size_t)wrote;
    }
    return OK;
}

/* The calling thread onto pus[first .. first+n-1]. */
static void bind(const struct machine *m, size_t first, size_t n)
{
    int most = 0;
    for (size_t i = 0; i < m->n_pus; i++)
        most = m->pus[i] > most ? m->pus[i] : most;
    cpu_set_t *set = CPU_ALLOC((size_t)most + 1);
    size_t bytes = CPU_ALLOC_SIZE((size_t)most + 1);
    if (!set)
        return;
    CPU_ZERO_S(bytes, set);
    for (size_t i = first; i < first + n; i++)
        CPU_SET_S((size_t)m->pus[i], bytes, set);
    sched_setaffinity(0, bytes, set);
    CPU_FREE(set);
}

void machine_pin(const struct machine *m, size_t i)
{
    bind(m, i % m->n_pus, 1);
}

void machine_unpin(const struct machine *m)
{
    bind(m, 0, m->n_pus);
}
