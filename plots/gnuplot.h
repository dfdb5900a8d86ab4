/*
 * The gnuplot program: where it is, whether it will do, and one process that loads many scripts.
 *
 * It is started with an argument vector, with no initialisation file and with an environment of our
 * own, so that nothing but the script and the data decides what is drawn; no shell is involved.
 */
#ifndef PLOTS_GNUPLOT_H
#define PLOTS_GNUPLOT_H

#include <stddef.h>

#include "numerics/progress.h"
#include "numerics/status.h"

struct gnuplot {
    char path[4096];
};

/* One script to load, and what became of it. */
struct gnuplot_job {
    const char *script; /* file name in the folder: [A-Za-z0-9._-] only */
    enum status status; /* OK, or E_FAILED: error says why */
    char error[256];    /* gnuplot's first words about it */
};

/* Looks for gnuplot in search_path, folders separated by colons as in PATH (NULL: nowhere), and
 * asks its version.  E_UNAVAILABLE, with what to install, when there is none or it is older than
 * 5.2. */
enum status gnuplot_find(const char *search_path, struct gnuplot *out, struct err *err);

/* Loads every job's script with `folder` as the working directory, one after the other in one
 * process that forgets its session in between.  A script that is wrong, or that takes over a
 * minute, fails alone.  E_INTERRUPTED when progress says stop; E_IO, E_NOMEM when the process
 * cannot be started. */
enum status gnuplot_load(const struct gnuplot *g, const char *folder, struct gnuplot_job *jobs,
                         size_t n, struct progress *progress, struct err *err);

#endif
