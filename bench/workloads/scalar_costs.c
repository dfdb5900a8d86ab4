#include "bench/workloads/scalar_costs.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/rotation.h"
#include "datasets/synthetic.h"
#include "numerics/buffer.h"
#include "numerics/formats/bf16.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/kernels/code_matrix.h"

enum { PATTERN_VALUES = 1 << 20, GROUP_ROWS = 4 * CODE_TILE_ROWS };
static const double fit_tolerance = 1e-4; /* of scalar_format_fit() */

/* What trial->state points to, for both tasks. */
struct costs {
    const struct scalar_format *element; /* NULL: bf16 */
    struct codebook codebook;
    struct block_format format;
    struct block_kernels kernels;
    int bits;
    size_t rows, cols, pattern_rows, blocks; /* blocks: of a row */
    struct rotation rotation;
    float *x;       /* [copies][rows][cols]; fit: the normalised weights, `samples` of them */
    size_t x_bytes; /* of a copy */
    size_t samples;
    uint8_t *out; /* [rows / GROUP_ROWS groups][group_bytes]: tiles, or bf16 */
    size_t group_bytes;
    struct scratch *scratch; /* [threads] */
    enum status fitted;
};

/* Of a thread, for a group. */
struct scratch {
    uint8_t *codes, *canonical;
    float *wide;
    uint16_t *scales;
};

