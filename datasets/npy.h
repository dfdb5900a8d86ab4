/*
 * NumPy's .npy: one array, C order, little-endian.
 *
 *   file    "\x93NUMPY", version 1.0, 2.0 or 3.0, header length (2 bytes in 1.0, else 4), header,
 * data header  a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 *
 * Read: f8 f4 f2 i8 i4 i2 i1 u1 b1.  Refused, each with what to do: big-endian data, Fortran order
 * of two dimensions or more, other types, data shorter or longer than the shape says.
 * Source: numpy/lib/format.py, "Format Version 1.0" and later.
 */
#ifndef DATASETS_NPY_H
#define DATASETS_NPY_H

#include <stddef.h>

#include "numerics/status.h"
#include "numerics/tensor.h"

/* Reads a file's bytes, which the tensor then borrows, as it does name.  header_bytes is what
 * stands before the data.  E_FORMAT names the byte or the key; *out is untouched then. */
enum status npy_parse(const void *bytes, size_t n, const char *name, struct tensor *out,
                      size_t *header_bytes, struct err *err);

#endif
