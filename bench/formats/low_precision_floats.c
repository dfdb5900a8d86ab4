/* bench/formats/low_precision_floats.c: what it costs to write f32 as bf16, binary16, FP8, FP6 or
 * FP4 and to read it back, what of the value is lost, and what half the bytes save a matrix times a
 * vector.  Narrow codes are packed: n codes of b bits are n b / 8 bytes.  Source: OCP 8-bit
 * Floating Point Specification 1.0; OCP Microscaling Formats 1.0; IEEE 754-2019. */
#include <math.h>

#include "bench/technique.h"
#include "bench/workloads/convert.h"
#include "bench/workloads/gemv.h"
#include "numerics/kernels/convert.h"

/* ---- convert: f32 to narrow floats and back ---- */

static const struct variant convert_variants[] = {
    {"memcpy_f32",
     "memcpy of f32 (the C library may store past the caches)",
     convert_run_memcpy,
     HEADLINE,
     {{"bits", 32}}},
    {"cast_f32_f32", "the same loop without a conversion", convert_run_copy, 0, {{"bits", 32}}},
    {"enc_bf16_rne",
     "f32 to bfloat16, nearest even",
     convert_run_rne,
     0,
     {{"bits", 16}, {"exponent_bits", 8}}},
    {"enc_fp16_rne",
     "f32 to binary16, nearest even",
     convert_run_rne,
     0,
     {{"bits", 16}, {"exponent_bits", 5}}},
    {"enc_e4m3_rne",
     "f32 to FP8 E4M3, nearest even",
     convert_run_rne,
     HEADLINE,
     {{"bits", 8}, {"exponent_bits", 4}}},
    {"enc_e5m2_rne",
     "f32 to FP8 E5M2, nearest even",
     convert_run_rne,
     0,
     {{"bits", 8}, {"exponent_bits", 5}}},
    {"enc_e3m2_rne",
     "f32 to FP6 E3M2, nearest even",
     convert_run_rne,
     0,
     {{"bits", 6}, {"exponent_bits", 3}}},
    {"enc_e2m3_rne",
     "f32 to FP6 E2M3, nearest even",
     convert_run_rne,
     0,
     {{"bits", 6}, {"exponent_bits", 2}}},
    {"enc_e2m1_rne",
     "f32 to FP4 E2M1, nearest even",
     convert_run_rne,
     HEADLINE,
     {{"bits", 4}, {"exponent_bits", 2}}},
    {"enc_bf16_sr",
     "f32 to bfloat16, stochastic: bound by splitmix64",
     convert_run_sr,
     0,
     {{"bits", 16}, {"exponent_bits", 8}}},
    {"enc_e4m3_sr",
     "f32 to FP8 E4M3, stochastic: bound by splitmix64",
     convert_run_sr,
     0,
     {{"bits", 8}, {"exponent_bits", 4}}},
    {"dec_bf16", "bfloat16 to f32", convert_run_decode, 0, {{"bits", 16}, {"exponent_bits", 8}}},
    {"dec_fp16", "binary16 to f32", convert_run_decode, 0, {{"bits", 16}, {"exponent_bits", 5}}},
    {"dec_e4m3",
     "FP8 E4M3 to f32",
     convert_run_decode,
     HEADLINE,
     {{"bits", 8}, {"exponent_bits", 4}}},
    {"dec_e5m2", "FP8 E5M2 to f32", convert_run_decode, 0, {{"bits", 8}, {"exponent_bits", 5}}},
    {"dec_e3m2", "FP6 E3M2 to f32", convert_run_decode, 0, {{"bits", 6}, {"exponent_bits", 3}}},
    {"dec_e2m3", "FP6 E2M3 to f32", convert_run_decode, 0, {{"bits", 6}, {"exponent_bits", 2}}},
    {"dec_e2m1", "FP4 E2M1 to f32", convert_run_decode, 0, {{"bits", 4}, {"exponent_bits", 2}}},
    {"scalar_ref_bf16",
     "f32 to bfloat16, nearest even, one value at a time",
     convert_run_rne,
     0,
     {{"bits", 16}, {"exponent_bits", 8}, {"scalar", 1}}},
    {"scalar_ref_e4m3",
     "f32 to FP8 E4M3, nearest even, one value at a time",
     convert_run_rne,
     0,
     {{"bits", 8}, {"exponent_bits", 4}, {"scalar", 1}}},
    {0}};

/* Sizes as bench/workloads/convert.h asks. */
static const struct matrix_case convert_cases[] = {{"64Ki", CACHE | QUICK | SMOKE, {{"n", 65536}}},
                                                   {"1Mi", CACHE, {{"n", 1048576}}},
                                                   {"64Mi", DRAM | QUICK, {{"n", 67108864}}},
                                                   {0}};

/* ---- gemv: y = W x, half the bytes, or a quarter ---- */

static const struct variant gemv_variants[] = {
    {"f32", "dense f32", gemv_run, HEADLINE, {{"bits", 32}}},
    {"bf16", "dense bf16, f32 activations", gemv_run, HEADLINE, {{"bits", 16}}},
    {"fp16", "dense binary16, f32 activations", gemv_run, 0, {{"bits", 16}}},
    {"e4m3", "FP8 E4M3, f32 scale of each row", gemv_run, HEADLINE, {{"bits", 8}}},
    {"e5m2", "FP8 E5M2, f32 scale of each row", gemv_run, 0, {{"bits", 8}}},
    {"onednn_bf16", "oneDNN matmul, bf16", gemv_run, PEER, {{"bits", 16}}},
    {0}};

