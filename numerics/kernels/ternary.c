#include "numerics/kernels/ternary.h"

#include <stdlib.h>
#include <string.h>

#include "numerics/buffer.h"
#include "numerics/kernels/ternary_arrange.h"

enum { CHUNK = 256, VECTOR = 64, QUARTER = 32 };

/* ---- Tokens in the order of the codes: a vector of 64 for each shift of a vector of codes ---- */

/* j-th vector: what lies at bits 2 j of 64 bytes, 256 columns. */
static void quarters(struct ternary_tokens *t, size_t i, const unsigned quarter_at[4])
{
    const int8_t *q = t->q + i * t->stride;
    uint8_t *out = t->arranged + i * t->arranged_stride;
    for (size_t c = 0; c < t->stride; c += CHUNK)
        for (size_t j = 0; j < 4; j++)
            for (size_t half = 0; half < 2; half++, out += QUARTER)
                memcpy(out, q + c + half * CHUNK / 2 + quarter_at[j] * QUARTER, QUARTER);
}

static void ternary_arrange_i2s_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    quarters(tokens, i, (const unsigned[]){3, 2, 1, 0});
}

static void ternary_arrange_tq2_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    quarters(tokens, i, (const unsigned[]){0, 1, 2, 3});
}

/* n-th vector: what digits n of 52 bytes are multiplied with, and zeros. */
static void ternary_arrange_tq1_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    const int8_t *q = tokens->q + i * tokens->stride;
    uint8_t *out = tokens->arranged + i * tokens->arranged_stride;
    for (size_t c = 0; c < tokens->stride; c += CHUNK)
        for (size_t n = 0; n < 5; n++, out += VECTOR) {
            memset(out, 0, VECTOR);
            memcpy(out, q + c + 32 * n, 32);
            memcpy(out + 32, q + c + 160 + 16 * n, 16);
            if (n < 4)
                memcpy(out + 48, q + c + 240 + 4 * n, 4);
        }
}

static void ternary_arrange_none_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x, (void)tokens, (void)i;
}

static void ternary_arrange_tl1_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tl1(tokens, i);
}

static void ternary_arrange_tl2_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tl2(tokens, i);
}

static void ternary_arrange_tmac_int16_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    (void)x;
    arrange_tmac_int16(tokens, i);
}

static void ternary_arrange_tmac_int8_ref(const float *x, struct ternary_tokens *tokens, size_t i)
{
    arrange_tmac_int8(x, tokens, i);
}

/* ---- References ---- */

void ternary_exact_ref(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                       size_t row0, size_t row1)
{
    int8_t t[TERNARY_MAX_COLS];
    for (size_t r = row0; r < row1; r++) {
        ternary_unpack_row(w->packing, w->packed, r, w->cols, t);
        for (size_t m = 0; m < x->m; m++) {
            const int8_t *q = x->q + m * x->stride;
            int32_t sum = 0;
            for (size_t c = 0; c < w->cols; c++)
                sum += t[c] * q[c];
            y[m * w->rows + r] = (float)sum * (w->gamma / x->s[m]);
        }
    }
}

void ternary_i2s_ref(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                     size_t row0, size_t row1)
{
    size_t row_bytes = ternary_group_bytes(w->packing, w->cols);
    for (size_t m = 0; m < x->m; m++)
        for (size_t r = row0; r < row1; r++) {
            const uint8_t *bytes = w->packed + r * row_bytes;
            const int8_t *q = x->q + m * x->stride;
            int32_t sum = 0;
            for (size_t b = 0; b < row_bytes; b += QUARTER, q += 4 * QUARTER)
                for (size_t j = 0; j < 4; j++)
                    for (size_t p = 0; p < QUARTER; p++) {
                        int code = bytes[b + p] >> (6 - 2 * j) & 3, one = q[QUARTER * j + p];
                        sum += (one & -(code >> 1)) - (one & -(code == 0));
                    }
            y[m * w->rows + r] = (float)sum * (w->gamma / x->s[m]);
        }
}

