#include <unistd.h>

#include "bench/worker.h"
#include "cli/verbs.h"

enum status verb_worker(const struct context *context, int argc, char **argv, struct err *err)
{
    (void)argv;
    worker_die_with_parent();
    if (argc > 1)
        return status_fail(err, E_USAGE, "worker takes no words: `assay bench` starts it");
    struct worker w = {.techniques = registry,
                       .features = context->features,
                       .data_dir = context->data_dir,
                       .in = STDIN_FILENO,
                       .out = WORKER_OUT};
    return worker_run(&w, err);
}
