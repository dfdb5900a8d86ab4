/* The program's worker over a table of techniques that go wrong: `faulty_worker worker`. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/worker.h"
#include "numerics/cpu.h"
#include "tests/faulty.h"

int main(int argc, char **argv)
{
    struct err err = {{0}};
    if (argc != 2 || strcmp(argv[1], "worker")) {
        fprintf(stderr, "usage: faulty_worker worker\n");
        return 64;
    }
    const struct rlimit no_core = {0, 0}; /* it crashes on purpose */
    setrlimit(RLIMIT_CORE, &no_core);
    worker_die_with_parent();
    struct worker w = {.techniques = faulty_techniques,
                       .features = cpu_features(),
                       .in = STDIN_FILENO,
                       .out = WORKER_OUT};
    if (worker_run(&w, &err)) {
        fprintf(stderr, "faulty_worker: %s\n", err.text);
        return 1;
    }
    return 0;
}
