/*
 * What a run has measured so far: FOLDER/journal.jsonl, one JSON object a line.
 *
 * The first line, the header, says what the run is; every other is a finished round of one block.
 * A line is written with one write and synced, so after a crash at most the last line is torn: a
 * line without its newline is forgiven and cut off.  Any other line that is not an object is an
 * error, as nothing but damage explains it.
 *
 * The file is locked while it is open: two runs never write into one folder.
 */
#ifndef BENCH_JOURNAL_H
#define BENCH_JOURNAL_H

#include <stdint.h>

#include "datasets/json.h"
#include "numerics/status.h"

struct journal {
    int fd;      /* -1: closed */
    int64_t end; /* of the last whole line: what stands behind it is cut off before the next */
    char *path;
    struct json *header; /* owned; NULL in a new one until journal_begin() */
    struct json *rounds; /* owned array of the lines after the header */
};

/* Opens the folder's journal, making folder and file where they are absent.  A folder that already
 * holds a run is refused unless resume is true, when its lines are read.
 * E_CANTCREATE: the folder cannot be made, holds a run, or is in use by another one; E_FORMAT names
 * a bad line; E_NOMEM.  *out is untouched then, and so is the folder. */
enum status journal_open(const char *folder, bool resume, struct journal *out, struct err *err);
void journal_close(struct journal *journal); /* one that is all zero is fine */

/* Writes the header of a new journal and keeps it; takes `header`.  E_IO, E_NOMEM. */
enum status journal_begin(struct journal *journal, struct json *header, struct err *err);

/* Appends a round to the file and to `rounds`; takes `round`.  E_IO: nothing of it counts. */
enum status journal_append(struct journal *journal, struct json *round, struct err *err);

#endif
