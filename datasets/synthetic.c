#include "datasets/synthetic.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/safetensors.h"
#include "numerics/formats/float_format.h"

/* One draw of the generator gives both the size, from its top 53 bits, and the sign, from its
 * lowest bit.  1 - u is never 0. */
static double laplace(struct rng *rng)
{
    uint64_t bits = rng_u64(rng);
    double u = (double)(bits >> 11) * 0x1p-53;
    double size = -log(1 - u) * M_SQRT1_2; /* a Laplace of scale b has rms b sqrt 2 */
    return bits & 1 ? size : -size;
}

/* Gamma of shape a and scale 1.  Marsaglia and Tsang: d (1 + c x)^3 with x normal, accepted with a
 * probability above 0.95; below shape 1, Gamma(a) = Gamma(a + 1) U^(1/a). */
static double gamma_draw(struct rng *rng, double a)
{
    if (a < 1)
        return gamma_draw(rng, a + 1) * pow(1 - rng_uniform(rng), 1 / a);
    double d = a - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = rng_normal(rng), w = 1 + c * x, v = w * w * w, u = 1 - rng_uniform(rng);
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

static double student_t(struct rng *rng, double df)
{
    double chi2 = 2 * gamma_draw(rng, df / 2);
    return rng_normal(rng) / sqrt(chi2 / df);
}

/* Which of the two normals is drawn from comes first. */
static double outliers(struct rng *rng, const struct synthetic_params *p)
{
    double wide = rng_uniform(rng) < p->outlier_share ? p->outlier_scale : 1;
    return wide * rng_normal(rng);
}

void synthetic_fill(enum synthetic_kind kind, const struct synthetic_params *p, struct rng *rng,
                    float *out, size_t n)
{
    switch (kind) {
    case SYNTHETIC_NORMAL:
        for (size_t i = 0; i < n; i++)
            out[i] = (float)rng_normal(rng);
        break;
    case SYNTHETIC_LAPLACE:
        for (size_t i = 0; i < n; i++)
            out[i] = (float)laplace(rng);
        break;
    case SYNTHETIC_STUDENT_T: {
        double scale = p->df > 2 ? sqrt((p->df - 2) / p->df) : 1;
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(scale * student_t(rng, p->df));
        break;
    }
    case SYNTHETIC_UNIFORM:
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(sqrt(3) * (2 * rng_uniform(rng) - 1));
        break;
    case SYNTHETIC_OUTLIERS: {
        double share = p->outlier_share, wide = p->outlier_scale;
        double scale = 1 / sqrt(1 - share + share * wide * wide);
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(scale * outliers(rng, p));
        break;
    }
    }
}

/* The rms of weights in a model of moderate width; one channel in 32 is 20 times as large. */
enum { CHANNEL_STEP = 32, OUTLIER_GAIN = 20 };
static const float weight_rms = 0.02f;

static const struct sample_tensor {
    const char *name;
    enum synthetic_kind kind;
    enum dtype dtype;
    size_t rows, cols; /* rows == 0: a vector */
    bool outlier_channels;
    struct synthetic_params params;
} sample[] = {
    {.name = "normal.weight", SYNTHETIC_NORMAL, DTYPE_BF16, 128, 256},
    {.name = "laplace.weight", SYNTHETIC_LAPLACE, DTYPE_BF16, 128, 256},
    {.name = "student_t5.weight", SYNTHETIC_STUDENT_T, DTYPE_BF16, 128, 256, .params.df = 5},
    {.name = "student_t3.weight", SYNTHETIC_STUDENT_T, DTYPE_F16, 128, 192, .params.df = 3},
    {.name = "uniform.weight", SYNTHETIC_UNIFORM, DTYPE_F32, 64, 96},
    {.name = "normal_outlier_channels.weight", SYNTHETIC_NORMAL, DTYPE_BF16, 128, 128, true},
    {"normal_outliers.weight", SYNTHETIC_OUTLIERS, DTYPE_F16, 64, 128, false, {0, 0.01, 10}},
    {.name = "laplace_ragged_100x70.weight", SYNTHETIC_LAPLACE, DTYPE_F32, 100, 70},
    {.name = "normal.bias", SYNTHETIC_NORMAL, DTYPE_F32, 0, 256},
};
enum { N_SAMPLE = sizeof sample / sizeof sample[0] };

static size_t sample_count(const struct sample_tensor *t)
{
    return (t->rows ? t->rows : 1) * t->cols;
}

/* A column of a weight is what one input channel is multiplied with. */
static void scale_values(const struct sample_tensor *t, float *w)
{
    for (size_t i = 0; i < sample_count(t); i++) {
        bool outlier = t->outlier_channels && i % t->cols % CHANNEL_STEP == 0;
        w[i] *= outlier ? weight_rms * OUTLIER_GAIN : weight_rms;
    }
}

static void encode(enum dtype dtype, const float *in, size_t n, void *out)
{
    if (dtype == DTYPE_F32) {
        memcpy(out, in, n * sizeof *in);
        return;
    }
    const struct float_format *format = float_format_find(dtype == DTYPE_F16 ? "fp16" : "bf16");
    uint16_t *codes = out;
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint16_t)float_format_encode(format, in[i], FLOAT_RNE, true, 0);
}

static bool make_tensor(const struct sample_tensor *t, struct rng rng, struct tensor *out)
{
    size_t n = sample_count(t);
    float *values = malloc(n * sizeof *values);
    void *data = malloc(n * dtype_bytes(t->dtype));
    if (values && data) {
        synthetic_fill(t->kind, &t->params, &rng, values, n);
        scale_values(t, values);
        encode(t->dtype, values, n, data);
    }
    bool done = values && data;
    free(values);
    *out = (struct tensor){t->name, t->dtype, t->rows ? 2 : 1, {t->rows, t->cols}, n, data};
    if (!t->rows)
        out->shape[0] = t->cols;
    return done;
}

enum status synthetic_sample(uint64_t seed, void **bytes, size_t *n, struct err *err)
{
    struct tensor tensors[N_SAMPLE] = {0};
    struct rng rng = {seed};
    bool done = true;
    for (size_t i = 0; i < N_SAMPLE && done; i++) /* each has draws of its own */
        done = make_tensor(&sample[i], rng_split(&rng, i), &tensors[i]);
    struct json *metadata = json_new_object();
    char seed_text[24];
    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)seed);
    json_add_string(metadata, "generator", "assay datasets/synthetic.c");
    json_add_string(metadata, "seed", seed_text);
    enum status s = done ? safetensors_encode(tensors, N_SAMPLE, metadata, bytes, n, err)
                         : status_fail(err, E_NOMEM, "out of memory for the sample checkpoint");
    json_free(metadata);
    for (size_t i = 0; i < N_SAMPLE; i++)
        free((void *)tensors[i].data);
    return s;
}
