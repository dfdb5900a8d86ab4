/* Figures: all there, the same every time, and deaf to what names try to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plots/escape.h"
#include "plots/figure.h"
#include "plots/gnuplot.h"
#include "plots/plots.h"
#include "tests/plots_fixture.h"

enum { FIXTURE_FIGURES = 26, OF_PROFILE = 6, OF_COMPARE = 1 };

/* Tests that draw skip themselves with a message where there is no gnuplot. */
static bool can_draw(void)
{
    struct gnuplot g;
    struct err err;
    if (!gnuplot_find(getenv("PATH"), &g, &err))
        return true;
    print_message("not drawn: %s\n", err.text);
    return false;
}

static size_t draw(enum plot_format format)
{
    struct err err = {{0}};
    size_t n = 0;
    enum status s = plots_draw(scratch, format, getenv("PATH"), NULL, &n, &err);
    if (s)
        fail_msg("plots_draw: %s", err.text);
    return n;
}

/* The text of plots/NAME.ENDING; fails when it is not there or empty. */
static char *read_plot(const char *name, const char *ending)
{
    char file[160];
    snprintf(file, sizeof file, "plots/%s.%s", name, ending);
    char *text = fixture_read(scratch_path(file));
    if (!text || !*text)
        fail_msg("%s is not there, or empty", file);
    return text;
}

/* Calls see() with the name of every figure that the documents in the scratch folder allow. */
static void each_figure(void (*see)(const struct figure *f))
{
    struct drawing d;
    struct err err;
    if (drawing_load(scratch, &d, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < d.figures.n; i++)
        see(&d.figures.list[i]);
    drawing_free(&d);
}

static void is_complete(const struct figure *f)
{
    char *svg = read_plot(f->name, "svg");
    free(read_plot(f->name, "gp"));
    free(read_plot(f->name, "tsv"));
    if (!strstr(svg, "</svg>") || !strstr(svg, "<path") || !strstr(svg, "<text>"))
        fail_msg("%s.svg has no lines or no text", f->name);
    if (!*f->title || !*f->caption || !table_rows(&f->table) ||
        f->table.n_entries % f->table.n_columns)
        fail_msg("%s: title, caption or table is missing or torn", f->name);
    free(svg);
}

static void every_figure_of_the_fixture_appears(void **unused)
{
    (void)unused;
    if (!can_draw())
        return;
    fixture_copy_all();
    assert_int_equal(draw(PLOT_SVG), FIXTURE_FIGURES);
    each_figure(is_complete);
}

/* gnuplot leaves out a label that would not fit on the page. */
static void axes_are_labelled_with_their_units(void **unused)
{
    (void)unused;
    static const struct {
        const char *figure, *label;
    } labels[] = {{"speed-quarot-fwht", "speed-up over the baseline (times, larger is faster)"},
                  {"limit-quarot-fwht", "share of the limit (1: as fast as the roof allows)"},
                  {"roofline-2-threads", "operations per byte of compulsory traffic"},
                  {"roofline-2-threads", "operations per second"},
                  {"roofline-2-threads", "DRAM read 24.0 GB/s"},
                  {"pareto-quarot-fwht", "speed-up over the baseline (times)"},
                  {"pareto-quarot-fwht", "relative_error (up is better)"},
                  {"claims", "measured value over the paper's value"},
                  {"error-quant-error", "true bits per weight"},
                  {"error-quant-error", "rms(error) / rms(weights)"},
                  {"heat-map-quant-error", "SQNR (dB)"},
                  {"weights-quant-error", "weight / rms of its tensor"},
                  {"weights-quant-error", "density"},
                  {"compare", "time of new over time of base"},
                  {"compare", "1.082 [1.071, 1.094]"},
                  {"compare", "1.040, no interval"},
                  {"traffic-cube-root-formats-gemv", "over the modelled ones"},
                  {"traffic-cube-root-formats-gemv", "547 kB, 1.04 times"},
                  {"tiers-cube-root-formats-gemv", "operations per byte of each tier"},
                  {"tiers-cube-root-formats-gemv", "simulated, missed last level"},
                  {"counters-cube-root-formats-bf16_l2.256x512", "absent: cannot be opened"},
                  {"counters-cube-root-formats-bf16_l2.256x512", "events of an iteration"}};
    if (!can_draw())
        return;
    fixture_copy_all();
    draw(PLOT_SVG);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        char *svg = read_plot(labels[i].figure, "svg");
        if (!strstr(svg, labels[i].label))
            fail_msg("%s.svg does not say '%s'", labels[i].figure, labels[i].label);
        free(svg);
    }
}

