/* bench/formats/low_precision_floats.c: what it costs to write f32 as bf16, binary16, FP8, FP6 or
 * FP4 and to read it back, and what of the value is lost.  Narrow codes are packed: n codes of b
 * bits are n b / 8 bytes.  Source: OCP 8-bit Floating Point Specification 1.0; OCP Microscaling
 * Formats 1.0; IEEE 754-2019. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "bench/technique.h"
#include "numerics/buffer.h"
#include "numerics/kernels/convert.h"

enum {
    DRAWS = 1 << 20, /* different values; longer inputs repeat them */
    PIECE = 512      /* threads share out pieces: whole cache lines of codes in every format */
};

/* Values are normal with the format's largest value at this many standard deviations: too far for
 * 2^20 draws to reach (one in 500), so that the error is that of rounding alone. */
static const double max_in_sigmas = 6;

struct convert {
    const struct float_format *format; /* NULL: f32 on both sides */
    convert_rne_fn *rne;
    convert_sr_fn *sr;
    convert_decode_fn *decode;
    convert_copy_fn *copy;
    uint64_t seed;
    float *draws; /* [min(n, DRAWS)] */
    char *in, *out;
    size_t n, in_bytes, out_bytes; /* of one copy */
    size_t copies, next, last;     /* last: the copy that was written last */
};

/* Elements first to first + n - 1 of one copy; in and out are its starts. */
typedef void part_fn(const struct convert *c, const char *in, char *out, size_t first, size_t n);

static void part_memcpy(const struct convert *c, const char *in, char *out, size_t first, size_t n)
{
    (void)c;
    memcpy(out + first * sizeof(float), in + first * sizeof(float), n * sizeof(float));
}

static const float *floats(const char *in, size_t first)
{
    return (const float *)(const void *)in + first;
}

static void part_copy(const struct convert *c, const char *in, char *out, size_t first, size_t n)
{
    c->copy(floats(in, first), n, (float *)(void *)out + first);
}

static void part_rne(const struct convert *c, const char *in, char *out, size_t first, size_t n)
{
    c->rne(c->format, floats(in, first), n, out + convert_bytes(c->format, first));
}

static void part_sr(const struct convert *c, const char *in, char *out, size_t first, size_t n)
{
    c->sr(c->format, floats(in, first), n, convert_sr_seed(c->seed, first),
          out + convert_bytes(c->format, first));
}

static void part_decode(const struct convert *c, const char *in, char *out, size_t first, size_t n)
{
    c->decode(c->format, in + convert_bytes(c->format, first), n, (float *)(void *)out + first);
}

/* n passes, each over the next copy; every thread has its own range of whole pieces. */
static void passes(struct trial *t, size_t n, part_fn *part)
{
    struct convert *c = t->state;
#pragma omp parallel num_threads(t->threads) if (t->threads > 1)
    {
        size_t team = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
        size_t pieces = c->n / PIECE, copy = c->next;
        size_t first = pieces * me / team * PIECE, end = pieces * (me + 1) / team * PIECE;
        for (size_t i = 0; i < n; i++) {
            part(c, c->in + copy * c->in_bytes, c->out + copy * c->out_bytes, first, end - first);
            copy = copy + 1 < c->copies ? copy + 1 : 0;
#pragma omp barrier
        }
    }
    c->last = (c->next + n - 1) % c->copies;
    c->next = (c->next + n) % c->copies;
}

static void run_memcpy(struct trial *t, size_t n)
{
    passes(t, n, part_memcpy);
}

static void run_copy(struct trial *t, size_t n)
{
    passes(t, n, part_copy);
}

static void run_rne(struct trial *t, size_t n)
{
    passes(t, n, part_rne);
}

static void run_sr(struct trial *t, size_t n)
{
    passes(t, n, part_sr);
}

static void run_decode(struct trial *t, size_t n)
{
    passes(t, n, part_decode);
}

