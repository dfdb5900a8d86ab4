/*
 * The safetensors container: a JSON header that names tensors and where they lie, then their bytes.
 *
 *   file      8 bytes little-endian header length N, N bytes of JSON, data
 *   header    {"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets"}, ...}
 *   offsets   [begin, end) from the start of the data; the tensors cover the data without a gap or
 *             an overlap
 *
 * The format's unsigned types above 8 bits, and those newer than F8, are refused by name.
 * Source: github.com/huggingface/safetensors, README and safetensors/src/tensor.rs (validate()).
 */
#ifndef DATASETS_SAFETENSORS_H
#define DATASETS_SAFETENSORS_H

#include <stddef.h>

#include "datasets/json.h"
#include "numerics/status.h"
#include "numerics/tensor.h"

enum { SAFETENSORS_MAX_HEADER = 100 * 1000 * 1000 };

struct safetensors {
    struct tensor *tensors; /* [n], in the order of their data */
    size_t n;
    size_t header_bytes;         /* with the length before it */
    const struct json *metadata; /* NULL when there is none */
    struct json *header;         /* owns the names */
};

/* Reads a file's bytes, which the tensors then borrow; name stands in errors.  E_FORMAT names the
 * tensor or the byte; E_NOMEM.  *out is untouched then. */
enum status safetensors_parse(const void *bytes, size_t n, const char *name,
                              struct safetensors *out, struct err *err);
void safetensors_close(struct safetensors *f); /* also of a zeroed one */

/* A whole file as bytes, freed with free(): tensors in their order, the header padded with spaces
 * so that the data begins at a multiple of 64.  metadata, an object of strings, may be NULL.
 * E_NOMEM. */
enum status safetensors_encode(const struct tensor *tensors, size_t n, const struct json *metadata,
                               void **bytes, size_t *n_bytes, struct err *err);

#endif
