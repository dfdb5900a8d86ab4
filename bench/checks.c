#include "bench/checks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/child.h"
#include "bench/records.h"

/* One technique under way. */
struct session {
    const struct checks_job *job;
    const struct technique *technique;
    struct json *checks;
    size_t rows;
    bool ended; /* the last reply was there */
    enum verdict worst;
};

static bool parse_verdict(const char *name, enum verdict *out)
{
    for (int v = REPRODUCED; v <= CHECK_ERROR; v++)
        if (!strcmp(name, verdict_name((enum verdict)v))) {
            *out = (enum verdict)v;
            return true;
        }
    return false;
}

static void take_row(struct session *s, struct json *row, enum verdict verdict)
{
    if (s->job->on_row)
        s->job->on_row(s->job->user, row);
    json_add(s->checks, NULL, row);
    s->rows++;
    if (verdict > s->worst)
        s->worst = verdict;
}

/* The row that stands for the whole check. */
static void add_error(struct session *s, const char *reason, double seconds)
{
    const struct check_result result = {.claim = {.row = "check",
                                                  .kind = CLAIM_EXACT,
                                                  .text = s->technique->claim,
                                                  .paper.value = NAN,
                                                  .measured = NAN,
                                                  .low = NAN,
                                                  .high = NAN},
                                        .verdict = CHECK_ERROR,
                                        .reason = (char *)reason};
    take_row(s, check_record(s->technique->id, &result, seconds, s->job->seed), CHECK_ERROR);
}

static void take_reply(void *user, const char *line, size_t n)
{
    struct session *s = user;
    struct json *reply = NULL;
    struct err err;
    enum verdict verdict;
    if (json_parse(line, n, "reply of the check", &reply, &err)) {
        add_error(s, err.text, 0);
        return;
    }
    const struct json *row = json_get(reply, "check");
    if (json_get(reply, "end"))
        s->ended = true;
    else if (parse_verdict(json_get_string(row, "verdict", ""), &verdict))
        take_row(s, json_copy(row), verdict);
    else
        add_error(s, "a reply of the check is no row", 0);
    json_free(reply);
}

static enum status job_text(const struct session *s, char **text, struct err *err)
{
    struct json *job = json_new_object();
    json_add_string(job, "job", "check");
    json_add_string(job, "technique", s->technique->id);
    json_add_number(job, "threads", s->job->threads);
    json_add_u64(job, "llc_bytes", s->job->llc_bytes);
    json_add_u64(job, "seed", s->job->seed);
    enum status status = json_print(job, false, text, err);
    json_free(job);
    return status;
}

static void judge_end(struct session *s, const struct child_outcome *outcome)
{
    char reason[512];
    if (outcome->end == CHILD_INTERRUPTED)
        return;
    if (outcome->end != CHILD_EXITED || outcome->code || !s->ended) {
        child_describe(outcome, reason, sizeof reason);
        add_error(s, reason, outcome->elapsed_s);
    } else if (!s->rows) {
        add_error(s, "the check gave no row", outcome->elapsed_s);
    }
}

static enum status run_one(struct session *s, struct err *err)
{
    const char *const argv[] = {s->job->program, "worker", NULL};
    struct child_job child = {.program = s->job->program,
                              .argv = argv,
                              .env = s->job->env,
                              .timeout_s = 10 * s->technique->check_seconds + s->job->grace_s,
                              .stop = s->job->stop,
                              .reply = take_reply,
                              .user = s};
    struct child_outcome outcome;
    char *text = NULL;
    enum status status = job_text(s, &text, err);
    if (!status) {
        child.input = text;
        status = child_run(&child, &outcome, err);
    }
    free(text);
    if (status)
        return status;
    judge_end(s, &outcome);
    if (outcome.end == CHILD_INTERRUPTED)
        return status_fail(err, E_INTERRUPTED, "interrupted in the check of %s", s->technique->id);
    return OK;
}

static void summarise(const struct session *s, struct json *summary)
{
    struct json *object = json_add_object(summary, NULL);
    json_add_string(object, "technique", s->technique->id);
    json_add_string(object, "title", s->technique->title);
    json_add_string(object, "source", s->technique->source);
    json_add_string(object, "verdict", verdict_name(s->worst));
}

enum status checks_run(const struct checks_job *job, const struct technique *const *techniques,
                       size_t n, struct json *checks, struct json *summary, struct err *err)
{
    double total = 0, done = 0;
    enum status status = OK;
    for (size_t i = 0; i < n; i++)
        total += techniques[i]->check_seconds;
    for (size_t i = 0; i < n && !status; i++) {
        struct session s = {.job = job, .technique = techniques[i], .checks = checks};
        if (!progress_report(job->progress, done / total, techniques[i]->id))
            return status_fail(err, E_INTERRUPTED, "interrupted before the check of %s",
                               techniques[i]->id);
        status = run_one(&s, err);
        if (s.rows)
            summarise(&s, summary);
        done += techniques[i]->check_seconds;
    }
    return status;
}

bool check_row_fails(const struct json *row)
{
    enum verdict verdict;
    if (!parse_verdict(json_get_string(row, "verdict", ""), &verdict))
        return true;
    return verdict == CHECK_ERROR ||
           (verdict == NOT_REPRODUCED && json_type(json_get(row, "explained")) != JSON_STRING);
}
