#include "datasets/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/mapping.h"
#include "datasets/npy.h"
#include "datasets/safetensors.h"
#include "datasets/shard_index.h"

/* One open file: sources[i] tells of files[i]. */
struct file {
    char *path, *stem; /* stem names the tensor of an .npy */
    struct mapping map;
    struct safetensors safetensors;
};

struct checkpoint_parts {
    struct file *files;
    struct shard_index index;
    const struct tensor **by_name; /* [n], sorted */
};

static enum status out_of_memory(const char *path, struct err *err)
{
    return status_fail(err, E_NOMEM, "%s: out of memory", path);
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && !strcmp(text + n - m, suffix);
}

/* Maps one more file; *out is good until the next one. */
static enum status add_file(struct checkpoint *c, const char *path, struct file **out,
                            struct err *err)
{
    size_t n = c->n_sources;
    struct file *files = realloc(c->parts->files, (n + 1) * sizeof *files);
    if (!files)
        return out_of_memory(path, err);
    c->parts->files = files;
    struct checkpoint_source *sources = realloc(c->sources, (n + 1) * sizeof *sources);
    if (!sources)
        return out_of_memory(path, err);
    c->sources = sources;
    files[n] = (struct file){.path = strdup(path)};
    if (!files[n].path)
        return out_of_memory(path, err);
    enum status s = mapping_open(path, &files[n].map, err);
    if (s) {
        free(files[n].path);
        return s;
    }
    sources[n] = (struct checkpoint_source){
        .path = files[n].path, .bytes = files[n].map.n, .mtime = files[n].map.mtime};
    c->n_sources++;
    *out = &files[n];
    return OK;
}

/* The header of the file opened last is its first n bytes. */
static void note_header(struct checkpoint *c, size_t n)
{
    size_t last = c->n_sources - 1;
    c->sources[last].header_hash = mapping_hash(c->parts->files[last].map.bytes, n);
}

static bool make_room(struct checkpoint *c, size_t more)
{
    struct tensor *tensors = realloc(c->tensors, (c->n + more + 1) * sizeof *tensors);
    if (tensors)
        c->tensors = tensors;
    return tensors;
}

/* file: how the index, when there is one, calls this shard. */
static enum status add_safetensors(struct checkpoint *c, const char *path, const char *file,
                                   struct err *err)
{
    struct file *f;
    enum status s = add_file(c, path, &f, err);
    if (!s)
        s = safetensors_parse(f->map.bytes, f->map.n, path, &f->safetensors, err);
    if (s)
        return s;
    note_header(c, f->safetensors.header_bytes);
    if (!make_room(c, f->safetensors.n))
        return out_of_memory(path, err);
    for (size_t i = 0; i < f->safetensors.n; i++) {
        const struct tensor *t = &f->safetensors.tensors[i];
        const char *owner = file ? shard_index_file(&c->parts->index, t->name) : NULL;
        if (!file || (owner && !strcmp(owner, file)))
            c->tensors[c->n++] = *t;
    }
    return OK;
}

static enum status add_npy(struct checkpoint *c, const char *path, struct err *err)
{
    struct file *f;
    struct tensor t;
    size_t header_bytes;
    enum status s = add_file(c, path, &f, err);
    if (!s)
        s = npy_parse(f->map.bytes, f->map.n, path, &t, &header_bytes, err);
    if (s)
        return s;
    note_header(c, header_bytes);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    f->stem = strndup(name, strlen(name) - strlen(".npy"));
    if (!f->stem || !make_room(c, 1))
        return out_of_memory(path, err);
    t.name = f->stem;
    c->tensors[c->n++] = t;
    return OK;
}

static enum status add_by_name(struct checkpoint *c, const char *path, const char *file,
                               struct err *err)
{
    if (ends_with(path, ".safetensors"))
        return add_safetensors(c, path, file, err);
    if (ends_with(path, ".npy") && !file)
        return add_npy(c, path, err);
    return status_fail(err, E_FORMAT, "%s: not a .safetensors%s file", path,
                       file ? "" : ", .npy or .index.json");
}

/* add_by_name() of folder/name. */
static enum status add_in_folder(struct checkpoint *c, const char *folder, const char *name,
                                 bool indexed, struct err *err)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return out_of_memory(folder, err);
    enum status s = add_by_name(c, path, indexed ? name : NULL, err);
    free(path);
    return s;
}

static enum status open_index(struct checkpoint *c, const char *path, struct err *err)
{
    struct file *f;
    struct shard_index *index = &c->parts->index;
    enum status s = add_file(c, path, &f, err);
    if (s)
        return s;
    if (f->map.n > SAFETENSORS_MAX_HEADER)
        return status_fail(err, E_FORMAT, "%s: larger than the %d bytes allowed of an index", path,
                           SAFETENSORS_MAX_HEADER);
    s = shard_index_parse(f->map.bytes, f->map.n, path, index, err);
    if (s)
        return s;
    note_header(c, f->map.n);
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!folder)
        return out_of_memory(path, err);
    for (size_t i = 0; i < index->n_files && !s; i++)
        s = add_in_folder(c, folder, index->files[i], true, err);
    free(folder);
    return s;
}