static const struct variant variants[] = {
    {"memcpy_f32",
     "memcpy of f32 (the C library may store past the caches)",
     run_memcpy,
     HEADLINE,
     {{"bits", 32}}},
    {"cast_f32_f32", "the same loop without a conversion", run_copy, 0, {{"bits", 32}}},
    {"enc_bf16_rne",
     "f32 to bfloat16, nearest even",
     run_rne,
     0,
     {{"bits", 16}, {"exponent_bits", 8}}},
    {"enc_fp16_rne",
     "f32 to binary16, nearest even",
     run_rne,
     0,
     {{"bits", 16}, {"exponent_bits", 5}}},
    {"enc_e4m3_rne",
     "f32 to FP8 E4M3, nearest even",
     run_rne,
     HEADLINE,
     {{"bits", 8}, {"exponent_bits", 4}}},
    {"enc_e5m2_rne",
     "f32 to FP8 E5M2, nearest even",
     run_rne,
     0,
     {{"bits", 8}, {"exponent_bits", 5}}},
    {"enc_e3m2_rne",
     "f32 to FP6 E3M2, nearest even",
     run_rne,
     0,
     {{"bits", 6}, {"exponent_bits", 3}}},
    {"enc_e2m3_rne",
     "f32 to FP6 E2M3, nearest even",
     run_rne,
     0,
     {{"bits", 6}, {"exponent_bits", 2}}},
    {"enc_e2m1_rne",
     "f32 to FP4 E2M1, nearest even",
     run_rne,
     HEADLINE,
     {{"bits", 4}, {"exponent_bits", 2}}},
    {"enc_bf16_sr",
     "f32 to bfloat16, stochastic: bound by splitmix64",
     run_sr,
     0,
     {{"bits", 16}, {"exponent_bits", 8}}},
    {"enc_e4m3_sr",
     "f32 to FP8 E4M3, stochastic: bound by splitmix64",
     run_sr,
     0,
     {{"bits", 8}, {"exponent_bits", 4}}},
    {"dec_bf16", "bfloat16 to f32", run_decode, 0, {{"bits", 16}, {"exponent_bits", 8}}},
    {"dec_fp16", "binary16 to f32", run_decode, 0, {{"bits", 16}, {"exponent_bits", 5}}},
    {"dec_e4m3", "FP8 E4M3 to f32", run_decode, HEADLINE, {{"bits", 8}, {"exponent_bits", 4}}},
    {"dec_e5m2", "FP8 E5M2 to f32", run_decode, 0, {{"bits", 8}, {"exponent_bits", 5}}},
    {"dec_e3m2", "FP6 E3M2 to f32", run_decode, 0, {{"bits", 6}, {"exponent_bits", 3}}},
    {"dec_e2m3", "FP6 E2M3 to f32", run_decode, 0, {{"bits", 6}, {"exponent_bits", 2}}},
    {"dec_e2m1", "FP4 E2M1 to f32", run_decode, 0, {{"bits", 4}, {"exponent_bits", 2}}},
    {"scalar_ref_bf16",
     "f32 to bfloat16, nearest even, one value at a time",
     run_rne,
     0,
     {{"bits", 16}, {"exponent_bits", 8}, {"scalar", 1}}},
    {"scalar_ref_e4m3",
     "f32 to FP8 E4M3, nearest even, one value at a time",
     run_rne,
     0,
     {{"bits", 8}, {"exponent_bits", 4}, {"scalar", 1}}},
    {0}};

/* All sizes are multiples of PIECE and of one another up to DRAWS. */
static const struct matrix_case cases[] = {{"64Ki", CACHE | QUICK | SMOKE, {{"n", 65536}}},
                                           {"1Mi", CACHE, {{"n", 1048576}}},
                                           {"64Mi", DRAM | QUICK, {{"n", 67108864}}},
                                           {0}};

/* The OCP or IEEE format of a variant: the first of its bits and exponent bits. */
static const struct float_format *format_of(const struct trial *t)
{
    const struct float_format *f = float_formats;
    while (f->name &&
           (f->bits != param(t, "bits") || f->exponent_bits != param(t, "exponent_bits")))
        f++;
    return f->name ? f : NULL;
}

static void pick_kernels(struct trial *t, struct convert *c)
{
    unsigned features = param(t, "scalar") ? 0 : t->features;
    const struct kernel_variant *rne = kernel_pick(convert_rne_variants, features);
    c->rne = (convert_rne_fn *)rne->fn;
    c->sr = (convert_sr_fn *)kernel_pick(convert_sr_variants, features)->fn;
    c->decode = (convert_decode_fn *)kernel_pick(convert_decode_variants, features)->fn;
    c->copy = (convert_copy_fn *)kernel_pick(convert_copy_variants, features)->fn;
    t->isa = rne->isa; /* the four have the same ones */
}

static size_t side_bytes(const struct convert *c, int narrow)
{
    return narrow && c->format ? convert_bytes(c->format, c->n) : c->n * sizeof(float);
}

