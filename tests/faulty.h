/*
 * A technique whose cells go wrong in every way a cell can, and checks that do: what the tests give
 * to a worker, to show that a fault costs only itself.  The program's registry does not hold it.
 */
#ifndef TESTS_FAULTY_H
#define TESTS_FAULTY_H

#include "bench/registry.h"

/* "faulty", task "faults", case "any": variants ok, segfault, abort, oom (told by prepare), killed
 * (as the kernel does when memory runs out), hang, flood (a MiB on standard output and error),
 * orphans (a process that outlives the cell), wrong, nan, unchecked (all three invalid), skipped.
 * Its check gives a row of each verdict.
 * "faulty-crash", "faulty-hang": checks that give one row, and then die or never end.
 * "faulty-silent": a check without a row. */
extern const struct registry_row faulty_techniques[]; /* ends with a row without a technique */

#endif
