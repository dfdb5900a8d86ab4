/* The report: one page that loads nothing, whatever the documents and drawings say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plots/inline_svg.h"
#include "plots/plots.h"
#include "tests/plots_fixture.h"

static char *report(void)
{
    struct err err = {{0}};
    if (report_write(scratch, &err))
        fail_msg("report_write: %s", err.text);
    char *page = fixture_read(scratch_path("report.html"));
    assert_non_null(page);
    return page;
}

/* Draws when there is gnuplot: the page is right either way. */
static void try_to_draw(void)
{
    struct err err = {{0}};
    size_t n;
    enum status s = plots_draw(scratch, PLOT_SVG, getenv("PATH"), NULL, &n, &err);
    if (s)
        print_message("not drawn: %s\n", err.text);
}

static size_t count(const char *page, const char *word)
{
    size_t n = 0;
    for (; (page = strstr(page, word)); page += strlen(word))
        n++;
    return n;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void ids_are_unique(const char *page)
{
    size_t n = 0, capacity = count(page, " id=\"");
    char **ids = calloc(capacity + 1, sizeof *ids);
    for (const char *at = page; (at = strstr(at, " id=\"")) && n < capacity; at += 5)
        ids[n++] = strndup(at + 5, strcspn(at + 5, "\""));
    qsort(ids, n, sizeof *ids, by_text);
    for (size_t i = 1; i < n; i++)
        if (!strcmp(ids[i], ids[i - 1]))
            fail_msg("id %s stands twice", ids[i]);
    for (size_t i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
}

static void loads_nothing(const char *page)
{
    static const char *const words[] = {
        "src=",  "@import", "<link",       "<base",  "<iframe", "<img",    "<image", "url(http",
        "url('", "url(\"",  "javascript:", "onload", "onerror", "onclick", "fetch(", "XMLHttp"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(page, words[i]))
            fail_msg("the page has %s", words[i]);
    for (const char *at = page; (at = strstr(at, "href=\"")); at += 6)
        if (at[6] != '#')
            fail_msg("a reference leads out of the page: %.60s", at);
    assert_int_equal(count(page, "<script"), 1);
    assert_int_equal(count(page, "<style"), 1);
    assert_non_null(strstr(page, "default-src 'none'"));
}

static void the_page_is_whole_and_in_order(void **unused)
{
    (void)unused;
    static const char *const order[] = {
        "<!DOCTYPE html>",    "<h1>",         "id=\"summary\"", "id=\"statuses\"", "id=\"machine\"",
        "id=\"environment\"", "id=\"roofs\"", "id=\"claims\"",  "id=\"figures\"",  "id=\"cells\"",
        "id=\"run\"",         "<script>",     "</html>"};
    fixture_copy_all();
    try_to_draw();
    char *page = report();
    const char *at = page;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const char *found = strstr(at, order[i]);
        if (!found)
            fail_msg("%s is missing, or not in its place", order[i]);
        at = found;
    }
    ids_are_unique(page);
    loads_nothing(page);
    assert_int_equal(count(page, "<figure "), count(page, "<details"));
    assert_non_null(strstr(page, "2 of 46 cells give no time"));
    assert_non_null(strstr(page, "killed by signal 9"));
    assert_non_null(strstr(page, "3 of 4 cells were profiled."));
    assert_non_null(strstr(page, "1 of 7 compared cells are slower."));
    assert_non_null(strstr(page, "<h3>profile.json</h3>"));
    assert_non_null(strstr(page, "no work of a known number of misses"));
    assert_non_null(strstr(page, "no such device (a virtual machine without PMU)"));
    assert_non_null(strstr(page, "AMD EPYC 9B14 &amp; co &lt;engineering sample&gt;"));
    free(page);
}

static void names_are_text_in_the_page(void **unused)
{
    (void)unused;
    fixture_copy("bench.json", "int4_b64", "</td><script>alert(1)</script>\\\" onload=\\\"x");
    fixture_copy("check.json", "perplexity", "<img src=x onerror=alert(1)>");
    try_to_draw();
    char *page = report();
    assert_int_equal(count(page, "<script"), 1);
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "\" onload"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    free(page);
}

static void every_kind_of_folder_gives_a_page(void **unused)
{
    (void)unused;
    static const char *const files[] = {"check.json", "analysis-quant-error.json", "bench.json",
                                        "profile.json", "compare.json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        fixture_copy(files[i], NULL, NULL);
        try_to_draw();
        char *page = report();
        ids_are_unique(page);
        loads_nothing(page);
        assert_true(count(page, "<table") >= 2);
        free(page);
        unlink(scratch_path(files[i]));
    }
    struct err err = {{0}};
    assert_int_equal(report_write(scratch, &err), E_NOINPUT);
}

static void the_same_documents_give_the_same_page(void **unused)
{
    (void)unused;
    fixture_copy_all();
    try_to_draw();
    char *first = report(), *second = report();
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void a_drawing_of_a_stranger_is_left_out(void **unused)
{
    (void)unused;
    fixture_copy("check.json", NULL, NULL);
    try_to_draw();
    mkdir(scratch_path("plots"), 0777);
    fixture_write(scratch_path("plots/claims.svg"),
                  "<svg><script>fetch('http://example.org')</script></svg>");
    char *page = report();
    assert_non_null(strstr(page, "The drawing is left out"));
    loads_nothing(page);
    free(page);
    unlink(scratch_path("plots/claims.svg"));
    fixture_write(scratch_path("secret"), "<svg><text>secret</text></svg>");
    assert_int_equal(symlink(scratch_path("secret"), scratch_path("plots/claims.svg")), 0);
    page = report();
    assert_null(strstr(page, "secret"));
    free(page);
}

static void only_drawings_are_inlined(void **unused)
{
    (void)unused;
    static const struct {
        const char *svg, *page; /* page NULL: refused */
    } cases[] = {
        {"<?xml version='1.0'?><!DOCTYPE svg><svg a='1'><g/></svg><script>",
         "<svg role=\"img\" aria-label=\"l&amp;l\" a=\"1\"><g/></svg>"},
        {"<svg><title><script>x</script></title><desc>y</desc><!-- <script> --><g></g></svg>",
         "<svg role=\"img\" aria-label=\"l&amp;l\"><g></g></svg>"},
        {"<svg><defs><g id='a'/></defs><use xlink:href='#a' id='b' fill=\"url(#a)\"/></svg>",
         "<svg role=\"img\" aria-label=\"l&amp;l\"><defs><g id=\"p-a\"/></defs>"
         "<use xlink:href=\"#p-a\" fill=\"url(#p-a)\"/></svg>"},
        {"<svg><script>x</script></svg>", NULL},
        {"<svg><SCRIPT>x</SCRIPT></svg>", NULL},
        {"<svg><style>*{}</style></svg>", NULL},
        {"<svg><foreignObject/></svg>", NULL},
        {"<svg><image href='x.png'/></svg>", NULL},
        {"<svg><a href='#x'/></svg>", NULL},
        {"<svg><animate/></svg>", NULL},
        {"<svg onload='x'></svg>", NULL},
        {"<svg><g OnClick='x'/></svg>", NULL},
        {"<svg><use href='http://example.org/#a'/></svg>", NULL},
        {"<svg><use href='&#104;ttp:'/></svg>", NULL},
        {"<svg><g fill='url(http://example.org)'/></svg>", NULL},
        {"<svg><g fill='red url(x)'/></svg>", NULL},
        {"<svg><g style='background:URL(//x)'/></svg>", NULL},
        {"<svg><g style='u\\72l(//x)'/></svg>", NULL},
        {"<svg><g a='<'/></svg>", NULL},
        {"<svg><g a=b/></svg>", NULL},
        {"<svg><g a='\"onload=x'/></svg>", NULL},
        {"<svg><g a='1'", NULL},
        {"<svg><g a='1", NULL},
        {"<svg><![CDATA[<script>]]></svg>", NULL},
        {"<svg><!-- </svg>", NULL},
        {"<svg><title></svg>", NULL},
        {"<svg><svg></svg></svg>", NULL},
        {"<svg><g>", NULL},
        {"<svgx></svgx>", NULL},
        {"<g></g>", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *page = NULL;
        size_t n;
        struct err err = {{0}};
        FILE *out = open_memstream(&page, &n);
        enum status s = inline_svg(cases[i].svg, strlen(cases[i].svg), "p-", "l&l", out, &err);
        fclose(out);
        if (s != (cases[i].page ? OK : E_FORMAT))
            fail_msg("%s: status %d %s", cases[i].svg, s, err.text);
        if (cases[i].page)
            assert_string_equal(page, cases[i].page);
        free(page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(the_page_is_whole_and_in_order),
        IN_SCRATCH(names_are_text_in_the_page),
        IN_SCRATCH(every_kind_of_folder_gives_a_page),
        IN_SCRATCH(the_same_documents_give_the_same_page),
        IN_SCRATCH(a_drawing_of_a_stranger_is_left_out),
        cmocka_unit_test(only_drawings_are_inlined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
