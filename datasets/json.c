/* The nodes are cJSON's.  A container whose valueint is INCOMPLETE lost a child to a failed
 * allocation; cJSON itself leaves valueint of containers at 0 and copies it with the node. */
#include "datasets/json.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "datasets/json_scan.h"
#include "datasets/text_stream.h"

enum { INCOMPLETE = 1 };
static const uint64_t exact_integers = UINT64_C(1) << 53; /* a double holds all up to here */

static cJSON *node_of(const struct json *node)
{
    return (cJSON *)node; /* struct json has no body: it is cJSON's struct by another name */
}

static struct json *json_of(cJSON *node)
{
    return (struct json *)node;
}

/* ---- Reading ---- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, not pairwise: a hostile header may have millions of keys. */
static enum status object_keys_differ(const cJSON *object, const char *name, struct err *err)
{
    enum status s = OK;
    size_t n = 0, i = 0;
    const cJSON *child;
    cJSON_ArrayForEach(child, object) n++;
    const char **keys = malloc((n + 1) * sizeof *keys);
    if (!keys)
        return status_fail(err, E_NOMEM, "%s: out of memory", name);
    cJSON_ArrayForEach(child, object) keys[i++] = child->string;
    qsort(keys, n, sizeof *keys, compare_keys);
    for (i = 1; i < n && !s; i++)
        if (!strcmp(keys[i - 1], keys[i]))
            s = status_fail(err, E_FORMAT, "%s: key '%s' stands twice in one object", name,
                            keys[i]);
    free(keys);
    return s;
}

static enum status keys_differ(const cJSON *node, const char *name, struct err *err)
{
    enum status s = cJSON_IsObject(node) ? object_keys_differ(node, name, err) : OK;
    for (const cJSON *child = node->child; child && !s; child = child->next)
        s = keys_differ(child, name, err);
    return s;
}

