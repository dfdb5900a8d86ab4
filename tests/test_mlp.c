/* The perceptron trainer: exact gradients, straight-through, the same bits on any threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/training/mlp.h"
#include "tests/alloc_fault.h"

enum { SEED = 7, INPUTS = 5, WIDTH = 9, OUTPUTS = 3, SAMPLES = 11 };
enum { PARAMETERS = WIDTH * (INPUTS + 1) + OUTPUTS * (WIDTH + 1) };

static void must(enum status s, const struct err *err)
{
    if (s)
        fail_msg("seed %d: status %d: %s", SEED, s, err->text);
}

/* Every number rounded to a multiple of 1/4: as a matrix and as activations. */
static enum status quarters(const void *user, int layer, const float *x, size_t rows, size_t cols,
                            float *xq, struct err *err)
{
    (void)user, (void)layer, (void)err;
    for (size_t i = 0; i < rows * cols; i++)
        xq[i] = nearbyintf(x[i] * 4) / 4;
    return OK;
}

static double quarter(double x)
{
    return nearbyint(x * 4) / 4;
}

/* A net in double, its gradient, and a bound on the sum of absolute values behind every entry. */
struct exact {
    double w1[WIDTH][INPUTS], b1[WIDTH], w2[OUTPUTS][WIDTH], b2[OUTPUTS];
};

static void exact_from(struct exact *e, const struct mlp *net)
{
    for (size_t i = 0; i < PARAMETERS; i++)
        ((double *)e)[i] = (double)net->layer[0].w[i];
}

/* Loss of the net, whose inputs to both layers are rounded to quarters when `rounded`; adds the
 * straight-through gradient to g unless NULL, and to size the same sums of absolute values. */
static double exact_loss(const struct exact *e, bool rounded, const float *x, const float *target,
                         size_t n, struct exact *g, struct exact *size)
{
    double loss = 0, per = 2 / (double)(n * OUTPUTS);
    for (size_t s = 0; s < n; s++) {
        double in[INPUTS], z[WIDTH], h[WIDTH], za[WIDTH], dh[WIDTH] = {0}, dha[WIDTH] = {0};
        for (size_t i = 0; i < INPUTS; i++) {
            in[i] = (double)x[s * INPUTS + i];
            in[i] = rounded ? quarter(in[i]) : in[i];
        }
        for (size_t j = 0; j < WIDTH; j++) {
            z[j] = e->b1[j], za[j] = fabs(e->b1[j]);
            for (size_t i = 0; i < INPUTS; i++) {
                z[j] += e->w1[j][i] * in[i];
                za[j] += fabs(e->w1[j][i] * in[i]);
            }
            h[j] = z[j] > 0 ? z[j] : 0;
            h[j] = rounded ? quarter(h[j]) : h[j];
        }
        for (size_t k = 0; k < OUTPUTS; k++) {
            double y = e->b2[k], t = (double)target[s * OUTPUTS + k], ya = fabs(y) + fabs(t);
            for (size_t j = 0; j < WIDTH; j++) {
                y += e->w2[k][j] * h[j];
                ya += fabs(e->w2[k][j]) * za[j];
            }
            loss += (y - t) * (y - t) / (double)(n * OUTPUTS);
            double d = per * (y - t), da = per * ya;
            for (size_t j = 0; g && j < WIDTH; j++) {
                g->w2[k][j] += d * h[j], size->w2[k][j] += da * za[j];
                dh[j] += d * e->w2[k][j], dha[j] += da * fabs(e->w2[k][j]);
            }
            if (g)
                g->b2[k] += d, size->b2[k] += da;
        }
        for (size_t j = 0; g && j < WIDTH; j++) {
            double d = z[j] > 0 ? dh[j] : 0;
            g->b1[j] += d, size->b1[j] += dha[j];
            for (size_t i = 0; i < INPUTS; i++)
                g->w1[j][i] += d * in[i], size->w1[j][i] += dha[j] * fabs(in[i]);
        }
    }
    return loss;
}

/* A net and samples to look at its gradient. */
struct sample {
    struct mlp net, gradient;
    float x[SAMPLES * INPUTS], y[SAMPLES * OUTPUTS];
};