static void the_same_documents_give_the_same_bytes(void **unused)
{
    (void)unused;
    char command[512];
    if (!can_draw())
        return;
    fixture_copy_all();
    for (enum plot_format format = PLOT_SVG; format <= PLOT_PDF; format++) {
        snprintf(command, sizeof command, "rm -rf %s/first %s/plots", scratch, scratch);
        assert_int_equal(system(command), 0);
        draw(format);
        snprintf(command, sizeof command, "mv %s/plots %s/first", scratch, scratch);
        assert_int_equal(system(command), 0);
        sleep(format == PLOT_PDF); /* which would hold the second it was made in */
        draw(format);
        snprintf(command, sizeof command, "diff -r %s/first %s/plots", scratch, scratch);
        if (system(command))
            fail_msg("format %d: a second rendering differs", format);
    }
}

/* JSON strings that would be commands if a quote, a backquote, a macro or a line end got through.
 */
static const char *const hostile[] = {"'; system('touch owned'); '",
                                      "\\\"; system(\\\"touch owned\\\"); \\\"",
                                      "`touch owned`",
                                      "x\\n!touch owned\\n",
                                      "x\\r\\nsystem('touch owned')\\r\\n",
                                      "@ARG0 @name",
                                      "\\\\",
                                      "ends in \\\\' \\\\",
                                      "{/:Bold x}_2^3 %s %d",
                                      "# no comment",
                                      "\\u2028!touch owned\\u0000",
                                      "\\u202etxt.exe"};

static void names_cannot_become_commands(void **unused)
{
    (void)unused;
    struct stat st;
    if (!can_draw())
        return;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        if (strstr(hostile[i], "\\u0000")) /* the reader refuses it: see test_json */
            continue;
        fixture_copy("bench.json", "int4_b64", hostile[i]);
        fixture_copy("check.json", "error-halves", hostile[i]);
        fixture_copy("analysis-quant-error.json", "tok_embeddings", hostile[i]);
        fixture_copy("profile.json", "l2.256x512", hostile[i]);
        fixture_copy("compare.json", "sylvester", hostile[i]);
        assert_int_equal(draw(PLOT_SVG), FIXTURE_FIGURES);
        if (!stat(scratch_path("plots/owned"), &st) || !stat("owned", &st))
            fail_msg("'%s' was obeyed", hostile[i]);
    }
    fixture_copy("bench.json", "int4_b64", "100 %s of %d's");
    draw(PLOT_SVG);
    char *svg = read_plot("speed-cube-root-formats-gemv", "svg");
    assert_non_null(strstr(svg, "<text>100 %s of %d\xe2\x80\x99s</text>"));
    free(svg);
    /* Also where the name is that of a file. */
    fixture_copy("bench.json", "\"quarot\"", "\"../../'`x`\\n/\"");
    assert_int_equal(draw(PLOT_SVG), FIXTURE_FIGURES);
    free(read_plot("speed-.._..___x___-fwht", "svg"));
}

static void markup_in_names_is_text_in_drawings(void **unused)
{
    (void)unused;
    if (!can_draw())
        return;
    fixture_copy("bench.json", "int4_b64", "<script>&amp;</script>");
    draw(PLOT_SVG);
    char *svg = read_plot("speed-cube-root-formats-gemv", "svg");
    assert_null(strstr(svg, "<script"));
    assert_non_null(strstr(svg, "&lt;script>&amp;amp;&lt;/script>"));
    free(svg);
}

