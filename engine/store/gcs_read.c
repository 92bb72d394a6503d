#include "store/gcs_read.h"

#include "base/hash.h"
#include "base/mem.h"
#include "store/gcs_call.h"

#include <assert.h>
#include <stdlib.h>

enum {
    EMPTY_ANSWERS_MAX = 4, /* a server that answers a range with nothing, again and again */
};

/* One request: a part of a span, and where its bytes go. */
struct range {
    struct gcs_reader *reader;
    size_t span;
    uint64_t offset; /* in the object */
    size_t length, received, given;
    uint32_t crc;                /* of what was received */
    uint32_t empty_answer_count; /* in a row */
    bool is_checked;             /* the headers of this answer were looked at */
    bool is_complete;
    bool is_refused;   /* the answer was not what was asked: `err` */
    bool has_no_place; /* its bytes cannot be put where they are wanted: `err` */
    struct err err;
    char *bytes;
    struct gcs_call call;
    struct range *next;
};

/* How far a span is. */
struct progress {
    uint64_t asked; /* bytes of it that requests were made for */
    uint64_t given;
    uint32_t crc;        /* of the complete ranges given so far */
    uint64_t tail_bytes; /* of its next range behind the sure bytes */
    bool has_crc32c;     /* of the whole object, as planned or as an answer said */
    uint32_t crc32c;
    bool is_skipped;
};

struct gcs_reader {
    struct gcs *gcs;
    const struct gcs_span *spans;
    struct progress *progress;
    size_t count;
    size_t current;      /* the span whose bytes are given next */
    size_t asking;       /* the first span with sure bytes that nobody has asked for */
    struct range *first; /* in the order in which they are given */
    uint32_t range_count, range_count_max;
    size_t range_bytes;
    struct range *spare;             /* used ones, with their buffers */
    struct gcs_read_options options; /* `place` of them */
};

static uint32_t range_count_of(const struct gcs_read_options *options)
{
    uint32_t count = options ? options->parallel_count : 0;

    return count == 0                            ? GCS_READ_PARALLEL_COUNT
           : count > GCS_READ_PARALLEL_COUNT_MAX ? GCS_READ_PARALLEL_COUNT_MAX
                                                 : count;
}

static size_t range_bytes_of(const struct gcs_read_options *options)
{
    return options && options->range_bytes ? options->range_bytes : (size_t)GCS_RANGE_BYTES;
}

uint64_t gcs_reader_window(const struct gcs_read_options *options)
{
    return range_count_of(options) * (uint64_t)(range_bytes_of(options) + GCS_TAIL_BYTES);
}

struct gcs_reader *gcs_reader_open(struct gcs *gcs, const struct gcs_span *spans, size_t count,
                                   const struct gcs_read_options *options)
{
    struct gcs_reader *reader = mem_alloc(sizeof *reader);

    reader->gcs = gcs;
    reader->spans = spans;
    reader->count = count;
    reader->progress = mem_alloc_array(count ? count : 1, sizeof *reader->progress);
    reader->range_bytes = range_bytes_of(options);
    reader->range_count_max = range_count_of(options);
    if (options)
        reader->options = *options;
    for (size_t i = 0; i < count; i++) {
        assert(spans[i].length <= spans[i].size && spans[i].offset <= spans[i].size);
        assert(spans[i].sure_bytes <= spans[i].length);
        reader->progress[i].tail_bytes = GCS_TAIL_BYTES;
        reader->progress[i].has_crc32c = spans[i].has_crc32c;
        reader->progress[i].crc32c = spans[i].crc32c;
    }
    return reader;
}

/* ---- a range ---- */

static bool is_whole(const struct gcs_span *span)
{
    return span->offset == 0 && span->length == span->size;
}

static int refuse(struct range *range, const char *problem)
{
    range->is_refused = true;
    return err_set(&range->err, ERR_RETRY, "the answer to a request for bytes %llu-%llu %s",
                   (unsigned long long)(range->offset + range->received),
                   (unsigned long long)(range->offset + range->length - 1), problem);
}