static void sample_make(struct sample *s)
{
    struct err err = {{0}};
    struct rng rng = {SEED};
    must(mlp_alloc(&s->net, INPUTS, WIDTH, OUTPUTS, &err), &err);
    must(mlp_alloc(&s->gradient, INPUTS, WIDTH, OUTPUTS, &err), &err);
    assert_int_equal(mlp_parameters(&s->net), PARAMETERS);
    mlp_init(&s->net, &rng);
    for (size_t l = 0; l < MLP_LAYERS; l++)
        for (size_t i = 0; i < s->net.layer[l].rows; i++)
            s->net.layer[l].b[i] = (float)rng_normal(&rng);
    for (size_t i = 0; i < SAMPLES * INPUTS; i++)
        s->x[i] = (float)rng_normal(&rng);
    for (size_t i = 0; i < SAMPLES * OUTPUTS; i++)
        s->y[i] = (float)rng_normal(&rng);
}

static void sample_free(struct sample *s)
{
    mlp_free(&s->net);
    mlp_free(&s->gradient);
}

static void the_reference_gradient_is_the_slope_of_the_loss(void **unused)
{
    (void)unused;
    struct sample s;
    struct exact e, g = {.w1 = {{0}}}, size = {.w1 = {{0}}};
    sample_make(&s);
    exact_from(&e, &s.net);
    exact_loss(&e, false, s.x, s.y, SAMPLES, &g, &size);
    for (size_t i = 0; i < PARAMETERS; i++) {
        /* The loss is a square in every single parameter between two kinks: the difference has
         * only the rounding error of a loss near 1, 2^-53 / step and a few sums. */
        const double step = 1e-6;
        double *p = (double *)&e + i, was = *p;
        *p = was + step;
        double up = exact_loss(&e, false, s.x, s.y, SAMPLES, NULL, NULL);
        *p = was - step;
        double slope = (up - exact_loss(&e, false, s.x, s.y, SAMPLES, NULL, NULL)) / (2 * step);
        *p = was;
        if (!(fabs(slope - ((double *)&g)[i]) <= 1e-7))
            fail_msg("seed %d, parameter %zu: slope %g, gradient %g", SEED, i, slope,
                     ((double *)&g)[i]);
    }
    sample_free(&s);
}

/* Every product or sum on the way to an entry adds at most 2^-24 of the sum of absolute values:
 * inputs + 2 for the first layer, width + 2 for the second, 4 for the difference and its factor,
 * outputs on the way back, samples for the matrix. */
static void near_reference(const struct sample *s, const struct exact *e, bool rounded, double loss)
{
    const double bound = (INPUTS + 2 + WIDTH + 2 + 4 + OUTPUTS + SAMPLES + 1) * 0x1p-24;
    struct exact g = {.w1 = {{0}}}, size = {.w1 = {{0}}};
    double exact = exact_loss(e, rounded, s->x, s->y, SAMPLES, &g, &size);
    if (!(fabs(loss - exact) <= 1e-5 * exact))
        fail_msg("seed %d: loss %.9g, exactly %.9g", SEED, loss, exact);
    for (size_t i = 0; i < PARAMETERS; i++) {
        double got = (double)s->gradient.layer[0].w[i], want = ((double *)&g)[i];
        if (!(fabs(got - want) <= bound * ((double *)&size)[i]))
            fail_msg("seed %d, parameter %zu: gradient %.9g, exactly %.9g", SEED, i, got, want);
    }
}

static void gradients_are_exact_to_rounding(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    struct sample s;
    struct exact e;
    double loss;
    sample_make(&s);
    exact_from(&e, &s.net);
    must(mlp_gradient(&s.net, NULL, s.x, s.y, SAMPLES, &s.gradient, &loss, &err), &err);
    near_reference(&s, &e, false, loss);
    assert_int_equal(mlp_gradient(&s.net, NULL, s.x, s.y, 0, &s.gradient, &loss, &err), E_USAGE);
    sample_free(&s);
}

