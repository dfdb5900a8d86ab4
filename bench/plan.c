#include "bench/plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part { TECHNIQUE_PART, TASK_PART, VARIANT_PART, CASE_PART, PARTS };

/* A pattern cut at its slashes; parts that are not given are "*". */
struct pattern {
    const char *text; /* as the user wrote it */
    char *copy;       /* owned; the parts point into it */
    const char *parts[PARTS];
    bool matched, kept; /* some cell; some cell that the preset keeps */
};

struct maker {
    const struct plan_request *request;
    struct pattern *patterns; /* [n_patterns], at least one */
    size_t n_patterns;
    int threads[2];
    struct plan plan;
    size_t capacity;
};

const char *preset_name(enum preset preset)
{
    static const char *const names[] = {"smoke", "quick", "full"};
    return names[preset];
}

static enum status cut_pattern(const char *text, struct pattern *out, struct err *err)
{
    *out = (struct pattern){.text = text, .parts = {"*", "*", "*", "*"}};
    char *rest = out->copy = strdup(text);
    if (!rest)
        return status_fail(err, E_NOMEM, "no memory for the plan");
    for (int i = 0; rest; i++) {
        const char *part = strsep(&rest, "/");
        if (i == PARTS || !*part)
            return status_fail(err, E_USAGE,
                               "pattern '%s' is not of the form TECHNIQUE[/TASK[/VARIANT[/CASE]]]",
                               text);
        out->parts[i] = part;
    }
    return OK;
}

static bool part_matches(const struct pattern *p, enum part part, const char *name)
{
    return !fnmatch(p->parts[part], name, 0);
}

/* Whether a pattern chooses this part itself, so that the preset does not. */
static bool part_is_named(const struct pattern *p, enum part part)
{
    return strcmp(p->parts[part], "*") != 0;
}

/* ---- What is wrong with a pattern that matches nothing ---- */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein's distance, of the first 63 characters of b. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64], n = strnlen(b, 63);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t above = row[j + 1];
            row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[n];
}

static enum status fail_unmatched(const struct maker *m, const struct pattern *p, struct err *err)
{
    const char *nearest = NULL;
    size_t distance = 0;
    if (p->matched)
        return status_fail(err, E_USAGE,
                           "'%s' matches nothing of the %s preset; name the variant and case, or "
                           "use --preset full",
                           p->text, preset_name(m->request->preset));
    for (const struct registry_row *r = m->request->registry; r->technique; r++) {
        size_t d = edit_distance(p->parts[TECHNIQUE_PART], r->technique->id);
        if (!nearest || d < distance) {
            nearest = r->technique->id;
            distance = d;
        }
        if (part_matches(p, TECHNIQUE_PART, r->technique->id))
            return status_fail(err, E_USAGE,
                               "'%s' matches no cell; 'assay describe %s' lists its tasks, "
                               "variants and cases",
                               p->text, r->technique->id);
    }
    if (!nearest)
        return status_fail(err, E_USAGE, "'%s' matches no cell: there are no techniques", p->text);
    return status_fail(err, E_USAGE, "'%s' matches no technique; the nearest is '%s'", p->text,
                       nearest);
}

/* ---- Choosing ---- */

static bool preset_has_variant(const struct maker *m, const struct variant *v)
{
    return m->request->preset != PRESET_QUICK || v->flags & HEADLINE;
}

/* Whether c is the first case of its kind (cold or warm) that the quick preset may run. */
static bool is_first_quick(const struct task *task, const struct matrix_case *c)
{
    for (const struct matrix_case *other = task->cases; other != c; other++)
        if (other->flags & QUICK && !((other->flags ^ c->flags) & (DRAM | CACHE)))
            return false;
    return c->flags & QUICK;
}

static bool is_first_smoke(const struct task *task, const struct matrix_case *c)
{
    for (const struct matrix_case *other = task->cases; other != c; other++)
        if (other->flags & SMOKE)
            return false;
    return c->flags & SMOKE;
}

