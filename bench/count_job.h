/*
 * The job of a child that counts the events of one cell instead of timing it; see bench/worker.h.
 */
#ifndef BENCH_COUNT_JOB_H
#define BENCH_COUNT_JOB_H

#include "bench/measure.h"
#include "datasets/json.h"

/* Fills `reply` with what the job's counting pass of the cell found.  E_USAGE for a job that names
 * what there is not, E_FAILED when the cell is not right. */
enum status count_job_run(const struct block *block, const struct variant *v,
                          const struct json *job, struct json *reply, struct err *err);

#endif