static void without_gnuplot_scripts_and_data_are_there(void **unused)
{
    (void)unused;
    static const char *const nowhere[] = {NULL, "", "/nonexistent", ".:plots", "::"};
    fixture_copy_all();
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        struct err err = {{0}};
        size_t n = 99;
        assert_int_equal(plots_draw(scratch, PLOT_SVG, nowhere[i], NULL, &n, &err), E_UNAVAILABLE);
        assert_int_equal(n, 0);
        assert_non_null(strstr(err.text, "gnuplot-nox"));
    }
    free(read_plot("claims", "gp"));
    free(read_plot("claims", "tsv"));
}

/* A program called gnuplot that does what the words say; its folder is the scratch folder. */
static void fake_gnuplot(const char *words)
{
    char script[256];
    snprintf(script, sizeof script, "#!/bin/sh\n%s\n", words);
    fixture_write(scratch_path("gnuplot"), script);
    chmod(scratch_path("gnuplot"), 0755);
}

static void an_old_or_strange_gnuplot_is_refused(void **unused)
{
    (void)unused;
    struct gnuplot g;
    struct err err = {{0}};
    fake_gnuplot("echo gnuplot 4.6 patchlevel 6");
    assert_int_equal(gnuplot_find(scratch, &g, &err), E_UNAVAILABLE);
    assert_non_null(strstr(err.text, "version 4.6"));
    fake_gnuplot("echo something else");
    assert_int_equal(gnuplot_find(scratch, &g, &err), E_UNAVAILABLE);
    fake_gnuplot("echo gnuplot 5.2 patchlevel 0");
    assert_int_equal(gnuplot_find(scratch, &g, &err), OK);
}

/* One that says its version and then dies at once draws nothing, and ends. */
static void a_gnuplot_that_dies_costs_the_figures_and_no_more(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    size_t n = 99;
    fixture_copy("check.json", NULL, NULL);
    fake_gnuplot("[ \"$1\" = --version ] && echo gnuplot 5.4 || kill -SEGV $$");
    assert_int_equal(plots_draw(scratch, PLOT_SVG, scratch, NULL, &n, &err), E_FAILED);
    assert_int_equal(n, 0);
    assert_non_null(strstr(err.text, "claims.gp"));
}

static void a_bad_script_fails_alone(void **unused)
{
    (void)unused;
    static const char *const scripts[] = {
        "set terminal svg; set output 'a.svg'; plot x; unset output\n",
        "plot no_such_function(x)\n",
        "exit gnuplot\n",
        "set terminal svg; set output 'b.svg'; plot x; unset output\n",
        "load 'missing.gp'\n",
        "set terminal svg; set output 'c.svg'; plot x; unset output\n"};
    enum { N = sizeof scripts / sizeof scripts[0] };
    struct gnuplot_job jobs[N];
    char names[N][8];
    struct gnuplot g;
    struct err err = {{0}};
    struct stat st;
    if (!can_draw())
        return;
    assert_int_equal(gnuplot_find(getenv("PATH"), &g, &err), OK);
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "%zu.gp", i);
        fixture_write(scratch_path(names[i]), scripts[i]);
        jobs[i].script = names[i];
    }
    if (gnuplot_load(&g, scratch, jobs, N, NULL, &err))
        fail_msg("%s", err.text);
    static const bool good[N] = {true, false, false, true, false, true};
    for (size_t i = 0; i < N; i++)
        if ((jobs[i].status == OK) != good[i] || (!good[i] && !jobs[i].error[0]))
            fail_msg("script %zu: status %d, '%s'", i, jobs[i].status, jobs[i].error);
    assert_non_null(strstr(jobs[1].error, "no_such_function"));
    assert_int_equal(stat(scratch_path("b.svg"), &st), 0);
    assert_int_equal(stat(scratch_path("c.svg"), &st), 0);
}

static bool stop_at_once(struct progress *self, double done, const char *what)
{
    (void)self;
    (void)done;
    (void)what;
    return false;
}

static void drawing_stops_when_asked(void **unused)
{
    (void)unused;
    struct progress progress = {stop_at_once};
    struct err err = {{0}};
    size_t n;
    if (!can_draw())
        return;
    fixture_copy_all();
    assert_int_equal(plots_draw(scratch, PLOT_SVG, getenv("PATH"), &progress, &n, &err),
                     E_INTERRUPTED);
}

