#include "numerics/training/mlp.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/blas_threads.h"

/* What is independent of the rest under one seed. */
enum stream { STREAM_TEACHER, STREAM_HELD_OUT, STREAM_INIT, STREAM_BATCHES };

static enum status check_size(const char *what, size_t size, struct err *err)
{
    if (size >= 1 && size <= MLP_SIZE_MAX)
        return OK;
    return status_fail(err, E_USAGE, "mlp: %s is %zu: must be 1 .. %d", what, size, MLP_SIZE_MAX);
}

/* count[i] zeroed floats for each part[i], in one allocation that begins at part[0]. */
static enum status carve(float **const part[], const size_t count[], size_t parts, struct err *err)
{
    size_t total = 0;
    for (size_t i = 0; i < parts; i++)
        total += count[i]; /* each below 2^40 */
    float *p = calloc(total, sizeof *p);
    if (!p)
        return status_fail(err, E_NOMEM, "mlp: no memory for %zu numbers", total);
    for (size_t i = 0; i < parts; p += count[i++])
        *part[i] = p;
    return OK;
}

enum status mlp_alloc(struct mlp *net, size_t inputs, size_t width, size_t outputs, struct err *err)
{
    struct mlp made = {{{.rows = width, .cols = inputs}, {.rows = outputs, .cols = width}}};
    struct mlp_layer *first = &made.layer[0], *second = &made.layer[1];
    float **const part[] = {&first->w, &first->b, &second->w, &second->b};
    enum status s = check_size("inputs", inputs, err);
    if (!s)
        s = check_size("width", width, err);
    if (!s)
        s = check_size("outputs", outputs, err);
    if (!s) {
        const size_t count[] = {width * inputs, width, outputs * width, outputs};
        s = carve(part, count, 4, err);
    }
    *net = s ? (struct mlp){0} : made;
    return s;
}

void mlp_free(struct mlp *net)
{
    free(net->layer[0].w);
    *net = (struct mlp){0};
}

size_t mlp_parameters(const struct mlp *net)
{
    size_t n = 0;
    for (int l = 0; l < MLP_LAYERS; l++)
        n += net->layer[l].rows * (net->layer[l].cols + 1);
    return n;
}

/* Both numbers of a pair of Box and Muller, of which rng_normal() drops one: drawing the samples
 * takes a third of a training as it is. */
static void fill_normal(float *x, size_t n, double variance, struct rng *rng)
{
    for (size_t i = 0; i < n; i += 2) {
        double radius = sqrt(-2 * variance * log(1 - rng_uniform(rng)));
        double angle = 2 * M_PI * rng_uniform(rng);
        x[i] = (float)(radius * cos(angle));
        if (i + 1 < n)
            x[i + 1] = (float)(radius * sin(angle));
    }
}

static void init(struct mlp *net, double gain1, double gain2, struct rng *rng)
{
    const double gain[MLP_LAYERS] = {gain1, gain2};
    for (int l = 0; l < MLP_LAYERS; l++) {
        struct mlp_layer *layer = &net->layer[l];
        fill_normal(layer->w, layer->rows * layer->cols, gain[l] / (double)layer->cols, rng);
        memset(layer->b, 0, layer->rows * sizeof *layer->b);
    }
}

void mlp_init(struct mlp *net, struct rng *rng)
{
    init(net, 2, 1, rng); /* He in front of the rectifier, LeCun after it */
}

/* The state of one pass over up to `batch` samples. */
struct pass {
    size_t batch;
    struct mlp used;             /* the matrices gone through: masters, or quantised in wq */
    const float *in[MLP_LAYERS]; /* the layers' inputs as they saw them */
    float *inq[MLP_LAYERS];      /* [batch][cols], quantised */
    float *wq[MLP_LAYERS];       /* [rows][cols] */
    float *hidden, *y;           /* [batch][width], [batch][outputs] */
    float *dhidden, *dy;         /* their gradients */
};

static enum status pass_alloc(struct pass *p, const struct mlp *net, size_t batch, struct err *err)
{
    const struct mlp_layer *first = &net->layer[0], *second = &net->layer[1];
    float **const part[] = {&p->hidden, &p->y,      &p->dhidden, &p->dy,
                            &p->inq[0], &p->inq[1], &p->wq[0],   &p->wq[1]};
    enum status s = check_size("number of samples", batch, err);
    if (s)
        return s;
    const size_t count[] = {batch * first->rows,       batch * second->rows,
                            batch * first->rows,       batch * second->rows,
                            batch * first->cols,       batch * second->cols,
                            first->rows * first->cols, second->rows * second->cols};
    p->batch = batch;
    p->used = *net;
    return carve(part, count, 8, err);
}

