/* From result documents to files: each figure's data and script, then the images. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/document.h"
#include "datasets/text_stream.h"
#include "plots/escape.h"
#include "plots/figure.h"
#include "plots/gnuplot.h"
#include "plots/plots.h"

extern const char embed_prelude_gp[];

enum { PATH_BYTES = PLOTS_PATH, TABLE_ROWS = 60 };

static const char *const endings[] = {[PLOT_SVG] = "svg", [PLOT_PNG] = "png", [PLOT_PDF] = "pdf"};

static enum status join(char path[PATH_BYTES], const char *folder, const char *name,
                        const char *ending, struct err *err)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s.%s", folder, name, ending);
    return n < PATH_BYTES ? OK : status_fail(err, E_CANTCREATE, "%.200s: name too long", folder);
}

static void print_string(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    escape_gnuplot(out, text);
    fputc('\n', out);
}

static void print_script(FILE *out, const struct figure *f, enum plot_format format)
{
    fprintf(out, "name = '%s'; data = '%s.tsv'; format = '%s'\n", f->name, f->name,
            endings[format]);
    print_string(out, "title", f->title);
    print_string(out, "caption", f->caption);
    fprintf(out,
            "width = %d; height = %d\n"
            "left = %.6g; right = %.6g; top = %.6g; bottom = %.6g\n\n%s\n%s\n%s",
            f->width, f->height, (double)f->left / f->width, 1 - (double)f->right / f->width,
            1 - (double)f->top / f->height, (double)f->bottom / f->height, embed_prelude_gp,
            f->parameters, f->template_gp);
}

static enum status write_script(const char *path, const struct figure *f, enum plot_format format,
                                struct err *err)
{
    char *text = NULL;
    size_t n;
    FILE *out = text_stream(&text, &n);
    if (!out)
        return status_fail(err, E_NOMEM, "%s: not enough memory", path);
    print_script(out, f, format);
    bool bad = ferror(out) != 0;
    enum status s = OK;
    if (fclose(out) || bad)
        s = status_fail(err, E_NOMEM, "%s: not enough memory", path);
    if (!s && format != PLOT_SVG)
        escape_rare_glyphs(text);
    if (!s)
        s = document_write_bytes(path, text, strlen(text), err);
    free(text);
    return s;
}

/* The data and the script of a figure; an image of an earlier run goes. */
static enum status write_figure(const char *folder, const struct figure *f, enum plot_format format,
                                struct err *err)
{
    char path[PATH_BYTES];
    enum status s = join(path, folder, f->name, endings[format], err);
    if (!s && unlink(path) && errno != ENOENT)
        s = status_fail(err, E_CANTCREATE, "%s: %s", path, strerror(errno));
    if (!s)
        s = join(path, folder, f->name, "tsv", err);
    if (!s)
        s = document_write_bytes(path, f->data, strlen(f->data), err);
    if (!s)
        s = join(path, folder, f->name, "gp", err);
    return s ? s : write_script(path, f, format, err);
}

/* The time of day does not belong in a figure: cairo puts it into a PDF's information, and here it
 * becomes the epoch.  The length stays, so the file's table of offsets does too. */
static bool forget_creation_date(const char *path)
{
    static const char key[] = "/CreationDate (D:", epoch[] = "19700101000000";
    char bytes[16384]; /* the date stands in one of the last objects, before that table */
    struct stat st;
    bool forgotten = false;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    if (!fstat(fd, &st)) {
        off_t start = st.st_size > (off_t)sizeof bytes ? st.st_size - (off_t)sizeof bytes : 0;
        ssize_t n = pread(fd, bytes, sizeof bytes, start);
        const char *at = n > 0 ? memmem(bytes, (size_t)n, key, sizeof key - 1) : NULL;
        off_t date = at ? start + (at - bytes) + (off_t)sizeof key - 1 : 0;
        forgotten = !at || pwrite(fd, epoch, sizeof epoch - 1, date) == sizeof epoch - 1;
    }
    close(fd);
    return forgotten;
}

/* gnuplot does not say that the disk filled: a whole image has the end of its format. */
static bool is_whole(const char *path, enum plot_format format)
{
    static const char *const ends[] = {
        [PLOT_SVG] = "</svg>", [PLOT_PNG] = "IEND", [PLOT_PDF] = "%%EOF"};
    char bytes[32];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    off_t room = sizeof bytes;
    ssize_t n = fstat(fd, &st)
                    ? -1
                    : pread(fd, bytes, sizeof bytes, st.st_size > room ? st.st_size - room : 0);
    close(fd);
    return n > 0 && memmem(bytes, (size_t)n, ends[format], strlen(ends[format]));
}

