/*
 * Training of a two-layer perceptron on the outputs of another one, with quantisers inside: the
 * smallest model on which a claim about low-bit weights can be tried in seconds.
 *
 *   net    y = W2 relu(W1 x + b1) + b2 in f32
 *   task   x ~ N(0, I); y of a random teacher whose hidden layer has no biases, all outputs shifted
 *          and scaled alike to mean 0 and variance 1, so that a net that answers 0 has loss 1
 *   loss   mean over samples and outputs of (y - teacher)^2
 *   step   Adam with bias correction on a fresh batch, the rate falling linearly
 *
 * Quantised training is straight-through: each step quantises the f32 masters, goes forward and
 * back through the quantised matrices and activations, and gives the gradient unchanged to the
 * masters.  The masters themselves are never rounded.
 *
 * Work of a step: batch * (2 hidden (inputs + outputs) for the teacher + 2 width (2 inputs +
 * 3 outputs) for the net) flop in matrix products.
 * Determinism: the same bits for a seed on one machine, whatever the number of threads; BLAS
 * kernels of another machine add in another order.
 * A net that diverges is no error: its loss is inf or NaN.
 * Source: S. Maskey et al., 1-Bit Wonder, arXiv 2602.15563 (training scheme); Y. Bengio et al.,
 * arXiv 1308.3432 (straight-through); D. Kingma, J. Ba, Adam, arXiv 1412.6980, algorithm 1.
 */
#ifndef NUMERICS_TRAINING_MLP_H
#define NUMERICS_TRAINING_MLP_H

#include <stddef.h>
#include <stdint.h>

#include "numerics/rng.h"
#include "numerics/status.h"

enum { MLP_LAYERS = 2, MLP_SIZE_MAX = 1 << 20 /* of any dimension, batch or held-out set */ };

struct mlp_layer {
    size_t rows, cols; /* outputs, inputs */
    float *w, *b;      /* [rows][cols] row-major, [rows] */
};

/* All parameters lie in one block of memory that begins at layer[0].w; {0} is an empty net. */
struct mlp {
    struct mlp_layer layer[MLP_LAYERS];
};

/* Zeros.  E_USAGE when a size is 0 or above MLP_SIZE_MAX; E_NOMEM; *net is then empty. */
enum status mlp_alloc(struct mlp *net, size_t inputs, size_t width, size_t outputs,
                      struct err *err);
void mlp_free(struct mlp *net);

/* Numbers in the net: both matrices and both biases. */
size_t mlp_parameters(const struct mlp *net);

/* W1 ~ N(0, 2 / inputs), W2 ~ N(0, 1 / width), drawn in this order; biases 0. */
void mlp_init(struct mlp *net, struct rng *rng);

/* Hooks of a quantised net.  Any may be NULL: nothing is done there.  They are called from the
 * thread that trains, and what they return as an error ends the training. */
struct mlp_quantiser {
    void *user; /* borrowed; each of several concurrent trainings needs its own if fit writes */
    /* What is fitted to a matrix once, when quantisation is switched on, and kept: centroids. */
    enum status (*fit)(void *user, int layer, const float *w, size_t rows, size_t cols,
                       struct err *err);
    /* wq [rows][cols]: the values that the stored codes of w stand for.  Every step. */
    enum status (*weights)(const void *user, int layer, const float *w, size_t rows, size_t cols,
                           float *wq, struct err *err);
    /* xq [rows][cols]: the inputs x of a layer, one sample a row, as the layer shall see them. */
    enum status (*activations)(const void *user, int layer, const float *x, size_t rows,
                               size_t cols, float *xq, struct err *err);
};

struct mlp_task {
    struct mlp teacher; /* the scale and shift of its outputs are in W2 and b2 */
    size_t held_out;
    float *x, *y; /* [held_out][inputs], [held_out][outputs] */
};

/* T1 [hidden][inputs] ~ N(0, 1 / inputs), T2 [outputs][hidden] ~ N(0, 1 / hidden); mean and
 * variance are those of the held-out samples.  E_USAGE as mlp_alloc; E_NOMEM; *task is then {0}. */
enum status mlp_task_make(struct mlp_task *task, size_t inputs, size_t hidden, size_t outputs,
                          size_t held_out, uint64_t seed, struct err *err);
void mlp_task_free(struct mlp_task *task);

/* Calls q->fit on both matrices, as training does at its switch: before a net that was trained in
 * full precision is quantised afterwards. */
enum status mlp_fit(const struct mlp *net, const struct mlp_quantiser *q, struct err *err);

/* The loss on the held-out samples of the net as q makes it; q NULL: of its masters. */
enum status mlp_loss(const struct mlp *net, const struct mlp_quantiser *q,
                     const struct mlp_task *task, double *loss, struct err *err);

/* The loss on n samples x [n][inputs], y [n][outputs], and its straight-through gradient, into a
 * net of the same shape.  E_USAGE when n is 0 or above MLP_SIZE_MAX; E_NOMEM. */
enum status mlp_gradient(const struct mlp *net, const struct mlp_quantiser *q, const float *x,
                         const float *y, size_t n, struct mlp *gradient, double *loss,
                         struct err *err);

struct mlp_recipe {
    size_t steps, batch;
    size_t quantise_from; /* the first step that is quantised; >= steps: none is */
    double lr, lr_end;    /* step i of n uses lr + (lr_end - lr) i / n */
    double beta1, beta2, eps;
};

/* 1500 steps of 256 samples, quantised from the first; lr 3e-3 to 0, betas 0.9 and 0.99, eps
 * 1e-8. */
struct mlp_recipe mlp_recipe_default(void);

/* One training.  Jobs of the same seed see the same samples, and begin from the same net when
 * their width is the same. */
struct mlp_job {
    const struct mlp_task *task;   /* borrowed */
    const struct mlp_quantiser *q; /* borrowed; NULL: full precision */
    struct mlp_recipe recipe;
    size_t width;
    uint64_t seed;

    /* Result: the masters, which the caller frees with mlp_free(), and the held-out loss of the
     * net as the last step used it: quantised, if that was. */
    struct mlp net;
    double loss;
};

/* Trains jobs [n], each on one thread, up to `threads` at a time, the first ones first: put the
 * widest in front.  Must not be called from a parallel region.  On failure the status and line are
 * those of the first job that failed, and every job's net is empty. */
enum status mlp_train_all(struct mlp_job *jobs, size_t n, int threads, struct err *err);

#endif
