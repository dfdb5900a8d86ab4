#include "bench/run_record.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "numerics/cpu.h"
#include "numerics/rng.h"

void run_record_utc(time_t when, char text[UTC_SIZE])
{
    struct tm utc = {0};
    gmtime_r(&when, &utc);
    if (!strftime(text, UTC_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc))
        text[0] = '\0';
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return rng_u64(&(struct rng){hash ^ value});
}

void run_record_start(struct run_record *r, const struct build_info *build, int argc, char **argv,
                      uint64_t seed, unsigned features)
{
    struct timespec now;
    struct tm utc = {0};
    char stamp[24];
    *r = (struct run_record){
        .build = build, .argc = argc, .argv = argv, .seed = seed, .isa = cpu_isa_name(features)};
    if (gethostname(r->host, sizeof r->host - 1) || !r->host[0])
        strcpy(r->host, "unknown");
    clock_gettime(CLOCK_MONOTONIC, &r->begun);
    clock_gettime(CLOCK_REALTIME, &now);
    run_record_utc(now.tv_sec, r->created);
    uint64_t hash = mix((uint64_t)getpid(), (uint64_t)now.tv_nsec);
    for (const char *c = r->host; *c; c++)
        hash = mix(hash, (unsigned char)*c);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(r->id, sizeof r->id, "%s-%08x", stamp, (unsigned)hash);
}

static void add_git(const struct build_info *build, struct json *run)
{
    struct json *git = json_add_object(run, "git");
    json_add_string(git, "revision", build->revision);
    if (build->revision && build->dirty >= 0)
        json_add_bool(git, "dirty", build->dirty);
    else
        json_add_null(git, "dirty");
}

struct json *run_record_add(const struct run_record *r, struct json *document, const char *status)
{
    struct json *run = json_add_object(document, "run");
    struct timespec now;
    json_add_string(run, "id", r->id);
    json_add_string(run, "created", r->created);
    json_add_string(run, "host", r->host);
    struct json *command = json_add_array(run, "command");
    for (int i = 0; i < r->argc; i++)
        json_add_string(command, NULL, r->argv[i]);
    json_add_u64(run, "seed", r->seed);
    json_add_string(run, "version", r->build->version);
    add_git(r->build, run);
    json_add_string(run, "compiler", r->build->compiler);
    json_add_string(run, "flags", r->build->flags);
    json_add_string(run, "isa", r->isa);
    struct json *libraries = json_add_object(run, "libraries");
    for (const struct build_library *l = r->build->libraries; l->name; l++)
        json_add_string(libraries, l->name, l->version);
    json_add_string(libraries, "glibc", gnu_get_libc_version());
    json_add_string(run, "status", status);
    clock_gettime(CLOCK_MONOTONIC, &now);
    json_add_number(run, "elapsed_s",
                    (double)(now.tv_sec - r->begun.tv_sec) +
                        1e-9 * (double)(now.tv_nsec - r->begun.tv_nsec));
    return run;
}

void run_record_folder(const struct run_record *r, char *text, size_t size)
{
    snprintf(text, size, "results/%.10s-%s", r->created, r->host);
}
