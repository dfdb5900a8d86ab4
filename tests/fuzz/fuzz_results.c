/* A result document, whatever it holds, is read, drawn into scripts and written into a page. */
#include "datasets/document.h"
#include "plots/figure.h"
#include "plots/plots.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const files[] = {"bench.json", "check.json", "analysis-quant-error.json"};
    static const char *const kinds[] = {"bench", "check", "analysis"};
    char path[128];
    struct err err;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct json *root = NULL;
        fuzz_write(files[i], bytes, n, path);
        enum status s = document_read(path, kinds[i], &root, &err);
        json_free(root);
        if (!s) {
            s = report_write(fuzz_folder(), &err);
            FUZZ_HOLDS(!s || s == E_FORMAT);
            unlink(path);
            return 0;
        }
        unlink(path);
    }
    return 0;
}
