/* Casting tokens to block-scaled narrow elements as a task. */
#include "bench/workloads/token_cast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/rotation.h"
#include "numerics/buffer.h"
#include "numerics/kernels/convert.h"
#include "numerics/kernels/gamma.h"
#include "numerics/kernels/gemv_blas.h"
#include "numerics/transforms/hadamard.h"

enum { PATTERN = 1 << 20, SAMPLE = 4 /* tokens that are multiplied again in f64 */ };

/* The kernels of one instruction set. */
struct kernels {
    mx_encode_fn *encode;
    mx_decode_fn *decode;
    nvfp4_encode_fn *nvfp4_encode;
    nvfp4_decode_fn *nvfp4_decode;
    convert_copy_fn *copy;
    hadamard_fn *hadamard;
};

static const struct kernels reference = {mx_encode_ref,    mx_decode_ref,    nvfp4_encode_ref,
                                         nvfp4_decode_ref, convert_copy_ref, hadamard_ref};

/* What trial->state points to. */
struct token_cast {
    const struct token_cast_format *cast;
    struct mx_format format; /* bits 0: nvfp4 */
    struct kernels kernels;
    float tensor_scale; /* of nvfp4 */
    size_t tokens, d, pattern_tokens;
    float *x;             /* [pattern_tokens][d], before any transform */
    double *gain;         /* [d]: lambda^-1/4 */
    struct hadamard plan; /* of d, or of a block */
    char *in, *out;       /* [copies] */
    size_t in_bytes, out_bytes, matrix_bytes;
    float *matrix; /* [copies][d][d] */
    float *v;      /* [d] */
    float *y;      /* transformed: [threads][d]; [tokens][d] by the matrix */
    size_t y_rows;
    struct rotation rotation;
    size_t last; /* the copy that was written last */
};

static bool narrow(const struct token_cast *c)
{
    return c->cast->format != NULL;
}

static bool is_nvfp4(const struct token_cast *c)
{
    return narrow(c) && !c->format.bits;
}

static size_t code_bytes(const struct token_cast *c)
{
    return is_nvfp4(c) ? c->d / 2 : mx_code_bytes(&c->format, c->d);
}

static size_t scale_bytes(const struct token_cast *c)
{
    return c->d / (is_nvfp4(c) ? NVFP4_BLOCK : MX_BLOCK);
}

static size_t f32_bytes(const struct token_cast *c)
{
    return c->tokens * c->d * sizeof(float);
}

static size_t narrow_bytes(const struct token_cast *c)
{
    return narrow(c) ? c->tokens * (code_bytes(c) + scale_bytes(c)) : f32_bytes(c);
}

/* Codes of all tokens come first, then their scales. */
static void encode_token(const struct token_cast *c, const struct kernels *k, const float *y,
                         size_t token, char *out)
{
    uint8_t *codes = (uint8_t *)out + token * code_bytes(c);
    uint8_t *scales = (uint8_t *)out + c->tokens * code_bytes(c) + token * scale_bytes(c);
    if (!narrow(c))
        k->copy(y, c->d, (float *)(void *)out + token * c->d);
    else if (is_nvfp4(c))
        k->nvfp4_encode(y, c->d, c->tensor_scale, codes, scales);
    else
        k->encode(&c->format, c->cast->rule, y, c->d, codes, scales);
}

static void decode_token(const struct token_cast *c, const struct kernels *k, const char *in,
                         size_t token, float *out)
{
    const uint8_t *codes = (const uint8_t *)in + token * code_bytes(c);
    const uint8_t *scales =
        (const uint8_t *)in + c->tokens * code_bytes(c) + token * scale_bytes(c);
    if (!narrow(c))
        k->copy((const float *)(const void *)in + token * c->d, c->d, out);
    else if (is_nvfp4(c))
        k->nvfp4_decode(codes, scales, c->d, c->tensor_scale, out);
    else
        k->decode(&c->format, codes, scales, c->d, out);
}

static const float *token_of(const struct token_cast *c, const char *in, size_t token)
{
    return (const float *)(const void *)in + token * c->d;
}

