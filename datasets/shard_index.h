/*
 * The index of a checkpoint in shards: which file holds which tensor.
 *
 *   {"metadata": {...}, "weight_map": {tensor name: file name, ...}}
 *
 * A file name is relative and stays inside the index's own folder; it may be a symbolic link.
 * Source: huggingface_hub, _torch.py, split_torch_state_dict_into_shards().
 */
#ifndef DATASETS_SHARD_INDEX_H
#define DATASETS_SHARD_INDEX_H

#include <stddef.h>

#include "datasets/json.h"
#include "numerics/status.h"

struct shard_entry {
    const char *tensor, *file;
};

struct shard_index {
    struct shard_entry *entries; /* [n], sorted by tensor */
    size_t n;
    const char **files; /* [n_files], sorted, each once */
    size_t n_files;
    struct json *root; /* owns the names */
};

/* name stands in errors.  E_FORMAT names the key; E_NOMEM.  *out is untouched then. */
enum status shard_index_parse(const char *bytes, size_t n, const char *name,
                              struct shard_index *out, struct err *err);
void shard_index_close(struct shard_index *index); /* also of a zeroed one */

/* The file that holds a tensor, NULL when the index does not name the tensor. */
const char *shard_index_file(const struct shard_index *index, const char *tensor);

#endif
