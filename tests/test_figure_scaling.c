/* Figures of a scaling-law analysis: all are there for the example, and a document that lies gives
 * fewer, and no crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "analyses/analysis.h"
#include "datasets/document.h"
#include "plots/figure.h"
#include "tests/scratch.h"

static const char *const kinds[] = {"isoflop",   "frontier", "sizes",    "ratio",
                                    "residuals", "ellipses", "contours", "demand"};

static const struct analysis *scaling_law(void)
{
    const struct analysis *const *a = analyses;
    while (*a && strcmp((*a)->name, "scaling-law"))
        a++;
    assert_non_null(*a);
    return *a;
}

/* The analysis of the example with its usual options but 20 replicates. */
static struct json *example(void)
{
    const struct analysis *a = scaling_law();
    const char *options[16];
    struct err err = {{0}};
    for (size_t i = 0; a->options[i].name; i++)
        options[i] = strcmp(a->options[i].name, "bootstrap") ? a->options[i].otherwise : "20";
    struct analysis_request request = {.options = options, .threads = 2, .seed = 1};
    struct json *d = json_new_object();
    json_add_string(d, "schema", DOCUMENT_SCHEMA);
    json_add_string(d, "kind", "analysis");
    json_add_string(d, "analysis", a->name);
    if ((a->run)(a, &request, d, &err))
        fail_msg("%s", err.text);
    return d;
}

static void load(const char *text, struct drawing *out)
{
    struct err err = {{0}};
    const char *path = scratch_path("analysis-scaling-law.json");
    assert_int_equal(document_write_bytes(path, text, strlen(text), &err), OK);
    if (drawing_load(path, out, &err))
        fail_msg("%s", err.text);
}

static void the_example_gives_every_figure(void **unused)
{
    (void)unused;
    struct json *d = example();
    struct drawing drawing;
    char *text;
    assert_int_equal(json_print(d, false, &text, NULL), OK);
    load(text, &drawing);
    assert_int_equal(drawing.figures.n, sizeof kinds / sizeof kinds[0]);
    for (size_t i = 0; i < drawing.figures.n; i++) {
        const struct figure *f = &drawing.figures.list[i];
        if (strncmp(f->name, kinds[i], strlen(kinds[i])))
            fail_msg("figure %zu is %s, not %s", i, f->name, kinds[i]);
        if (!*f->data || !*f->caption || !table_rows(&f->table))
            fail_msg("%s: no data, no caption or no table", f->name);
        assert_null(strstr(f->data, "nan"));
        assert_null(strstr(f->data, "inf"));
    }
    drawing_free(&drawing);
    free(text);
    json_free(d);
}

static void documents_that_lie_do_not_crash(void **unused)
{
    (void)unused;
    static const char head[] =
        "{\"schema\": \"assay.result/1\", \"kind\": \"analysis\", \"analysis\": \"scaling-law\", ";
    static const char *const bodies[] = {
        "\"summary\": 1, \"records\": [1, null, {}]}",
        "\"summary\": {\"fits\": [{}], \"allocation\": [{}, 3]}, \"records\": []}",
        "\"summary\": {\"isoflop\": {\"budgets\": [{}, 4, {\"C\": 1e308, \"c\": [1e308, 1e308], "
        "\"centre\": 400}]}, \"plan\": {\"demand\": [{\"T\": -1}, []]}, \"fits\": [{\"alpha\": 0, "
        "\"replicates\": {\"alpha\": [1e308, -1e308, null], \"beta\": [1]}}, {\"replicates\": "
        "7}]}, "
        "\"records\": [{\"used\": true, \"N\": -1, \"C\": 0, \"loss\": 1e308}, {\"used\": 3}]}",
        "\"summary\": {\"units\": {\"loss\": \"'; system('x')\"}, \"fits\": [{\"fit\": \"'\\n\", "
        "\"A\": 1e-308, \"B\": 1e308, \"E\": 1e-300, \"alpha\": 1e-300, \"beta\": 1e300, "
        "\"gamma_w\": 1e-300}], \"allocation\": [{\"fit\": \"`x`\", \"C\": 1e20, \"N\": 1e9, "
        "\"N_low\": 5, \"N_high\": -5}]}, \"records\": [{\"used\": true, \"N\": 1e9, \"D\": 1e10, "
        "\"C\": 6e19, \"loss\": 2, \"P_w\": 4}]}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[2048];
        struct drawing drawing;
        snprintf(text, sizeof text, "%s%s", head, bodies[i]);
        load(text, &drawing);
        for (size_t k = 0; k < drawing.figures.n; k++) {
            const struct figure *f = &drawing.figures.list[k];
            if (strstr(f->data, "nan") || strstr(f->data, "inf") || strstr(f->parameters, "nan") ||
                strstr(f->parameters, "= inf"))
                fail_msg("document %zu, %s: a number that is none:\n%s%s", i, f->name,
                         f->parameters, f->data);
        }
        drawing_free(&drawing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(the_example_gives_every_figure),
        IN_SCRATCH(documents_that_lie_do_not_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
