#include "cli/draw.h"

#include <stdio.h>

#include "bench/stop.h"
#include "cli/progress.h"

/* Where no bar can be drawn, a second's work is not worth lines: it only listens for Ctrl-C. */
struct listener {
    struct progress progress; /* stands first */
    struct stop *stop;
};

static bool listen_only(struct progress *self, double done, const char *what)
{
    (void)done;
    (void)what;
    return !stop_asked(((struct listener *)self)->stop);
}

enum status draw_figures(const struct context *context, const char *results,
                         enum plot_format format, size_t *n_figures, struct err *err)
{
    struct stop stop;
    *n_figures = 0;
    enum status s = stop_open(&stop, err);
    if (s)
        return s;
    struct progress_bar bar = progress_bar_new(context, &stop);
    struct listener listener = {{listen_only}, &stop};
    s = plots_draw(results, format, context->search_path,
                   context->tty ? &bar.progress : &listener.progress, n_figures, err);
    progress_bar_end(&bar);
    stop_close(&stop);
    return s;
}

static bool is_unwritable(enum status s)
{
    return s == E_IO || s == E_CANTCREATE;
}

/* One line about what was not drawn: the program's own when it is about to fail for that. */
static enum status not_drawn(enum status s, const char *what, const struct err *why,
                             enum status run, struct err *err)
{
    if (is_unwritable(s) && !run)
        return status_fail(err, E_IO, "%s: %s", what, why->text);
    fprintf(stderr, "assay: %s: %s\n", what, why->text);
    return run;
}

/* *s: of the drawing. */
static enum status draw(const struct context *context, const char *results, bool tell,
                        enum status run, enum status *s, struct err *err)
{
    struct err why = {{0}};
    char place[PLOTS_PATH];
    size_t n_figures;
    *s = draw_figures(context, results, PLOT_SVG, &n_figures, &why);
    if (n_figures && tell && !plots_place(results, "plots", place, &why))
        printf("written: %s, %zu figures\n", place, n_figures);
    return *s ? not_drawn(*s, "plots", &why, run, err) : run;
}

enum status draw_document(const struct context *context, const char *results, bool tell,
                          enum status run, struct err *err)
{
    enum status s;
    return draw(context, results, tell, run, &s, err);
}

enum status draw_after_run(const struct context *context, const char *folder, enum status run,
                           struct err *err)
{
    struct err why = {{0}};
    enum status s, end = draw(context, folder, true, run, &s, err);
    if (is_unwritable(s))
        return end; /* nor could the report be */
    s = report_write(folder, &why);
    if (s)
        return not_drawn(s, "report", &why, run, err);
    printf("written: %s/report.html\n", folder);
    return run;
}