static bool rotates(const struct token_cast *c)
{
    return c->cast->transform == TRANSFORM_BLOCK_HADAMARD ||
           c->cast->transform == TRANSFORM_HADAMARD;
}

/* ---- The timed part ---- */

static void cast_tokens(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    struct token_cast *c = user;
    const char *in = c->in + copy * c->in_bytes;
    char *out = c->out + copy * c->out_bytes;
    float *y = c->y + thread * c->d;
    for (size_t token = first; token < end; token++) {
        if (c->cast->decodes) {
            decode_token(c, &c->kernels, in, token, (float *)(void *)out + token * c->d);
        } else if (rotates(c)) {
            memcpy(y, token_of(c, in, token), c->d * sizeof *y);
            c->kernels.hadamard(&c->plan, NULL, y, c->d / c->plan.n);
            encode_token(c, &c->kernels, y, token, out);
        } else {
            encode_token(c, &c->kernels, token_of(c, in, token), token, out);
        }
    }
}

/* y lies as tokens do; v is added on the way to the cast. */
static void cast_products(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    struct token_cast *c = user;
    (void)thread;
    for (size_t token = first; token < end; token++) {
        float *y = c->y + token * c->d;
        for (size_t i = 0; i < c->d; i++)
            y[i] += c->v[i];
        encode_token(c, &c->kernels, y, token, c->out + copy * c->out_bytes);
    }
}

static void multiply_and_cast(struct token_cast *c)
{
    size_t copy = c->rotation.next;
    gemv_blas_f32(c->matrix + copy * (c->matrix_bytes / sizeof *c->matrix), c->d, c->d,
                  (const float *)(const void *)(c->in + copy * c->in_bytes), c->tokens, c->y,
                  c->rotation.threads);
    rotation_run(&c->rotation, 1, cast_products, c);
}

void token_cast_run(struct trial *t, size_t n)
{
    struct token_cast *c = t->state;
    c->last = (c->rotation.next + n - 1) % c->rotation.copies;
    if (c->cast->transform != TRANSFORM_AFFINE)
        rotation_run(&c->rotation, n, cast_tokens, c);
    for (size_t i = 0; i < n && c->cast->transform == TRANSFORM_AFFINE; i++)
        multiply_and_cast(c);
}

/* ---- Preparing ---- */

static const struct token_cast_format *format_of(const struct token_cast_format *formats,
                                                 const char *variant)
{
    while (formats->variant && strcmp(formats->variant, variant))
        formats++;
    return formats->variant ? formats : NULL;
}

static void pick_kernels(struct trial *t, struct token_cast *c)
{
    unsigned f = t->features;
    c->kernels = (struct kernels){(mx_encode_fn *)kernel_pick(mx_encode_variants, f)->fn,
                                  (mx_decode_fn *)kernel_pick(mx_decode_variants, f)->fn,
                                  (nvfp4_encode_fn *)kernel_pick(nvfp4_encode_variants, f)->fn,
                                  (nvfp4_decode_fn *)kernel_pick(nvfp4_decode_variants, f)->fn,
                                  (convert_copy_fn *)kernel_pick(convert_copy_variants, f)->fn,
                                  (hadamard_fn *)kernel_pick(hadamard_variants, f)->fn};
    t->isa = kernel_pick(mx_encode_variants, f)->isa; /* they all have the same ones */
}

static void fill_gains(const struct trial *t, struct token_cast *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->d; i++) {
        c->gain[i] = param(t, "spread") ? 1 / (1 + (double)((29 * i + 7) % c->d)) : 1;
        sum += c->gain[i];
    }
    for (size_t i = 0; i < c->d; i++)
        c->gain[i] = pow(c->gain[i] * (double)c->d / sum, -0.25);
}

static void draw_tokens(const struct trial *t, struct token_cast *c)
{
#pragma omp parallel for num_threads(t->threads)
    for (size_t token = 0; token < c->pattern_tokens; token++) {
        struct rng rng = rng_split(t->rng, token);
        for (size_t i = 0; i < c->d; i++)
            c->x[token * c->d + i] = (float)(rng_normal(&rng) / (c->gain[i] * c->gain[i]));
    }
}

