/* Coding weights to four bits as a task. */
#include "bench/workloads/encode4.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/gemv.h"
#include "datasets/synthetic.h"
#include "numerics/buffer.h"
#include "numerics/formats/bf16.h"
#include "numerics/formats/block_format.h"

enum { PATTERN = 1 << 20 }; /* different weights, which a larger tensor repeats */

static size_t in_bytes(const struct encode4 *e)
{
    return e->blocks * ENCODE4_BLOCK * sizeof *e->x;
}

static size_t code_bytes(const struct encode4 *e)
{
    return e->blocks * ENCODE4_BLOCK / 2;
}

static size_t scale_bytes(const struct encode4 *e)
{
    return e->blocks * sizeof *e->scales;
}

enum status encode4_fill(struct trial *t, float *x, size_t n, struct err *err)
{
    const struct tensor *weights = trial_weights(t);
    struct quantise_stats stats;
    if (weights && !weights->count)
        return status_fail(err, E_SKIP, "the tensor of --weights is empty");
    if (!weights)
        synthetic_fill(SYNTHETIC_STUDENT_T, &(struct synthetic_params){.df = 5}, t->rng, x, n);
    for (size_t i = 0, part; i < n && weights; i += part) {
        part = n - i < weights->count ? n - i : weights->count;
        tensor_to_f32(weights, 0, part, x + i);
    }
    block_kernels_pick(t->features).stats(x, n, &stats);
    return stats.nonfinite
               ? status_fail(err, E_SKIP, "%zu of the weights are not finite", stats.nonfinite)
               : OK;
}

enum status encode4_prepare(struct trial *t, const struct codebook *codebook, struct err *err)
{
    struct encode4 *e = calloc(1, sizeof *e);
    t->state = e;
    if (!e)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    const struct kernel_variant *kernel =
        kernel_pick(codebook->integer ? encode_int4_variants : encode_lut4_variants, t->features);
    e->codebook = *codebook;
    e->encode = (encode4_fn *)kernel->fn;
    e->blocks = (size_t)(param(t, "rows") * param(t, "cols")) / ENCODE4_BLOCK;
    e->pattern_blocks = e->blocks;
    if (e->pattern_blocks > PATTERN / ENCODE4_BLOCK)
        e->pattern_blocks = PATTERN / ENCODE4_BLOCK;
    size_t bytes = in_bytes(e) + code_bytes(e) + scale_bytes(e);
    e->rotation = (struct rotation){rotation_copies(t, bytes), 0, e->blocks, t->threads};
    e->x = buffer_alloc(e->rotation.copies * in_bytes(e));
    e->codes = buffer_alloc(e->rotation.copies * code_bytes(e));
    e->scales = buffer_alloc(e->rotation.copies * scale_bytes(e));
    if (!e->x || !e->codes || !e->scales)
        return status_fail(err, E_NOMEM, "no memory for %zu copies of %zu bytes",
                           e->rotation.copies, bytes);
    enum status s = encode4_fill(t, e->x, e->pattern_blocks * ENCODE4_BLOCK, err);
    if (s)
        return s;
    for (size_t done = e->pattern_blocks, all = e->rotation.copies * e->blocks, part; done < all;
         done += part) {
        part = all - done < e->pattern_blocks ? all - done : e->pattern_blocks;
        memcpy(e->x + done * ENCODE4_BLOCK, e->x, part * ENCODE4_BLOCK * sizeof *e->x);
    }
    t->isa = kernel->isa;
    t->footprint_bytes = bytes * e->rotation.copies;
    return OK;
}

void encode4_release(struct trial *t)
{
    struct encode4 *e = t->state;
    if (!e)
        return;
    buffer_free(e->x, e->rotation.copies * in_bytes(e));
    buffer_free(e->codes, e->rotation.copies * code_bytes(e));
    buffer_free(e->scales, e->rotation.copies * scale_bytes(e));
    free(e);
    t->state = NULL;
}

static void encode_blocks(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    struct encode4 *e = user;
    size_t at = copy * e->blocks + first;
    (void)thread;
    e->encode(&e->codebook, e->x + at * ENCODE4_BLOCK, end - first,
              e->codes + at * (ENCODE4_BLOCK / 2), e->scales + at);
}

void encode4_run(struct trial *t, size_t n)
{
    struct encode4 *e = t->state;
    rotation_run(&e->rotation, n, encode_blocks, e);
}

/* The roof is the reading: a warm case is bound by its divisions and comparisons well below it. */
struct work encode4_work(const struct trial *t)
{
    const struct encode4 *e = t->state;
    double weights = (double)e->blocks * ENCODE4_BLOCK;
    return (struct work){.flops = 2 * weights, /* a comparison for the absmax, and a division */
                         .bytes_read = 4 * weights,
                         .bytes_written = weights / 2 + 2 * (double)e->blocks,
                         .items = weights,
                         .unit = "weight",
                         .roof = ROOF_DRAM_READ};
}

/* Bytes of the first copy's codes and scales that differ from the reference's; they are copies of
 * the pattern's.  NaN: no memory. */
static double mismatches(const struct encode4 *e)
{
    size_t blocks = e->pattern_blocks, row = ENCODE4_BLOCK / 2;
    uint8_t *codes = malloc(blocks * row);
    uint16_t *scales = malloc(blocks * sizeof *scales);
    encode4_fn *reference = e->codebook.integer ? encode_int4_ref : encode_lut4_ref;
    double differ = NAN;
    if (codes && scales) {
        reference(&e->codebook, e->x, blocks, codes, scales);
        differ = 0;
        for (size_t b = 0; b < e->blocks; b++) {
            size_t p = b % blocks;
            differ += e->scales[b] != scales[p];
            for (size_t i = 0; i < row; i++)
                differ += e->codes[b * row + i] != codes[p * row + i];
        }
    }
    free(codes);
    free(scales);
    return differ;
}

/* The squared error of the pattern as its codes and scales give it back, and its squares. */
static double output_ratio(const struct encode4 *e)
{
    double error = 0, squares = 0;
    for (size_t i = 0; i < e->pattern_blocks * ENCODE4_BLOCK; i++) {
        unsigned nibble = e->codes[i / 2] >> 4 * (i % 2) & 15;
        unsigned code = e->codebook.integer ? (nibble + 8) & 15 : nibble;
        float value = e->codebook.level[code] * bf16_to_f32(e->scales[i / ENCODE4_BLOCK]);
        double off = (double)value - e->x[i];
        error += off * off;
        squares += (double)e->x[i] * e->x[i];
    }
    return sqrt(error / squares);
}

void encode4_fidelity(struct trial *t)
{
    const struct encode4 *e = t->state;
    struct block_format f = gemv_block_format(&e->codebook, ENCODE4_BLOCK);
    double bits = block_format_bits(&f, e->blocks, ENCODE4_BLOCK), r = output_ratio(e);
    trial_correctness(t, "differing_bytes", mismatches(e), 0);
    trial_fidelity(t, NULL, "weight_R", r, "fp64-exact", 0);
    trial_fidelity(t, NULL, "weight_R_2b", r * exp2(bits), "fp64-exact", 0);
}