static int weights_and_indices(const struct dirent *e)
{
    return ends_with(e->d_name, ".safetensors") || ends_with(e->d_name, ".npy") ||
           ends_with(e->d_name, ".safetensors.index.json");
}

/* By bytes: alphasort() would follow the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status open_folder(struct checkpoint *c, const char *path, struct err *err)
{
    struct dirent **names = NULL;
    enum status s = OK;
    int n = scandir(path, &names, weights_and_indices, compare_entries), n_indices = 0, index = 0;
    if (n < 0)
        return status_fail(err, errno == ENOMEM ? E_NOMEM : E_NOINPUT, "%s: %s", path,
                           strerror(errno));
    for (int i = 0; i < n; i++)
        if (ends_with(names[i]->d_name, ".json")) {
            index = i;
            n_indices++;
        }
    if (!n)
        s = status_fail(err, E_NOINPUT, "%s: no .safetensors or .npy file in this folder", path);
    else if (n_indices > 1)
        s = status_fail(err, E_USAGE, "%s: %d index files: name one of them", path, n_indices);
    else if (n_indices) {
        char *file;
        if (asprintf(&file, "%s/%s", path, names[index]->d_name) < 0)
            s = out_of_memory(path, err);
        else {
            s = open_index(c, file, err);
            free(file);
        }
    } else
        for (int i = 0; i < n && !s; i++)
            s = add_in_folder(c, path, names[i]->d_name, false, err);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return s;
}

static int compare_tensor_names(const void *a, const void *b)
{
    return strcmp((*(const struct tensor *const *)a)->name,
                  (*(const struct tensor *const *)b)->name);
}

/* Sorts the names for checkpoint_find(); each must stand once, and each that the index has must be
 * there. */
static enum status order_names(struct checkpoint *c, const char *path, struct err *err)
{
    const struct tensor **by_name = malloc((c->n + 1) * sizeof *by_name);
    if (!by_name)
        return out_of_memory(path, err);
    c->parts->by_name = by_name;
    for (size_t i = 0; i < c->n; i++)
        by_name[i] = &c->tensors[i];
    qsort(by_name, c->n, sizeof *by_name, compare_tensor_names);
    for (size_t i = 1; i < c->n; i++)
        if (!strcmp(by_name[i - 1]->name, by_name[i]->name))
            return status_fail(err, E_FORMAT,
                               "%s: tensor '%.100s' stands in two files: name one of them", path,
                               by_name[i]->name);
    const struct shard_index *index = &c->parts->index;
    for (size_t i = 0; i < index->n && c->n < index->n; i++)
        if (!checkpoint_find(c, index->entries[i].tensor))
            return status_fail(err, E_FORMAT, "%s: tensor '%.100s' is not in %.100s", path,
                               index->entries[i].tensor, index->entries[i].file);
    return OK;
}

enum status checkpoint_open(const char *path, struct checkpoint *out, struct err *err)
{
    struct stat st;
    if (stat(path, &st))
        return status_fail(err, E_NOINPUT, "%s: %s", path, strerror(errno));
    struct checkpoint c = {.parts = calloc(1, sizeof *c.parts)};
    if (!c.parts)
        return out_of_memory(path, err);
    enum status s;
    if (S_ISDIR(st.st_mode))
        s = open_folder(&c, path, err);
    else if (ends_with(path, ".json"))
        s = open_index(&c, path, err);
    else
        s = add_by_name(&c, path, NULL, err);
    if (!s)
        s = order_names(&c, path, err);
    if (s)
        checkpoint_close(&c);
    else
        *out = c;
    return s;
}

void checkpoint_close(struct checkpoint *c)
{
    for (size_t i = 0; i < c->n_sources; i++) {
        struct file *f = &c->parts->files[i];
        safetensors_close(&f->safetensors);
        mapping_close(&f->map);
        free(f->stem);
        free(f->path);
    }
    if (c->parts) {
        shard_index_close(&c->parts->index);
        free(c->parts->files);
        free(c->parts->by_name);
    }
    free(c->parts);
    free(c->sources);
    free(c->tensors);
    *c = (struct checkpoint){0};
}

const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name)
{
    struct tensor key = {.name = name};
    const struct tensor *wanted = &key, **found;
    if (!c->n)
        return NULL;
    found = bsearch(&wanted, c->parts->by_name, c->n, sizeof *found, compare_tensor_names);
    return found ? *found : NULL;
}

void checkpoint_describe(const struct checkpoint *c, struct json *input)
{
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct checkpoint_source *source = &c->sources[i];
        char mtime[64] = "", hash[32];
        struct tm utc;
        if (gmtime_r(&source->mtime.tv_sec, &utc))
            strftime(mtime, sizeof mtime, "%Y-%m-%dT%H:%M:%SZ", &utc);
        snprintf(hash, sizeof hash, "fnv1a64:%016llx", (unsigned long long)source->header_hash);
        struct json *row = json_add_object(input, NULL);
        json_add_string(row, "path", source->path);
        json_add_u64(row, "bytes", source->bytes);
        json_add_string(row, "mtime", mtime);
        json_add_string(row, "header_hash", hash);
    }
}
