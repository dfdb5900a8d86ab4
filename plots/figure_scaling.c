/* Scaling laws: the runs, the laws fitted to them, what they say to train, and how sure that is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/fits/inference_optimum.h"
#include "numerics/fits/precision_law.h"
#include "plots/curves.h"
#include "plots/figure.h"

extern const char embed_curves_gp[];

enum { MAX_RUNS = 3000, MAX_FITS = 4, MAX_BUDGETS = 30, STEPS = 100 };
#define REFERENCE_RATIO 20.0
#define REFERENCE_COMPUTE 5.76e23

static const struct look neutral = {LOOK_NEUTRAL, 6, 2};

/* What all figures of one document draw from. */
struct scaling {
    struct figures *fs;
    const char *stem, *loss_unit;
    const struct json *summary, *records, *fits, *allocation;
};

static struct figure *begin(const struct scaling *s, const char *kind, const char *const *headers,
                            size_t n, const char *title)
{
    return figure_begin(s->fs, kind, s->stem, NULL, embed_curves_gp, headers, n, "%s", title);
}

static double of(const struct json *o, const char *key)
{
    return json_get_number(o, key, NAN);
}

/* Marks of the runs that are used, or of those that are not. */
static void add_runs(struct curves *c, const struct scaling *s, const char *x, const char *y,
                     bool used, const char *name, struct look look)
{
    size_t n = 0;
    for (const struct json *r = json_first(s->records); r && n < MAX_RUNS; r = json_next(r))
        if (json_bool(json_get(r, "used"), false) == used) {
            curves_point(c, of(r, x), of(r, y));
            n++;
        }
    curves_end_series(c, CURVE_MARKS, name, look);
}

/* The allocation of the i-th fit: y against x, or, with a band, y_low .. y_high. */
static void add_allocation(struct curves *c, const struct scaling *s, size_t i, const char *x,
                           const char *y, bool band)
{
    const char *fit = NULL, *name = NULL;
    char low[32], high[32];
    size_t seen = 0;
    snprintf(low, sizeof low, "%s_low", y);
    snprintf(high, sizeof high, "%s_high", y);
    for (const struct json *a = json_first(s->allocation); a; a = json_next(a)) {
        const char *of_fit = json_get_string(a, "fit", "");
        seen += !fit || strcmp(fit, of_fit) != 0;
        fit = of_fit;
        if (seen != i + 1)
            continue;
        name = fit;
        curves_edges(c, of(a, x), of(a, band ? low : y), of(a, band ? high : y));
    }
    struct look look = look_at(i);
    look.dash = 1;
    curves_end_series(c, band ? CURVE_BAND : CURVE_LINE, band ? NULL : name, look);
}

static void add_allocations(struct curves *c, const struct scaling *s, const char *x, const char *y)
{
    for (size_t i = 0; i < MAX_FITS; i++)
        add_allocation(c, s, i, x, y, true);
    for (size_t i = 0; i < MAX_FITS; i++)
        add_allocation(c, s, i, x, y, false);
}

static void runs_table(struct figure *f, const struct scaling *s)
{
    for (const struct json *r = json_first(s->records); r; r = json_next(r)) {
        table_number(&f->table, of(r, "line"), 9);
        table_number(&f->table, of(r, "N"), 4);
        table_number(&f->table, of(r, "D"), 4);
        table_number(&f->table, of(r, "C"), 4);
        table_number(&f->table, of(r, "loss"), 5);
        table_number(&f->table, of(r, "predicted"), 5);
        table_number(&f->table, of(r, "residual"), 3);
        table_text(&f->table, json_get_string(r, "reason", ""));
    }
}
static const char *const run_headers[] = {
    "line",      "parameters N",           "tokens D", "compute C (FLOP)", "loss",
    "predicted", "ln(predicted/measured)", "left out"};
enum { RUN_HEADERS = sizeof run_headers / sizeof run_headers[0] };

/* ---- IsoFLOP ---- */

static void add_parabola(struct curves *c, const struct json *b, size_t i)
{
    const struct json *first = json_first(json_get(b, "c"));
    double c0 = json_number(first, NAN), c1 = json_number(json_next(first), NAN),
           c2 = json_number(json_next(json_next(first)), NAN), centre = of(b, "centre");
    char name[32], compute[24];
    for (int k = -20; k <= 20; k++) {
        double x = 0.8 * k / 20;
        curves_point(c, pow(10, centre + x), c0 + x * (c1 + x * c2));
    }
    snprintf(compute, sizeof compute, "%.3g", of(b, "C"));
    snprintf(name, sizeof name, "%s FLOP", compute);
    curves_end_series(c, CURVE_LINE, name, look_at(i));
}

