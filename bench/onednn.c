#include "bench/onednn.h"

#include <stdlib.h>

/* A build on another threading library could not be told how many threads to use. */
#if ASSAY_HAVE_ONEDNN
#include <dnnl.h>
#define USABLE (DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP)
#else
#define USABLE 0
#endif

#if USABLE

#include <omp.h>

struct onednn_matmul {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t product, reorder;
    dnnl_memory_t x, weights, y, plain; /* their buffers are set for each call */
    dnnl_memory_desc_t weights_layout;
    int threads;
};

void onednn_close(struct onednn_matmul *m)
{
    if (!m)
        return;
    dnnl_memory_t memories[] = {m->x, m->weights, m->y, m->plain};
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    if (m->product)
        dnnl_primitive_destroy(m->product);
    if (m->reorder)
        dnnl_primitive_destroy(m->reorder);
    if (m->stream)
        dnnl_stream_destroy(m->stream);
    if (m->engine)
        dnnl_engine_destroy(m->engine);
    free(m);
}

/* A primitive of a description, and the layout that it wants for its weights where asked. */
static dnnl_status_t make_product(struct onednn_matmul *m, const dnnl_memory_desc_t *x,
                                  const dnnl_memory_desc_t *any, const dnnl_memory_desc_t *y)
{
    dnnl_matmul_desc_t description;
    dnnl_primitive_desc_t chosen;
    dnnl_status_t s = dnnl_matmul_desc_init(&description, x, any, NULL, y);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&chosen, &description, NULL, m->engine, NULL);
    if (s != dnnl_success)
        return s;
    m->weights_layout = *dnnl_primitive_desc_query_md(chosen, dnnl_query_weights_md, 0);
    s = dnnl_primitive_create(&m->product, chosen);
    dnnl_primitive_desc_destroy(chosen);
    return s;
}

static dnnl_status_t make_reorder(struct onednn_matmul *m, const dnnl_memory_desc_t *plain)
{
    dnnl_primitive_desc_t chosen;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(&chosen, plain, m->engine,
                                                         &m->weights_layout, m->engine, NULL);
    if (s != dnnl_success)
        return s;
    s = dnnl_primitive_create(&m->reorder, chosen);
    dnnl_primitive_desc_destroy(chosen);
    return s;
}

