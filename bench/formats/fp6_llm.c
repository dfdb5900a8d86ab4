/* bench/formats/fp6_llm.c: weights as six-bit floats E3M2 with a binary16 scale for each row, the
 * sign and top exponent bit stored apart from the low nibble so that all memory accesses are
 * aligned words; beside other packings of the same codes, E2M3, FP5, and 4-, 8- and 16-bit
 * weights.  Source: H. Xia et al., FP6-LLM, arXiv 2401.14112. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/technique.h"
#include "bench/workloads/gemv_fp6.h"
#include "datasets/synthetic.h"
#include "numerics/buffer.h"
#include "numerics/formats/block_format.h"
#include "numerics/formats/float_row.h"
#include "numerics/formats/scalar_format.h"
#include "numerics/training/mlp.h"

/* ---- gemv: y = W x; gemm: the same for a batch of tokens ---- */

#define SIX                                                                                        \
    {                                                                                              \
        {                                                                                          \
            "bits", 6                                                                              \
        }                                                                                          \
    }

static const struct variant gemv_variants[] = {
    {"bf16", "dense bf16, f32 activations", gemv_run, HEADLINE, {{"bits", 16}}},
    {"f32", "dense f32", gemv_run, 0, {{"bits", 32}}},
    {"fp16", "dense binary16, f32 activations", gemv_run, 0, {{"bits", 16}}},
    {"int8row", "8-bit integers, a scale for a row", gemv_run, HEADLINE, {{"bits", 8}}},
    {"int4_b64",
     "4-bit integers, bf16 scale for 64 weights",
     gemv_run,
     0,
     {{"bits", 4.25}, {"block", 64}}},
    {"planes_cvt", "E3M2, planes of 2 and 4 bits, shifted to binary16", gemv_run, 0, SIX},
    {"planes_lut", "E3M2, planes of 2 and 4 bits, table", gemv_run, HEADLINE, SIX},
    {"contiguous_cvt", "E3M2, four codes in three bytes, shifted to binary16", gemv_run, 0, SIX},
    {"contiguous_lut", "E3M2, four codes in three bytes, table", gemv_run, 0, SIX},
    {"padded8", "E3M2, a byte for each, shifted to binary16", gemv_run, 0, {{"bits", 8}}},
    {"lanes", "E3M2, a column of 16 rows in the lanes of a vector", gemv_run, HEADLINE, SIX},
    {"scalar_ref", "E3M2, planes, one weight at a time", gemv_run, 0, SIX},
    {"e2m3_planes_lut", "E2M3, planes of 2 and 4 bits, table", gemv_run, 0, SIX},
    {"fp5_planes_lut", "E2M2, planes of 1 and 4 bits, table", gemv_run, 0, {{"bits", 5}}},
    {0}};

static enum status int4(size_t block, struct codebook *out, struct err *err)
{
    (void)block;
    return codebook_integer(4, CODEBOOK_INT_TWOS, out, err);
}

static const struct gemv_fp6_spec planes = {"e3m2", FP6_PLANES},
                                  contiguous = {"e3m2", FP6_CONTIGUOUS},
                                  bytes = {"e3m2", FP6_BYTES}, lanes = {"e3m2", FP6_LANES},
                                  e2m3_planes = {"e2m3", FP6_PLANES},
                                  e2m2_planes = {"e2m2", FP6_PLANES};

