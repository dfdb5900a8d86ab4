/* What quant-error is asked to compare: formats x scalings x block sizes. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/quant_error.h"

enum { MAX_BLOCKS = 8, LIST_WORD = 64 };

const struct analysis_option quant_error_options[] = {
    {"formats", "LIST", "common",
     "by name or glob, or common, or all; see 'assay list formats'; named ones fix their scaling"},
    {"scaling", "LIST", "block-absmax,channel-absmax,tensor-rms",
     "{tensor,channel,block}-{absmax,rms,mean}, block-signmax or block-floor"},
    {"block", "LIST", "64", "elements that share a scale under block-..., 4 to 1048576"},
    {"scale-format", "NAME", "bf16",
     "of the scales: f32, bf16, fp16, e8m0, or e4m3 relative to one of the tensor"},
    {"search", NULL, "no",
     "fit a multiplier of the scales to each tensor, of 17; not of formats that a name fixes"},
    {"codes", NULL, "no", "count how often each code is used, and the entropy of the codes"},
    {"allocate", "BITS", "none",
     "share out BITS an element on average (2 to 8) among the tensors; adds crd-normal2..8 and "
     "crd-t2..8 to the formats"},
    {"fisher", "FILE", "none",
     "with --allocate: CSV or JSON of tensor names and mean squared gradients"},
    {0}};

/* Calls each() with every word of a comma-separated list. */
static enum status for_each_word(const char *option, const char *list,
                                 enum status (*each)(void *user, const char *word, struct err *err),
                                 void *user, struct err *err)
{
    char word[LIST_WORD];
    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        if (!n || n >= sizeof word)
            return status_fail(err, E_USAGE, "--%s '%s': an empty or too long word", option, list);
        memcpy(word, p, n);
        word[n] = '\0';
        enum status s = each(user, word, err);
        if (s)
            return s;
        p += n;
        if (!*p)
            return OK;
    }
}

struct choice {
    bool format[256]; /* by the row of scalar_formats[] */
    bool named[64];   /* by the row of named_formats[] */
    const struct scaling *scaling[16];
    size_t n_scalings;
    size_t block[MAX_BLOCKS];
    size_t n_blocks;
};

static enum status choose_format(void *user, const char *word, struct err *err)
{
    struct choice *c = user;
    bool found = false;
    for (size_t i = 0; scalar_formats[i].name; i++) /* fewer rows than c->format */
        if (!strcmp(word, "all") || (!strcmp(word, "common") && scalar_formats[i].common) ||
            !fnmatch(word, scalar_formats[i].name, 0))
            found = c->format[i] = true;
    for (size_t i = 0; named_formats[i].name; i++) /* fewer rows than c->named */
        if (!strcmp(word, "all") || !fnmatch(word, named_formats[i].name, 0))
            found = c->named[i] = true;
    return found ? OK
                 : status_fail(err, E_USAGE,
                               "--formats: no format '%s'; 'assay list formats' names them", word);
}

static enum status choose_scaling(void *user, const char *word, struct err *err)
{
    struct choice *c = user;
    const struct scaling *s = scaling_find(word);
    if (!s)
        return status_fail(err, E_USAGE,
                           "--scaling: no scaling '%s'; there are tensor-rms, tensor-absmax, "
                           "channel-rms, channel-absmax, block-rms, block-absmax, block-signmax, "
                           "tensor-mean, channel-mean, block-mean, block-floor",
                           word);
    for (size_t i = 0; i < c->n_scalings; i++)
        if (c->scaling[i] == s)
            return OK;
    c->scaling[c->n_scalings++] = s;
    return OK;
}

static enum status choose_block(void *user, const char *word, struct err *err)
{
    struct choice *c = user;
    char *end;
    unsigned long block = strtoul(word, &end, 10);
    if (word[0] < '0' || word[0] > '9' || *end || block < 4 || block > 1 << 20)
        return status_fail(err, E_USAGE, "--block: '%s' is not a number from 4 to 1048576", word);
    if (c->n_blocks == MAX_BLOCKS)
        return status_fail(err, E_USAGE, "--block: more than %d sizes", MAX_BLOCKS);
    c->block[c->n_blocks++] = block;
    return OK;
}

static enum status parse_scale_format(const char *word, enum scale_format *out, struct err *err)
{
    for (enum scale_format f = 0; f < SCALE_FORMATS; f++)
        if (!strcmp(word, scale_format_name(f))) {
            *out = f;
            return OK;
        }
    return status_fail(err, E_USAGE,
                       "--scale-format: '%s' is not one of f32, bf16, fp16, e8m0, e4m3", word);
}