static void pass_free(struct pass *p)
{
    free(p->hidden);
}

/* The matrices that the net is used with, from its masters. */
static enum status use_weights(struct pass *p, const struct mlp *net, const struct mlp_quantiser *q,
                               struct err *err)
{
    enum status s = OK;
    p->used = *net;
    for (int l = 0; q && q->weights && l < MLP_LAYERS && !s; l++) {
        const struct mlp_layer *m = &net->layer[l];
        s = q->weights(q->user, l, m->w, m->rows, m->cols, p->wq[l], err);
        p->used.layer[l].w = p->wq[l];
    }
    return s;
}

/* y [n][rows] = W x + b for each of n inputs x [n][cols]. */
static void affine(const struct mlp_layer *m, const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        memcpy(y + i * m->rows, m->b, m->rows * sizeof *y);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)m->rows, (int)m->cols, 1, x,
                (int)m->cols, m->w, (int)m->cols, 1, y, (int)m->rows);
}

static enum status layer_forward(struct pass *p, const struct mlp_quantiser *q, int l,
                                 const float *x, size_t n, float *y, struct err *err)
{
    const struct mlp_layer *m = &p->used.layer[l];
    p->in[l] = x;
    if (q && q->activations) {
        enum status s = q->activations(q->user, l, x, n, m->cols, p->inq[l], err);
        if (s)
            return s;
        p->in[l] = p->inq[l];
    }
    affine(m, p->in[l], n, y);
    return OK;
}

/* p->y of n <= batch samples through p->used. */
static enum status forward(struct pass *p, const struct mlp_quantiser *q, const float *x, size_t n,
                           struct err *err)
{
    enum status s = layer_forward(p, q, 0, x, n, p->hidden, err);
    for (size_t i = 0; !s && i < n * p->used.layer[0].rows; i++)
        p->hidden[i] = p->hidden[i] > 0 ? p->hidden[i] : 0;
    return s ? s : layer_forward(p, q, 1, p->hidden, n, p->y, err);
}

/* From dy [n][rows], the gradient of the layer's outputs: that of its matrix and bias. */
static void layer_backward(const struct mlp_layer *m, const float *x, const float *dy, size_t n,
                           struct mlp_layer *gradient)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m->rows, (int)m->cols, (int)n, 1, dy,
                (int)m->rows, x, (int)m->cols, 0, gradient->w, (int)m->cols);
    memset(gradient->b, 0, m->rows * sizeof *gradient->b);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m->rows; j++)
            gradient->b[j] += dy[i * m->rows + j];
}

/* Sum of (p->y - target)^2. */
static double squared_error(const struct pass *p, const float *target, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n * p->used.layer[1].rows; i++) {
        double d = (double)p->y[i] - (double)target[i];
        sum += d * d;
    }
    return sum;
}

/* Both roundings are passed straight through: W2 and the layers' inputs are those that forward
 * used, and the gradient of a rounded number is taken for that of the number. */
static enum status backward(struct pass *p, const struct mlp *net, const struct mlp_quantiser *q,
                            const float *x, const float *target, size_t n, struct mlp *gradient,
                            double *loss, struct err *err)
{
    const struct mlp_layer *first = &p->used.layer[0], *second = &p->used.layer[1];
    enum status s = use_weights(p, net, q, err);
    if (!s)
        s = forward(p, q, x, n, err);
    if (s)
        return s;
    size_t outputs = n * second->rows;
    *loss = squared_error(p, target, n) / (double)outputs;
    for (size_t i = 0; i < outputs; i++)
        p->dy[i] = (p->y[i] - target[i]) * (2 / (float)outputs);
    layer_backward(second, p->in[1], p->dy, n, &gradient->layer[1]);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)second->cols,
                (int)second->rows, 1, p->dy, (int)second->rows, second->w, (int)second->cols, 0,
                p->dhidden, (int)second->cols);
    for (size_t i = 0; i < n * first->rows; i++)
        p->dhidden[i] = p->hidden[i] > 0 ? p->dhidden[i] : 0;
    layer_backward(first, p->in[0], p->dhidden, n, &gradient->layer[0]);
    return OK;
}