static bool preset_has_case(const struct maker *m, const struct task *task,
                            const struct matrix_case *c)
{
    switch (m->request->preset) {
    case PRESET_SMOKE:
        return is_first_smoke(task, c);
    case PRESET_QUICK:
        return is_first_quick(task, c);
    case PRESET_FULL:
        return true;
    }
    return false;
}

/* Whether a pattern chooses the cell; *named when one does so by the variant's own name. */
static bool is_chosen(struct maker *m, const struct registry_row *row, const struct task *task,
                      const struct variant *v, const struct matrix_case *c, bool *named)
{
    bool chosen = false;
    *named = false;
    for (size_t i = 0; i < m->n_patterns; i++) {
        struct pattern *p = &m->patterns[i];
        if (!part_matches(p, TECHNIQUE_PART, row->technique->id) ||
            !part_matches(p, TASK_PART, task->name) || !part_matches(p, VARIANT_PART, v->name) ||
            !part_matches(p, CASE_PART, c->name))
            continue;
        p->matched = true;
        if ((part_is_named(p, VARIANT_PART) || v == task->variants || preset_has_variant(m, v)) &&
            (part_is_named(p, CASE_PART) || preset_has_case(m, task, c))) {
            p->kept = chosen = true;
            *named = *named || part_is_named(p, VARIANT_PART);
        }
    }
    return chosen;
}

static enum status add_block(struct maker *m, const struct plan_block *block, struct err *err)
{
    struct plan *plan = &m->plan;
    if (plan->n_blocks == m->capacity) {
        size_t capacity = 2 * m->capacity + 16;
        struct plan_block *grown = realloc(plan->blocks, capacity * sizeof *grown);
        if (!grown)
            return status_fail(err, E_NOMEM, "no memory for the plan");
        plan->blocks = grown;
        m->capacity = capacity;
    }
    struct plan_block *added = &plan->blocks[plan->n_blocks];
    *added = *block;
    added->variants = malloc(block->n_variants * sizeof *added->variants);
    if (!added->variants)
        return status_fail(err, E_NOMEM, "no memory for the plan");
    memcpy(added->variants, block->variants, block->n_variants * sizeof *added->variants);
    plan->n_blocks++;
    plan->n_cells += block->n_variants;
    return OK;
}

/* The blocks of one task and case, one for each number of threads. */
static enum status add_blocks(struct maker *m, const struct registry_row *row,
                              const struct task *task, const struct matrix_case *c, struct err *err)
{
    size_t n = 0, by_preset = 0;
    while (task->variants[n].name)
        n++;
    const struct variant **variants = malloc((n + 1) * sizeof *variants);
    if (!variants)
        return status_fail(err, E_NOMEM, "no memory for the plan");
    struct plan_block block = {.row = row, .task = task, .c = c, .variants = variants};
    bool any = false, named;
    for (size_t i = 0; i < n; i++) {
        const struct variant *v = &task->variants[i];
        bool chosen = is_chosen(m, row, task, v, c, &named);
        any = any || chosen;
        /* the baseline stands first whatever the others are, and counts towards the limit */
        if (i && chosen && !named && m->request->preset == PRESET_QUICK)
            chosen = ++by_preset < QUICK_MAX_CELLS;
        if (!i || chosen)
            variants[block.n_variants++] = v;
    }
    const int *threads = m->request->n_threads ? m->request->threads : m->threads;
    size_t n_threads = m->request->n_threads ? m->request->n_threads : m->threads[1] ? 2 : 1;
    enum status s = OK;
    for (size_t i = 0; !s && any && i < n_threads; i++) {
        block.threads = threads[i];
        s = add_block(m, &block, err);
    }
    free(variants);
    return s;
}

static enum status check_family(const struct plan_request *request, struct err *err)
{
    if (!request->family)
        return OK;
    for (const struct registry_row *r = request->registry; r->technique; r++)
        if (!strcmp(r->family, request->family))
            return OK;
    return status_fail(err, E_USAGE,
                       "--family: no technique is in family '%s'; 'assay list' shows "
                       "the families",
                       request->family);
}

