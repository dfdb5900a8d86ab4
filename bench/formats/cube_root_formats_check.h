/* The claim check of bench/formats/cube_root_formats.c. */
#ifndef BENCH_FORMATS_CUBE_ROOT_FORMATS_CHECK_H
#define BENCH_FORMATS_CUBE_ROOT_FORMATS_CHECK_H

#include "bench/technique.h"

void cube_root_formats_check(struct check *check);

#endif