/* Powers of two have no sign; scales relative to one of the tensor are for parts of it. */
static bool scale_fits(const struct scaling *scaling, enum scale_format f)
{
    return !(scaling->rule == SCALE_SIGNMAX && (f == SCALE_E8M0 || f == SCALE_E4M3)) &&
           !(scaling->block == BLOCK_TENSOR && f == SCALE_E4M3);
}

/* Every combination that exists, and what is named, in the order of the tables. */
static enum status combine(const struct choice *c, struct settings *out, struct err *err)
{
    size_t n_formats = 0, n_named = 0;
    while (scalar_formats[n_formats].name)
        n_formats++;
    while (named_formats[n_named].name)
        n_named++;
    out->rows = malloc((n_formats * c->n_scalings * c->n_blocks + n_named) * sizeof *out->rows);
    if (!out->rows)
        return status_fail(err, E_NOMEM, "no memory for the table of formats");
    for (size_t f = 0; f < n_formats; f++)
        for (size_t s = 0; c->format[f] && s < c->n_scalings; s++) {
            const struct scaling *scaling = c->scaling[s];
            if (scalar_format_lacks(&scalar_formats[f], scaling->rule) ||
                !scale_fits(scaling, out->scale_format))
                continue;
            size_t sizes = scaling->block == 1 ? c->n_blocks : 1;
            for (size_t b = 0; b < sizes; b++)
                out->rows[out->n++] =
                    (struct survey_row){.format = &scalar_formats[f],
                                        .scaling = scaling,
                                        .block = scaling->block == 1 ? c->block[b] : scaling->block,
                                        .scale_format = out->scale_format};
        }
    for (size_t i = 0; i < n_named; i++)
        if (c->named[i])
            out->rows[out->n++] =
                (struct survey_row){.format = scalar_format_find(named_formats[i].element),
                                    .scaling = scaling_find(named_formats[i].scaling),
                                    .block = named_formats[i].block,
                                    .scale_format = named_formats[i].scale_format,
                                    .least = named_formats[i].least,
                                    .name = named_formats[i].name};
    if (!out->n)
        return status_fail(err, E_USAGE, "none of these formats has one of these scalings");
    return OK;
}

/* The formats that bits are measured in. */
static void choose_families(struct choice *c)
{
    for (size_t i = 0; scalar_formats[i].name; i++)
        if (quant_error_family(&scalar_formats[i]) < ALLOCATION_FAMILIES)
            c->format[i] = true;
}

static enum status parse_allocation(const char *bits, const char *fisher, struct settings *out,
                                    struct err *err)
{
    char *end;
    bool wanted = strcmp(bits, "none") != 0;
    if (strcmp(fisher, "none") != 0)
        out->fisher = fisher;
    if (out->fisher && !wanted)
        return status_fail(err, E_USAGE, "--fisher is for --allocate BITS");
    if (!wanted)
        return OK;
    out->allocate = strtod(bits, &end);
    if (bits[0] < '0' || bits[0] > '9' || *end || !(out->allocate >= ALLOCATION_LEAST) ||
        !(out->allocate <= ALLOCATION_MOST))
        return status_fail(err, E_USAGE, "--allocate: '%s' is not a number from %d to %d", bits,
                           ALLOCATION_LEAST, ALLOCATION_MOST);
    return OK;
}

enum status quant_error_settings(const struct analysis *self,
                                 const struct analysis_request *request, struct settings *out,
                                 struct err *err)
{
    struct choice c = {0};
    const char *formats = analysis_option(self, request, "formats");
    const char *scalings_text = analysis_option(self, request, "scaling");
    const char *blocks = analysis_option(self, request, "block");
    const char *scale_format = analysis_option(self, request, "scale-format");
    enum status s = for_each_word("formats", formats, choose_format, &c, err);
    if (!s)
        s = for_each_word("scaling", scalings_text, choose_scaling, &c, err);
    if (!s)
        s = for_each_word("block", blocks, choose_block, &c, err);
    if (!s)
        s = parse_scale_format(scale_format, &out->scale_format, err);
    if (!s)
        s = parse_allocation(analysis_option(self, request, "allocate"),
                             analysis_option(self, request, "fisher"), out, err);
    if (!s && out->allocate > 0)
        choose_families(&c);
    if (!strcmp(analysis_option(self, request, "search"), "yes"))
        out->survey_flags |= SURVEY_SEARCH;
    if (!strcmp(analysis_option(self, request, "codes"), "yes"))
        out->survey_flags |= SURVEY_CODES;
    if (!s)
        s = combine(&c, out, err);
    return s;
}
