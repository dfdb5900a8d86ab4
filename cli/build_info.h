/*
 * How this program was built: what every result document says of it.
 */
#ifndef CLI_BUILD_INFO_H
#define CLI_BUILD_INFO_H

#include "bench/run_record.h"

extern const struct build_info build_info;

#endif
