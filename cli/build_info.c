#include "cli/build_info.h"

#include "build_facts.h" /* written by cmake/BuildFacts.cmake at every build */

static const struct build_library libraries[] = {
#define LIBRARY(name, version) {name, version},
    BUILD_LIBRARIES
#undef LIBRARY
    {0}};

const struct build_info build_info = {.version = ASSAY_VERSION,
                                      .revision = BUILD_REVISION,
                                      .dirty = BUILD_DIRTY,
#if defined(__clang__)
                                      .compiler = __VERSION__,
#else
                                      .compiler = "GCC " __VERSION__,
#endif
                                      .flags = ASSAY_FLAGS,
                                      .libraries = libraries};