/* Counts the images that are there; one that failed may be there in part, and goes. */
static enum status count_images(const char *folder, enum plot_format format,
                                const struct gnuplot_job *jobs, const struct figures *fs,
                                size_t *n_figures, struct err *err)
{
    const struct gnuplot_job *failed = NULL;
    size_t n_failed = 0;
    for (size_t i = 0; i < fs->n; i++) {
        char path[PATH_BYTES];
        if (join(path, folder, fs->list[i].name, endings[format], err))
            return E_CANTCREATE;
        bool is_there = !jobs[i].status && !access(path, F_OK), whole = is_whole(path, format);
        if (is_there && whole && (format != PLOT_PDF || forget_creation_date(path))) {
            ++*n_figures;
            continue;
        }
        unlink(path);
        if (is_there && !whole)
            return status_fail(err, E_IO, "%s: ends early; is the disk full?", path);
        if (!n_failed++)
            failed = &jobs[i];
    }
    if (!n_failed)
        return OK;
    return status_fail(err, E_FAILED, "%zu of %zu figures failed: %s/%s: %s", n_failed, fs->n,
                       folder, failed->script,
                       failed->error[0] ? failed->error : "gnuplot wrote no image");
}

static enum status draw_all(const char *folder, enum plot_format format, const char *search_path,
                            const struct figures *fs, struct progress *progress, size_t *n_figures,
                            struct err *err)
{
    struct gnuplot gnuplot;
    struct gnuplot_job *jobs = calloc(fs->n + 1, sizeof *jobs);
    char(*scripts)[sizeof fs->list->name + 3] = calloc(fs->n + 1, sizeof *scripts);
    enum status s = jobs && scripts ? OK : status_fail(err, E_NOMEM, "not enough memory to draw");
    for (size_t i = 0; i < fs->n && !s; i++) {
        snprintf(scripts[i], sizeof scripts[i], "%s.gp", fs->list[i].name);
        jobs[i].script = scripts[i];
        s = write_figure(folder, &fs->list[i], format, err);
    }
    if (!s)
        s = gnuplot_find(search_path, &gnuplot, err);
    if (!s)
        s = gnuplot_load(&gnuplot, folder, jobs, fs->n, progress, err);
    if (!s)
        s = count_images(folder, format, jobs, fs, n_figures, err);
    free(jobs);
    free(scripts);
    return s;
}

enum status plots_place(const char *results, const char *what, char path[PLOTS_PATH],
                        struct err *err)
{
    static const char ending[] = ".json";
    struct stat st;
    size_t n = strlen(results);
    bool is_file = !stat(results, &st) && !S_ISDIR(st.st_mode);
    if (is_file && n > sizeof ending && !strcmp(results + n - sizeof ending + 1, ending))
        n -= sizeof ending - 1;
    if (snprintf(path, PLOTS_PATH, "%.*s%s%s", (int)n, results, is_file ? "-" : "/", what) >=
        PLOTS_PATH)
        return status_fail(err, E_NOINPUT, "%.200s: name too long", results);
    return OK;
}

enum status plots_draw(const char *results, enum plot_format format, const char *search_path,
                       struct progress *progress, size_t *n_figures, struct err *err)
{
    struct drawing d;
    char plots[PATH_BYTES];
    *n_figures = 0;
    enum status s = plots_place(results, "plots", plots, err);
    if (!s)
        s = drawing_load(results, &d, err);
    if (s)
        return s;
    s = document_make_folder(plots, err);
    if (!s)
        s = draw_all(plots, format, search_path, &d.figures, progress, n_figures, err);
    drawing_free(&d);
    return s;
}

/* Text for a terminal, which must not obey a name. */
static void print_words(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

enum status plots_print_tables(const char *results, FILE *out, struct err *err)
{
    struct drawing d;
    enum status s = drawing_load(results, &d, err);
    if (s)
        return s;
    for (size_t i = 0; i < d.figures.n; i++) {
        print_words(out, d.figures.list[i].title);
        fputs("\n\n", out);
        table_print(&d.figures.list[i].table, TABLE_ROWS, out);
        fputc('\n', out);
        print_words(out, d.figures.list[i].caption);
        fputs("\n\n", out);
    }
    drawing_free(&d);
    return OK;
}