static void draw_isoflop(const struct scaling *s)
{
    static const char *const headers[] = {"budget (FLOP)", "runs",    "N of least loss", "its loss",
                                          "curvature",     "minimum", "inside the sizes"};
    const struct json *isoflop = json_get(s->summary, "isoflop"),
                      *budgets = json_get(isoflop, "budgets");
    double tolerance = of(isoflop, "tolerance");
    size_t i = 0;
    struct figure *f = json_first(budgets) ? begin(s, "isoflop", headers, 7,
                                                   "Loss at equal compute, and its parabolas")
                                           : NULL;
    if (!f)
        return;
    struct curves c = curves_begin(f, true, false, "parameters N", s->loss_unit);
    for (const struct json *b = json_first(budgets); b && i < MAX_BUDGETS; b = json_next(b))
        add_parabola(&c, b, i++);
    /* the runs alone set the ranges: a parabola leaves them at both ends */
    c.x_low = c.y_low = INFINITY;
    c.x_high = c.y_high = -INFINITY;
    i = 0;
    for (const struct json *b = json_first(budgets); b && i < MAX_BUDGETS; b = json_next(b)) {
        size_t n = 0;
        for (const struct json *r = json_first(s->records); r && n < MAX_RUNS; r = json_next(r))
            if (json_bool(json_get(r, "used"), false) &&
                fabs(of(r, "C") / of(b, "C") - 1) <= tolerance) {
                curves_point(&c, of(r, "N"), of(r, "loss"));
                n++;
            }
        curves_end_series(&c, CURVE_MARKS, NULL, look_at(i++));
    }
    c.y_low = INFINITY;
    c.y_high = -INFINITY;
    for (const struct json *r = json_first(s->records); r; r = json_next(r))
        if (json_bool(json_get(r, "used"), false)) {
            c.y_low = fmin(c.y_low, of(r, "loss"));
            c.y_high = fmax(c.y_high, of(r, "loss"));
        }
    for (const struct json *b = json_first(budgets); b; b = json_next(b)) {
        bool minimum = json_bool(json_get(b, "minimum"), false),
             inside = json_bool(json_get(b, "inside"), false);
        if (minimum && inside)
            curves_point(&c, of(b, "N"), of(b, "loss"));
        table_number(&f->table, of(b, "C"), 4);
        table_number(&f->table, of(b, "n"), 9);
        table_number(&f->table, of(b, "N"), 4);
        table_number(&f->table, of(b, "loss"), 5);
        table_number(&f->table, of(b, "curvature"), 3);
        table_text(&f->table, minimum ? "yes" : "no");
        table_text(&f->table, inside ? "yes" : "no");
    }
    curves_end_series(&c, CURVE_MARKS, "least loss of a budget", (struct look){0x111111, 3, 1});
    curves_end(&c);
    fprintf(f->words,
            "Runs within %g %% of a budget, the parabola of loss over log N through them, and its "
            "minimum where it lies among the sizes that were run.",
            100 * tolerance);
    figure_end(s->fs, f);
}

/* ---- Frontiers over compute ---- */

static void draw_frontier(const struct scaling *s)
{
    struct figure *f =
        begin(s, "frontier", run_headers, RUN_HEADERS, "Loss against compute, and the frontier");
    if (!f)
        return;
    struct curves c = curves_begin(f, true, false, "compute C (FLOP)", s->loss_unit);
    for (size_t i = 0; i < MAX_FITS; i++)
        add_allocation(&c, s, i, "C", "loss", false);
    add_runs(&c, s, "C", "loss", true, "runs", (struct look){0x56b4e9, 7, 1});
    add_runs(&c, s, "C", "loss", false, "left out", neutral);
    curves_end(&c);
    runs_table(f, s);
    fputs("Every run, and the least loss that each fitted law allows for the compute.", f->words);
    figure_end(s->fs, f);
}

static const char *const allocation_headers[] = {
    "fit", "compute C (FLOP)", "N", "N low", "N high", "D", "D/N", "D/N low", "D/N high", "loss"};

static void allocation_table(struct figure *f, const struct scaling *s)
{
    static const char *const keys[] = {"C",     "N",         "N_low",      "N_high", "D",
                                       "ratio", "ratio_low", "ratio_high", "loss"};
    for (const struct json *a = json_first(s->allocation); a; a = json_next(a)) {
        table_text(&f->table, json_get_string(a, "fit", ""));
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            table_number(&f->table, of(a, keys[i]), 4);
    }
}