/* A x for a token, without its matrix. */
static void transform_by_parts(const struct token_cast *c, float *x)
{
    for (size_t i = 0; i < c->d; i++)
        x[i] = (float)(x[i] * c->gain[i]);
    hadamard_ref(&c->plan, NULL, x, 1);
}

/* Copies of what the pattern makes of every input. */
static void fill_inputs(const struct trial *t, struct token_cast *c)
{
    float absmax = 0;
    for (size_t i = 0; i < c->pattern_tokens * c->d; i++)
        absmax = fmaxf(absmax, fabsf(c->x[i]));
    c->tensor_scale = nvfp4_tensor_scale(absmax);
    for (size_t token = 0; token < c->tokens; token++) {
        const float *x = c->x + token % c->pattern_tokens * c->d;
        float *in = (float *)(void *)c->in + token * c->d;
        if (c->cast->decodes) {
            encode_token(c, &c->kernels, x, token, c->in);
            continue;
        }
        memcpy(in, x, c->d * sizeof *in);
        if (c->cast->transform == TRANSFORM_FOLDED)
            transform_by_parts(c, in);
    }
    size_t order = c->matrix_bytes ? c->d : 0;
#pragma omp parallel for num_threads(t->threads)
    for (size_t i = 0; i < order; i++)
        for (size_t j = 0; j < c->d; j++)
            c->matrix[i * c->d + j] =
                (float)(hadamard_entry(&c->plan, i, j) * c->gain[j] / sqrt((double)c->d));
#pragma omp parallel for num_threads(t->threads)
    for (size_t copy = 1; copy < c->rotation.copies; copy++) {
        memcpy(c->in + copy * c->in_bytes, c->in, c->in_bytes);
        if (c->matrix_bytes)
            memcpy(c->matrix + copy * (c->matrix_bytes / sizeof *c->matrix), c->matrix,
                   c->matrix_bytes);
    }
}

static enum status lay_out(struct trial *t, struct token_cast *c, struct err *err)
{
    bool affine = c->cast->transform == TRANSFORM_AFFINE;
    c->in_bytes = c->cast->decodes ? narrow_bytes(c) : f32_bytes(c);
    c->out_bytes = c->cast->decodes ? f32_bytes(c) : narrow_bytes(c);
    c->matrix_bytes = affine ? c->d * c->d * sizeof *c->matrix : 0;
    size_t bytes = c->in_bytes + c->out_bytes + c->matrix_bytes;
    c->rotation = (struct rotation){rotation_copies(t, bytes), 0, c->tokens, t->threads};
    t->footprint_bytes = bytes * c->rotation.copies;
    c->pattern_tokens = c->tokens * c->d > PATTERN ? PATTERN / c->d : c->tokens;
    c->y_rows = affine ? c->tokens : (size_t)t->threads;
    c->x = buffer_alloc(c->pattern_tokens * c->d * sizeof *c->x);
    c->gain = malloc(c->d * sizeof *c->gain);
    c->in = buffer_alloc(c->in_bytes * c->rotation.copies);
    c->out = buffer_alloc(c->out_bytes * c->rotation.copies);
    c->matrix = buffer_alloc(c->matrix_bytes * c->rotation.copies);
    c->v = buffer_alloc(c->d * sizeof *c->v);
    c->y = buffer_alloc(c->y_rows * c->d * sizeof *c->y);
    if (!c->x || !c->gain || !c->in || !c->out || !c->matrix || !c->v || !c->y)
        return status_fail(err, E_NOMEM, "%s: no memory for %zu copies of %zu bytes", t->v->name,
                           c->rotation.copies, bytes);
    return OK;
}