static dnnl_status_t make(struct onednn_matmul *m, enum onednn_type type, dnnl_dim_t rows,
                          dnnl_dim_t cols, dnnl_dim_t tokens)
{
    dnnl_data_type_t in = type == ONEDNN_BF16 ? dnnl_bf16 : dnnl_s8;
    dnnl_data_type_t out = type == ONEDNN_BF16 ? dnnl_f32 : dnnl_s32;
    const dnnl_dims_t x_size = {tokens, cols}, w_size = {cols, rows}, y_size = {tokens, rows};
    dnnl_memory_desc_t x, any, plain, y;
    dnnl_status_t s = dnnl_engine_create(&m->engine, dnnl_cpu, 0);
    if (s == dnnl_success)
        s = dnnl_stream_create(&m->stream, m->engine, dnnl_stream_default_flags);
    if (s == dnnl_success)
        s = dnnl_memory_desc_init_by_tag(&x, 2, x_size, in, dnnl_ab);
    if (s == dnnl_success)
        s = dnnl_memory_desc_init_by_tag(&any, 2, w_size, in, dnnl_format_tag_any);
    if (s == dnnl_success)
        s = dnnl_memory_desc_init_by_tag(&plain, 2, w_size, in, dnnl_ba);
    if (s == dnnl_success)
        s = dnnl_memory_desc_init_by_tag(&y, 2, y_size, out, dnnl_ab);
    if (s == dnnl_success)
        s = make_product(m, &x, &any, &y);
    if (s == dnnl_success)
        s = make_reorder(m, &plain);
    if (s == dnnl_success)
        s = dnnl_memory_create(&m->x, &x, m->engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = dnnl_memory_create(&m->plain, &plain, m->engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = dnnl_memory_create(&m->weights, &m->weights_layout, m->engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = dnnl_memory_create(&m->y, &y, m->engine, DNNL_MEMORY_NONE);
    return s;
}

enum status onednn_open(enum onednn_type type, size_t rows, size_t cols, size_t tokens, int threads,
                        struct onednn_matmul **out, struct err *err)
{
    struct onednn_matmul *m = calloc(1, sizeof *m);
    if (!m)
        return status_fail(err, E_NOMEM, "oneDNN: out of memory");
    m->threads = threads;
    int before = omp_get_max_threads();
    omp_set_num_threads(threads); /* the library plans for as many */
    dnnl_status_t s = make(m, type, (dnnl_dim_t)rows, (dnnl_dim_t)cols, (dnnl_dim_t)tokens);
    omp_set_num_threads(before);
    if (s == dnnl_success) {
        *out = m;
        return OK;
    }
    onednn_close(m);
    if (s == dnnl_out_of_memory)
        return status_fail(err, E_NOMEM, "oneDNN: out of memory");
    return status_fail(err, E_SKIP, "oneDNN has no such matrix product here (status %d)", (int)s);
}

size_t onednn_weight_bytes(const struct onednn_matmul *m)
{
    return dnnl_memory_desc_get_size(&m->weights_layout);
}

static bool execute(struct onednn_matmul *m, dnnl_primitive_t primitive, int n,
                    const dnnl_exec_arg_t *arguments)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(m->threads);
    dnnl_status_t s = dnnl_primitive_execute(primitive, m->stream, n, arguments);
    if (s == dnnl_success)
        s = dnnl_stream_wait(m->stream);
    omp_set_num_threads(before);
    return s == dnnl_success;
}

enum status onednn_reorder(struct onednn_matmul *m, void *w, void *out, struct err *err)
{
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, m->plain}, {DNNL_ARG_TO, m->weights}};
    if (dnnl_memory_set_data_handle(m->plain, w) == dnnl_success &&
        dnnl_memory_set_data_handle(m->weights, out) == dnnl_success &&
        execute(m, m->reorder, 2, arguments))
        return OK;
    return status_fail(err, E_INTERNAL, "oneDNN did not reorder the weights");
}

bool onednn_run(struct onednn_matmul *m, const void *weights, void *x, void *y)
{
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, m->x}, {DNNL_ARG_WEIGHTS, m->weights}, {DNNL_ARG_DST, m->y}};
    return dnnl_memory_set_data_handle(m->x, x) == dnnl_success &&
           dnnl_memory_set_data_handle(m->weights, (void *)weights) == dnnl_success &&
           dnnl_memory_set_data_handle(m->y, y) == dnnl_success &&
           execute(m, m->product, 3, arguments);
}

const char *onednn_isa(void)
{
    switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
        return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
        return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core_amx";
    default:
        return "unnamed";
    }
}

#else

enum status onednn_open(enum onednn_type type, size_t rows, size_t cols, size_t tokens, int threads,
                        struct onednn_matmul **out, struct err *err)
{
    (void)type;
    (void)rows;
    (void)cols;
    (void)tokens;
    (void)threads;
    (void)out;
    return status_fail(err, E_SKIP,
                       "this program was built without oneDNN 2 on OpenMP (Debian: libdnnl-dev)");
}

void onednn_close(struct onednn_matmul *m)
{
    free(m);
}

size_t onednn_weight_bytes(const struct onednn_matmul *m)
{
    (void)m;
    return 0;
}

enum status onednn_reorder(struct onednn_matmul *m, void *w, void *out, struct err *err)
{
    (void)m;
    (void)w;
    (void)out;
    return status_fail(err, E_INTERNAL, "there is no oneDNN");
}

bool onednn_run(struct onednn_matmul *m, const void *weights, void *x, void *y)
{
    (void)m;
    (void)weights;
    (void)x;
    (void)y;
    return false;
}

const char *onednn_isa(void)
{
    return "none";
}

#endif