static void what_is_no_result_is_an_error(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    size_t n;
    assert_int_equal(plots_draw(scratch, PLOT_SVG, NULL, NULL, &n, &err), E_NOINPUT);
    assert_int_equal(plots_draw(scratch_path("none"), PLOT_SVG, NULL, NULL, &n, &err), E_NOINPUT);
    fixture_write(scratch_path("check.json"), "{\"schema\": \"assay.result/1\"");
    assert_int_equal(plots_draw(scratch, PLOT_SVG, NULL, NULL, &n, &err), E_FORMAT);
    fixture_copy("check.json", "\"check\"", "\"bench\"");
    assert_int_equal(plots_draw(scratch, PLOT_SVG, NULL, NULL, &n, &err), E_FORMAT);
}

/* Documents whose members are all of the wrong type: nothing to draw, and nothing breaks. */
static void members_of_the_wrong_type_are_left_out(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    size_t n = 99;
    fixture_write(
        scratch_path("bench.json"),
        "{\"schema\": \"assay.result/1\", \"kind\": \"bench\", \"run\": 1, \"machine\": [], "
        "\"environment\": \"\", \"counters\": 3, \"rounds\": {}, \"cells\": [1, null, {}, "
        "{\"path\": 3, \"metrics\": [1], \"work\": \"x\", \"fidelity\": {\"a\": 1}}]}");
    fixture_write(
        scratch_path("check.json"),
        "{\"schema\": \"assay.result/1\", \"kind\": \"check\", \"checks\": [3, {\"paper\": "
        "[], \"measured\": {\"value\": \"x\"}, \"threshold\": 1}]}");
    fixture_write(
        scratch_path("analysis-x.json"),
        "{\"schema\": \"assay.result/1\", \"kind\": \"analysis\", \"analysis\": "
        "\"quant-error\", \"summary\": {\"formats\": [{}, 1, {\"bits\": 1e308, \"r\": -1}], "
        "\"tensors\": [{\"histogram\": {\"edges\": [2, 1], \"counts\": [1]}}, "
        "{\"histogram\": {\"edges\": [0, 1], \"counts\": [\"x\"]}}]}, \"records\": 7}");
    fixture_write(
        scratch_path("profile.json"),
        "{\"schema\": \"assay.result/1\", \"kind\": \"profile\", \"machine\": 1, \"cells\": [1, "
        "null, "
        "{\"threads\": -1e300, \"traffic\": {}, \"counters\": [1, {\"per_iteration\": \"x\"}], "
        "\"metrics\": 3}, {\"path\": 3, \"work\": [], \"traffic\": [2, {\"tier\": \"modelled\", "
        "\"bytes\": -1e308, \"causes\": {}}, {\"tier\": \"simulated\", \"bytes\": 0}]}]}");
    fixture_write(
        scratch_path("compare.json"),
        "{\"schema\": \"assay.result/1\", \"kind\": \"compare\", \"margin\": -7, \"base\": 1, "
        "\"notes\": 3, \"unmatched\": [1, {}], \"cells\": [1, {}, {\"ratio\": 3}, {\"ratio\": "
        "{\"estimate\": 1e308, \"interval\": [-1, \"x\"]}, \"changes\": [1]}, {\"ratio\": "
        "{\"estimate\": 1e-300, \"interval\": [1e-308, 1e308]}}]}");
    if (!can_draw())
        return;
    enum status s = plots_draw(scratch, PLOT_SVG, getenv("PATH"), NULL, &n, &err);
    if (s)
        fail_msg("%s", err.text);
    /* The claims that could not be judged, cells without a ratio, bytes and events without values.
     */
    assert_int_equal(n, 6);
}

