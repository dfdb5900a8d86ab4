#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR_CELLS = 24, NARROWEST = 50, WIDEST = 200 };
static const double line_every_s = 15, line_every_share = 0.1;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
        return 80;
    return size.ws_col > WIDEST ? WIDEST : size.ws_col;
}

/* "2:05 left", or "" while the pace is not known. */
static void time_left(const struct progress_bar *bar, double done, char *text, size_t size)
{
    double advanced = done - bar->begun_done, elapsed = now_s() - bar->begun_s;
    text[0] = 0;
    if (advanced < 0.01 || elapsed < 2)
        return;
    unsigned long left = (unsigned long)(elapsed / advanced * (1 - done) + 0.5);
    if (left >= 3600)
        snprintf(text, size, "%lu:%02lu:%02lu left", left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(text, size, "%lu:%02lu left", left / 60, left % 60);
}

static void draw_bar(const struct progress_bar *bar, double done, const char *what)
{
    char left[32], cells[BAR_CELLS + 1], line[WIDEST + 1];
    int width = terminal_width(), full = (int)(done * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++)
        cells[i] = i < full ? '#' : '-';
    cells[BAR_CELLS] = 0;
    time_left(bar, done, left, sizeof left);
    if (width < NARROWEST)
        snprintf(line, (size_t)width, "%3.0f %% %s", 100 * done, left);
    else
        snprintf(line, (size_t)width, "[%s] %3.0f %%  %-13s %s", cells, 100 * done, left, what);
    if (bar->context->color)
        fprintf(stderr, "\r\033[36m%s\033[0m\033[K", line);
    else
        fprintf(stderr, "\r%-*s", width - 1, line);
    fflush(stderr);
}

static bool report(struct progress *self, double done, const char *what)
{
    struct progress_bar *bar = (struct progress_bar *)self;
    double now = now_s();
    if (!bar->has_begun) {
        bar->has_begun = true;
        bar->begun_s = now;
        bar->begun_done = bar->said_done = done;
        bar->said_s = now;
    }
    bool stops = stop_asked(bar->stop) > 0;
    if (stops && !bar->said_stop) {
        progress_bar_end(bar);
        fprintf(stderr, "assay: ending at the next good place; Ctrl-C again ends at once\n");
        bar->said_stop = true;
    }
    if (!*what) /* between two parts */
        return !stops;
    if (bar->context->tty) {
        draw_bar(bar, done, what);
    } else if (now - bar->said_s >= line_every_s || done - bar->said_done >= line_every_share) {
        char left[32];
        time_left(bar, done, left, sizeof left);
        fprintf(stderr, "assay: %3.0f %%%s%s: %s\n", 100 * done, *left ? ", " : "", left, what);
        bar->said_s = now;
        bar->said_done = done;
    }
    return !stops;
}

struct progress_bar progress_bar_new(const struct context *context, struct stop *stop)
{
    return (struct progress_bar){.progress = {report}, .context = context, .stop = stop};
}

void progress_bar_end(struct progress_bar *bar)
{
    if (!bar->context->tty || !bar->has_begun)
        return;
    if (bar->context->color)
        fprintf(stderr, "\r\033[K");
    else
        fprintf(stderr, "\r%*s\r", terminal_width() - 1, "");
    fflush(stderr);
}