static enum status prepare(struct trial *t, struct err *err)
{
    struct convert *c = calloc(1, sizeof *c);
    t->state = c;
    if (!c)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    c->format = format_of(t);
    c->n = (size_t)param(t, "n");
    int decodes = t->v->run == run_decode;
    c->in_bytes = side_bytes(c, decodes);
    c->out_bytes = side_bytes(c, !decodes);
    size_t bytes = c->in_bytes + c->out_bytes;
    c->copies = t->c->flags & DRAM ? 4 * t->llc_bytes / bytes + 1 : 1;
    t->footprint_bytes = bytes * c->copies;
    size_t draws = c->n < DRAWS ? c->n : DRAWS;
    c->draws = malloc(draws * sizeof *c->draws);
    c->in = buffer_alloc(c->in_bytes * c->copies);
    c->out = buffer_alloc(c->out_bytes * c->copies);
    if (!c->draws || !c->in || !c->out)
        return status_fail(err, E_NOMEM, "no memory for %zu copies of %zu bytes", c->copies, bytes);
    pick_kernels(t, c);
    c->seed = rng_u64(t->rng);
    double sigma =
        c->format ? float_format_decode(c->format, c->format->max_code) / max_in_sigmas : 1;
    for (size_t i = 0; i < draws; i++)
        c->draws[i] = (float)(sigma * rng_normal(t->rng));
    size_t period = c->in_bytes / (c->n / draws);
    if (decodes)
        convert_rne_ref(c->format, c->draws, draws, c->in);
    else
        memcpy(c->in, c->draws, period);
#pragma omp parallel for num_threads(t->threads)
    for (size_t at = period; at < c->in_bytes * c->copies; at += period)
        memcpy(c->in + at, c->in, period);
    return OK;
}

static void release(struct trial *t)
{
    struct convert *c = t->state;
    if (!c)
        return;
    buffer_free(c->in, c->in_bytes * c->copies);
    buffer_free(c->out, c->out_bytes * c->copies);
    free(c->draws);
    free(c);
    t->state = NULL;
}

/* Stores are regular: on a miss the hardware also reads the line, which is not counted. */
static struct work work(const struct trial *t)
{
    const struct convert *c = t->state;
    enum roof roof = c->in_bytes >= 4 * c->out_bytes   ? ROOF_DRAM_READ
                     : c->out_bytes >= 4 * c->in_bytes ? ROOF_DRAM_WRITE
                                                       : ROOF_DRAM_COPY;
    return (struct work){.bytes_read = (double)c->in_bytes,
                         .bytes_written = (double)c->out_bytes,
                         .items = (double)c->n,
                         .unit = "element",
                         .roof = roof};
}

/* Bytes of the last copy written that are not the reference's; NaN: out of memory. */
static double mismatches(const struct trial *t)
{
    const struct convert *c = t->state;
    struct convert reference = *c;
    reference.rne = convert_rne_ref;
    reference.sr = convert_sr_ref;
    reference.decode = convert_decode_ref;
    const char *in = c->in + c->last * c->in_bytes, *out = c->out + c->last * c->out_bytes;
    part_fn *part = t->v->run == run_rne      ? part_rne
                    : t->v->run == run_sr     ? part_sr
                    : t->v->run == run_decode ? part_decode
                                              : part_memcpy;
    char *right = malloc(c->out_bytes);
    if (!right)
        return NAN;
    size_t wrong = 0;
#pragma omp parallel for num_threads(t->threads)
    for (size_t first = 0; first < c->n; first += PIECE)
        part(&reference, in, right, first, PIECE);
#pragma omp parallel for num_threads(t->threads) reduction(+ : wrong)
    for (size_t i = 0; i < c->out_bytes; i++)
        wrong += right[i] != out[i];
    free(right);
    return (double)wrong;
}

/* sqrt(sum of squared errors / sum of squares) of the draws as the output has them. */
static double relative_rms_error(const struct trial *t)
{
    const struct convert *c = t->state;
    const char *out = c->out + c->last * c->out_bytes;
    size_t n = c->n < DRAWS ? c->n : DRAWS;
    double error = 0, squares = 0;
    for (size_t first = 0; first < n; first += PIECE) {
        float back[PIECE];
        if (c->format && t->v->run != run_decode)
            convert_decode_ref(c->format, out + convert_bytes(c->format, first), PIECE, back);
        else
            memcpy(back, out + first * sizeof(float), sizeof back);
        for (size_t i = 0; i < PIECE; i++) {
            double x = c->draws[first + i], e = back[i] - x;
            error += e * e;
            squares += x * x;
        }
    }
    return sqrt(error / squares);
}

static void fidelity(struct trial *t)
{
    trial_correctness(t, "mismatched_bytes", mismatches(t), 0);
    trial_fidelity(t, NULL, "relative_rms_error", relative_rms_error(t), "fp64-exact", 0);
}