static void the_gradient_of_a_quantised_net_is_given_to_its_masters(void **unused)
{
    (void)unused;
    const struct mlp_quantiser q = {.weights = quarters, .activations = quarters};
    struct err err = {{0}};
    struct sample s;
    struct exact e;
    float before[PARAMETERS];
    double loss;
    sample_make(&s);
    memcpy(before, s.net.layer[0].w, sizeof before);
    exact_from(&e, &s.net);
    for (size_t i = 0; i < WIDTH * INPUTS; i++)
        (&e.w1[0][0])[i] = quarter((&e.w1[0][0])[i]);
    for (size_t i = 0; i < OUTPUTS * WIDTH; i++)
        (&e.w2[0][0])[i] = quarter((&e.w2[0][0])[i]);
    must(mlp_gradient(&s.net, &q, s.x, s.y, SAMPLES, &s.gradient, &loss, &err), &err);
    near_reference(&s, &e, true, loss);
    assert_memory_equal(before, s.net.layer[0].w, sizeof before);
    sample_free(&s);
}

enum { STEPS = 8 };
/* Sees a training from inside. */
struct witness {
    size_t fits[MLP_LAYERS], rounds[MLP_LAYERS], steps;
    float x[STEPS][SAMPLES * INPUTS];
};

static enum status count_fit(void *user, int layer, const float *w, size_t rows, size_t cols,
                             struct err *err)
{
    struct witness *seen = user;
    (void)w, (void)rows, (void)cols, (void)err;
    seen->fits[layer]++;
    return seen->rounds[layer] ? status_fail(err, E_INTERNAL, "fitted after the first use") : OK;
}

static enum status count_weights(const void *user, int layer, const float *w, size_t rows,
                                 size_t cols, float *wq, struct err *err)
{
    struct witness *seen = (struct witness *)user;
    (void)err;
    seen->rounds[layer]++;
    memcpy(wq, w, rows * cols * sizeof *w);
    return OK;
}

static enum status keep_inputs(const void *user, int layer, const float *x, size_t rows,
                               size_t cols, float *xq, struct err *err)
{
    struct witness *seen = (struct witness *)user;
    (void)err;
    memcpy(xq, x, rows * cols * sizeof *x);
    if (layer == 0 && seen->steps < STEPS) /* what comes after are the held-out samples */
        memcpy(seen->x[seen->steps++], x, rows * cols * sizeof *x);
    return OK;
}

static void training_is_adam_on_the_teachers_answers(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    struct witness seen = {.steps = 0};
    const struct mlp_quantiser q = {.user = &seen, .activations = keep_inputs};
    struct mlp_task task;
    must(mlp_task_make(&task, INPUTS, WIDTH, OUTPUTS, 40, SEED, &err), &err);
    struct mlp_recipe recipe = {.steps = STEPS,
                                .batch = SAMPLES,
                                .lr = 0.02,
                                .lr_end = 0.01,
                                .beta1 = 0.8,
                                .beta2 = 0.95,
                                .eps = 1e-3};
    struct mlp_job jobs[2] = {
        {.task = &task, .q = &q, .recipe = recipe, .width = WIDTH, .seed = SEED},
        {.task = &task, .recipe = recipe, .width = WIDTH, .seed = SEED}};
    jobs[1].recipe.steps = 0; /* where both begin */
    must(mlp_train_all(jobs, 2, 1, &err), &err);
    assert_int_equal(seen.steps, STEPS);

    struct exact e, teacher, mean = {.w1 = {{0}}}, square = {.w1 = {{0}}};
    exact_from(&e, &jobs[1].net);
    exact_from(&teacher, &task.teacher);
    for (size_t t = 0; t < STEPS; t++) {
        struct exact g = {.w1 = {{0}}}, size = {.w1 = {{0}}};
        float y[SAMPLES * OUTPUTS];
        for (size_t s = 0; s < SAMPLES; s++)
            for (size_t k = 0; k < OUTPUTS; k++) {
                double sum = teacher.b2[k];
                for (size_t j = 0; j < WIDTH; j++) {
                    double z = 0;
                    for (size_t i = 0; i < INPUTS; i++)
                        z += teacher.w1[j][i] * (double)seen.x[t][s * INPUTS + i];
                    sum += z > 0 ? teacher.w2[k][j] * z : 0;
                }
                y[s * OUTPUTS + k] = (float)sum;
            }
        exact_loss(&e, false, seen.x[t], y, SAMPLES, &g, &size);
        for (size_t i = 0; i < PARAMETERS; i++) {
            double *m = (double *)&mean + i, *v = (double *)&square + i, d = ((double *)&g)[i];
            *m = 0.8 * *m + (1 - 0.8) * d;
            *v = 0.95 * *v + (1 - 0.95) * d * d;
            ((double *)&e)[i] -= (0.02 - 0.01 * (double)t / STEPS) *
                                 (*m / (1 - pow(0.8, (double)t + 1))) /
                                 (sqrt(*v / (1 - pow(0.95, (double)t + 1))) + 1e-3);
        }
    }
    for (size_t i = 0; i < PARAMETERS; i++) {
        /* A gradient is off by 1e-6 at most and is divided by at least eps = 1e-3: 1e-3 of a
         * step of 0.02 at the very worst, in each step. */
        double got = (double)jobs[0].net.layer[0].w[i], want = ((double *)&e)[i];
        if (!(fabs(got - want) <= STEPS * 0.02 * 1e-3))
            fail_msg("seed %d, parameter %zu: %.9g, exactly %.9g", SEED, i, got, want);
    }
    mlp_free(&jobs[0].net);
    mlp_free(&jobs[1].net);
    mlp_task_free(&task);
}