enum status token_cast_prepare(struct trial *t, const struct token_cast_format *formats,
                               struct err *err)
{
    struct token_cast *c = t->state = calloc(1, sizeof *c);
    if (!c)
        return status_fail(err, E_NOMEM, "%s: out of memory", t->v->name);
    c->cast = format_of(formats, t->v->name);
    if (!c->cast)
        return status_fail(err, E_INTERNAL, "%s: no cast has this name", t->v->name);
    c->tokens = (size_t)param(t, "tokens");
    c->d = (size_t)param(t, "d");
    enum status s = OK;
    if (narrow(c) && strcmp(c->cast->format, "nvfp4"))
        s = mx_format_find(c->cast->format, &c->format, err);
    size_t order = c->cast->transform == TRANSFORM_BLOCK_HADAMARD ? MX_BLOCK : c->d;
    if (!s && c->cast->transform)
        s = hadamard_init(&c->plan, order, false, err);
    if (!s)
        s = lay_out(t, c, err);
    if (s)
        return s;
    pick_kernels(t, c);
    fill_gains(t, c);
    draw_tokens(t, c);
    fill_inputs(t, c);
    return OK;
}

void token_cast_release(struct trial *t)
{
    struct token_cast *c = t->state;
    if (!c)
        return;
    buffer_free(c->x, c->pattern_tokens * c->d * sizeof *c->x);
    free(c->gain);
    hadamard_free(&c->plan);
    buffer_free(c->in, c->in_bytes * c->rotation.copies);
    buffer_free(c->out, c->out_bytes * c->rotation.copies);
    buffer_free(c->matrix, c->matrix_bytes * c->rotation.copies);
    buffer_free(c->v, c->d * sizeof *c->v);
    buffer_free(c->y, c->y_rows * c->d * sizeof *c->y);
    free(c);
    t->state = NULL;
}

/* Stores are regular: on a miss the hardware also reads the line, which is not counted. */
struct work token_cast_work(const struct trial *t)
{
    const struct token_cast *c = t->state;
    double elements = (double)c->tokens * (double)c->d, d = (double)c->d;
    double flops = rotates(c)        ? elements * log2((double)c->plan.p)
                   : c->matrix_bytes ? elements * 2 * d
                                     : 0;
    bool computes = c->matrix_bytes && c->tokens > 1;
    enum roof roof = computes                          ? ROOF_FMA_F32
                     : c->matrix_bytes                 ? ROOF_DRAM_READ
                     : c->out_bytes >= 4 * c->in_bytes ? ROOF_DRAM_WRITE
                     : c->in_bytes >= 4 * c->out_bytes ? ROOF_DRAM_READ
                                                       : ROOF_DRAM_COPY;
    return (struct work){.flops = flops,
                         .bytes_read = (double)c->in_bytes + (double)c->matrix_bytes +
                                       (c->matrix_bytes ? 4 * d : 0),
                         .bytes_written = (double)c->out_bytes,
                         .items = elements,
                         .unit = "element",
                         .roof = roof,
                         .roof_ops = computes ? flops : 0};
}

/* ---- Correctness and fidelity ---- */

/* Tokens as they were cast: transformed by the kernel that was timed. y [d] */
static const float *transformed(const struct token_cast *c, size_t token, float *y)
{
    const float *x = token_of(c, c->in + c->last * c->in_bytes, token);
    if (c->cast->transform == TRANSFORM_AFFINE)
        return c->y + token * c->d;
    if (!rotates(c))
        return x;
    memcpy(y, x, c->d * sizeof *y);
    c->kernels.hadamard(&c->plan, NULL, y, c->d / c->plan.n);
    return y;
}

static size_t differing_bytes(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += p[i] != q[i];
    return wrong;
}

/* Bytes of the last output that are not the reference's.  right, y: scratch of a whole output and
 * of a token. */
static double mismatches(const struct token_cast *c, char *right, float *y)
{
    const char *in = c->in + c->last * c->in_bytes;
    for (size_t token = 0; token < c->tokens; token++)
        if (c->cast->decodes)
            decode_token(c, &reference, in, token, (float *)(void *)right + token * c->d);
        else
            encode_token(c, &reference, transformed(c, token, y), token, right);
    return (double)differing_bytes(right, c->out + c->last * c->out_bytes, c->out_bytes);
}