static const struct task tasks[] = {{.name = "convert",
                                     .variants = variants,
                                     .cases = cases,
                                     .prepare = prepare,
                                     .work = work,
                                     .fidelity = fidelity,
                                     .release = release},
                                    {0}};

/* Tolerances are five standard errors of 65536 draws, rounded up: 2 %. */
#define NORMAL                                                                                     \
    "the squared error of each interval between neighbouring values, integrated under a normal "   \
    "density with the largest value at 6 standard deviations"
static const struct expect expect[] = {
    {"convert", "enc_bf16_rne", "relative_rms_error", 1.65775e-3, 3.3e-5, NORMAL, NULL},
    {"convert", "enc_fp16_rne", "relative_rms_error", 2.07205e-4, 4.1e-6, NORMAL, NULL},
    {"convert", "enc_e4m3_rne", "relative_rms_error", 0.0265447, 5.3e-4, NORMAL, NULL},
    {"convert", "enc_e5m2_rne", "relative_rms_error", 0.0528480, 1.1e-3, NORMAL, NULL},
    {"convert", "enc_e3m2_rne", "relative_rms_error", 0.0528532, 1.1e-3, NORMAL, NULL},
    {"convert", "enc_e2m3_rne", "relative_rms_error", 0.0334492, 6.7e-4, NORMAL, NULL},
    {"convert", "enc_e2m1_rne", "relative_rms_error", 0.152326, 3e-3, NORMAL, NULL},
    {"convert", "enc_bf16_sr", "relative_rms_error", 2.34441e-3, 4.7e-5,
     NORMAL "; a stochastic choice has twice the squared error of the nearest", NULL},
    {"convert", "enc_e4m3_sr", "relative_rms_error", 0.0375686, 7.5e-4,
     NORMAL "; a value between two others is off by the product of its distances, squared mean",
     NULL},
    {"convert", "dec_e4m3", "relative_rms_error", 0.0265447, 5.3e-4, NORMAL, NULL},
    {"convert", "dec_e2m1", "relative_rms_error", 0.152326, 3e-3, NORMAL, NULL},
    {0}};

/* ---- Claim check ---- */

enum { ONES = 4096, RUNS = 64, ROUNDINGS = 1000000, BATCH = 4000 };

/* A bfloat16 accumulator to which 1 is added ONES times, rounded after each. */
static double sum_of_ones(enum float_rounding rounding, struct rng *rng)
{
    const struct float_format *bf16 = float_format_find("bf16");
    float sum = 0;
    for (int i = 0; i < ONES; i++) {
        uint32_t r = (uint32_t)(rng_u64(rng) >> 32);
        sum = float_format_decode(bf16, float_format_encode(bf16, sum + 1, rounding, true, r));
    }
    return sum;
}

static void check_stall(struct check *check)
{
    double mean = 0;
    for (int run = 0; run < RUNS; run++)
        mean += sum_of_ones(FLOAT_SR, check_rng(check)) / RUNS;
    check_row(check, &(struct claim){.row = "a.nearest-stalls",
                                     .kind = CLAIM_EXACT,
                                     .text = "4096 ones added in bf16 under nearest-even stop at "
                                             "256, where 1 is half a quantum",
                                     .paper = {256, "sum", "7 mantissa bits: 2^8 + 1 is a tie"},
                                     .measured = sum_of_ones(FLOAT_RNE, check_rng(check)),
                                     .unit = "sum",
                                     .low = 256,
                                     .high = 256,
                                     .no_effect = NAN});
    check_row(check,
              &(struct claim){.row = "a.stochastic-does-not",
                              .kind = CLAIM_STATISTICAL,
                              .text = "the same sum rounded stochastically is 4096 on average",
                              .paper = {ONES, "sum", "unbiased; standard error 0.6 % of 64 runs"},
                              .measured = mean,
                              .unit = "sum",
                              .low = 0.97 * ONES,
                              .high = 1.03 * ONES,
                              .no_effect = 256});
}

