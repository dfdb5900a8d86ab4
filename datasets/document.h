/*
 * Files that are written whole or not at all, and what all result documents have in common.
 */
#ifndef DATASETS_DOCUMENT_H
#define DATASETS_DOCUMENT_H

#include <stddef.h>

#include "datasets/json.h"
#include "numerics/status.h"

#define DOCUMENT_SCHEMA "assay.result/1"

/* Makes a folder and its parents.  E_CANTCREATE with the part that failed, also when the folder is
 * there and cannot be written to. */
enum status document_make_folder(const char *path, struct err *err);

/* Makes nothing: E_CANTCREATE when document_make_folder() would fail, as far as can be seen. */
enum status document_check_folder(const char *path, struct err *err);

/* Writes bytes beside `path`, syncs, and renames over it: after a crash the old file or the new one
 * is there.  E_CANTCREATE or E_IO (a full disk, say); nothing of the attempt is left behind then,
 * but for a folder that cannot be synced: the new file is whole, and a crash may bring the old one
 * back. */
enum status document_write_bytes(const char *path, const void *bytes, size_t n, struct err *err);

/* The document as indented JSON and a final newline, written as above. */
enum status document_write(const char *path, const struct json *root, struct err *err);

/* A result document: an object whose schema is DOCUMENT_SCHEMA and whose kind is known.
 * kind may be NULL: any.  E_FORMAT names what is there instead, and
 * says so of a document that a newer version wrote. */
enum status document_read(const char *path, const char *kind, struct json **out, struct err *err);

/* The same of `path` itself, or of KIND.json in it when it is a folder. */
enum status document_read_in(const char *path, const char *kind, struct json **out,
                             struct err *err);

#endif