static void tables_say_what_figures_show(void **unused)
{
    (void)unused;
    struct err err = {{0}};
    char *text = NULL;
    size_t n;
    fixture_copy_all();
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(plots_print_tables(scratch, out, &err), OK);
    fclose(out);
    assert_non_null(strstr(text, "cube-root-formats / gemv: speed-up over the baseline"));
    assert_non_null(strstr(text, "lut4_tensor_rms"));
    assert_non_null(strstr(text, "level 0.961"));
    assert_non_null(strstr(text, "machine 9c41-5e0b-77aa"));
    assert_non_null(strstr(text, "cube-root-formats / gemv: bytes by tier, 2 threads"));
    assert_non_null(strstr(text, "memory bound: 75 % of the DRAM read roof; counted-dram 1.04x"));
    assert_non_null(strstr(text, "What sets counted, DRAM apart from modelled: other processes"));
    assert_non_null(strstr(text, "not asked for: --counters simulated"));
    assert_non_null(strstr(text, "fwht/n64: failed: the child ended with exit code 3"));
    assert_non_null(strstr(text, "no work of a known number of misses"));
    assert_non_null(
        strstr(text, "Without a partner, 1: quarot/fwht/gone/n64 (1 threads, only in base)"));
    assert_non_null(strstr(text, "bytes_read 8.40499e+06"));
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 && *c != '\n')
            fail_msg("a control character %d reaches the terminal", *c);
    free(text);
}

/* A comparison of n cells: every third is slower, one has no interval and one a very wide one. */
static void write_comparison(const char *file, size_t n)
{
    static const char *const verdicts[] = {"slower", "equivalent", "unresolved"};
    static const double ratios[] = {1.2, 1.0, 1.04};
    FILE *out = fopen(scratch_path(file), "w");
    assert_non_null(out);
    fputs("{\"schema\": \"assay.result/1\", \"kind\": \"compare\", \"margin\": 0.03, \"cells\": [",
          out);
    for (size_t i = 0; i < n; i++) {
        double ratio = ratios[i % 3] + 1e-5 * (double)i;
        fprintf(out, "%s{\"path\": \"t/task/v/case-%zu\", \"threads\": 2, \"ranks\": 1, ",
                i ? ", " : "", i);
        fprintf(out, "\"verdict\": \"%s\", \"ratio\": {\"estimate\": %g, \"interval\": ",
                verdicts[i % 3], ratio);
        if (i == 5)
            fputs("null}}", out);
        else
            fprintf(out, "[%g, %g]}}", i == 8 ? 1e-9 : ratio * 0.99, i == 8 ? 1e9 : ratio * 1.01);
    }
    fputs("], \"unmatched\": []}\n", out);
    fclose(out);
}

static void one_cell_or_thousands_can_be_compared(void **unused)
{
    (void)unused;
    /* All by rank, and lists of the slower and the unresolved; nothing is faster. */
    static const struct {
        size_t cells, figures;
    } sizes[] = {{0, 0}, {1, 1}, {56, 1}, {57, 3}, {2000, 3}};
    if (!can_draw())
        return;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        write_comparison("compare.json", sizes[i].cells);
        size_t n = draw(PLOT_SVG);
        if (n != sizes[i].figures)
            fail_msg("%zu cells: %zu figures, wanted %zu", sizes[i].cells, n, sizes[i].figures);
        each_figure(is_complete);
    }
    char *rows = read_plot("compare-all", "tsv"), *svg = read_plot("compare-slower", "svg");
    size_t n = 0;
    for (const char *c = rows; *c; c++)
        n += *c == '\n';
    assert_int_equal(n, 2001);
    assert_non_null(strstr(svg, "slower: 667"));
    assert_non_null(strstr(svg, "t/task/v/case-1998")); /* the slowest */
    free(svg);
    free(rows);
}

static void one_document_is_drawn_beside_it(void **unused)
{
    (void)unused;
    static const char *const files[] = {"bench.json", "check.json", "analysis-quant-error.json",
                                        "profile.json", "compare.json"};
    struct err err = {{0}};
    size_t n, all = 0;
    char place[PLOTS_PATH];
    if (!can_draw())
        return;
    fixture_copy_all();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s", scratch_path(files[i]));
        if (plots_draw(path, PLOT_SVG, getenv("PATH"), NULL, &n, &err))
            fail_msg("%s: %s", files[i], err.text);
        assert_true(n > 0);
        all += n;
        assert_int_equal(plots_place(path, "plots", place, &err), OK);
        if (access(place, F_OK) || !strstr(place, "-plots") || strstr(place, ".json"))
            fail_msg("%s: its figures are not in %s", files[i], place);
        assert_int_equal(report_write(path, &err), OK);
        assert_int_equal(plots_place(path, "report.html", place, &err), OK);
        assert_int_equal(access(place, F_OK), 0);
    }
    assert_int_equal(all, FIXTURE_FIGURES);
    fixture_copy("compare.json", "\"compare\"", "\"machine\"");
    assert_int_equal(
        plots_draw(scratch_path("compare.json"), PLOT_SVG, getenv("PATH"), NULL, &n, &err),
        E_NOINPUT);
}

