/*
 * The help of `analyze NAME`: the analysis's own options, then those of every analysis.
 */
#ifndef CLI_ANALYSIS_HELP_H
#define CLI_ANALYSIS_HELP_H

#include "analyses/analysis.h"
#include "cli/options.h"

enum { ANALYSIS_OPTIONS = 16, ANALYSIS_SHARED_ROWS = 5 };

struct analysis_help {
    char usage[128];
    struct option_row rows[ANALYSIS_OPTIONS + ANALYSIS_SHARED_ROWS];
    struct verb_help help; /* points into this struct, which therefore stays where it is */
};

void analysis_help_make(const struct analysis *a, struct analysis_help *out);

#endif
