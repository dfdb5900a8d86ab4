#include "datasets/text_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct sink {
    char **text;
    size_t *n;
    char *bytes; /* [room], of which used are written; room > used */
    size_t used, room;
    bool failed;
};

/* Fewer bytes than were given mark the stream as failed. */
static ssize_t sink_write(void *cookie, const char *bytes, size_t n)
{
    struct sink *s = cookie;
    if (s->failed)
        return 0;
    if (n >= s->room - s->used) {
        size_t room = 2 * s->room + n;
        char *more = realloc(s->bytes, room);
        if (!more) {
            s->failed = true;
            return 0;
        }
        s->bytes = more;
        s->room = room;
    }
    memcpy(s->bytes + s->used, bytes, n);
    s->used += n;
    return (ssize_t)n;
}

static int sink_close(void *cookie)
{
    struct sink *s = cookie;
    bool failed = s->failed;
    if (failed) {
        free(s->bytes);
        *s->text = NULL;
    } else {
        s->bytes[s->used] = '\0';
        *s->text = s->bytes;
        *s->n = s->used;
    }
    free(s);
    return failed ? EOF : 0;
}

FILE *text_stream(char **text, size_t *n)
{
    static const cookie_io_functions_t functions = {.write = sink_write, .close = sink_close};
    enum { FIRST_ROOM = 256 };
    struct sink *s = calloc(1, sizeof *s);
    char *bytes = malloc(FIRST_ROOM);
    FILE *f = s && bytes ? fopencookie(s, "w", functions) : NULL;
    if (!f) {
        free(s);
        free(bytes);
        return NULL;
    }
    *s = (struct sink){.text = text, .n = n, .bytes = bytes, .room = FIRST_ROOM};
    return f;
}
