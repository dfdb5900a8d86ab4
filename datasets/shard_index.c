#include "datasets/shard_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct shard_entry *)a)->tensor, ((const struct shard_entry *)b)->tensor);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Relative, without a part that is empty, "." or "..". */
static bool stays_inside(const char *file)
{
    for (const char *part = file;;) {
        size_t length = strcspn(part, "/");
        if (!length || (length <= 2 && !strncmp(part, "..", length)))
            return false;
        if (!part[length])
            return true;
        part += length + 1;
    }
}

static enum status read_entries(struct shard_index *index, const struct json *map, const char *name,
                                struct err *err)
{
    for (const struct json *m = json_first(map); m; m = json_next(m)) {
        const char *file = json_string(m, NULL);
        if (!file || !stays_inside(file))
            return status_fail(err, E_FORMAT,
                               "%s: weight_map: '%.100s' is not in a file of this folder: '%.100s'",
                               name, json_key(m), file ? file : "not a string");
        index->entries[index->n] = (struct shard_entry){json_key(m), file};
        index->files[index->n++] = file;
    }
    return OK;
}

enum status shard_index_parse(const char *bytes, size_t n, const char *name,
                              struct shard_index *out, struct err *err)
{
    struct shard_index index = {0};
    enum status s = json_parse(bytes, n, name, &index.root, err);
    if (s)
        return s;
    const struct json *map = json_get(index.root, "weight_map");
    size_t room = json_size(map);
    if (json_type(map) != JSON_OBJECT || !room) {
        s = status_fail(err, E_FORMAT, "%s: no weight_map: not an index of shards", name);
        goto out;
    }
    index.entries = calloc(room, sizeof *index.entries);
    index.files = calloc(room, sizeof *index.files);
    if (!index.entries || !index.files) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", name);
        goto out;
    }
    s = read_entries(&index, map, name, err);
    if (s)
        goto out;
    qsort(index.entries, index.n, sizeof *index.entries, compare_entries);
    qsort(index.files, index.n, sizeof *index.files, compare_strings);
    for (size_t i = 0; i < index.n; i++)
        if (!i || strcmp(index.files[i], index.files[index.n_files - 1]))
            index.files[index.n_files++] = index.files[i];
out:
    if (s)
        shard_index_close(&index);
    else
        *out = index;
    return s;
}

void shard_index_close(struct shard_index *index)
{
    free(index->entries);
    free(index->files);
    json_free(index->root);
    *index = (struct shard_index){0};
}

const char *shard_index_file(const struct shard_index *index, const char *tensor)
{
    struct shard_entry key = {tensor, NULL};
    const struct shard_entry *found =
        bsearch(&key, index->entries, index->n, sizeof key, compare_entries);
    return found ? found->file : NULL;
}