static const struct gemv_format gemv_formats[] = {
    {.variant = "f32", .kernel = &gemv_f32},
    {.variant = "bf16", .kernel = &gemv_bf16},
    {.variant = "fp16", .kernel = &gemv_fp16},
    {.variant = "e4m3", .kernel = &gemv_e4m3},
    {.variant = "e5m2", .kernel = &gemv_e5m2},
    {.variant = "onednn_bf16", .kernel = &gemv_onednn_bf16},
    {0}};

static const struct matrix_case gemv_cases[] = {
    {"l2.256x512", CACHE | QUICK | SMOKE, {{"rows", 256}, {"cols", 512}}}, /* 0.5 MB in f32 */
    {"llama3.1-8b.q_proj", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}}},
    {"llama3.1-8b.gate_proj", DRAM, {{"rows", 14336}, {"cols", 4096}}},
    {0}};

static enum status gemv_prepare_formats(struct trial *t, struct err *err)
{
    return gemv_prepare(t, gemv_formats, err);
}

static const struct task tasks[] = {{.name = "convert",
                                     .variants = convert_variants,
                                     .cases = convert_cases,
                                     .prepare = convert_prepare,
                                     .work = convert_work,
                                     .fidelity = convert_fidelity,
                                     .release = convert_release},
                                    {.name = "gemv",
                                     .variants = gemv_variants,
                                     .cases = gemv_cases,
                                     .prepare = gemv_prepare_formats,
                                     .work = gemv_work,
                                     .fidelity = gemv_fidelity,
                                     .release = gemv_release},
                                    {0}};

/* Of conversions, tolerances are five standard errors of 65536 draws, rounded up: 2 %. */
#define NORMAL                                                                                     \
    "the squared error of each interval between neighbouring values, integrated under a normal "   \
    "density with the largest value at 6 standard deviations"
#define GEMV_ERROR                                                                                 \
    "the same of t(5) weights of standard deviation 0.02, or of rows to the largest value, which " \
    "products with normal activations keep; five standard errors of the root of a ratio of two "   \
    "sums of 256 squares"
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
    {"gemv", "bf16", "y_relative_error", 1.65885e-3, 5.2e-4, GEMV_ERROR, NULL},
    {"gemv", "fp16", "y_relative_error", 2.0728e-4, 6.5e-5, GEMV_ERROR, NULL},
    {"gemv", "e4m3", "y_relative_error", 0.0265447, 8.3e-3, GEMV_ERROR, NULL},
    {"gemv", "e5m2", "y_relative_error", 0.0528480, 1.7e-2, GEMV_ERROR, NULL},
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

/* (d) for a matrix that no cache holds.  All kernels are to read at 90 % of the bandwidth or more,
 * so a ratio of their times is that of their bytes within 10 % in either direction, and another 5 %
 * are granted to the noise of two medians. */
static void check_traffic(struct check *check)
{
    static const struct {
        const char *row, *text, *where;
        double ideal;
    } rows[] = {
        {"d.bf16-halves-the-time",
         "a matrix in DRAM times a vector takes half the time in bf16, since it is half the "
         "bytes",
         "traffic: 4 and 2 bytes a weight", 2},
        {"d.fp8-quarters-the-time", "and a quarter of it in FP8",
         "traffic: 4 bytes and 1 byte a weight", 4}};
    static const char *const variants[] = {"f32", "bf16", "e4m3"};
    const double least_share = 0.9, noise = 0.95;
    double ns[3];
    struct err err;
    enum status s = check_time(check, "gemv", "llama3.1-8b.q_proj", variants, 3, ns, &err);
    for (size_t i = 0; i < 2; i++) {
        if (s) {
            check_skip(check, rows[i].row, CLAIM_TIMING, rows[i].text, err.text);
            continue;
        }
        check_row(check, &(struct claim){.row = rows[i].row,
                                         .kind = CLAIM_TIMING,
                                         .text = rows[i].text,
                                         .paper = {rows[i].ideal, "speed-up", rows[i].where},
                                         .measured = ns[0] / ns[i + 1],
                                         .unit = "speed-up",
                                         .low = rows[i].ideal * least_share * noise,
                                         .high = rows[i].ideal / (least_share * noise),
                                         .no_effect = 1,
                                         .explained = check_features(check)
                                                          ? NULL
                                                          : "the portable kernels are bound by "
                                                            "arithmetic"});
    }
}

static void check(struct check *check)
{
    check_stall(check);
    check_bias(check);
    check_error_law(check);
    check_traffic(check);
}

const struct technique low_precision_floats = {
    .id = "low-precision-floats",
    .title = "Narrow float formats: FP16, BF16, FP8, FP6, FP4",
    .source = "OCP OFP8 1.0, OCP MX 1.0, IEEE 754-2019",
    .claim = "bf16 halves and FP8 quarters the bytes of f32, each mantissa bit halves the error, "
             "and stochastic rounding is unbiased where nearest rounding stalls",
    .tasks = tasks,
    .check = check,
    .check_seconds = 5, /* four of them for the timing row */
    .expect = expect};