static void draw_sizes(const struct scaling *s)
{
    struct figure *f = json_first(s->allocation) ? begin(s, "sizes", allocation_headers, 10,
                                                         "Compute-optimal size against compute")
                                                 : NULL;
    if (!f)
        return;
    struct curves c = curves_begin(f, true, true, "compute C (FLOP)", "parameters N");
    add_allocations(&c, s, "C", "N");
    add_runs(&c, s, "C", "N", true, "runs", (struct look){0x56b4e9, 7, 1});
    const struct json *budgets = json_get(json_get(s->summary, "isoflop"), "budgets");
    for (const struct json *b = json_first(budgets); b; b = json_next(b))
        if (json_bool(json_get(b, "minimum"), false) && json_bool(json_get(b, "inside"), false))
            curves_point(&c, of(b, "C"), of(b, "N"));
    curves_end_series(&c, CURVE_MARKS, "IsoFLOP minima", (struct look){0x111111, 3, 1});
    curves_end(&c);
    allocation_table(f, s);
    fputs("Lines: N of least loss by each law; shaded: the bootstrap's interval.", f->words);
    figure_end(s->fs, f);
}

static void draw_ratio(const struct scaling *s)
{
    struct figure *f = json_first(s->allocation) ? begin(s, "ratio", allocation_headers, 10,
                                                         "Tokens per parameter against compute")
                                                 : NULL;
    if (!f)
        return;
    struct curves c = curves_begin(f, true, true, "compute C (FLOP)", "tokens per parameter D/N");
    add_allocations(&c, s, "C", "ratio");
    curves_point(&c, c.x_low, REFERENCE_RATIO);
    curves_point(&c, c.x_high, REFERENCE_RATIO);
    curves_end_series(&c, CURVE_LINE, "20 tokens per parameter", neutral);
    curves_point(&c, REFERENCE_COMPUTE, REFERENCE_RATIO);
    curves_end_series(&c, CURVE_MARKS, "Chinchilla 70B", (struct look){0x111111, 3, 1});
    curves_end(&c);
    allocation_table(f, s);
    fputs("D/N of least loss by each law; shaded: the bootstrap's interval.", f->words);
    figure_end(s->fs, f);
}

/* ---- Doubt ---- */

static void draw_residuals(const struct scaling *s)
{
    struct figure *f =
        begin(s, "residuals", run_headers, RUN_HEADERS, "Residuals of the first fit");
    if (!f)
        return;
    struct curves c = curves_begin(f, true, false, "compute C (FLOP)", "ln(predicted / measured)");
    add_runs(&c, s, "C", "residual", true, "runs", (struct look){0x0072b2, 7, 1});
    curves_end(&c);
    runs_table(f, s);
    fputs("Above 0 the law is pessimistic. A trend along compute is what the law cannot follow.",
          f->words);
    figure_end(s->fs, f);
}

/* The points of an ellipse that holds a share of a normal pair: chi-squared of 2 degrees. */
static void add_ellipse(struct curves *c, const struct json *fit, double share, struct look look)
{
    const struct json *replicates = json_get(fit, "replicates"),
                      *alpha = json_get(replicates, "alpha"), *beta = json_get(replicates, "beta");
    double n = 0, a = 0, b = 0, aa = 0, ab = 0, bb = 0;
    const struct json *p = json_first(alpha), *q = json_first(beta);
    for (; p && q; p = json_next(p), q = json_next(q), n++) {
        a += json_number(p, NAN);
        b += json_number(q, NAN);
    }
    a /= n;
    b /= n;
    for (p = json_first(alpha), q = json_first(beta); p && q; p = json_next(p), q = json_next(q)) {
        double x = json_number(p, NAN) - a, y = json_number(q, NAN) - b;
        aa += x * x / n;
        ab += x * y / n;
        bb += y * y / n;
    }
    double radius = sqrt(-2 * log1p(-share)), l = sqrt(aa), m = ab / l, k = sqrt(bb - m * m);
    char name[64];
    for (int i = 0; i <= STEPS; i++) {
        double at = 2 * 3.14159265358979323846 * i / STEPS, u = cos(at), v = sin(at);
        curves_point(c, a + radius * l * u, b + radius * (m * u + k * v));
    }
    snprintf(name, sizeof name, "%.12s: %g %% ellipse", json_get_string(fit, "fit", ""),
             100 * share);
    curves_end_series(c, CURVE_LINE, name, look);
}