static enum status choose(struct maker *m, struct err *err)
{
    const struct plan_request *request = m->request;
    enum status s = check_family(request, err);
    for (const struct registry_row *r = request->registry; !s && r->technique; r++) {
        if (request->family && strcmp(request->family, r->family))
            continue;
        for (const struct task *k = r->technique->tasks; !s && k->name; k++)
            for (const struct matrix_case *c = k->cases; !s && c->name; c++)
                s = add_blocks(m, r, k, c, err);
    }
    for (size_t i = 0; !s && i < m->n_patterns; i++)
        if (!m->patterns[i].kept && request->n_patterns)
            s = fail_unmatched(m, &m->patterns[i], err);
    return s;
}

enum status plan_make(const struct plan_request *request, struct plan *out, struct err *err)
{
    static const char *const everything = "*";
    const char *const *texts = request->n_patterns ? request->patterns : &everything;
    struct maker m = {.request = request,
                      .n_patterns = request->n_patterns ? request->n_patterns : 1,
                      .threads = {request->max_threads}};
    enum status s = OK;
    if (request->preset == PRESET_FULL && request->max_threads > 1) {
        m.threads[0] = 1;
        m.threads[1] = request->max_threads;
    }
    m.patterns = calloc(m.n_patterns, sizeof *m.patterns);
    if (!m.patterns)
        s = status_fail(err, E_NOMEM, "no memory for the plan");
    for (size_t i = 0; !s && i < m.n_patterns; i++)
        s = cut_pattern(texts[i], &m.patterns[i], err);
    if (!s)
        s = choose(&m, err);
    for (size_t i = 0; m.patterns && i < m.n_patterns; i++)
        free(m.patterns[i].copy);
    free(m.patterns);
    if (s)
        plan_free(&m.plan);
    else
        *out = m.plan;
    return s;
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_blocks; i++)
        free(plan->blocks[i].variants);
    free(plan->blocks);
    *plan = (struct plan){0};
}

/* ---- Order ---- */

/* Streams of one round: 0 for the blocks, 1 + i for the variants of block i. */
static struct rng order_rng(uint64_t seed, unsigned round, size_t stream)
{
    struct rng base = {seed}, of_round = rng_split(&base, round);
    return rng_split(&of_round, stream);
}

void plan_block_order(const struct plan *plan, uint64_t seed, unsigned round, size_t *order)
{
    struct rng rng = order_rng(seed, round, 0);
    rng_permutation(&rng, order, plan->n_blocks);
}

void plan_variant_order(const struct plan *plan, size_t block, uint64_t seed, unsigned round,
                        size_t *order)
{
    struct rng rng = order_rng(seed, round, 1 + block);
    rng_permutation(&rng, order, plan->blocks[block].n_variants);
}

/* ---- Names ---- */

void plan_block_name(const struct plan_block *block, char *text, size_t size)
{
    snprintf(text, size, "%s/%s/*/%s", block->row->technique->id, block->task->name,
             block->c->name);
}

struct json *plan_record(const struct plan *plan)
{
    struct json *array = json_new_array();
    for (size_t i = 0; i < plan->n_blocks; i++) {
        const struct plan_block *block = &plan->blocks[i];
        char name[256];
        plan_block_name(block, name, sizeof name);
        struct json *object = json_add_object(array, NULL);
        json_add_string(object, "block", name);
        json_add_u64(object, "threads", (uint64_t)block->threads);
        struct json *variants = json_add_array(object, "variants");
        for (size_t j = 0; j < block->n_variants; j++)
            json_add_string(variants, NULL, block->variants[j]->name);
    }
    return array;
}

/* Finds what a record names; out->variants has room for all of the task's. */
static bool find_block(const struct registry_row *rows, const struct json *record,
                       struct plan_block *out)
{
    char name[256];
    for (const struct registry_row *r = rows; r->technique; r++)
        for (const struct task *k = r->technique->tasks; k->name; k++)
            for (const struct matrix_case *c = k->cases; c->name; c++) {
                out->row = r;
                out->task = k;
                out->c = c;
                plan_block_name(out, name, sizeof name);
                if (!strcmp(name, json_get_string(record, "block", "")))
                    return true;
            }
    return false;
}

