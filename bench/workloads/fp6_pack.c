/* Packing six-bit codes as a task. */
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/gemv_fp6.h"
#include "numerics/buffer.h"

/* What trial->state points to. */
struct packing {
    struct fp6_matrix w;
    struct rotation rotation;
    size_t code_bytes, packed_bytes; /* of a copy */
    uint8_t *codes, *packed;         /* [copies][rows][cols], [copies][tiles] */
    uint16_t *scales;                /* [rows] */
};

enum status fp6_pack_prepare(struct trial *t, struct err *err)
{
    struct packing *p = t->state = calloc(1, sizeof *p);
    if (!p)
        return status_fail(err, E_NOMEM, "%s: out of memory", t->v->name);
    const struct float_format *f = float_format_find(param(t, "bits") == 5 ? "e2m2" : "e3m2");
    enum fp6_layout layout = (enum fp6_layout)param(t, "layout");
    size_t rows = (size_t)param(t, "rows"), cols = (size_t)param(t, "cols");
    size_t tiles = (rows + FP6_TILE - 1) / FP6_TILE;
    p->w = fp6_matrix_of(f, layout, NULL, rows, cols);
    p->code_bytes = rows * cols;
    p->packed_bytes = tiles * fp6_tile_bytes(f, layout, cols);
    size_t bytes = p->code_bytes + p->packed_bytes;
    p->rotation = (struct rotation){rotation_copies(t, bytes), 0, tiles, t->threads};
    p->codes = buffer_alloc(p->rotation.copies * p->code_bytes);
    p->packed = buffer_alloc(p->rotation.copies * p->packed_bytes);
    p->scales = calloc(rows, sizeof *p->scales);
    if (!p->codes || !p->packed || !p->scales)
        return status_fail(err, E_NOMEM, "%s: %zu copies of %zu bytes do not fit into memory",
                           t->v->name, p->rotation.copies, bytes);
    enum { PATTERN = 1 << 20 };
    size_t all = p->rotation.copies * p->code_bytes, first = all < PATTERN ? all : PATTERN;
    for (size_t i = 0; i < first; i++)
        p->codes[i] = (uint8_t)rng_below(t->rng, 1u << f->bits);
    for (size_t i = first, n; i < all; i += n) {
        n = all - i < first ? all - i : first;
        memcpy(p->codes + i, p->codes, n);
    }
    memset(p->packed, 0, p->rotation.copies * p->packed_bytes);
    t->isa = "ref"; /* packing is portable code */
    t->footprint_bytes = p->rotation.copies * bytes;
    return OK;
}

static void pack_tiles(void *user, size_t copy, size_t first, size_t end, size_t thread)
{
    const struct packing *p = user;
    (void)thread;
    fp6_pack(&p->w, p->codes + copy * p->code_bytes, p->scales, first, end,
             p->packed + copy * p->packed_bytes);
}

void fp6_pack_run(struct trial *t, size_t n)
{
    struct packing *p = t->state;
    rotation_run(&p->rotation, n, pack_tiles, p);
}

struct work fp6_pack_work(const struct trial *t)
{
    const struct packing *p = t->state;
    return (struct work){.bytes_read =
                             (double)p->code_bytes + (double)(p->w.rows * sizeof *p->scales),
                         .bytes_written = (double)p->packed_bytes,
                         .items = (double)p->code_bytes,
                         .unit = "weight",
                         .roof = ROOF_DRAM_COPY};
}

void fp6_pack_fidelity(struct trial *t)
{
    const struct packing *p = t->state;
    struct fp6_matrix w = p->w;
    double lost = 0;
    w.tiles = p->packed;                   /* the first run packed the first copy */
    for (size_t r = 0; r < w.rows; r += 7) /* neighbours of every place in a tile */
        for (size_t c = 0; c < w.cols; c++)
            lost += fp6_code(&w, r, c) != p->codes[r * w.cols + c];
    trial_correctness(t, "lost_codes", lost, 0);
    trial_fidelity(t, NULL, "bits_per_weight", 8 * (double)p->packed_bytes / (double)p->code_bytes,
                   "fp64-exact", 0);
}

void fp6_pack_release(struct trial *t)
{
    struct packing *p = t->state;
    if (!p)
        return;
    buffer_free(p->codes, p->rotation.copies * p->code_bytes);
    buffer_free(p->packed, p->rotation.copies * p->packed_bytes);
    free(p->scales);
    free(p);
    t->state = NULL;
}