/* Is what comes what was asked for? */
static int check_answer(struct range *range, const struct http_exchange *request)
{
    const struct gcs_span *span = &range->reader->spans[range->span];
    const struct http_headers *headers = &request->reply_headers;
    uint64_t first = range->offset + range->received;
    uint64_t last = range->offset + range->length - 1;

    if (headers->generation != HTTP_NO_NUMBER && span->generation &&
        headers->generation != span->generation)
        return refuse(range, "is of another generation");
    if (request->status == 200) {
        if (first != 0 || last != span->size - 1)
            return refuse(range, "is the whole object (200)");
        return 0;
    }
    if (request->status != 206 || headers->range_first == HTTP_NO_NUMBER)
        return refuse(range, "has no Content-Range");
    if (headers->range_first != first || headers->range_last > last)
        return refuse(range, "is another range");
    if (headers->range_total != HTTP_NO_NUMBER && headers->range_total != span->size)
        return refuse(range, "is of an object of another size");
    return 0;
}

/* That of the whole object, with every range of it. */
static void keep_checksum(struct range *range, const struct http_headers *headers)
{
    struct progress *progress = &range->reader->progress[range->span];

    if (!headers->has_crc32c || progress->has_crc32c)
        return;
    progress->has_crc32c = true;
    progress->crc32c = headers->crc32c;
}

static int place(struct range *range, struct slice bytes)
{
    const struct gcs_read_options *options = &range->reader->options;
    int rc = options->place(options->place_context, range->span, range->offset + range->received,
                            bytes, &range->err);

    range->has_no_place = rc != 0;
    return rc;
}

static int on_bytes(void *context, const struct http_exchange *request, const char *bytes,
                    size_t len)
{
    struct range *range = context;

    if (!range->is_checked && check_answer(range, request) != 0)
        return -1;
    if (!range->is_checked)
        keep_checksum(range, &request->reply_headers);
    range->is_checked = true;
    if (len > range->length - range->received)
        return refuse(range, "is too long");
    range->crc = crc32c(range->crc, bytes, len);
    if (range->bytes)
        memcpy(range->bytes + range->received, bytes, len);
    else if (place(range, slice_of(bytes, len)) != 0)
        return -1;
    range->received += len;
    range->empty_answer_count = 0;
    retry_progress(&range->call.retry);
    return 0;
}

/* What is still missing is asked for. */
static void prepare(struct gcs_call *call)
{
    struct range *range = call->context;

    range->is_checked = false;
    buf_clear(&call->headers);
    buf_printf(&call->headers, "Accept-Encoding: gzip\nRange: bytes=%llu-%llu\n",
               (unsigned long long)(range->offset + range->received),
               (unsigned long long)(range->offset + range->length - 1));
}

static void ask(struct range *range)
{
    struct gcs_reader *reader = range->reader;
    const struct gcs_span *span = &reader->spans[range->span];
    struct gcs_call *call = &range->call;

    *call = GCS_CALL_INIT;
    call->http.method = "GET";
    call->http.sink = on_bytes;
    call->http.context = call->context = range;
    call->operation = RETRY_ALWAYS;
    call->prepare = prepare;
    gcs_url_object(reader->gcs, &call->url, span->bucket, span->object);
    gcs_url_add(&call->url, "alt", "media");
    if (span->generation)
        gcs_url_add_number(&call->url, "generation", span->generation);
    gcs_call_start(reader->gcs, call);
}

static struct range *take_range(struct gcs_reader *reader)
{
    struct range *range = reader->spare;
    char *bytes;

    if (range) {
        reader->spare = range->next;
        bytes = range->bytes;
    } else {
        range = mem_alloc(sizeof *range);
        bytes = reader->options.place ? NULL : mem_alloc(reader->range_bytes + GCS_TAIL_BYTES);
    }
    *range = (struct range){.reader = reader, .bytes = bytes};
    reader->range_count++;
    return range;
}

/* The next `length` bytes of a span, given behind `*link`. */
static void add_range(struct gcs_reader *reader, struct range **link, size_t span, uint64_t length)
{
    struct progress *progress = &reader->progress[span];
    struct range *range = take_range(reader);

    assert(length > 0 && length <= reader->range_bytes + GCS_TAIL_BYTES);
    range->span = span;
    range->offset = reader->spans[span].offset + progress->asked;
    range->length = (size_t)length;
    progress->asked += length;
    range->next = *link;
    *link = range;
    ask(range);
}