static void quantisation_is_fitted_once_at_its_first_step(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    struct mlp_task task;
    struct witness seen = {.steps = 0};
    const struct mlp_quantiser q = {&seen, count_fit, count_weights, NULL};
    struct mlp_job job = {
        .task = &task, .q = &q, .recipe = mlp_recipe_default(), .width = 4, .seed = SEED};
    must(mlp_task_make(&task, INPUTS, WIDTH, OUTPUTS, 300, SEED, &err), &err);
    job.recipe.steps = 10;
    job.recipe.quantise_from = 7;
    must(mlp_train_all(&job, 1, 1, &err), &err);
    for (int l = 0; l < MLP_LAYERS; l++) {
        assert_int_equal(seen.fits[l], 1);
        assert_int_equal(seen.rounds[l], 3 + 1); /* and for the held-out samples */
    }
    double loss;
    must(mlp_loss(&job.net, NULL, &task, &loss, &err), &err);
    assert_true(loss == job.loss); /* the hook changes nothing: the masters are the net */
    mlp_free(&job.net);
    mlp_task_free(&task);
}

static void the_teachers_outputs_have_mean_0_and_variance_1(void **unused)
{
    (void)unused;
    enum { HELD_OUT = 300 /* not a multiple of a chunk */, N = HELD_OUT * 6 };
    struct err err = {{0}};
    struct mlp_task task;
    struct mlp zero;
    double mean = 0, square = 0, loss;
    must(mlp_task_make(&task, 8, 16, 6, HELD_OUT, SEED, &err), &err);
    for (size_t i = 0; i < N; i++) {
        mean += (double)task.y[i] / N;
        square += (double)task.y[i] * (double)task.y[i] / N;
    }
    /* A float is off by 2^-24 of itself, and these have a magnitude near 1. */
    if (!(fabs(mean) <= 0x1p-23 && fabs(square - 1) <= 0x1p-22))
        fail_msg("seed %d: mean %g, mean square %.9g", SEED, mean, square);
    must(mlp_loss(&task.teacher, NULL, &task, &loss, &err), &err);
    if (!(loss <= 1e-12)) /* an output of some 30 roundings of 2^-24, squared */
        fail_msg("seed %d: the teacher's own loss is %g", SEED, loss);
    must(mlp_alloc(&zero, 8, 3, 6, &err), &err);
    must(mlp_loss(&zero, NULL, &task, &loss, &err), &err);
    if (!(fabs(loss - square) <= 1e-12))
        fail_msg("seed %d: loss of the answer 0 is %.17g, not %.17g", SEED, loss, square);
    mlp_free(&zero);
    mlp_task_free(&task);
}