static const struct gemv_format gemv_formats[] = {
    {.variant = "bf16", .kernel = &gemv_bf16},
    {.variant = "f32", .kernel = &gemv_f32},
    {.variant = "sgemm", .kernel = &gemv_sgemv},
    {.variant = "fp16", .kernel = &gemv_fp16},
    {.variant = "int8row", .kernel = &gemv_int8row},
    {.variant = "int4_b64", .kernel = &gemv_int4, .codebook = int4},
    {.variant = "planes_cvt", .kernel = &gemv_fp6_cvt, .spec = &planes},
    {.variant = "planes_lut", .kernel = &gemv_fp6_lut, .spec = &planes},
    {.variant = "contiguous_cvt", .kernel = &gemv_fp6_cvt, .spec = &contiguous},
    {.variant = "contiguous_lut", .kernel = &gemv_fp6_lut, .spec = &contiguous},
    {.variant = "padded8", .kernel = &gemv_fp6_cvt, .spec = &bytes},
    {.variant = "lanes", .kernel = &gemv_fp6_lanes, .spec = &lanes},
    {.variant = "scalar_ref", .kernel = &gemv_fp6_scalar, .spec = &planes},
    {.variant = "e2m3_planes_lut", .kernel = &gemv_fp6_lut, .spec = &e2m3_planes},
    {.variant = "fp5_planes_lut", .kernel = &gemv_fp6_lut, .spec = &e2m2_planes},
    {0}};

/* The paper's shapes: projections of Llama 7B and 65B.  256 x 512 fits into 1 MiB in f32. */
static const struct matrix_case gemv_cases[] = {
    {"l2.256x512", CACHE | QUICK | SMOKE, {{"rows", 256}, {"cols", 512}}},
    {"l3.768x768", CACHE, {{"rows", 768}, {"cols", 768}}},
    {"llama-7b.o_proj", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}}},
    {"llama-7b.qkv_proj", DRAM, {{"rows", 12288}, {"cols", 4096}}},
    {"llama-7b.gate_proj", DRAM, {{"rows", 11008}, {"cols", 4096}}},
    {"llama-7b.down_proj", DRAM, {{"rows", 4096}, {"cols", 11008}}},
    {"llama-65b.o_proj", DRAM, {{"rows", 8192}, {"cols", 8192}}},
    {"llama-65b.qkv_proj", DRAM, {{"rows", 24576}, {"cols", 8192}}},
    {"llama-65b.gate_proj", DRAM, {{"rows", 22016}, {"cols", 8192}}},
    {"llama-65b.down_proj", DRAM, {{"rows", 8192}, {"cols", 22016}}},
    {0}};

static const struct variant gemm_variants[] = {
    {"sgemm",
     "OpenBLAS cblas_sgemm (sgemv for one token), f32",
     gemv_run,
     HEADLINE | PEER,
     {{"bits", 32}}},
    {"planes_cvt", "E3M2, planes, decoded to binary16 for 8 tokens", gemv_run, HEADLINE, SIX},
    {"planes_lut", "E3M2, planes, decoded by table for 8 tokens", gemv_run, 0, SIX},
    {"lanes", "E3M2, lanes, decoded for 8 tokens", gemv_run, HEADLINE, SIX},
    {0}};

static const struct matrix_case gemm_cases[] = {
    {"l2.256x512.m8", CACHE | QUICK | SMOKE, {{"rows", 256}, {"cols", 512}, {"tokens", 8}}},
    {"llama-7b.o_proj.m1", DRAM, {{"rows", 4096}, {"cols", 4096}, {"tokens", 1}}},
    {"llama-7b.o_proj.m8", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}, {"tokens", 8}}},
    {"llama-7b.o_proj.m16", DRAM, {{"rows", 4096}, {"cols", 4096}, {"tokens", 16}}},
    {"llama-7b.o_proj.m32", DRAM, {{"rows", 4096}, {"cols", 4096}, {"tokens", 32}}},
    {0}};

static enum status prepare(struct trial *t, struct err *err)
{
    return gemv_prepare(t, gemv_formats, err);
}

/* R of the pattern in a format whose scales block_format.h makes. */
static double block_ratio(const struct trial *t, const struct block_format *f)
{
    const struct gemv *g = t->state;
    struct block_kernels kernels = block_kernels_pick(t->features);
    struct block_error e =
        block_format_error(f, &kernels, g->pattern, g->pattern_rows, g->cols, NULL);
    return block_error_ratio(&e);
}