/* The mean of ROUNDINGS conversions of 1.05 to E4M3. */
static double mean_of_roundings(struct check *check, int stochastic)
{
    const struct float_format *e4m3 = float_format_find("e4m3");
    unsigned features = check_features(check);
    convert_rne_fn *rne = (convert_rne_fn *)kernel_pick(convert_rne_variants, features)->fn;
    convert_sr_fn *sr = (convert_sr_fn *)kernel_pick(convert_sr_variants, features)->fn;
    uint64_t seed = rng_u64(check_rng(check));
    float x[BATCH];
    uint8_t codes[BATCH];
    double sum = 0;
    for (size_t i = 0; i < BATCH; i++)
        x[i] = 1.05f;
    for (size_t first = 0; first < ROUNDINGS; first += BATCH) {
        if (stochastic)
            sr(e4m3, x, BATCH, convert_sr_seed(seed, first), codes);
        else
            rne(e4m3, x, BATCH, codes);
        for (size_t i = 0; i < BATCH; i++)
            sum += float_format_decode(e4m3, codes[i]);
    }
    return sum / ROUNDINGS;
}

static void check_bias(struct check *check)
{
    check_row(check, &(struct claim){.row = "b.stochastic-is-unbiased",
                                     .kind = CLAIM_STATISTICAL,
                                     .text = "a million stochastic roundings of 1.05 to E4M3 "
                                             "average 1.05, which lies between 1 and 1.125",
                                     .paper = {1.05, "mean", "standard error 0.00006"},
                                     .measured = mean_of_roundings(check, 1),
                                     .unit = "mean",
                                     .low = 1.0497,
                                     .high = 1.0503,
                                     .no_effect = 1});
    check_row(check, &(struct claim){.row = "b.nearest-is-biased",
                                     .kind = CLAIM_EXACT,
                                     .text = "to nearest, 1.05 is 1 in E4M3 every time",
                                     .paper = {1, "mean", "1 is nearer than 1.125"},
                                     .measured = mean_of_roundings(check, 0),
                                     .unit = "mean",
                                     .low = 1,
                                     .high = 1,
                                     .no_effect = NAN});
}

/* rms error over rms value of log-uniform magnitudes in the whole octaves of the normal range, each
 * taken in units of its power of two, so that every octave weighs alike. */
static double log_uniform_error(struct check *check, const struct float_format *f)
{
    convert_rne_fn *rne =
        (convert_rne_fn *)kernel_pick(convert_rne_variants, check_features(check))->fn;
    convert_decode_fn *decode =
        (convert_decode_fn *)kernel_pick(convert_decode_variants, check_features(check))->fn;
    float x[BATCH], back[BATCH];
    uint8_t codes[BATCH * sizeof(uint16_t)];
    int low = 1 - f->bias, high = ilogbf(float_format_decode(f, f->max_code));
    double error = 0, squares = 0;
    for (size_t first = 0; first < ROUNDINGS; first += BATCH) {
        for (size_t i = 0; i < BATCH; i++)
            x[i] = (float)exp2(low + (high - low) * rng_uniform(check_rng(check)));
        rne(f, x, BATCH, codes);
        decode(f, codes, BATCH, back);
        for (size_t i = 0; i < BATCH; i++) {
            double unit = exp2(ilogbf(x[i])), v = x[i] / unit, e = back[i] / unit - v;
            error += e * e;
            squares += v * v;
        }
    }
    return sqrt(error / squares);
}

static void check_error_law(struct check *check)
{
    static const struct {
        const char *format, *row;
        double paper;
    } rows[] = {{"e5m2", "c.error-2-mantissa-bits", 0.0490},
                {"e4m3", "c.error-3-mantissa-bits", 0.0245},
                {"bf16", "c.error-7-mantissa-bits", 0.00153},
                {"fp16", "c.error-10-mantissa-bits", 0.000192}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(
            check,
            &(struct claim){.row = rows[i].row,
                            .kind = CLAIM_STATISTICAL,
                            .text = "each mantissa bit halves the relative rms error",
                            .paper = {rows[i].paper, "relative rms",
                                      "sqrt(ln 2 / 18) 2^-M for log-uniform magnitudes"},
                            .measured = log_uniform_error(check, float_format_find(rows[i].format)),
                            .unit = "relative rms",
                            .low = 0.98 * rows[i].paper,
                            .high = 1.02 * rows[i].paper,
                            .no_effect = NAN});
}

static void check(struct check *check)
{
    check_stall(check);
    check_bias(check);
    check_error_law(check);
}

const struct technique low_precision_floats = {
    .id = "low-precision-floats",
    .title = "Narrow float formats: FP16, BF16, FP8, FP6, FP4",
    .source = "OCP OFP8 1.0, OCP MX 1.0, IEEE 754-2019",
    .claim = "bf16 halves and FP8 quarters the bytes of f32, each mantissa bit halves the error, "
             "and stochastic rounding is unbiased where nearest rounding stalls",
    .tasks = tasks,
    .check = check,
    .check_seconds = 1,
    .expect = expect};