/* The first range is no longer needed. */
static void drop_first(struct gcs_reader *reader)
{
    struct range *range = reader->first;

    reader->first = range->next;
    reader->range_count--;
    gcs_call_deinit(reader->gcs, &range->call);
    range->next = reader->spare;
    reader->spare = range;
}

/* ---- what is asked for ---- */

/* The next sure bytes of a span: with the tail behind them, if that is all that is sure. */
static uint64_t next_length(const struct gcs_reader *reader, size_t span)
{
    const struct gcs_span *what = &reader->spans[span];
    uint64_t asked = reader->progress[span].asked, sure = what->sure_bytes - asked;
    uint64_t left = what->length - asked;

    if (sure > reader->range_bytes)
        return reader->range_bytes;
    return left < sure + GCS_TAIL_BYTES ? left : sure + GCS_TAIL_BYTES;
}

static bool wants_more(const struct gcs_reader *reader, size_t span)
{
    const struct progress *progress = &reader->progress[span];

    return !progress->is_skipped && progress->asked < reader->spans[span].sure_bytes;
}

static struct range **link_behind(struct gcs_reader *reader)
{
    struct range **link = &reader->first;

    while (*link)
        link = &(*link)->next;
    return link;
}

/* Reads ahead: as many requests as there may be. */
static void ask_ahead(struct gcs_reader *reader)
{
    while (reader->range_count < reader->range_count_max &&
           gcs_may_start(reader->gcs, reader->range_count)) {
        while (reader->asking < reader->count && !wants_more(reader, reader->asking))
            reader->asking++;
        if (reader->asking == reader->count)
            return;
        add_range(reader, link_behind(reader), reader->asking, next_length(reader, reader->asking));
    }
}

/* Somebody reads on behind the sure bytes: more, and more at once each time. */
static void ask_tail(struct gcs_reader *reader, size_t span)
{
    struct progress *progress = &reader->progress[span];
    uint64_t left = reader->spans[span].length - progress->asked;
    uint64_t length = left < progress->tail_bytes ? left : progress->tail_bytes;

    add_range(reader, &reader->first, span, length);
    progress->tail_bytes *= 2;
    if (progress->tail_bytes > reader->range_bytes)
        progress->tail_bytes = reader->range_bytes;
}

/* ---- what is given ---- */

static int fail(struct range *range, enum err_kind kind, const char *problem, struct err *err)
{
    const struct gcs_span *span = &range->reader->spans[range->span];

    return err_set(err, kind, "input gs://%s/%s: %s", span->bucket, span->object, problem);
}

static int explain(struct range *range, struct err *err)
{
    const struct gcs_span *span = &range->reader->spans[range->span];
    const struct gcs_call *call = &range->call;
    int status = call->http.status;

    if (range->is_refused)
        return fail(range, range->err.kind, range->err.message, err);
    if (range->has_no_place) {
        *err = range->err;
        return -1;
    }
    if (call->has_failed) {
        *err = call->err;
        return err_prefix(err, "input gs://%s/%s", span->bucket, span->object);
    }
    if ((status == 404 || status == 412 || status == 416) && span->generation)
        return err_set(err, ERR_INPUT, "input gs://%s/%s changed since the job was planned",
                       span->bucket, span->object);
    return gcs_answer_error(call, "input", span->bucket, span->object, ERR_INPUT, err);
}

/* After its call has ended: 0: it is complete, or was begun again; -1. */
static int settle(struct range *range, struct err *err)
{
    struct gcs_call *call = &range->call;
    bool is_answer = !range->is_refused && !range->has_no_place && !call->has_failed &&
                     (call->http.status == 200 || call->http.status == 206);

    if (!is_answer)
        return explain(range, err);
    range->is_complete = range->received == range->length;
    if (range->is_complete)
        return 0;
    /* A body that ends well and too early: without a length nobody can see that it was cut. */
    if (++range->empty_answer_count > EMPTY_ANSWERS_MAX)
        return fail(range, ERR_RETRY, "the answers end before the bytes that were asked for", err);
    gcs_call_reset(call);
    gcs_call_start(range->reader->gcs, call);
    return 0;
}

static bool is_checked_span(const struct gcs_reader *reader, size_t span)
{
    return reader->progress[span].has_crc32c && is_whole(&reader->spans[span]);
}