static void draw_ellipses(const struct scaling *s)
{
    static const char *const headers[] = {"fit", "quantity", "low", "high", "level"};
    bool any = false;
    for (const struct json *t = json_first(s->fits); t; t = json_next(t))
        any |= json_first(json_get(json_get(t, "replicates"), "alpha")) != NULL;
    struct figure *f =
        any ? begin(s, "ellipses", headers, 5, "Exponents of the bootstrap's replicates") : NULL;
    if (!f)
        return;
    struct curves c = curves_begin(f, false, false, "alpha", "beta");
    size_t i = 0;
    for (const struct json *t = json_first(s->fits); t && i < MAX_FITS; t = json_next(t), i++) {
        struct look look = look_at(i);
        look.dash = 1;
        add_ellipse(&c, t, 0.5, look);
        look.dash = 2;
        add_ellipse(&c, t, 0.95, look);
    }
    i = 0;
    for (const struct json *t = json_first(s->fits); t && i < MAX_FITS; t = json_next(t), i++) {
        const struct json *r = json_get(t, "replicates"), *a = json_first(json_get(r, "alpha"));
        for (const struct json *b = json_first(json_get(r, "beta")); a && b;
             a = json_next(a), b = json_next(b))
            curves_point(&c, json_number(a, NAN), json_number(b, NAN));
        curves_end_series(&c, CURVE_MARKS, json_get_string(t, "fit", ""), look_at(i));
        for (const struct json *v = json_first(json_get(t, "intervals")); v; v = json_next(v)) {
            table_text(&f->table, json_get_string(t, "fit", ""));
            table_text(&f->table, json_get_string(v, "quantity", ""));
            table_number(&f->table, of(v, "low"), 5);
            table_number(&f->table, of(v, "high"), 5);
            table_number(&f->table, of(v, "level"), 3);
        }
    }
    for (const struct json *t = json_first(s->fits); t; t = json_next(t))
        curves_point(&c, of(t, "alpha"), of(t, "beta"));
    curves_end_series(&c, CURVE_MARKS, "the fits", (struct look){0x111111, 3, 1});
    curves_end(&c);
    fputs("A mark is a replicate: the runs drawn with replacement and fitted again. The ellipses "
          "hold that share of a normal pair of the replicates' covariance.",
          f->words);
    figure_end(s->fs, f);
}

/* ---- Equal loss ---- */

static bool read_constants(const struct json *fit, struct scaling_constants *c)
{
    *c = (struct scaling_constants){.A = of(fit, "A"),
                                    .B = of(fit, "B"),
                                    .E = of(fit, "E"),
                                    .alpha = of(fit, "alpha"),
                                    .beta = json_get_number(fit, "beta", of(fit, "alpha")),
                                    .gamma = {of(fit, "gamma_w")}};
    return c->A > 0 && c->B > 0 && c->E > 0 && c->alpha > 0 && c->beta > 0;
}

/* The ranges of what the runs that are used have under a key. */
static void run_range(const struct scaling *s, const char *key, double *low, double *high)
{
    *low = INFINITY;
    *high = 0;
    for (const struct json *r = json_first(s->records); r; r = json_next(r))
        if (json_bool(json_get(r, "used"), false)) {
            *low = fmin(*low, of(r, key));
            *high = fmax(*high, of(r, key));
        }
}

/* N and D of least loss by the first fit. */
static void add_path(struct curves *c, const struct scaling *s)
{
    const char *first = json_get_string(json_first(s->allocation), "fit", "");
    for (const struct json *a = json_first(s->allocation); a; a = json_next(a))
        if (!strcmp(json_get_string(a, "fit", ""), first))
            curves_point(c, of(a, "D"), of(a, "N"));
    curves_end_series(c, CURVE_LINE, "compute-optimal", (struct look){0x111111, 6, 1});
}

