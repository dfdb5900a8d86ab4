#include "plots/figure.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/text_stream.h"
#include "plots/escape.h"

static void discard(struct figure *f)
{
    FILE *streams[] = {f->script, f->rows, f->words};
    for (size_t i = 0; i < 3; i++)
        if (streams[i])
            fclose(streams[i]);
    free(f->title);
    free(f->parameters);
    free(f->data);
    free(f->caption);
    table_free(&f->table);
}

static bool name_is_taken(const struct figures *fs, const char *name)
{
    for (size_t i = 0; i < fs->n; i++)
        if (!strcmp(fs->list[i].name, name))
            return true;
    return false;
}

struct figure *figure_begin(struct figures *fs, const char *kind, const char *word,
                            const char *other_word, const char *template_gp,
                            const char *const *headers, size_t n_headers, const char *title, ...)
{
    va_list arguments;
    if (fs->n == FIGURES_MAX) {
        fs->left_out++;
        return NULL;
    }
    if (fs->n == fs->capacity) {
        size_t capacity = 2 * fs->capacity + 16;
        struct figure *grown = realloc(fs->list, capacity * sizeof *grown);
        if (!grown) {
            fs->out_of_memory = true;
            return NULL;
        }
        fs->list = grown;
        fs->capacity = capacity;
    }
    struct figure *f = &fs->list[fs->n];
    *f = (struct figure){.template_gp = template_gp,
                         .table = {.headers = headers, .n_columns = n_headers}};
    snprintf(f->name, sizeof f->name, "%s", kind);
    for (int i = 0; i < 2; i++) {
        const char *part = i ? other_word : word;
        size_t room = strlen(f->name) + 34; /* keeps the name short and leaves room for a number */
        if (!part)
            continue;
        file_name_append(f->name, sizeof f->name, "-");
        file_name_append(f->name, room, part);
    }
    size_t stem = strlen(f->name);
    for (size_t i = 2; name_is_taken(fs, f->name); i++)
        snprintf(f->name + stem, sizeof f->name - stem, ".%zu", i);
    va_start(arguments, title);
    if (vasprintf(&f->title, title, arguments) < 0)
        f->title = NULL;
    va_end(arguments);
    /* The streams keep these addresses: the figure stays where it is until it has ended. */
    f->script = text_stream(&f->parameters, &f->bytes[0]);
    f->rows = text_stream(&f->data, &f->bytes[1]);
    f->words = text_stream(&f->caption, &f->bytes[2]);
    if (!f->title || !f->script || !f->rows || !f->words) {
        discard(f);
        fs->out_of_memory = true;
        return NULL;
    }
    fs->n++;
    return f;
}

void figure_end(struct figures *fs, struct figure *f)
{
    FILE *streams[] = {f->script, f->rows, f->words};
    for (size_t i = 0; i < 3; i++) {
        bool bad = ferror(streams[i]) != 0;
        if (fclose(streams[i]) || bad)
            fs->out_of_memory = true; /* a stream in memory has no other trouble */
    }
    f->script = f->rows = f->words = NULL;
    fs->out_of_memory |= f->table.out_of_memory;
}

static void build(struct figures *fs)
{
    figures_compare(fs);
    figures_claims(fs);
    figures_speed(fs);
    figures_limits(fs);
    figures_roofline(fs);
    figures_pareto(fs);
    figures_bits(fs);
    figures_batch(fs);
    figures_traffic(fs);
    figures_tiers(fs);
    figures_counters(fs);
    for (size_t i = 0; i < fs->results->n_analyses; i++)
        if (!strcmp(fs->results->analyses[i].name, "scaling-law"))
            figures_scaling(fs, &fs->results->analyses[i]);
        else if (!strcmp(fs->results->analyses[i].name, "quant-error")) {
            figures_quant_error(fs, &fs->results->analyses[i]);
            figures_block_size(fs, &fs->results->analyses[i]);
            figures_codes(fs, &fs->results->analyses[i]);
            figures_allocation(fs, &fs->results->analyses[i]);
            figures_heat_map(fs, &fs->results->analyses[i]);
            figures_weights(fs, &fs->results->analyses[i]);
        }
}

enum status drawing_load(const char *folder, struct drawing *d, struct err *err)
{
    *d = (struct drawing){.figures = {.results = &d->results, .styles = &d->styles}};
    enum status s = results_load(folder, &d->results, err);
    if (!s)
        s = styles_assign(&d->results, &d->styles, err);
    if (!s)
        build(&d->figures);
    if (!s && d->figures.out_of_memory)
        s = status_fail(err, E_NOMEM, "%s: not enough memory for the figures", folder);
    if (s)
        drawing_free(d);
    return s;
}

void drawing_free(struct drawing *d)
{
    for (size_t i = 0; i < d->figures.n; i++)
        discard(&d->figures.list[i]);
    free(d->figures.list);
    styles_free(&d->styles);
    results_free(&d->results);
    d->figures = (struct figures){0};
}

void figure_size(struct figure *f, int width, int height, int left, int right, int top, int bottom)
{
    f->width = width;
    f->height = height;
    f->left = left;
    f->right = right;
    f->top = top;
    f->bottom = bottom;
}

void figure_string(struct figure *f, const char *name, const char *text)
{
    fprintf(f->script, "%s = ", name);
    escape_gnuplot(f->script, text);
    fputc('\n', f->script);
}

void figure_array(struct figure *f, const char *name, const double *values, size_t n)
{
    fprintf(f->script, "array %s[%zu] = [", name, n);
    for (size_t i = 0; i < n; i++)
        fprintf(f->script, "%s%.9g", i ? ", " : "", values[i]);
    fputs("]\n", f->script);
}

