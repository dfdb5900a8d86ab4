#include "bench/records.h"

#include <inttypes.h>
#include <stdio.h>

static const char *roof_name(enum roof roof)
{
    static const char *const names[] = {"read", "write", "copy", "fma-f32", "dot-i8", "lookup"};
    return names[roof];
}

static const char *text_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static void add_data(struct json *parent, const struct data_record *data)
{
    char hash[32];
    struct json *object = json_add_object(parent, "data");
    snprintf(hash, sizeof hash, "fnv1a64:%016" PRIx64, data->hash);
    json_add_string(object, "name", data->name);
    json_add_string(object, "hash", hash);
    json_add_u64(object, "seed", data->seed);
}

static void add_work(struct json *parent, const struct work *w)
{
    struct json *object = json_add_object(parent, "work");
    json_add_number(object, "flops", w->flops);
    json_add_number(object, "bytes_read", w->bytes_read);
    json_add_number(object, "bytes_written", w->bytes_written);
    json_add_number(object, "items", w->items);
    json_add_string(object, "unit", w->unit);
    json_add_string(object, "roof", roof_name(w->roof));
    json_add_number(object, "roof_ops", w->roof_ops);
}

static void add_sample(struct json *parent, const struct gbench_sample *sample)
{
    struct json *object = json_add_object(parent, "sample");
    json_add_number(object, "elapsed_ns", sample->elapsed_ns);
    json_add_u64(object, "iterations", sample->iterations);
    json_add_number(object, "items", sample->items);
}

static void add_findings(struct json *parent, const struct findings *f)
{
    struct json *correctness = json_add_array(parent, "correctness");
    struct json *fidelity = json_add_array(parent, "fidelity");
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *row = &f->rows[i];
        struct json *object = json_add_object(row->correctness ? correctness : fidelity, NULL);
        if (!row->correctness)
            json_add_string(object, "subject", text_or_null(row->subject));
        json_add_string(object, "metric", row->metric);
        json_add_number(object, "value", row->value);
        if (row->correctness) {
            json_add_number(object, "bound", row->bound);
            json_add_string(object, "verdict", finding_right(row) ? "right" : "wrong");
        } else {
            json_add_string(object, "reference", row->reference);
            json_add_string(object, "scope", row->proxy ? "proxy" : "same-buffers");
        }
    }
}

struct json *cell_record(const struct cell *cell, const struct data_record *data)
{
    struct json *object = json_new_object();
    json_add_string(object, "variant", cell->v->name);
    json_add_string(object, "status", cell_status_name(cell->status));
    json_add_string(object, "reason", text_or_null(cell->reason.text));
    json_add_string(object, "isa", cell->isa);
    json_add_string(object, "mode", cell_mode_name(cell->mode));
    add_data(object, data);
    if (cell->ran) {
        json_add_u64(object, "footprint_bytes", cell->footprint_bytes);
        add_work(object, &cell->work);
    } else {
        json_add_null(object, "footprint_bytes");
        json_add_null(object, "work");
    }
    if (cell->status == CELL_OK)
        add_sample(object, &cell->sample);
    else
        json_add_null(object, "sample");
    add_findings(object, &cell->findings);
    return object;
}

struct json *check_record(const char *technique, const struct check_result *row, double seconds,
                          uint64_t seed)
{
    static const char *const kinds[] = {"exact", "statistical", "timing"};
    const struct claim *c = &row->claim;
    bool falls_short = row->verdict == DIRECTION || row->verdict == NOT_REPRODUCED;
    struct json *object = json_new_object();
    json_add_string(object, "technique", technique);
    json_add_string(object, "row", c->row);
    json_add_string(object, "kind", kinds[c->kind]);
    json_add_string(object, "claim", c->text);
    struct json *paper = json_add_object(object, "paper");
    json_add_number(paper, "value", c->paper.value);
    json_add_string(paper, "unit", c->paper.unit);
    json_add_string(paper, "where", c->paper.where);
    struct json *measured = json_add_object(object, "measured");
    json_add_number(measured, "value", c->measured);
    json_add_string(measured, "unit", c->unit);
    struct json *threshold = json_add_object(object, "threshold");
    json_add_number(threshold, "low", c->low);
    json_add_number(threshold, "high", c->high);
    json_add_string(object, "verdict", verdict_name(row->verdict));
    json_add_string(object, "explained", falls_short ? c->explained : NULL);
    json_add_string(object, "reason", row->reason);
    json_add_number(object, "seconds", seconds);
    json_add_u64(object, "seed", seed);
    return object;
}
