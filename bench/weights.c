#include "bench/weights.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_matrix(const struct tensor *t)
{
    return t->rank == 2 && t->count;
}

static const struct tensor *largest_matrix(const struct checkpoint *c)
{
    const struct tensor *best = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (is_matrix(&c->tensors[i]) && (!best || c->tensors[i].count > best->count))
            best = &c->tensors[i];
    return best;
}

/* Finds the tensor in the open checkpoint; name is NULL for the largest matrix. */
static enum status choose(struct weights *w, const char *path, const char *name, struct err *err)
{
    w->tensor = name ? checkpoint_find(&w->checkpoint, name) : largest_matrix(&w->checkpoint);
    if (!w->tensor && name)
        return status_fail(err, E_USAGE, "%s: no tensor '%s'", path, name);
    if (!w->tensor)
        return status_fail(err, E_USAGE, "%s: no tensor in it is a matrix", path);
    if (!is_matrix(w->tensor))
        return status_fail(err, E_USAGE, "%s: tensor '%s' is no matrix (rank %d, %zu values)", path,
                           name, w->tensor->rank, w->tensor->count);
    if (asprintf(&w->name, "%s:%s", path, w->tensor->name) < 0) {
        w->name = NULL;
        return status_fail(err, E_NOMEM, "%s: out of memory", path);
    }
    return OK;
}

enum status weights_open(const char *spec, struct weights *out, struct err *err)
{
    struct weights w = {0};
    char *path = strdup(spec), *name = NULL;
    if (!path)
        return status_fail(err, E_NOMEM, "%s: out of memory", spec);
    char *colon = strrchr(path, ':');
    if (colon && access(path, F_OK)) {
        *colon = 0;
        name = colon + 1;
    }
    enum status s = checkpoint_open(path, &w.checkpoint, err);
    if (!s)
        s = choose(&w, path, name, err);
    free(path);
    if (s)
        weights_close(&w);
    else
        *out = w;
    return s;
}

void weights_close(struct weights *w)
{
    checkpoint_close(&w->checkpoint);
    free(w->name);
    *w = (struct weights){0};
}
