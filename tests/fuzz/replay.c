/*
 * Runs a fuzz target without libFuzzer: every file of its corpus, then mutations of them.
 *
 *   fuzz_NAME CORPUS MUTATIONS SEED
 *
 * A child runs the inputs, and its parent tells which one ended it; the input is then in
 * fuzz_NAME.crash.  Mutation i follows from (SEED, i) alone.
 */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "numerics/rng.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_FILES = 256, MAX_BYTES = 1 << 16, MAX_EDITS = 8 };

struct input {
    uint8_t *bytes;
    size_t n;
};

struct corpus {
    struct input files[MAX_FILES];
    size_t n;
};

/* Shared with the parent: the input that is under way. */
struct current {
    size_t index, n;
    uint8_t bytes[MAX_BYTES];
};

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static struct input read_input(const char *folder, const char *name)
{
    char path[1024];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FUZZ_HOLDS(fd >= 0 && !fstat(fd, &st) && st.st_size <= MAX_BYTES);
    struct input input = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    FUZZ_HOLDS(input.bytes && read(fd, input.bytes, input.n) == (ssize_t)input.n);
    close(fd);
    return input;
}

static void read_corpus(const char *folder, struct corpus *c)
{
    struct dirent **names;
    int n = scandir(folder, &names, is_visible, alphasort);
    FUZZ_HOLDS(n > 0 && n <= MAX_FILES);
    for (int i = 0; i < n; i++) {
        c->files[c->n++] = read_input(folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

static size_t below(struct rng *rng, size_t n)
{
    return rng_below(rng, (uint32_t)n);
}

/* Moves what stands from `at` on by `length` bytes to the right. */
static void open_gap(struct current *c, size_t at, size_t length)
{
    memmove(c->bytes + at + length, c->bytes + at, c->n - at);
    c->n += length;
}

static void edit(struct current *c, struct rng *rng, const struct input *other)
{
    static const uint8_t telling[] = {0,    1,   0x7F, 0x80, 0xFF, '"', '{', '}', '[', ']',
                                      '\\', '/', '<',  '-',  '0',  '9', 'e', '.', ',', '\n'};
    static const char *const words[] = {
        "1e308",  "-1",   "18446744073709551615", "9007199254740993", "null", "{}", "[]", "\"\"",
        "1e-300", "true", "4294967296",           "\\u0000"};
    size_t at = below(rng, c->n + 1), left = c->n - at;
    size_t length = left ? 1 + below(rng, left < 32 ? left : 32) : 0;
    const char *word = words[below(rng, sizeof words / sizeof words[0])];
    switch (below(rng, 7)) {
    case 0:
        if (left)
            c->bytes[at] ^= (uint8_t)(1u << below(rng, 8));
        break;
    case 1:
        if (left)
            c->bytes[at] = telling[below(rng, sizeof telling)];
        break;
    case 2: /* a piece goes */
        memmove(c->bytes + at, c->bytes + at + length, left - length);
        c->n -= length;
        break;
    case 3: /* a piece stands twice */
        if (c->n + length <= MAX_BYTES)
            open_gap(c, at, length);
        break;
    case 4: /* a word goes in */
        if (c->n + strlen(word) <= MAX_BYTES) {
            open_gap(c, at, strlen(word));
            memcpy(c->bytes + at, word, strlen(word));
        }
        break;
    case 5: /* it ends early */
        if (below(rng, 4) == 0)
            c->n = at;
        break;
    default: /* a piece of another file goes over it */
        if (other->n && left) {
            size_t from = below(rng, other->n), most = other->n - from;
            length = length < most ? length : most;
            memcpy(c->bytes + at, other->bytes + from, length);
        }
    }
}

/* Copied into a block of its own size, so that AddressSanitizer sees a read past its end. */
static void run_one(const struct current *c)
{
    uint8_t *bytes = malloc(c->n ? c->n : 1);
    FUZZ_HOLDS(bytes);
    memcpy(bytes, c->bytes, c->n);
    LLVMFuzzerTestOneInput(bytes, c->n);
    free(bytes);
}

static void run_all(const struct corpus *corpus, struct current *c, size_t mutations, uint64_t seed)
{
    const struct rng root = {seed};
    for (c->index = 0; c->index < corpus->n + mutations; c->index++) {
        struct rng rng = rng_split(&root, c->index);
        size_t mutation = c->index < corpus->n ? 0 : 1 + below(&rng, MAX_EDITS);
        const struct input *file =
            mutation ? &corpus->files[below(&rng, corpus->n)] : &corpus->files[c->index];
        memcpy(c->bytes, file->bytes, file->n);
        c->n = file->n;
        while (mutation--)
            edit(c, &rng, &corpus->files[below(&rng, corpus->n)]);
        run_one(c);
    }
}

static int report(const char *program, const struct corpus *corpus, const struct current *c,
                  uint64_t seed, int wait_status)
{
    char path[1024];
    const char *slash = strrchr(program, '/');
    bool during = c->index < SIZE_MAX;
    fprintf(stderr, "%s: %s %d, seed %llu, %s %zu\n", program,
            WIFSIGNALED(wait_status) ? "signal" : "exit code",
            WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
            (unsigned long long)seed,
            !during                ? "after the last input,"
            : c->index < corpus->n ? "file"
                                   : "mutation",
            !during                ? 0
            : c->index < corpus->n ? c->index
                                   : c->index - corpus->n);
    snprintf(path, sizeof path, "%s.crash", slash ? slash + 1 : program);
    FILE *f = during ? fopen(path, "w") : NULL;
    if (f && fwrite(c->bytes, 1, c->n, f) == c->n && !fclose(f))
        fprintf(stderr, "the input is in %s\n", path);
    return 1;
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    if (argc != 4) {
        fprintf(stderr, "usage: %s CORPUS MUTATIONS SEED\n", argv[0]);
        return 64;
    }
    size_t mutations = strtoul(argv[2], NULL, 10);
    uint64_t seed = strtoull(argv[3], NULL, 10);
    read_corpus(argv[1], &corpus);
    struct current *c =
        mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FUZZ_HOLDS(c != MAP_FAILED);
    int status = 0;
    pid_t child = fork();
    FUZZ_HOLDS(child >= 0);
    if (!child) {
        FUZZ_HOLDS(freopen("/dev/null", "w", stdout)); /* --help is an answer, too */
        run_all(&corpus, c, mutations, seed);
        c->index = SIZE_MAX;
    } else {
        FUZZ_HOLDS(waitpid(child, &status, 0) == child);
    }
    for (size_t i = 0; i < corpus.n; i++)
        free(corpus.files[i].bytes);
    return !child || !status ? 0 : report(argv[0], &corpus, c, seed, status);
}