void figure_label(struct figure *f, const char *text, double x, double y, const char *options)
{
    fputs("set label ", f->script);
    escape_gnuplot(f->script, text);
    fprintf(f->script, " at screen %.1f/width, screen 1-%.1f/height %s\n", x, y, options);
}

void format_value(double value, int digits, char text[32])
{
    double magnitude = fabs(value);
    if (!(magnitude >= 1e-4 && magnitude < 1e6)) {
        snprintf(text, 32, "%.*g", digits, value);
        return;
    }
    int decimals = digits - 1 - (int)floor(log10(magnitude));
    snprintf(text, 32, "%.*f", decimals > 0 ? decimals : 0, value);
}

void format_si(double value, const char *unit, char text[32])
{
    static const char *const prefixes[] = {"n", "\xc2\xb5", "m", "", "k", "M", "G", "T", "P"};
    enum { ONE = 3, LAST = 8 };
    int i = ONE;
    char number[32];
    if (!isfinite(value)) {
        snprintf(text, 32, "\xe2\x80\x93");
        return;
    }
    for (; fabs(value) >= 999.5 && i < LAST; i++)
        value /= 1000;
    for (; value != 0 && fabs(value) < 0.9995 && i > 0; i--)
        value *= 1000;
    format_value(value, 3, number);
    snprintf(text, 32, "%.12s %s%.12s", number, prefixes[i], unit);
}

bool fits_log_axis(double value)
{
    return value > 1e-60 && value < 1e60;
}

double tick_step(double low, double high)
{
    double span = high > low ? high - low : fabs(high) > 0 ? fabs(high) : 1;
    double power = pow(10, floor(log10(span / 4)));
    double mantissa = span / 4 / power;
    return power * (mantissa >= 5 ? 5 : mantissa >= 2 ? 2 : 1);
}

static void print_tick(FILE *out, char axis, size_t n, double value)
{
    fprintf(out, "set %ctics %s('%.6g' %.9g)\n", axis, n ? "add " : "", value, value);
}

size_t print_even_ticks(FILE *out, char axis, double low, double high, double step)
{
    size_t n = 0;
    long first = lround(ceil(low / step - 1e-9)), last = lround(floor(high / step + 1e-9));
    for (long k = first; k <= last; k++)
        print_tick(out, axis, n++, (double)k * step);
    return n;
}

size_t print_log_ticks(FILE *out, char axis, double low, double high)
{
    enum { MOST_DECADES = 8 };
    int first = (int)floor(log10(low)), last = (int)floor(log10(high));
    int stride = (last - first) / MOST_DECADES + 1;
    bool decades_only = high / low > 1e3;
    size_t n = 0;
    for (int decade = first; decade <= last; decade += stride)
        for (int i = 0; i < (decades_only ? 1 : 3); i++) {
            double value = (double)(int[]){1, 2, 5}[i] * pow(10, decade);
            if (value >= low / 1.2 && value <= high * 1.2)
                print_tick(out, axis, n++, value);
        }
    return n;
}

void print_threads(FILE *out, const struct cell *c)
{
    fprintf(out, "%d thread%s", c->threads, c->threads == 1 ? "" : "s");
    if (c->ranks > 1)
        fprintf(out, ", %d ranks", c->ranks);
}

static void print_range(FILE *out, const char *before, double low, double high, const char *after)
{
    if (low < high)
        fprintf(out, "%s%.3g to %.3g%s", before, low, high, after);
    else if (low == high)
        fprintf(out, "%s%.3g%s", before, low, after);
}

/* "a, b" of the different values that a member has. */
static void print_different(FILE *out, const struct cell *cells, size_t n, size_t offset)
{
    for (size_t i = 0, printed = 0; i < n; i++) {
        const char *value = *(const char *const *)((const char *)&cells[i] + offset);
        bool is_new = cell_has_time(&cells[i]) && *value;
        for (size_t j = 0; j < i && is_new; j++)
            is_new = !cell_has_time(&cells[j]) ||
                     strcmp(value, *(const char *const *)((const char *)&cells[j] + offset)) != 0;
        if (is_new)
            fprintf(out, "%s%s", printed++ ? ", " : "; ", value);
    }
}

void caption_measured(FILE *out, const struct results *r, const struct cell *cells, size_t n)
{
    double n_low = INFINITY, n_high = 0, level_low = INFINITY, level_high = 0,
           threads_low = INFINITY, threads_high = 0;
    n = n < CELLS_COMPARED_MAX ? n : CELLS_COMPARED_MAX;
    for (size_t i = 0; i < n; i++) {
        if (!cell_has_time(&cells[i]))
            continue;
        n_low = fmin(n_low, (double)cells[i].time.n);
        n_high = fmax(n_high, (double)cells[i].time.n);
        level_low = fmin(level_low, cells[i].time.level);
        level_high = fmax(level_high, cells[i].time.level);
        threads_low = fmin(threads_low, cells[i].threads);
        threads_high = fmax(threads_high, cells[i].threads);
    }
    print_range(out, "Median of n = ", n_low, n_high, " rounds");
    print_range(out, "; whiskers: exact order-statistic interval of the median, level ", level_low,
                level_high, "");
    print_range(out, "; threads: ", threads_low, threads_high, "");
    print_different(out, cells, n, offsetof(struct cell, mode));
    print_different(out, cells, n, offsetof(struct cell, isa));
    fprintf(out, "; machine %s.",
            json_get_string(results_machine(r), "fingerprint", "without a fingerprint"));
}