/* N over D, or, with `bits`, over the bits of the weights at the largest D of the runs. */
static void draw_contours(const struct scaling *s, bool bits)
{
    struct scaling_constants k;
    double loss_low, loss_high, x_low, x_high, n_low, n_high, most;
    run_range(s, "loss", &loss_low, &loss_high);
    run_range(s, bits ? "P_w" : "D", &x_low, &x_high);
    run_range(s, "N", &n_low, &n_high);
    run_range(s, "D", &n_low, &most);
    run_range(s, "N", &n_low, &n_high);
    if (!read_constants(json_first(s->fits), &k) || (bits && !(k.gamma[0] > 0)) ||
        !(loss_low > k.E) || !(loss_high < 1e9) || !fits_log_axis(x_low) || !fits_log_axis(x_high))
        return;
    struct figure *f = begin(s, bits ? "contours-bits" : "contours", run_headers, RUN_HEADERS,
                             bits ? "Equal loss over parameters and bits"
                                  : "Equal loss over parameters and tokens");
    if (!f)
        return;
    struct curves c =
        bits ? curves_begin(f, false, true, "bits per weight in training P", "parameters N")
             : curves_begin(f, true, true, "tokens D", "parameters N");
    const size_t levels = 8;
    for (size_t i = 0; i < levels; i++) {
        double loss = k.E + (loss_low - k.E) *
                                pow((loss_high - k.E) / (loss_low - k.E), (double)i / (levels - 1));
        char name[32];
        for (int j = 0; j <= STEPS; j++) {
            double t = (double)j / STEPS,
                   x = bits ? x_low + t * (x_high - x_low) : x_low * pow(x_high / x_low, t);
            double N =
                bits ? precision_n_at(&k, k.gamma[0], loss, most, x) : inference_n_at(&k, loss, x);
            if (N >= n_low / 1.2 && N <= 1.2 * n_high)
                curves_point(&c, x, N);
        }
        snprintf(name, sizeof name, "loss %.4g", loss);
        curves_end_series(&c, CURVE_LINE, name, look_at(i));
    }
    if (!bits)
        add_path(&c, s);
    c.x_low = x_low;
    c.x_high = x_high;
    c.y_low = n_low;
    c.y_high = n_high;
    add_runs(&c, s, bits ? "P_w" : "D", "N", true, "runs", (struct look){0xb0b0b0, 7, 1});
    curves_end(&c);
    runs_table(f, s);
    if (bits)
        fprintf(f->words, "By the first fit, at %.3g tokens.", most);
    else
        fputs("By the first fit; the black line is N and D of least loss.", f->words);
    figure_end(s->fs, f);
}

/* ---- Demand ---- */

static void draw_demand(const struct scaling *s)
{
    static const char *const headers[] = {
        "tokens of inference T", "N", "D", "N ratio", "D ratio", "FLOP ratio"};
    static const char *const keys[] = {"T", "N", "D", "N_ratio", "D_ratio", "flops_ratio"};
    static const char *const names[] = {"parameters", "tokens of training", "FLOPs of its life"};
    const struct json *plan = json_get(s->summary, "plan"), *demand = json_get(plan, "demand");
    struct figure *f = json_first(demand) ? begin(s, "demand", headers, 6,
                                                  "The model of equal loss that is also used")
                                          : NULL;
    if (!f)
        return;
    struct curves c = curves_begin(f, true, true, "tokens of inference T",
                                   "ratio to the compute-optimal model of that loss");
    for (size_t k = 0; k < 3; k++) {
        struct look look = look_at(k);
        look.dash = 1;
        for (const struct json *d = json_first(demand); d; d = json_next(d))
            curves_point(&c, of(d, "T"), of(d, keys[3 + k]));
        curves_end_series(&c, CURVE_LINE, names[k], look);
    }
    for (size_t k = 0; k < 3 && of(plan, "effective_tokens") > 0; k++)
        curves_point(&c, of(plan, "effective_tokens"), of(plan, keys[3 + k]));
    curves_end_series(&c, CURVE_MARKS, "the plan", (struct look){0x111111, 3, 1});
    curves_end(&c);
    for (const struct json *d = json_first(demand); d; d = json_next(d))
        for (size_t k = 0; k < 6; k++)
            table_number(&f->table, of(d, keys[k]), 4);
    fprintf(f->words,
            "For a loss of %.5g by the %s fit: what least training and inference FLOPs want, over "
            "what training alone would choose.",
            of(plan, "loss"), json_get_string(plan, "fit", "first"));
    figure_end(s->fs, f);
}

void figures_scaling(struct figures *fs, const struct analysis_document *a)
{
    const struct json *summary = json_get(a->json, "summary");
    char unit[64];
    snprintf(unit, sizeof unit, "loss (%.40s per token)",
             json_get_string(json_get(summary, "units"), "loss", "nats"));
    struct scaling s = {fs,
                        a->stem,
                        unit,
                        summary,
                        json_get(a->json, "records"),
                        json_get(summary, "fits"),
                        json_get(summary, "allocation")};
    if (!json_first(s.records))
        return;
    draw_isoflop(&s);
    draw_frontier(&s);
    draw_sizes(&s);
    draw_ratio(&s);
    draw_residuals(&s);
    draw_ellipses(&s);
    draw_contours(&s, false);
    draw_contours(&s, true);
    draw_demand(&s);
}