static const struct variant *find_variant(const struct task *task, const char *name)
{
    const struct variant *v = task->variants;
    while (v->name && strcmp(v->name, name))
        v++;
    return v->name ? v : NULL;
}

static enum status block_from_record(struct maker *m, const struct json *record, struct err *err)
{
    const struct json *names = json_get(record, "variants");
    const char *name = json_get_string(record, "block", "");
    double threads = json_get_number(record, "threads", 0);
    struct plan_block block = {0};
    if (!json_size(names) || !(threads >= 1 && threads <= 1 << 20))
        return status_fail(err, E_FORMAT, "the plan is not one: block '%.100s'", name);
    if (!find_block(m->request->registry, record, &block))
        return status_fail(err, E_UNAVAILABLE, "this program has no block '%.200s'", name);
    block.threads = (int)threads;
    block.variants = malloc(json_size(names) * sizeof *block.variants);
    if (!block.variants)
        return status_fail(err, E_NOMEM, "no memory for the plan");
    enum status s = OK;
    for (const struct json *n = json_first(names); n && !s; n = json_next(n)) {
        const struct variant *v = find_variant(block.task, json_string(n, ""));
        if (v)
            block.variants[block.n_variants++] = v;
        else
            s = status_fail(err, E_UNAVAILABLE, "this program has no variant '%.80s' of %.200s",
                            json_string(n, ""), name);
    }
    if (!s)
        s = add_block(m, &block, err);
    free(block.variants);
    return s;
}

enum status plan_from_record(const struct registry_row *rows, const struct json *record,
                             struct plan *out, struct err *err)
{
    struct plan_request request = {.registry = rows};
    struct maker m = {.request = &request};
    enum status s = OK;
    for (const struct json *b = json_first(record); b && !s; b = json_next(b))
        s = block_from_record(&m, b, err);
    if (s)
        plan_free(&m.plan);
    else
        *out = m.plan;
    return s;
}

/* ---- Shards ---- */

bool plan_in_shard(const struct shard *shard, size_t block)
{
    return !shard->n || block % shard->n == shard->i - 1;
}

enum status plan_shard(const char *text, struct shard *out, struct err *err)
{
    unsigned long i, n;
    int end = 0;
    if (*text < '0' || *text > '9' || sscanf(text, "%6lu/%6lu%n", &i, &n, &end) != 2 || text[end] ||
        strpbrk(text, "+- \t") || i < 1 || i > n)
        return status_fail(err, E_USAGE, "--shard: '%.40s' is not I/N with 1 <= I <= N", text);
    *out = (struct shard){i, n};
    return OK;
}

/* ---- Threads ---- */

/* Keeps out[0..n) ascending and without doubles; returns the new n. */
static size_t insert_count(int *out, size_t n, int count)
{
    size_t at = 0;
    while (at < n && out[at] < count)
        at++;
    if (at < n && out[at] == count)
        return n;
    memmove(out + at + 1, out + at, (n - at) * sizeof *out);
    out[at] = count;
    return n + 1;
}

enum status plan_threads(const char *text, int max_threads, int *out, size_t capacity, size_t *n,
                         struct err *err)
{
    size_t found = 0;
    for (const char *word = text; word;) {
        size_t length = strcspn(word, ",");
        bool all = length == 3 && !strncmp(word, "max", 3);
        char *end = NULL;
        errno = 0;
        long count = all ? max_threads : strtol(word, &end, 10);
        if (!all && (*word < '0' || *word > '9' || end != word + length || errno || count < 1))
            return status_fail(err, E_USAGE,
                               "--threads: '%.*s' is neither a number of threads nor max",
                               (int)length, word);
        if (count > max_threads)
            return status_fail(err, E_USAGE, "--threads: %ld, but this process may use %d", count,
                               max_threads);
        if (found == capacity)
            return status_fail(err, E_USAGE, "--threads: more than %zu counts", capacity);
        found = insert_count(out, found, (int)count);
        word = word[length] ? word + length + 1 : NULL;
    }
    *n = found;
    return OK;
}