static void threads_do_not_change_a_bit(void **unused)
{
    (void)unused;
    enum { JOBS = 5 };
    const struct mlp_quantiser q = {.weights = quarters, .activations = quarters};
    struct err err = {{0}};
    struct mlp_task task;
    struct mlp_job jobs[2][JOBS];
    must(mlp_task_make(&task, 64, 128, 64, 300, SEED, &err), &err);
    for (int threads = 1; threads <= 2; threads++) {
        for (size_t i = 0; i < JOBS; i++) {
            jobs[threads - 1][i] = (struct mlp_job){.task = &task,
                                                    .q = i % 2 ? &q : NULL,
                                                    .recipe = mlp_recipe_default(),
                                                    .width = 150 - 30 * i,
                                                    .seed = SEED + i / 3};
            jobs[threads - 1][i].recipe.steps = 20;
        }
        must(mlp_train_all(jobs[threads - 1], JOBS, threads, &err), &err);
    }
    for (size_t i = 0; i < JOBS; i++) {
        struct mlp *one = &jobs[0][i].net, *two = &jobs[1][i].net;
        if (memcmp(one->layer[0].w, two->layer[0].w, mlp_parameters(one) * sizeof(float)) ||
            memcmp(&jobs[0][i].loss, &jobs[1][i].loss, sizeof(double)))
            fail_msg("seed %d: job %zu: losses %.17g and %.17g", SEED, i, jobs[0][i].loss,
                     jobs[1][i].loss);
        mlp_free(one);
        mlp_free(two);
    }
    mlp_task_free(&task);
}

static enum status refuse(void *user, int layer, const float *w, size_t rows, size_t cols,
                          struct err *err)
{
    (void)w, (void)rows, (void)cols;
    return layer ? status_fail(err, E_FAILED, "%s", (const char *)user) : OK;
}

static void the_first_failure_is_told_and_no_net_is_left(void **unused)
{
    (void)unused;
    char texts[2][8] = {"first", "second"};
    const struct mlp_quantiser first = {.user = texts[0], .fit = refuse};
    const struct mlp_quantiser second = {.user = texts[1], .fit = refuse};
    struct err err = {{0}};
    struct mlp_task task;
    must(mlp_task_make(&task, INPUTS, WIDTH, OUTPUTS, 10, SEED, &err), &err);
    struct mlp_job job = {.task = &task, .recipe = mlp_recipe_default(), .width = 4, .seed = SEED};
    job.recipe.steps = 3;
    for (int threads = 1; threads <= 2; threads++) {
        struct mlp_job jobs[] = {job, job, job};
        jobs[1].q = &first, jobs[2].q = &second;
        assert_int_equal(mlp_train_all(jobs, 3, threads, &err), E_FAILED);
        assert_string_equal(err.text, "first");
        for (size_t i = 0; i < 3; i++)
            assert_null(jobs[i].net.layer[0].w);
    }
    job.width = 0;
    assert_int_equal(mlp_train_all(&job, 1, 1, &err), E_USAGE);
    job.width = 4, job.recipe.batch = (size_t)MLP_SIZE_MAX + 1;
    assert_int_equal(mlp_train_all(&job, 1, 1, &err), E_USAGE);
    mlp_task_free(&task);
}

static enum status make_and_train(void *user, struct err *err)
{
    const struct mlp_quantiser q = {.weights = quarters};
    struct mlp_task task;
    (void)user;
    enum status s = mlp_task_make(&task, INPUTS, WIDTH, OUTPUTS, 20, SEED, err);
    if (s)
        return task.x || task.teacher.layer[0].w
                   ? status_fail(err, E_INTERNAL, "a task over a failure")
                   : s;
    struct mlp_job jobs[2];
    double loss;
    for (size_t i = 0; i < 2; i++) {
        jobs[i] = (struct mlp_job){
            .task = &task, .q = &q, .recipe = mlp_recipe_default(), .width = 4, .seed = SEED};
        jobs[i].recipe.steps = 2;
    }
    s = mlp_train_all(jobs, 2, 1, err);
    if (!s)
        s = mlp_loss(&jobs[0].net, NULL, &task, &loss, err);
    if (!s) /* the held-out samples serve as a batch */
        s = mlp_gradient(&jobs[0].net, &q, task.x, task.y, 20, &jobs[1].net, &loss, err);
    mlp_free(&jobs[0].net);
    mlp_free(&jobs[1].net);
    mlp_task_free(&task);
    return s;
}