/* A range of `span` has been given, or is about to be, to its end. */
static int add_checksum(struct gcs_reader *reader, struct range *range, struct err *err)
{
    const struct gcs_span *span = &reader->spans[range->span];
    struct progress *progress = &reader->progress[range->span];

    progress->crc = crc32c_combine(progress->crc, range->crc, range->length);
    if (!is_checked_span(reader, range->span) || range->offset + range->length < span->size ||
        progress->crc == progress->crc32c)
        return 0;
    return err_set(err, ERR_RETRY,
                   "input gs://%s/%s: wrong checksum: what came has CRC32C %08x, the object %08x",
                   span->bucket, span->object, progress->crc, progress->crc32c);
}

/* Bytes of the first range that may be given now. Its last ones wait until its answer has ended,
 * and those of an object that is checked for the check. */
static size_t ready_bytes(const struct gcs_reader *reader, const struct range *range)
{
    const struct gcs_span *span = &reader->spans[range->span];
    bool is_last = range->offset + range->length == span->offset + span->length;

    if (!range->is_complete &&
        (range->received == range->length || (is_last && is_checked_span(reader, range->span))))
        return 0;
    return range->received - range->given;
}

static int give(struct gcs_reader *reader, struct gcs_chunk *chunk, struct err *err)
{
    struct range *range = reader->first;
    size_t len;

    if (!range->is_complete && gcs_call_has_ended(&range->call)) {
        if (settle(range, err) != 0)
            return -1;
        if (range->is_complete && add_checksum(reader, range, err) != 0)
            return -1;
    }
    len = ready_bytes(reader, range);
    if (len == 0)
        return 2;
    *chunk = (struct gcs_chunk){
        .span = range->span,
        .crc32c = reader->progress[range->span].crc,
        .bytes = slice_of(range->bytes ? range->bytes + range->given : NULL, len)};
    range->given += len;
    reader->progress[range->span].given += len;
    return 1;
}

static bool is_given(const struct gcs_reader *reader, size_t span)
{
    return reader->progress[span].is_skipped ||
           reader->progress[span].given == reader->spans[span].length;
}

int gcs_reader_try(struct gcs_reader *reader, struct gcs_chunk *chunk, struct err *err)
{
    while (reader->current < reader->count && is_given(reader, reader->current))
        reader->current++;
    while (reader->first && (reader->first->given == reader->first->length ||
                             reader->progress[reader->first->span].is_skipped))
        drop_first(reader);
    if (reader->current == reader->count)
        return 0;
    ask_ahead(reader);
    if (!reader->first || reader->first->span != reader->current) {
        if (wants_more(reader, reader->current))
            return 2; /* the ramp lets no more requests start */
        ask_tail(reader, reader->current);
    }
    return give(reader, chunk, err);
}

int gcs_reader_poll(struct gcs_reader *reader, struct pollfd *polls, size_t count, int timeout_ms,
                    struct err *err)
{
    return gcs_poll(reader->gcs, polls, count, timeout_ms, err);
}

int gcs_reader_next(struct gcs_reader *reader, struct gcs_chunk *chunk, struct err *err)
{
    int rc;

    while ((rc = gcs_reader_try(reader, chunk, err)) == 2)
        if (gcs_reader_poll(reader, NULL, 0, -1, err) != 0)
            return -1;
    return rc;
}

void gcs_reader_skip(struct gcs_reader *reader, size_t span)
{
    assert(span < reader->count);
    reader->progress[span].is_skipped = true;
}

void gcs_reader_close(struct gcs_reader *reader)
{
    if (!reader)
        return;
    while (reader->first)
        drop_first(reader);
    while (reader->spare) {
        struct range *range = reader->spare;

        reader->spare = range->next;
        free(range->bytes);
        free(range);
    }
    free(reader->progress);
    free(reader);
}

int gcs_read_range(struct gcs *gcs, const struct gcs_span *span, void *to, struct err *err)
{
    struct gcs_reader *reader = gcs_reader_open(gcs, span, 1, NULL);
    struct gcs_chunk chunk;
    size_t at = 0;
    int rc;

    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1) {
        memcpy((char *)to + at, chunk.bytes.ptr, chunk.bytes.len);
        at += chunk.bytes.len;
    }
    gcs_reader_close(reader);
    return rc;
}