enum status mlp_gradient(const struct mlp *net, const struct mlp_quantiser *q, const float *x,
                         const float *y, size_t n, struct mlp *gradient, double *loss,
                         struct err *err)
{
    struct pass p = {0};
    struct blas_threads before = blas_one_thread();
    enum status s = pass_alloc(&p, net, n, err);
    if (!s)
        s = backward(&p, net, q, x, y, n, gradient, loss, err);
    pass_free(&p);
    blas_restore(before);
    return s;
}

enum status mlp_fit(const struct mlp *net, const struct mlp_quantiser *q, struct err *err)
{
    enum status s = OK;
    for (int l = 0; q->fit && l < MLP_LAYERS && !s; l++) {
        const struct mlp_layer *m = &net->layer[l];
        s = q->fit(q->user, l, m->w, m->rows, m->cols, err);
    }
    return s;
}

static enum status held_out_loss(struct pass *p, const struct mlp *net,
                                 const struct mlp_quantiser *q, const struct mlp_task *task,
                                 double *loss, struct err *err)
{
    size_t inputs = net->layer[0].cols, outputs = net->layer[1].rows;
    double sum = 0;
    enum status s = use_weights(p, net, q, err);
    for (size_t i = 0; i < task->held_out && !s; i += p->batch) {
        size_t n = task->held_out - i < p->batch ? task->held_out - i : p->batch;
        s = forward(p, q, task->x + i * inputs, n, err);
        if (!s)
            sum += squared_error(p, task->y + i * outputs, n);
    }
    if (!s)
        *loss = sum / (double)(task->held_out * outputs);
    return s;
}

enum status mlp_loss(const struct mlp *net, const struct mlp_quantiser *q,
                     const struct mlp_task *task, double *loss, struct err *err)
{
    enum { CHUNK = 256 }; /* samples at a time: activations stay in a near cache */
    struct pass p = {0};
    struct blas_threads before = blas_one_thread();
    enum status s = pass_alloc(&p, net, CHUNK, err);
    if (!s)
        s = held_out_loss(&p, net, q, task, loss, err);
    pass_free(&p);
    blas_restore(before);
    return s;
}

/* Shifts and scales all outputs alike to mean 0 and variance 1 over the held-out set: y, and in the
 * teacher's last layer. */
static void normalise(struct mlp_task *task)
{
    struct mlp_layer *last = &task->teacher.layer[1];
    size_t n = task->held_out * last->rows;
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)task->y[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)task->y[i] - mean) * ((double)task->y[i] - mean);
    double scale = squares > 0 ? sqrt((double)n / squares) : 1; /* one number has no deviation */
    for (size_t i = 0; i < n; i++)
        task->y[i] = (float)(scale * ((double)task->y[i] - mean));
    for (size_t i = 0; i < last->rows * last->cols; i++)
        last->w[i] = (float)(scale * (double)last->w[i]);
    for (size_t j = 0; j < last->rows; j++)
        last->b[j] = (float)(scale * -mean);
}

enum status mlp_task_make(struct mlp_task *task, size_t inputs, size_t hidden, size_t outputs,
                          size_t held_out, uint64_t seed, struct err *err)
{
    struct mlp_task made = {.held_out = held_out};
    struct pass p = {0};
    struct blas_threads before = blas_one_thread();
    float **const part[] = {&made.x, &made.y};
    const struct rng parent = {seed};
    struct rng rng = rng_split(&parent, STREAM_TEACHER);
    enum status s = mlp_alloc(&made.teacher, inputs, hidden, outputs, err);
    if (!s)
        s = pass_alloc(&p, &made.teacher, held_out, err);
    if (!s) {
        const size_t count[] = {held_out * inputs, held_out * outputs};
        s = carve(part, count, 2, err);
    }
    if (s)
        goto out;
    init(&made.teacher, 1, 1, &rng);
    rng = rng_split(&parent, STREAM_HELD_OUT);
    fill_normal(made.x, held_out * inputs, 1, &rng);
    s = forward(&p, NULL, made.x, held_out, err);
    if (s)
        goto out;
    memcpy(made.y, p.y, held_out * outputs * sizeof *made.y);
    normalise(&made);
out:
    pass_free(&p);
    blas_restore(before);
    if (s)
        mlp_task_free(&made);
    *task = made;
    return s;
}

