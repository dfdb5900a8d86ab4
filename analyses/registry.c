#include <string.h>

#include "analyses/analysis.h"

extern const struct analysis quant_error, scaling_law_analysis;

const struct analysis *const analyses[] = {&quant_error, &scaling_law_analysis, NULL};

const char *analysis_option(const struct analysis *a, const struct analysis_request *request,
                            const char *name)
{
    for (size_t i = 0; a->options[i].name; i++)
        if (!strcmp(a->options[i].name, name))
            return request->options[i];
    return NULL;
}