static double dense_ratio(const struct gemv *g, const struct float_format *f)
{
    double off = 0, all = 0;
    for (size_t i = 0; i < g->pattern_rows * g->cols; i++) {
        double w = g->pattern[i];
        double e =
            float_format_decode(f, float_format_encode(f, g->pattern[i], FLOAT_RNE, true, 0)) - w;
        off += e * e;
        all += w * w;
    }
    return sqrt(off / all);
}

static double weight_ratio(const struct trial *t)
{
    const struct gemv *g = t->state;
    const struct gemv_kernel *kernel = g->format->kernel;
    struct codebook c;
    if (kernel == &gemv_f32 || kernel == &gemv_sgemv)
        return 0;
    if (kernel == &gemv_bf16 || kernel == &gemv_fp16)
        return dense_ratio(g, float_format_find(kernel == &gemv_bf16 ? "bf16" : "fp16"));
    if (kernel == &gemv_int4) {
        if (int4(g->block, &c, NULL))
            return NAN;
        struct block_format f = gemv_block_format(&c, g->block);
        return block_ratio(t, &f);
    }
    if (kernel == &gemv_int8row) {
        if (codebook_integer(8, CODEBOOK_INT_RESTRICTED, &c, NULL))
            return NAN;
        struct block_format f = gemv_int8_format(&c);
        return block_ratio(t, &f);
    }
    return gemv_fp6_weight_error(g);
}

static void fidelity(struct trial *t)
{
    gemv_fidelity(t);
    trial_fidelity(t, NULL, "weight_R", weight_ratio(t), "fp64-exact", 0);
}

/* ---- pack: codes, a byte each, to their layout ---- */

static const struct variant pack_variants[] = {{"padded8",
                                                "a byte for each: a copy",
                                                fp6_pack_run,
                                                HEADLINE,
                                                {{"bits", 6}, {"layout", FP6_BYTES}}},
                                               {"contiguous",
                                                "four codes in three bytes",
                                                fp6_pack_run,
                                                0,
                                                {{"bits", 6}, {"layout", FP6_CONTIGUOUS}}},
                                               {"planes",
                                                "planes of 2 and 4 bits",
                                                fp6_pack_run,
                                                HEADLINE,
                                                {{"bits", 6}, {"layout", FP6_PLANES}}},
                                               {"lanes",
                                                "16 rows in the lanes of vectors",
                                                fp6_pack_run,
                                                0,
                                                {{"bits", 6}, {"layout", FP6_LANES}}},
                                               {"fp5_planes",
                                                "planes of 1 and 4 bits",
                                                fp6_pack_run,
                                                0,
                                                {{"bits", 5}, {"layout", FP6_PLANES}}},
                                               {0}};

static const struct matrix_case pack_cases[] = {
    {"l2.256x512", CACHE | SMOKE, {{"rows", 256}, {"cols", 512}}},
    {"llama-7b.o_proj", DRAM | QUICK, {{"rows", 4096}, {"cols", 4096}}},
    {0}};

static const struct task tasks[] = {{.name = "gemv",
                                     .variants = gemv_variants,
                                     .cases = gemv_cases,
                                     .prepare = prepare,
                                     .work = gemv_work,
                                     .fidelity = fidelity,
                                     .release = gemv_release},
                                    {.name = "gemm",
                                     .variants = gemm_variants,
                                     .cases = gemm_cases,
                                     .prepare = prepare,
                                     .work = gemv_work,
                                     .fidelity = fidelity,
                                     .release = gemv_release},
                                    {.name = "pack",
                                     .variants = pack_variants,
                                     .cases = pack_cases,
                                     .prepare = fp6_pack_prepare,
                                     .work = fp6_pack_work,
                                     .fidelity = fp6_pack_fidelity,
                                     .release = fp6_pack_release},
                                    {0}};

const struct technique fp6_llm = {
    .id = "fp6-llm",
    .title = "Six-bit floats in planes",
    .source = "arXiv 2401.14112",
    .claim = "six-bit weights keep the quality of 16 bits, which 4-bit integers do not, and a "
             "matrix times a vector takes 6/16 of its time",
    .tasks = tasks};