void mlp_task_free(struct mlp_task *task)
{
    mlp_free(&task->teacher);
    free(task->x);
    *task = (struct mlp_task){0};
}

struct mlp_recipe mlp_recipe_default(void)
{
    return (struct mlp_recipe){
        .steps = 1500, .batch = 256, .lr = 3e-3, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8};
}

/* Step i, from 0.  The corrections of both means are folded into the rate and eps. */
static void adam(const struct mlp_recipe *r, size_t i, const float *gradient, size_t n, float *mean,
                 float *square, float *parameter)
{
    double lr = r->lr + (r->lr_end - r->lr) * (double)i / (double)r->steps;
    double correct1 = 1 - pow(r->beta1, (double)(i + 1));
    double correct2 = sqrt(1 - pow(r->beta2, (double)(i + 1)));
    float rate = (float)(lr * correct2 / correct1), eps = (float)(r->eps * correct2);
    float beta1 = (float)r->beta1, rest1 = (float)(1 - r->beta1);
    float beta2 = (float)r->beta2, rest2 = (float)(1 - r->beta2);
    for (size_t k = 0; k < n; k++) {
        float g = gradient[k];
        mean[k] = beta1 * mean[k] + rest1 * g;
        square[k] = beta2 * square[k] + rest2 * g * g;
        parameter[k] -= rate * mean[k] / (sqrtf(square[k]) + eps);
    }
}

static enum status train(struct mlp_job *job, struct err *err)
{
    const struct mlp_recipe *r = &job->recipe;
    const struct mlp *teacher = &job->task->teacher;
    size_t inputs = teacher->layer[0].cols, outputs = teacher->layer[1].rows;
    const struct rng parent = {job->seed};
    struct rng rng = rng_split(&parent, STREAM_INIT);
    struct mlp gradient = {0}, mean = {0}, square = {0};
    struct pass student = {0}, lesson = {0};
    const struct mlp_quantiser *q = NULL;
    float *x = NULL;
    struct mlp *const nets[] = {&job->net, &gradient, &mean, &square};
    enum status s = OK;
    for (size_t i = 0; i < sizeof nets / sizeof *nets && !s; i++)
        s = mlp_alloc(nets[i], inputs, job->width, outputs, err);
    if (!s)
        s = pass_alloc(&student, &job->net, r->batch, err);
    if (!s)
        s = pass_alloc(&lesson, teacher, r->batch, err);
    if (!s) {
        const size_t count = r->batch * inputs;
        s = carve((float **const[]){&x}, &count, 1, err);
    }
    if (s)
        goto out;
    size_t parameters = mlp_parameters(&job->net);
    mlp_init(&job->net, &rng);
    rng = rng_split(&parent, STREAM_BATCHES);
    for (size_t i = 0; i < r->steps && !s; i++) {
        if (i == r->quantise_from && job->q) {
            q = job->q;
            s = mlp_fit(&job->net, q, err);
        }
        fill_normal(x, r->batch * inputs, 1, &rng);
        if (!s)
            s = forward(&lesson, NULL, x, r->batch, err);
        if (!s)
            s = backward(&student, &job->net, q, x, lesson.y, r->batch, &gradient, &job->loss, err);
        if (!s)
            adam(r, i, gradient.layer[0].w, parameters, mean.layer[0].w, square.layer[0].w,
                 job->net.layer[0].w);
    }
    if (!s)
        s = held_out_loss(&student, &job->net, q, job->task, &job->loss, err);
out:
    free(x);
    pass_free(&lesson);
    pass_free(&student);
    mlp_free(&square);
    mlp_free(&mean);
    mlp_free(&gradient);
    return s;
}

enum status mlp_train_all(struct mlp_job *jobs, size_t n, int threads, struct err *err)
{
    enum status s = OK;
    size_t failed = n;
    struct blas_threads before = blas_one_thread();
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (size_t i = 0; i < n; i++) {
        struct err line = {{0}};
        jobs[i].net = (struct mlp){0};
        enum status one = train(&jobs[i], &line);
        if (one) {
#pragma omp critical(mlp_train_all)
            if (i < failed) {
                failed = i;
                s = status_fail(err, one, "%s", line.text);
            }
        }
    }
    blas_restore(before);
    for (size_t i = 0; s && i < n; i++)
        mlp_free(&jobs[i].net);
    return s;
}