/* The largest |y - y'| / bound over the token's orders of the plan, y' by the reference. */
static double rotation_error(const struct token_cast *c, size_t token, float *y, float *y_ref)
{
    const float *x = token_of(c, c->in + c->last * c->in_bytes, token);
    size_t n = c->plan.n;
    double worst = 0;
    transformed(c, token, y);
    memcpy(y_ref, x, c->d * sizeof *y_ref);
    hadamard_ref(&c->plan, NULL, y_ref, c->d / n);
    for (size_t first = 0; first < c->d; first += n) {
        double sum = 0;
        for (size_t i = first; i < first + n; i++)
            sum += fabs(x[i]);
        double bound = 2 * hadamard_bound(&c->plan) * sum / sqrt((double)n);
        for (size_t i = first; i < first + n; i++) {
            double share = fabs((double)y[i] - y_ref[i]) / bound;
            worst = fmax(worst, isnan(share) ? INFINITY : share); /* a NaN would not last */
        }
    }
    return worst;
}

/* The same for the product with the matrix, against f64: d products and v are added. */
static double product_error(const struct token_cast *c, size_t token)
{
    const float *x = token_of(c, c->in + c->last * c->in_bytes, token);
    double worst = 0;
#pragma omp parallel for num_threads(c->rotation.threads) reduction(max : worst)
    for (size_t i = 0; i < c->d; i++) {
        double exact = c->v[i], sizes = fabs(c->v[i]);
        for (size_t j = 0; j < c->d; j++) {
            double term = (double)c->matrix[i * c->d + j] * x[j];
            exact += term;
            sizes += fabs(term);
        }
        double bound = gamma_f32(c->d + 1) * sizes + (double)(c->d + 1) * F32_TINIEST;
        double share = fabs(c->y[token * c->d + i] - exact) / bound;
        worst = fmax(worst, isnan(share) ? INFINITY : share);
    }
    return worst;
}

/* x' of a token that was cast. */
static void restore(const struct token_cast *c, size_t token, float *back)
{
    const char *out = c->out + c->last * c->out_bytes;
    if (c->cast->decodes)
        memcpy(back, token_of(c, out, token), c->d * sizeof *back);
    else
        decode_token(c, &reference, out, token, back);
    if (c->cast->transform) /* Sylvester's matrix over sqrt(n) is its own inverse */
        hadamard_ref(&c->plan, NULL, back, c->d / c->plan.n);
    if (c->cast->transform == TRANSFORM_AFFINE || c->cast->transform == TRANSFORM_FOLDED)
        for (size_t i = 0; i < c->d; i++)
            back[i] = (float)(back[i] / c->gain[i]);
}

static void report_errors(struct trial *t, const struct token_cast *c, float *back)
{
    double error = 0, squares = 0;
    for (size_t token = 0; token < c->pattern_tokens; token++) {
        const float *x = c->x + token * c->d;
        restore(c, token, back);
        for (size_t i = 0; i < c->d; i++) {
            double off = (double)back[i] - x[i];
            error += off * off;
            squares += (double)x[i] * x[i];
        }
    }
    double n = (double)c->pattern_tokens * (double)c->d;
    trial_fidelity(t, NULL, "relative_rms_error", sqrt(error / squares), "fp64-exact", 0);
    trial_fidelity(t, NULL, "transform_error", error / n, "fp64-exact", 0);
}

void token_cast_fidelity(struct trial *t)
{
    struct token_cast *c = t->state;
    char *right = malloc(c->out_bytes);
    float *y = malloc(2 * c->d * sizeof *y);
    if (right && y) { /* a cell without correctness is invalid */
        trial_correctness(t, "differing_bytes", mismatches(c, right, y), 0);
        double worst = 0;
        for (size_t token = 0; token < c->tokens && rotates(c); token++)
            worst = fmax(worst, rotation_error(c, token, y, y + c->d));
        for (size_t token = 0; token < c->tokens && token < SAMPLE && c->matrix_bytes; token++)
            worst = fmax(worst, product_error(c, token));
        if (rotates(c) || c->matrix_bytes)
            trial_correctness(t, "transform_error_over_bound", worst, 1);
        report_errors(t, c, y);
    }
    free(right);
    free(y);
}