static enum status fill(struct trial *t, float *x, size_t n, struct err *err)
{
    const struct tensor *users = trial_weights(t);
    if (!users) {
        synthetic_fill(SYNTHETIC_STUDENT_T, &(struct synthetic_params){.df = 5}, t->rng, x, n);
        for (size_t i = 0; i < n; i++)
            x[i] *= 0.02f;
        return OK;
    }
    if (!users->count)
        return status_fail(err, E_SKIP, "%s: has no values", users->name);
    for (size_t i = 0, part; i < n; i += part) {
        part = n - i < users->count ? n - i : users->count;
        tensor_to_f32(users, 0, part, x + i);
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return status_fail(err, E_SKIP, "%s: a value is not finite", users->name);
    return OK;
}

/* Fits levels to the whole pattern, whose normalised values go to u. */
static enum status fit(struct costs *c, const float *x, float *u, struct err *err)
{
    struct rng rng = {1};
    c->samples =
        block_format_normalise(&c->format, &c->kernels, x, c->pattern_rows, c->cols, NULL, u);
    enum status s = scalar_format_fit(c->element, u, c->samples, &rng, &c->codebook, err);
    return s == E_USAGE ? E_SKIP : s; /* the user's weights have too few values */
}

/* The format, sizes, and the pattern, in the first copy of x. */
static enum status open(struct trial *t, struct err *err)
{
    struct costs *c = t->state = calloc(1, sizeof *c);
    if (!c)
        return status_fail(err, E_NOMEM, "%s: out of memory", t->v->name);
    size_t levels = (size_t)param(t, "levels");
    c->bits = levels == 16 ? 4 : levels == 4 ? 2 : 1;
    c->rows = (size_t)param(t, "rows");
    c->cols = (size_t)param(t, "cols");
    c->pattern_rows = PATTERN_VALUES / c->cols / GROUP_ROWS * GROUP_ROWS;
    if (!c->pattern_rows)
        c->pattern_rows = GROUP_ROWS;
    if (c->pattern_rows > c->rows)
        c->pattern_rows = c->rows;
    c->kernels = block_kernels_pick(t->features);
    c->x_bytes = c->rows * c->cols * sizeof *c->x;
    t->isa = kernel_pick(quantise_codes_variants, t->features)->isa;
    enum status s = OK;
    if (levels) {
        static const char *const names[] = {[1] = "km1", [2] = "km2", [4] = "km4"};
        static const char *const formats[] = {[1] = "km1-b64", [2] = "km2-b64", [4] = "km4-b64"};
        c->element = scalar_format_find(names[c->bits]);
        s = named_format_make(formats[c->bits], &c->codebook, &c->format, err);
        c->blocks = (c->cols + c->format.block - 1) / c->format.block;
    }
    c->rotation = (struct rotation){.copies = rotation_copies(t, c->x_bytes)};
    c->x = buffer_alloc(c->rotation.copies * c->x_bytes);
    if (!s && !c->x)
        s = status_fail(err, E_NOMEM, "%s: no memory for weights", t->v->name);
    return s ? s : fill(t, c->x, c->pattern_rows * c->cols, err);
}

/* The pattern's n values over all copies. */
static void repeat(struct costs *c, size_t n)
{
    size_t all = c->rotation.copies * c->rows * c->cols;
    for (size_t done = n, part; done < all; done += part) {
        part = all - done < n ? all - done : n;
        memcpy(c->x + done, c->x, part * sizeof *c->x);
    }
}

static void release(struct trial *t, size_t out_bytes)
{
    struct costs *c = t->state;
    for (int i = 0; c->scratch && i < t->threads; i++) {
        free(c->scratch[i].codes);
        free(c->scratch[i].canonical);
        free(c->scratch[i].wide);
        free(c->scratch[i].scales);
    }
    free(c->scratch);
    buffer_free(c->x, c->rotation.copies * c->x_bytes);
    buffer_free(c->out, out_bytes);
    free(c);
    t->state = NULL;
}

/* ---- pack ---- */

static enum status scratch_alloc(struct costs *c, int threads, struct err *err)
{
    size_t scales = GROUP_ROWS * c->blocks;
    c->scratch = calloc((size_t)threads, sizeof *c->scratch);
    for (int i = 0; c->scratch && i < threads; i++) {
        struct scratch *s = &c->scratch[i];
        *s = (struct scratch){malloc(GROUP_ROWS * c->cols),
                              malloc(GROUP_ROWS * canonical_bytes(c->bits, c->cols)),
                              malloc(scales * sizeof *s->wide), malloc(scales * sizeof *s->scales)};
        if (!s->codes || !s->canonical || !s->wide || !s->scales)
            return status_fail(err, E_NOMEM, "pack: out of memory");
    }
    return c->scratch ? OK : status_fail(err, E_NOMEM, "pack: out of memory");
}

enum status scalar_pack_prepare(struct trial *t, struct err *err)
{
    enum status s = open(t, err);
    struct costs *c = t->state;
    if (s)
        return s;
    if (c->element) {
        float *u = malloc(c->pattern_rows * c->cols * sizeof *u);
        s = u ? fit(c, c->x, u, err) : status_fail(err, E_NOMEM, "pack: out of memory");
        free(u);
        if (!s)
            s = scratch_alloc(c, t->threads, err);
    }
    if (s)
        return s;
    repeat(c, c->pattern_rows * c->cols);
    c->group_bytes = c->element ? code_tiles_bytes(c->bits, GROUP_ROWS, c->cols, c->format.block)
                                : GROUP_ROWS * c->cols * sizeof(uint16_t);
    c->rotation.parts = c->rows / GROUP_ROWS;
    c->rotation.threads = t->threads;
    c->out = buffer_alloc(c->rotation.parts * c->group_bytes);
    if (!c->out)
        return status_fail(err, E_NOMEM, "pack: no memory for the packed weights");
    t->footprint_bytes = c->rotation.copies * c->x_bytes + c->rotation.parts * c->group_bytes;
    return OK;
}

static void pack_group(const struct costs *c, const float *x, struct scratch *s, uint8_t *out)
{
    if (!c->element) {
        uint16_t *narrow = (uint16_t *)(void *)out;
        for (size_t i = 0; i < GROUP_ROWS * c->cols; i++)
            narrow[i] = bf16_from_f32(x[i]);
        return;
    }
    block_format_encode(&c->format, &c->kernels, x, GROUP_ROWS, c->cols, s->codes, s->wide);
    for (size_t i = 0; i < GROUP_ROWS * c->blocks; i++)
        s->scales[i] = bf16_from_f32(s->wide[i]); /* exact: they are bf16 values */
    canonical_pack(s->codes, GROUP_ROWS, c->cols, c->bits, s->canonical);
    code_pack(s->canonical, s->scales, c->bits, GROUP_ROWS, c->cols, c->format.block, out);
}

static void pack_groups(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    const struct costs *c = user;
    for (size_t g = first; g < end; g++)
        pack_group(c, c->x + (copy * c->rows + g * GROUP_ROWS) * c->cols,
                   c->scratch ? &c->scratch[thread] : NULL, c->out + g * c->group_bytes);
}

void scalar_pack_run(struct trial *t, size_t n)
{
    struct costs *c = t->state;
    rotation_run(&c->rotation, n, pack_groups, c);
}

struct work scalar_pack_work(const struct trial *t)
{
    const struct costs *c = t->state;
    double weights = (double)c->rows * (double)c->cols;
    return (struct work){.flops = 2 * weights, /* a comparison for the scale, and a division */
                         .bytes_read = 4 * weights,
                         .bytes_written = (double)(c->rotation.parts * c->group_bytes),
                         .items = weights,
                         .unit = "weight",
                         .roof = ROOF_DRAM_READ};
}

/* Of the weight at (row, col): what is packed; *right says whether it is what it should be. */
static float packed_value(const struct costs *c, const struct code_matrix *m, size_t row,
                          size_t col, bool *right)
{
    const float *x = c->x + row * c->cols;
    if (!c->element) {
        float value = bf16_to_f32(((const uint16_t *)(const void *)c->out)[row * c->cols + col]);
        /* 7 bits behind the point, normal or not */
        *right = fabsf(value - x[col]) <= fmaxf(ldexpf(1, ilogbf(x[col]) - 8), 0x1p-134f);
        return value;
    }
    size_t first = col / c->format.block * c->format.block;
    size_t n = c->cols - first < c->format.block ? c->cols - first : c->format.block;
    struct quantise_stats stats;
    quantise_stats_ref(x + first, n, &stats);
    float scale = block_format_scale(&c->format, &stats, n);
    unsigned code = code_at(m, row, col);
    *right = code == codebook_encode(&c->codebook, x[col] / scale) &&
             code_block_scale(m, row, col) == scale;
    return scale * c->codebook.level[code];
}

void scalar_pack_fidelity(struct trial *t)
{
    const struct costs *c = t->state;
    const struct code_matrix m = {.tiles = c->out,
                                  .rows = c->rows,
                                  .cols = c->cols,
                                  .block = c->format.block,
                                  .bits = c->bits,
                                  .scale = 1};
    size_t rows = c->pattern_rows < 2 * GROUP_ROWS ? c->pattern_rows : 2 * GROUP_ROWS;
    double wrong = 0, error = 0, squares = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t col = 0; col < c->cols; col++) {
            bool right;
            double x = c->x[r * c->cols + col], off = packed_value(c, &m, r, col, &right) - x;
            wrong += !right;
            error += off * off;
            squares += x * x;
        }
    trial_correctness(t, "wrong_weights", wrong, 0);
    trial_fidelity(t, NULL, "weight_R", sqrt(error / squares), "fp64-exact", 0);
}

