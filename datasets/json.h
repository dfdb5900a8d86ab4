/*
 * Strict JSON over cJSON: what every reader and every result document goes through.
 *
 * Reading: the bytes are scanned before cJSON sees them, so that what cJSON forgives is an error
 * here: text after the end, leading zeros, bare dots, duplicate keys, bad UTF-8, embedded NUL,
 * control characters in strings, numbers beyond a double or of more than 63 characters (cJSON cuts
 * them), and nesting over JSON_MAX_DEPTH.
 *
 * Writing: numbers are printed in their shortest round-trip form, independent of the locale;
 * integers above 2^53 as strings.  An allocation that fails marks the tree incomplete instead of
 * asking each call to be checked: json_print() refuses an incomplete tree with E_NOMEM.  Every
 * builder therefore accepts a NULL parent and does nothing.
 */
#ifndef DATASETS_JSON_H
#define DATASETS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numerics/status.h"

struct json; /* a node; a root owns its tree */

enum { JSON_MAX_DEPTH = 64 };
enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* bytes need not end in NUL; name stands in the error ("bench.json: byte 17: ...").
 * E_FORMAT or E_NOMEM; *out is untouched then. */
enum status json_parse(const char *bytes, size_t n, const char *name, struct json **out,
                       struct err *err);
/* E_NOINPUT when the file cannot be opened, E_FORMAT when it is over max_bytes. */
enum status json_read(const char *path, size_t max_bytes, struct json **out, struct err *err);
void json_free(struct json *root); /* NULL is fine */

/* ---- Reading a tree.  A NULL node has type JSON_NULL and no children, so look-ups chain. ---- */
enum json_type json_type(const struct json *node);
const struct json *json_get(const struct json *object, const char *key); /* NULL when absent */
const struct json *json_first(const struct json *node); /* first child of an array or object */
const struct json *json_next(const struct json *child); /* its next sibling, or NULL */
const char *json_key(const struct json *child);         /* "" in an array */
size_t json_size(const struct json *node);
double json_number(const struct json *node, double otherwise);
const char *json_string(const struct json *node, const char *otherwise); /* borrowed */
bool json_bool(const struct json *node, bool otherwise);
/* A whole number, also one written as a string because it is above 2^53. */
uint64_t json_u64(const struct json *node, uint64_t otherwise);
/* The same by a key of an object: json_number(json_get(object, key), otherwise) and so on. */
double json_get_number(const struct json *object, const char *key, double otherwise);
const char *json_get_string(const struct json *object, const char *key, const char *otherwise);

/* ---- Building.  In an object key names the member (an old one of that name is replaced); in an
 * array key is NULL.  A string that is not UTF-8 is written with U+FFFD for each bad byte. ---- */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_add_object(struct json *parent, const char *key);
struct json *json_add_array(struct json *parent, const char *key);
/* A number that is not finite becomes null, and in an object a member "<key>_reason" says why
 * ("not a number", "infinite"). */
void json_add_number(struct json *parent, const char *key, double value);
void json_add_u64(struct json *parent, const char *key, uint64_t value);
void json_add_string(struct json *parent, const char *key, const char *value); /* NULL adds null */
void json_add_bool(struct json *parent, const char *key, bool value);
void json_add_null(struct json *parent, const char *key);
void json_add(struct json *parent, const char *key, struct json *child); /* takes child */
struct json *json_copy(const struct json *node); /* NULL when memory is short */

/* False for NULL, and for a tree that lost a part when memory was short. */
bool json_is_whole(const struct json *root);

/* The tree as text, indented by two (pretty) or on one line; *out is freed with free(). */
enum status json_print(const struct json *root, bool pretty, char **out, struct err *err);

#endif