static void a_failed_allocation_is_told_and_leaks_nothing(void **unused)
{
    (void)unused;
    assert_in_range(alloc_fault_each("training", make_and_train, NULL), 10, 100);
}

/* Rounds each matrix to {-1, 0, 1} times its mean magnitude. */
static enum status ternary(const void *user, int layer, const float *w, size_t rows, size_t cols,
                           float *wq, struct err *err)
{
    double scale = 0;
    (void)user, (void)layer, (void)err;
    for (size_t i = 0; i < rows * cols; i++)
        scale += fabs((double)w[i]) / (double)(rows * cols);
    for (size_t i = 0; i < rows * cols; i++)
        wq[i] = (float)scale * fmaxf(-1, fminf(1, nearbyintf(w[i] / (float)scale)));
    return OK;
}

static void losses_are_those_of_an_independent_trainer(void **unused)
{
    (void)unused;
    /* The losses of a trainer in another language with another generator, one draw each.  The
     * standard deviation over 8 teachers and beginnings of ours is given beside; a difference of
     * two draws is within 3 sqrt(2) of it. */
    const struct {
        size_t hidden, width, steps;
        double loss, deviation;
    } row[] = {{128, 256, 1000, 0.0118, 0.0032},
               {128, 128, 1000, 0.0763, 0.0051},
               {256, 16, 1500, 0.324, 0.0262},
               {128, 64, 1000, 0.186, 0.0084}};
    enum { ROWS = sizeof row / sizeof *row };
    const struct mlp_quantiser q = {.weights = ternary};
    struct err err = {{0}};
    struct mlp_task wide, narrow;
    struct mlp_job jobs[ROWS + 1];
    must(mlp_task_make(&narrow, 64, 128, 64, 4096, SEED, &err), &err);
    must(mlp_task_make(&wide, 64, 256, 64, 4096, SEED, &err), &err);
    for (size_t i = 0; i < ROWS; i++) {
        jobs[i] = (struct mlp_job){.task = row[i].hidden == 128 ? &narrow : &wide,
                                   .recipe = mlp_recipe_default(),
                                   .width = row[i].width,
                                   .seed = SEED};
        jobs[i].recipe.steps = row[i].steps;
    }
    jobs[ROWS] = jobs[ROWS - 1];
    jobs[ROWS].q = &q;
    must(mlp_train_all(jobs, ROWS + 1, 2, &err), &err);
    for (size_t i = 0; i < ROWS; i++)
        if (!(fabs(jobs[i].loss - row[i].loss) <= 3 * sqrt(2) * row[i].deviation))
            fail_msg("seed %d, width %zu: loss %g, elsewhere %g", SEED, row[i].width, jobs[i].loss,
                     row[i].loss);
    /* A net trained with its rounding beats one rounded afterwards, and not one in f32. */
    double afterwards;
    must(mlp_loss(&jobs[ROWS - 1].net, &q, &narrow, &afterwards, &err), &err);
    if (!(jobs[ROWS - 1].loss < jobs[ROWS].loss && jobs[ROWS].loss < afterwards))
        fail_msg("seed %d: f32 %g, trained ternary %g, rounded afterwards %g", SEED,
                 jobs[ROWS - 1].loss, jobs[ROWS].loss, afterwards);
    for (size_t i = 0; i <= ROWS; i++)
        mlp_free(&jobs[i].net);
    mlp_task_free(&wide);
    mlp_task_free(&narrow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_gradient_is_the_slope_of_the_loss),
        cmocka_unit_test(gradients_are_exact_to_rounding),
        cmocka_unit_test(the_gradient_of_a_quantised_net_is_given_to_its_masters),
        cmocka_unit_test(training_is_adam_on_the_teachers_answers),
        cmocka_unit_test(quantisation_is_fitted_once_at_its_first_step),
        cmocka_unit_test(the_teachers_outputs_have_mean_0_and_variance_1),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(the_first_failure_is_told_and_no_net_is_left),
        cmocka_unit_test(losses_are_those_of_an_independent_trainer),
        cmocka_unit_test(a_failed_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