void scalar_pack_release(struct trial *t)
{
    const struct costs *c = t->state;
    if (c)
        release(t, c->rotation.parts * c->group_bytes);
}

/* ---- fit ---- */

enum status scalar_fit_prepare(struct trial *t, struct err *err)
{
    enum status s = open(t, err);
    struct costs *c = t->state;
    if (s)
        return s;
    float *pattern = malloc(c->pattern_rows * c->cols * sizeof *pattern);
    if (!pattern)
        return status_fail(err, E_NOMEM, "fit: out of memory");
    memcpy(pattern, c->x, c->pattern_rows * c->cols * sizeof *pattern);
    s = fit(c, pattern, c->x, err);
    free(pattern);
    if (s)
        return s;
    repeat(c, c->samples);
    c->samples = c->rows * c->cols;
    t->footprint_bytes = c->rotation.copies * c->x_bytes;
    return OK;
}

void scalar_fit_run(struct trial *t, size_t n)
{
    struct costs *c = t->state;
    for (size_t i = 0; i < n; i++) {
        struct rng rng = {1};
        enum status s = scalar_format_fit(c->element, c->x + c->rotation.next * c->samples,
                                          c->samples, &rng, &c->codebook, NULL);
        c->fitted = s ? s : c->fitted;
        c->rotation.next = (c->rotation.next + 1) % c->rotation.copies;
    }
}