void ternary_tmac_int8_ref(const struct ternary_matrix *w, const struct ternary_tokens *x, float *y,
                           size_t row0, size_t row1)
{
    size_t groups = (w->cols + 3) / 4;
    for (size_t m = 0; m < x->m; m++)
        for (size_t r = row0; r < row1; r++) {
            const uint8_t *group =
                w->packed + r / TERNARY_LANES * ternary_group_bytes(w->packing, w->cols);
            const int8_t *table = (const int8_t *)x->arranged + m * x->arranged_stride;
            int32_t sum = 0;
            for (size_t g = 0; g < groups; g++, table += ENTRIES) {
                uint8_t planes = group[g * TERNARY_LANES + r % TERNARY_LANES];
                sum += table[planes & 15] + 2 * table[planes >> 4];
            }
            y[m * w->rows + r] = (float)sum * (w->gamma * x->step[m] / 2) - x->half[m] * w->gamma;
        }
}

/* ---- Schemes ---- */

#if defined(__x86_64__)
#define X86(...) __VA_ARGS__
#else
#define X86(...)
#endif
#define EXACT_REF                                                                                  \
    {                                                                                              \
        "ref", (kernel_fn *)ternary_exact_ref, 0                                                   \
    }

static const struct kernel_variant i2s_vnni[] = {
    KERNEL(ternary_i2s, ref, 0), X86(KERNEL(ternary_i2s, avx2, CPU_AVX2),
                                     KERNEL(ternary_i2s, vnni, CPU_AVX512 | CPU_VNNI), ){0}};
static const struct kernel_variant i2s_maddubs[] = {KERNEL(ternary_i2s, ref, 0),
                                                    X86(KERNEL(ternary_i2s, avx2, CPU_AVX2), ){0}};
static const struct kernel_variant add_sub[] = {KERNEL(ternary_i2s, ref, 0), {0}};
static const struct kernel_variant tq2[] = {
    EXACT_REF, X86(KERNEL(ternary_tq2, avx2, CPU_AVX2),
                   KERNEL(ternary_tq2, vnni, CPU_AVX512 | CPU_VNNI), ){0}};
static const struct kernel_variant tq1[] = {
    EXACT_REF, X86(KERNEL(ternary_tq1, avx2, CPU_AVX2),
                   KERNEL(ternary_tq1, vnni, CPU_AVX512 | CPU_VNNI), ){0}};
static const struct kernel_variant tl1[] = {
    EXACT_REF,
    X86(KERNEL(ternary_tl1, avx2, CPU_AVX2), KERNEL(ternary_tl1, avx512, CPU_AVX512), ){0}};
static const struct kernel_variant tl2[] = {
    EXACT_REF,
    X86(KERNEL(ternary_tl2, avx2, CPU_AVX2), KERNEL(ternary_tl2, avx512, CPU_AVX512), ){0}};
static const struct kernel_variant tmac_int16[] = {
    EXACT_REF, X86(KERNEL(ternary_tmac_int16, avx2, CPU_AVX2),
                   KERNEL(ternary_tmac_int16, avx512, CPU_AVX512), ){0}};
static const struct kernel_variant tmac_int8[] = {
    KERNEL(ternary_tmac_int8, ref, 0), X86(KERNEL(ternary_tmac_int8, avx2, CPU_AVX2),
                                           KERNEL(ternary_tmac_int8, avx512, CPU_AVX512), ){0}};