enum status json_parse(const char *bytes, size_t n, const char *name, struct json **out,
                       struct err *err)
{
    cJSON *root = NULL;
    enum status s;
    /* strtod and cJSON take the decimal point from the locale; both heed the thread's own. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return status_fail(err, E_NOMEM, "%s: out of memory", name);
    locale_t previous = uselocale(c);
    s = json_scan(bytes, n, name, err);
    if (s)
        goto out;
    root = cJSON_ParseWithLength(bytes, n);
    if (!root) {
        s = status_fail(err, E_NOMEM, "%s: out of memory", name);
        goto out;
    }
    s = keys_differ(root, name, err);
out:
    uselocale(previous);
    freelocale(c);
    if (s)
        cJSON_Delete(root);
    else
        *out = json_of(root);
    return s;
}

/* The rest of a file of at most max_bytes, growing: a pipe has no size to ask for. */
static enum status read_all(int fd, const char *path, size_t max_bytes, char **bytes, size_t *n,
                            struct err *err)
{
    for (size_t room = 0;;) {
        if (*n == room) {
            char *more = realloc(*bytes, room = room ? 2 * room : 1 << 16);
            if (!more)
                return status_fail(err, E_NOMEM, "%s: out of memory", path);
            *bytes = more;
        }
        ssize_t got = read(fd, *bytes + *n, room - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_fail(err, errno == EISDIR ? E_NOINPUT : E_IO, "%s: %s", path,
                               strerror(errno));
        if (!got)
            return OK;
        *n += (size_t)got;
        if (*n > max_bytes)
            return status_fail(err, E_FORMAT, "%s: larger than the %zu bytes allowed", path,
                               max_bytes);
    }
}

enum status json_read(const char *path, size_t max_bytes, struct json **out, struct err *err)
{
    char *bytes = NULL;
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return status_fail(err, E_NOINPUT, "%s: %s", path, strerror(errno));
    enum status s = read_all(fd, path, max_bytes, &bytes, &n, err);
    if (!s)
        s = json_parse(bytes, n, path, out, err);
    free(bytes);
    close(fd);
    return s;
}

void json_free(struct json *root)
{
    cJSON_Delete(node_of(root));
}

enum json_type json_type(const struct json *node)
{
    switch (node ? node_of(node)->type & 0xFF : cJSON_NULL) {
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const struct json *json_get(const struct json *object, const char *key)
{
    if (json_type(object) != JSON_OBJECT)
        return NULL;
    return json_of(cJSON_GetObjectItemCaseSensitive(node_of(object), key));
}

const struct json *json_first(const struct json *node)
{
    return node ? json_of(node_of(node)->child) : NULL;
}

const struct json *json_next(const struct json *child)
{
    return child ? json_of(node_of(child)->next) : NULL;
}

const char *json_key(const struct json *child)
{
    return child && node_of(child)->string ? node_of(child)->string : "";
}

size_t json_size(const struct json *node)
{
    size_t n = 0;
    for (const struct json *child = json_first(node); child; child = json_next(child))
        n++;
    return n;
}

double json_number(const struct json *node, double otherwise)
{
    return json_type(node) == JSON_NUMBER ? node_of(node)->valuedouble : otherwise;
}

const char *json_string(const struct json *node, const char *otherwise)
{
    return json_type(node) == JSON_STRING ? node_of(node)->valuestring : otherwise;
}

bool json_bool(const struct json *node, bool otherwise)
{
    return json_type(node) == JSON_BOOL ? cJSON_IsTrue(node_of(node)) : otherwise;
}

uint64_t json_u64(const struct json *node, uint64_t otherwise)
{
    if (json_type(node) == JSON_NUMBER) {
        double value = node_of(node)->valuedouble;
        bool whole = value >= 0 && value <= (double)exact_integers && value == floor(value);
        return whole ? (uint64_t)value : otherwise;
    }
    const char *digit = json_string(node, "");
    uint64_t value = 0;
    if (!*digit || (*digit == '0' && digit[1]))
        return otherwise;
    for (; *digit; digit++)
        if (*digit < '0' || *digit > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value))
            return otherwise;
    return value;
}

double json_get_number(const struct json *object, const char *key, double otherwise)
{
    return json_number(json_get(object, key), otherwise);
}

const char *json_get_string(const struct json *object, const char *key, const char *otherwise)
{
    return json_string(json_get(object, key), otherwise);
}

/* ---- Building ---- */

/* Member "<key>_reason" explains a null and goes with it: why == NULL takes it away. */
static void set_reason(cJSON *object, const char *key, const char *why)
{
    char *reason;
    if (asprintf(&reason, "%s_reason", key) < 0) {
        object->valueint = INCOMPLETE;
        return;
    }
    if (why)
        json_add_string(json_of(object), reason, why);
    else
        cJSON_DeleteItemFromObjectCaseSensitive(object, reason);
    free(reason);
}

/* The old one's key goes over to item: cJSON would copy it, and take a copy that failed. */
static bool replace(cJSON *parent, cJSON *old, cJSON *item)
{
    cJSON_free(item->string); /* a copy of a member brings its key along */
    item->string = old->string;
    old->string = NULL;
    return cJSON_ReplaceItemViaPointer(parent, old, item);
}

/* Takes item; returns it where it now hangs, NULL when there is no item or no parent. */
static cJSON *attach(cJSON *parent, const char *key, cJSON *item)
{
    if (!parent) {
        cJSON_Delete(item);
        return NULL;
    }
    bool done = false;
    if (item && cJSON_IsArray(parent))
        done = cJSON_AddItemToArray(parent, item);
    else if (item) {
        cJSON *old = cJSON_GetObjectItemCaseSensitive(parent, key);
        if (cJSON_IsNull(old))
            set_reason(parent, key, NULL);
        done = old ? replace(parent, old, item) : cJSON_AddItemToObject(parent, key, item);
    }
    if (done)
        return item;
    cJSON_Delete(item);
    parent->valueint = INCOMPLETE;
    return NULL;
}

struct json *json_new_object(void)
{
    return json_of(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
    return json_of(cJSON_CreateArray());
}

struct json *json_add_object(struct json *parent, const char *key)
{
    return parent ? json_of(attach(node_of(parent), key, cJSON_CreateObject())) : NULL;
}

struct json *json_add_array(struct json *parent, const char *key)
{
    return parent ? json_of(attach(node_of(parent), key, cJSON_CreateArray())) : NULL;
}

void json_add_number(struct json *parent, const char *key, double value)
{
    if (!parent)
        return;
    if (isfinite(value)) {
        attach(node_of(parent), key, cJSON_CreateNumber(value));
        return;
    }
    json_add_null(parent, key);
    if (json_type(parent) == JSON_OBJECT)
        set_reason(node_of(parent), key, isnan(value) ? "not a number" : "infinite");
}

void json_add_u64(struct json *parent, const char *key, uint64_t value)
{
    char text[21];
    if (value <= exact_integers) {
        json_add_number(parent, key, (double)value);
        return;
    }
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_add_string(parent, key, text);
}

void json_add_string(struct json *parent, const char *key, const char *value)
{
    if (parent)
        attach(node_of(parent), key, value ? cJSON_CreateString(value) : cJSON_CreateNull());
}

void json_add_bool(struct json *parent, const char *key, bool value)
{
    if (parent)
        attach(node_of(parent), key, cJSON_CreateBool(value));
}

void json_add_null(struct json *parent, const char *key)
{
    json_add_string(parent, key, NULL);
}

void json_add(struct json *parent, const char *key, struct json *child)
{
    attach(node_of(parent), key, node_of(child));
}

struct json *json_copy(const struct json *node)
{
    return json_of(node ? cJSON_Duplicate(node_of(node), true) : cJSON_CreateNull());
}

/* ---- Writing ---- */

static void print_string(FILE *f, const char *text)
{
    static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: the byte, its letter */
    size_t left = strlen(text);
    fputc('"', f);
    while (left) {
        size_t length = json_utf8(text, left);
        const char *pair = NULL;
        for (const char *e = escapes; *e && !pair; e += 2)
            if (*e == *text)
                pair = e;
        if (pair)
            fprintf(f, "\\%c", pair[1]);
        else if (length == 1 && *text < 0x20)
            fprintf(f, "\\u%04x", (unsigned)*text);
        else if (length)
            fwrite(text, 1, length, f);
        else
            fputs("\xEF\xBF\xBD", f); /* U+FFFD */
        text += length ? length : 1;
        left -= length ? length : 1;
    }
    fputc('"', f);
}

/* The fewest of 15, 16 or 17 digits that read back as the same bits; 17 always do. */
static void print_number(FILE *f, double value)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, f);
}

static void break_line(FILE *f, int indent)
{
    if (indent >= 0)
        fprintf(f, "\n%*s", indent, "");
}

static bool has_containers(const cJSON *node)
{
    for (const cJSON *child = node->child; child; child = child->next)
        if (cJSON_IsArray(child) || cJSON_IsObject(child))
            return true;
    return false;
}

static bool print_node(FILE *f, const cJSON *node, int indent);

/* indent < 0: all on one line, and so stands an array of scalars always. */
static bool print_members(FILE *f, const cJSON *node, int indent)
{
    bool object = cJSON_IsObject(node), whole = node->valueint != INCOMPLETE;
    bool lines = indent >= 0 && node->child && (object || has_containers(node));
    int inner = lines ? indent + 2 : -1;
    fputc(object ? '{' : '[', f);
    for (const cJSON *child = node->child; child && whole; child = child->next) {
        break_line(f, inner);
        if (object) {
            print_string(f, child->string);
            fputs(indent >= 0 ? ": " : ":", f);
        }
        whole = print_node(f, child, inner);
        if (child->next)
            fputs(indent >= 0 && !lines ? ", " : ",", f);
    }
    if (lines)
        break_line(f, indent);
    fputc(object ? '}' : ']', f);
    return whole;
}

/* False when a part of the tree was lost. */
static bool print_node(FILE *f, const cJSON *node, int indent)
{
    switch (json_type(json_of((cJSON *)node))) {
    case JSON_NULL:
        fputs("null", f);
        return true;
    case JSON_BOOL:
        fputs(cJSON_IsTrue(node) ? "true" : "false", f);
        return true;
    case JSON_NUMBER:
        print_number(f, node->valuedouble);
        return true;
    case JSON_STRING:
        print_string(f, node->valuestring);
        return true;
    default:
        return print_members(f, node, indent);
    }
}

bool json_is_whole(const struct json *root)
{
    enum json_type type = json_type(root);
    if (!root || (type >= JSON_ARRAY && node_of(root)->valueint == INCOMPLETE))
        return false;
    for (const struct json *child = json_first(root); child; child = json_next(child))
        if (!json_is_whole(child))
            return false;
    return true;
}

enum status json_print(const struct json *root, bool pretty, char **out, struct err *err)
{
    char *text = NULL;
    size_t n = 0;
    bool whole = false;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    FILE *f = c && root ? text_stream(&text, &n) : NULL;
    if (f) {
        locale_t previous = uselocale(c);
        whole = print_node(f, node_of(root), pretty ? 0 : -1) && !ferror(f);
        uselocale(previous);
        whole = !fclose(f) && whole;
    }
    if (c)
        freelocale(c);
    if (!whole) {
        free(text);
        return status_fail(err, E_NOMEM, "out of memory while building a JSON document");
    }
    *out = text;
    return OK;
}