struct work scalar_fit_work(const struct trial *t)
{
    const struct costs *c = t->state;
    double n = (double)c->samples;
    return (struct work){.flops = n * log2(n), /* the comparisons of sorting */
                         .bytes_read = 4 * n,
                         .bytes_written = 4.0 * (double)c->codebook.n,
                         .items = n,
                         .unit = "weight",
                         .roof = ROOF_DRAM_READ};
}

/* One more step of Lloyd's: how many samples change their level when each level moves to the mean
 * of its samples, and how many may.  The levels are means of cells that the last step changed by at
 * most a share `fit_tolerance` of the samples, each between the level and a neighbour: so a level
 * has moved, since its samples were assigned, by at most that many times the distance to the
 * neighbour over the samples of its cell, and by its rounding to f32; and a boundary by as much as
 * the level beside it.  What lies within that of a boundary may change. */
struct step {
    double moved, may;
};

static struct step one_more_step(const struct costs *c)
{
    size_t k = c->codebook.n;
    const float *level = c->codebook.level;
    double sum[CODEBOOK_MAX] = {0}, count[CODEBOOK_MAX] = {0}, next[CODEBOOK_MAX];
    double shift[CODEBOOK_MAX];
    struct step step = {0, 0};
    struct codebook after;
    for (size_t i = 0; i < c->samples; i++) {
        size_t code = codebook_encode(&c->codebook, c->x[i]);
        sum[code] += c->x[i];
        count[code]++;
    }
    for (size_t l = 0; l < k; l++) {
        double below = l ? level[l] - level[l - 1] : 0,
               above = l + 1 < k ? level[l + 1] - level[l] : 0;
        next[l] = count[l] > 0 ? sum[l] / count[l] : level[l];
        shift[l] = fit_tolerance * (double)c->samples * fmax(below, above) / count[l] +
                   0x1p-23 * fabsf(level[l]);
    }
    if (codebook_from_levels(next, k, CODEBOOK_TIES_LOWER, 0, &after, NULL))
        return (struct step){NAN, NAN};
    for (size_t i = 0; i < c->samples; i++) {
        bool near = false;
        for (size_t l = 0; l + 1 < k; l++)
            near |= fabs(c->x[i] - ((double)level[l] + level[l + 1]) / 2) <=
                    fmax(shift[l], shift[l + 1]);
        step.may += near;
        step.moved += codebook_encode(&c->codebook, c->x[i]) != codebook_encode(&after, c->x[i]);
    }
    return step;
}

void scalar_fit_fidelity(struct trial *t)
{
    const struct costs *c = t->state;
    double error = 0, squares = 0;
    for (size_t i = 0; i < c->samples; i++) {
        double off = (double)c->codebook.level[codebook_encode(&c->codebook, c->x[i])] - c->x[i];
        error += off * off;
        squares += (double)c->x[i] * c->x[i];
    }
    struct step step = one_more_step(c);
    trial_correctness(t, "moved_samples", c->fitted ? NAN : step.moved, step.may);
    trial_fidelity(t, NULL, "weight_R", sqrt(error / squares), "fp64-exact", 0);
}

void scalar_fit_release(struct trial *t)
{
    if (t->state)
        release(t, 0);
}