static void profiles_and_comparisons_stand_alone(void **unused)
{
    (void)unused;
    if (!can_draw())
        return;
    fixture_copy("profile.json", NULL, NULL);
    assert_int_equal(draw(PLOT_SVG), OF_PROFILE);
    each_figure(is_complete);
    unlink(scratch_path("profile.json"));
    fixture_copy("compare.json", NULL, NULL);
    assert_int_equal(draw(PLOT_SVG), OF_COMPARE);
    each_figure(is_complete);
}

static void a_variant_looks_the_same_everywhere(void **unused)
{
    (void)unused;
    struct results r;
    struct styles s;
    struct err err;
    fixture_copy_all();
    assert_int_equal(results_load(scratch, &r, &err), OK);
    assert_int_equal(styles_assign(&r, &s, &err), OK);
    for (size_t i = 0; i < s.n; i++)
        for (size_t j = 0; j < i; j++) {
            struct look a = styles_look(&s, s.names[i]), b = styles_look(&s, s.names[j]);
            if (a.rgb == b.rgb && a.shape == b.shape && a.rgb != LOOK_NEUTRAL)
                fail_msg("%s and %s look the same", s.names[i], s.names[j]);
        }
    assert_int_equal(styles_look(&s, "f32").rgb, LOOK_NEUTRAL);
    assert_int_not_equal(styles_look(&s, "bf16").rgb, LOOK_NEUTRAL);
    styles_free(&s);
    results_free(&r);
}

static void long_names_are_cut_in_the_middle_between_characters(void **unused)
{
    (void)unused;
    static const char *const names[] = {
        "short", "a_rather_long_name_of_a_variant_that_goes_on",
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5",
        "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t columns = 1; columns < 50; columns++) {
            char label[4 * 50 + 8];
            label_shorten(names[i], columns, label, sizeof label);
            if (label_columns(label) > columns)
                fail_msg("'%s' takes more than %zu columns", label, columns);
            for (const char *c = label; *c; c++) /* no half characters: a lead is followed */
                if ((*c & 0xc0) == 0xc0 && (c[1] & 0xc0) != 0x80)
                    fail_msg("'%s' is cut inside a character", label);
            if (label_columns(names[i]) <= columns)
                assert_string_equal(label, names[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(every_figure_of_the_fixture_appears),
        IN_SCRATCH(axes_are_labelled_with_their_units),
        IN_SCRATCH(the_same_documents_give_the_same_bytes),
        IN_SCRATCH(names_cannot_become_commands),
        IN_SCRATCH(markup_in_names_is_text_in_drawings),
        IN_SCRATCH(without_gnuplot_scripts_and_data_are_there),
        IN_SCRATCH(an_old_or_strange_gnuplot_is_refused),
        IN_SCRATCH(a_gnuplot_that_dies_costs_the_figures_and_no_more),
        IN_SCRATCH(a_bad_script_fails_alone),
        IN_SCRATCH(drawing_stops_when_asked),
        IN_SCRATCH(what_is_no_result_is_an_error),
        IN_SCRATCH(members_of_the_wrong_type_are_left_out),
        IN_SCRATCH(tables_say_what_figures_show),
        IN_SCRATCH(one_cell_or_thousands_can_be_compared),
        IN_SCRATCH(one_document_is_drawn_beside_it),
        IN_SCRATCH(profiles_and_comparisons_stand_alone),
        IN_SCRATCH(a_variant_looks_the_same_everywhere),
        cmocka_unit_test(long_names_are_cut_in_the_middle_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
