/* Conversion between f32 and narrow floats as a task. */
#include "bench/workloads/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/rotation.h"
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
    struct rotation rotation;
    size_t last; /* the copy that was written last */
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

struct pass {
    const struct convert *c;
    part_fn *part;
};

static void pass_pieces(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    const struct pass *pass = user;
    const struct convert *c = pass->c;
    (void)thread;
    pass->part(c, c->in + copy * c->in_bytes, c->out + copy * c->out_bytes, first * PIECE,
               (end - first) * PIECE);
}

/* n passes, each over the next copy; every thread has its own range of whole pieces. */
static void passes(struct trial *t, size_t n, part_fn *part)
{
    struct convert *c = t->state;
    struct pass pass = {c, part};
    c->last = (c->rotation.next + n - 1) % c->rotation.copies;
    rotation_run(&c->rotation, n, pass_pieces, &pass);
}

void convert_run_memcpy(struct trial *t, size_t n)
{
    passes(t, n, part_memcpy);
}

void convert_run_copy(struct trial *t, size_t n)
{
    passes(t, n, part_copy);
}

void convert_run_rne(struct trial *t, size_t n)
{
    passes(t, n, part_rne);
}

void convert_run_sr(struct trial *t, size_t n)
{
    passes(t, n, part_sr);
}

void convert_run_decode(struct trial *t, size_t n)
{
    passes(t, n, part_decode);
}

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

enum status convert_prepare(struct trial *t, struct err *err)
{
    struct convert *c = calloc(1, sizeof *c);
    t->state = c;
    if (!c)
        return status_fail(err, E_NOMEM, "no memory for the trial");
    c->format = format_of(t);
    c->n = (size_t)param(t, "n");
    int decodes = t->v->run == convert_run_decode;
    c->in_bytes = side_bytes(c, decodes);
    c->out_bytes = side_bytes(c, !decodes);
    size_t bytes = c->in_bytes + c->out_bytes;
    c->rotation = (struct rotation){rotation_copies(t, bytes), 0, c->n / PIECE, t->threads};
    t->footprint_bytes = bytes * c->rotation.copies;
    size_t draws = c->n < DRAWS ? c->n : DRAWS;
    c->draws = malloc(draws * sizeof *c->draws);
    c->in = buffer_alloc(c->in_bytes * c->rotation.copies);
    c->out = buffer_alloc(c->out_bytes * c->rotation.copies);
    if (!c->draws || !c->in || !c->out)
        return status_fail(err, E_NOMEM, "no memory for %zu copies of %zu bytes",
                           c->rotation.copies, bytes);
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
    for (size_t at = period; at < c->in_bytes * c->rotation.copies; at += period)
        memcpy(c->in + at, c->in, period);
    return OK;
}

void convert_release(struct trial *t)
{
    struct convert *c = t->state;
    if (!c)
        return;
    buffer_free(c->in, c->in_bytes * c->rotation.copies);
    buffer_free(c->out, c->out_bytes * c->rotation.copies);
    free(c->draws);
    free(c);
    t->state = NULL;
}

/* Stores are regular: on a miss the hardware also reads the line, which is not counted. */
struct work convert_work(const struct trial *t)
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
    part_fn *part = t->v->run == convert_run_rne      ? part_rne
                    : t->v->run == convert_run_sr     ? part_sr
                    : t->v->run == convert_run_decode ? part_decode
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
        if (c->format && t->v->run != convert_run_decode)
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

void convert_fidelity(struct trial *t)
{
    trial_correctness(t, "mismatched_bytes", mismatches(t), 0);
    trial_fidelity(t, NULL, "relative_rms_error", relative_rms_error(t), "fp64-exact", 0);
}
