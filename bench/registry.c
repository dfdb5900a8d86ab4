#include "bench/registry.h"

#include <string.h>

#define TECHNIQUE(family, id) extern const struct technique id;
#include "bench/techniques.def"
#undef TECHNIQUE

const struct registry_row registry[] = {
#define TECHNIQUE(family, id) {#family, &id},
#include "bench/techniques.def"
#undef TECHNIQUE
    {0}};

const struct registry_row *registry_find_in(const struct registry_row *rows, const char *id)
{
    for (; rows->technique; rows++)
        if (!strcmp(rows->technique->id, id))
            return rows;
    return NULL;
}

const struct registry_row *registry_find(const char *id)
{
    return registry_find_in(registry, id);
}

const struct task *technique_task(const struct technique *t, const char *name)
{
    for (const struct task *k = t->tasks; k->name; k++)
        if (!strcmp(k->name, name))
            return k;
    return NULL;
}

const struct variant *task_variant(const struct task *t, const char *name)
{
    for (const struct variant *v = t->variants; v->name; v++)
        if (!strcmp(v->name, name))
            return v;
    return NULL;
}

const struct matrix_case *task_case(const struct task *t, const char *name)
{
    for (const struct matrix_case *c = t->cases; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

double param(const struct trial *t, const char *name)
{
    for (int i = 0; i < MAX_PARAMS && t->v->p[i].name; i++)
        if (!strcmp(t->v->p[i].name, name))
            return t->v->p[i].value;
    for (int i = 0; i < MAX_PARAMS && t->c->p[i].name; i++)
        if (!strcmp(t->c->p[i].name, name))
            return t->c->p[i].value;
    return 0;
}
