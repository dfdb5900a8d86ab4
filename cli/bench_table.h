/*
 * A bench document as a short table on standard output.
 */
#ifndef CLI_BENCH_TABLE_H
#define CLI_BENCH_TABLE_H

#include <stddef.h>

#include "datasets/json.h"

/* For each block: variant, time, speed-up with its interval, share of the roof, status and, but for
 * a degraded one, its reason. */
void bench_table_print(const struct json *document);

/* "12.3 us": three digits and the unit that suits; text [size]. */
void bench_table_time(double seconds, char *text, size_t size);

/* The same for bytes, in powers of 1024: "1.5 MiB". */
void bench_table_bytes(double bytes, char *text, size_t size);

#endif
