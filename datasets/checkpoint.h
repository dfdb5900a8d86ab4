/*
 * What a user names as weights, opened as one array of tensors.
 *
 *   FILE.safetensors   its tensors
 *   FILE.npy           one tensor, named after the file without .npy
 *   FILE.json          an index of shards (datasets/shard_index.h): the tensors it names, from the
 *                      files it names
 *   FOLDER             its *.safetensors.index.json when there is one, else every .safetensors and
 *                      .npy in it, sorted by name; folders inside it are not entered
 *
 * Files are mapped read-only: opening costs the headers alone, and reading a tensor's data brings
 * in its pages.
 */
#ifndef DATASETS_CHECKPOINT_H
#define DATASETS_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "datasets/json.h"
#include "numerics/status.h"
#include "numerics/tensor.h"

struct checkpoint_source {
    const char *path;
    size_t bytes;
    struct timespec mtime;
    uint64_t header_hash; /* FNV-1a of the header, of the whole file for an index */
};

struct checkpoint {
    struct tensor *tensors; /* [n], by file, in the order of their data; names differ */
    size_t n;
    struct checkpoint_source *sources; /* [n_sources]; an index stands before its shards */
    size_t n_sources;
    struct checkpoint_parts *parts; /* owns mappings, names and paths */
};

/* E_NOINPUT when there is no such file or a folder holds none, E_FORMAT for bad bytes, for a tensor
 * that an index names and no file holds, and for one name in two files; E_IO, E_NOMEM.  *out is
 * untouched then. */
enum status checkpoint_open(const char *path, struct checkpoint *out, struct err *err);
void checkpoint_close(struct checkpoint *c); /* also of a zeroed one */

/* NULL when no tensor has the name. */
const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name);

/* Appends {path, bytes, mtime, header_hash} of each source to the `input` of a document. */
void checkpoint_describe(const struct checkpoint *c, struct json *input);

#endif