#define ARRANGE(name)                                                                              \
    KERNEL(ternary_arrange_##name, ref, 0),                                                        \
        X86(KERNEL(ternary_arrange_##name, avx2, CPU_AVX2),                                        \
            KERNEL(ternary_arrange_##name, avx512, CPU_AVX512), )                                  \
    {                                                                                              \
        0                                                                                          \
    }
static const struct kernel_variant order_i2s[] = {KERNEL(ternary_arrange_i2s, ref, 0), {0}};
static const struct kernel_variant order_tq2[] = {KERNEL(ternary_arrange_tq2, ref, 0), {0}};
static const struct kernel_variant order_tq1[] = {KERNEL(ternary_arrange_tq1, ref, 0), {0}};
static const struct kernel_variant order_none[] = {KERNEL(ternary_arrange_none, ref, 0), {0}};
static const struct kernel_variant tables_tl1[] = {ARRANGE(tl1)};
static const struct kernel_variant tables_tl2[] = {ARRANGE(tl2)};
static const struct kernel_variant tables_tmac_int16[] = {ARRANGE(tmac_int16)};
static const struct kernel_variant tables_tmac_int8[] = {ARRANGE(tmac_int8)};

const struct ternary_scheme ternary_schemes[] = {
    {"i2s_vnni", "2 bits, 4 x 32 codes, byte dot products", &ternary_i2s, i2s_vnni, order_i2s, 256,
     true},
    {"i2s_maddubs", "2 bits, 4 x 32 codes, byte products in 16-bit sums", &ternary_i2s, i2s_maddubs,
     order_i2s, 256, true},
    {"tq2_vnni", "2.06 bits, TQ2_0 blocks, byte dot products", &ternary_tq2, tq2, order_tq2, 256,
     true},
    {"tq1_vnni", "1.69 bits, TQ1_0 digit bytes, byte dot products", &ternary_tq1, tq1, order_tq1,
     320, true},
    {"tl1", "2 bits, tables of pairs", &ternary_tl1, tl1, tables_tl1, 4096, true},
    {"tl2", "1.67 bits, tables of triples and signs", &ternary_tl2, tl2, tables_tl2, 4096, true},
    {"tmac_int8", "2 bit planes, 8-bit tables of fours", &ternary_planes, tmac_int8,
     tables_tmac_int8, 1024, false},
    {"tmac_int16", "2 bit planes, 16-bit tables of fours", &ternary_planes, tmac_int16,
     tables_tmac_int16, 2048, true},
    {"add_sub_ref", "2 bits, +x or -x by masks, portable", &ternary_i2s, add_sub, order_none, 0,
     true},
    {0}};

const struct ternary_scheme *ternary_scheme_find(const char *name)
{
    for (const struct ternary_scheme *s = ternary_schemes; s->name; s++)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

struct ternary_kernels ternary_pick(const struct ternary_scheme *scheme, unsigned features)
{
    const struct kernel_variant *v = kernel_pick(scheme->kernels, features);
    return (struct ternary_kernels){
        .scheme = scheme,
        .isa = v->isa,
        .multiply = (ternary_fn *)v->fn,
        .arrange = (ternary_arrange_fn *)kernel_pick(scheme->arrange, features)->fn,
        .quantise = (quantise_token_fn *)kernel_pick(quantise_token_variants, features)->fn};
}

/* ---- Tokens ---- */

enum status ternary_tokens_alloc(const struct ternary_scheme *scheme, size_t cols, size_t m,
                                 struct ternary_tokens *out, struct err *err)
{
    struct ternary_tokens t = {.m = m, .cols = cols};
    *out = (struct ternary_tokens){0};
    if (cols > TERNARY_MAX_COLS)
        return status_fail(err, E_USAGE, "%zu columns: ternary sums hold for %d at most", cols,
                           TERNARY_MAX_COLS);
    t.stride = (cols + CHUNK - 1) / CHUNK * CHUNK;
    t.arranged_stride = t.stride / CHUNK * scheme->arranged_bytes;
    t.q = buffer_alloc(m * t.stride);
    t.arranged = buffer_alloc(m * t.arranged_stride);
    t.s = calloc(m, sizeof *t.s);
    t.step = calloc(m, sizeof *t.step);
    t.half = calloc(m, sizeof *t.half);
    t.sum = calloc(m, sizeof *t.sum);
    if (!t.q || !t.arranged || !t.s || !t.step || !t.half || !t.sum) {
        ternary_tokens_free(&t);
        return status_fail(err, E_NOMEM, "%zu tokens of %zu columns: out of memory", m, cols);
    }
    *out = t;
    return OK;
}

void ternary_tokens_free(struct ternary_tokens *x)
{
    buffer_free(x->q, x->m * x->stride);
    buffer_free(x->arranged, x->m * x->arranged_stride);
    free(x->s);
    free(x->step);
    free(x->half);
    free(x->sum);
    *x = (struct ternary_tokens){0};
}

void ternary_prepare(const struct ternary_kernels *k, const float *x, struct ternary_tokens *out)
{
    for (size_t i = 0; i < out->m; i++, x += out->cols) {
        if (k->scheme->exact)
            out->s[i] = k->quantise(x, out->cols, out->stride, 0, out->q + i * out->stride, NULL,
                                    &out->sum[i]);
        k->arrange(x, out, i);
    }
}
