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

enum status draw_figures(const struct context *context, const char *folder, enum plot_format format,
                         size_t *n_figures, struct err *err)
{
    struct stop stop;
    *n_figures = 0;
    enum status s = stop_open(&stop, err);
    if (s)
        return s;
    struct progress_bar bar = progress_bar_new(context, &stop);
    struct listener listener = {{listen_only}, &stop};
    s = plots_draw(folder, format, context->search_path,
                   context->tty ? &bar.progress : &listener.progress, n_figures, err);
    progress_bar_end(&bar);
    stop_close(&stop);
    return s;
}

void draw_after_run(const struct context *context, const char *folder)
{
    struct err err = {{0}};
    size_t n_figures;
    if (draw_figures(context, folder, PLOT_SVG, &n_figures, &err))
        fprintf(stderr, "assay: plots: %s\n", err.text);
    if (n_figures)
        printf("written: %s/plots, %zu figures\n", folder, n_figures);
    if (report_write(folder, &err))
        fprintf(stderr, "assay: report: %s\n", err.text);
    else
        printf("written: %s/report.html\n", folder);
}
