#include "store/gcs_read.h"

#include "base/hash.h"
#include "store/gcs_kit.h"

#define PART(range, body)                                                                          \
    "HTTP/1.1 206 Partial Content\r\nContent-Length: @\r\nContent-Range: bytes " range             \
    "\r\n\r\n" body

static const struct gcs_span TEN = {.bucket = "bkt",
                                    .object = "a",
                                    .generation = 7,
                                    .length = 10,
                                    .sure_bytes = 10,
                                    .size = 10,
                                    .crc32c = 0x280c069e, /* of "0123456789" */
                                    .has_crc32c = true};

/* Reads to the end, or to the failure, and appends what came. */
static int read_all(struct gcs_reader *reader, struct buf *out, struct err *err)
{
    struct gcs_chunk chunk;
    int rc;

    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1)
        buf_append(out, chunk.bytes.ptr, chunk.bytes.len);
    return rc;
}

/* One span against a script: what it gave, and how it ended. */
static void check_span(const struct gcs_span *span, const struct gcs_answer *script, size_t count,
                       uint32_t range_bytes, const char *gives, enum err_kind kind,
                       const char *said)
{
    struct gcs_read_options options = {.parallel_count = 1, .range_bytes = range_bytes};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct gcs_reader *reader;
    struct buf got = {0};
    struct err err = {0};
    int rc;

    gcs_kit_start(&kit, script, count);
    gcs = gcs_kit_open(&kit);
    reader = gcs_reader_open(gcs, span, 1, &options);
    rc = read_all(reader, &got, &err);
    assert_int_equal(rc, kind == ERR_NONE ? 0 : -1);
    assert_string_equal(buf_string(&got), gives);
    if (kind != ERR_NONE) {
        assert_int_equal(err.kind, kind);
        if (!strstr(err.message, said))
            print_error("%s\n", err.message);
        assert_non_null(strstr(err.message, said));
    }
    assert_kit_done(&kit, (uint32_t)count);
    buf_deinit(&got);
    gcs_reader_close(reader);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void a_whole_object_is_read_in_one_pinned_range_and_checked(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o/a?alt=media&generation=7", PART("0-9/10", "0123456789"), 0, 0},
    };

    (void)state;
    assert_int_equal(crc32c(0, "0123456789", 10), TEN.crc32c);
    check_span(&TEN, script, 1, 100, "0123456789", ERR_NONE, NULL);
}

static void a_200_is_taken_only_for_the_whole_object(void **state)
{
    static const struct gcs_answer whole[] = {
        {"bytes=0-9", GCS_BODY("200 OK", "0123456789"), 0, 0}};
    struct gcs_span half = TEN;

    (void)state;
    half.offset = 0;
    half.length = half.sure_bytes = 5;
    check_span(&TEN, whole, 1, 100, "0123456789", ERR_NONE, NULL);
    {
        static const struct gcs_answer script[] = {
            {"bytes=0-4", GCS_BODY("200 OK", "0123456789"), 0, 0}};

        check_span(&half, script, 1, 100, "", ERR_RETRY, "is the whole object (200)");
    }
}

static void what_was_not_asked_for_is_an_error(void **state)
{
    static const struct {
        const char *answer, *said;
    } wrong[] = {
        {PART("1-10/11", "123456789x"), "is another range"},
        {PART("0-10/10", "0123456789x"), "is another range"},
        {PART("0-9/11", "0123456789"), "is of an object of another size"},
        {"HTTP/1.1 206 Part\r\nContent-Length: 10\r\n\r\n0123456789", "has no Content-Range"},
        {"HTTP/1.1 206 Part\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\n"
         "x-goog-generation: 8\r\n\r\n0123456789",
         "is of another generation"},
        {"HTTP/1.1 206 Part\r\nContent-Length: 11\r\nContent-Range: bytes 0-9/10\r\n"
         "\r\n0123456789x",
         "is too long"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct gcs_answer script[] = {{"bytes=0-9", wrong[i].answer, 0, 0}};

        check_span(&TEN, script, 1, 100, "", ERR_RETRY, wrong[i].said);
    }
}

static void a_body_that_breaks_off_is_continued_where_it_ended(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes=0-9",
         "HTTP/1.1 206 Part\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\n"
         "\r\n0123",
         0, GCS_CLOSE},
        {"bytes=4-9",
         "HTTP/1.1 206 Part\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10\r\n"
         "\r\n45",
         0, GCS_CLOSE},
        {"bytes=6-9", GCS_EMPTY("503 Busy"), 0, 0},
        {"bytes=6-9", PART("6-9/10", "6789"), 0, 0},
    };

    (void)state;
    check_span(&TEN, script, 4, 100, "0123456789", ERR_NONE, NULL);
}

/* Without a length nobody but the one who counts sees that it was cut. */
static void a_body_that_ends_well_but_early_is_continued_too(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes=0-9", PART("0-3/10", "0123"), 0, 0},
        {"bytes=4-9",
         "HTTP/1.1 206 Part\r\nTransfer-Encoding: chunked\r\n"
         "Content-Range: bytes 4-9/10\r\n\r\n3\r\n456\r\n0\r\n\r\n",
         0, 0},
        {"bytes=7-9", PART("7-9/10", "789"), 0, 0},
    };

    (void)state;
    check_span(&TEN, script, 3, 100, "0123456789", ERR_NONE, NULL);
}

static void a_body_that_is_empty_again_and_again_is_given_up(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes=0-9", GCS_EMPTY("206 Part"), 0, 0}, {"bytes=0-9", GCS_EMPTY("206 Part"), 0, 0},
        {"bytes=0-9", GCS_EMPTY("206 Part"), 0, 0}, {"bytes=0-9", GCS_EMPTY("206 Part"), 0, 0},
        {"bytes=0-9", GCS_EMPTY("206 Part"), 0, 0},
    };

    (void)state;
    check_span(&TEN, script, 5, 100, "", ERR_RETRY, "end before the bytes that were asked for");
}

static void a_generation_that_is_gone_is_an_input_that_changed(void **state)
{
    static const struct gcs_answer script[] = {{"generation=7", GCS_EMPTY("404 None"), 0, 0}};

    (void)state;
    check_span(&TEN, script, 1, 100, "", ERR_INPUT,
               "input gs://bkt/a changed since the job was planned");
}

static void a_wrong_checksum_is_told_instead_of_the_last_bytes(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes=0-5", PART("0-5/10", "012345"), 0, 0},
        {"bytes=6-9", PART("6-9/10", "678!"), 0, 0},
    };

    (void)state;
    check_span(&TEN, script, 2, 6, "012345", ERR_RETRY, "wrong checksum");
}

static void an_object_of_no_bytes_is_never_asked_for(void **state)
{
    struct gcs_span empty = {.bucket = "bkt", .object = "e", .generation = 1};

    (void)state;
    check_span(&empty, NULL, 0, 100, "", ERR_NONE, NULL);
}

/* Ranges of several objects are under way at once, and come out in order. */
static void spans_are_read_ahead_across_their_borders_and_given_in_order(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes=0-5", PART("0-5/10", "012345"), 0, 0},
        {"bytes=6-9", PART("6-9/10", "6789"), 0, 0},
        {"o/b?", PART("0-2/3", "abc"), 0, 0},
    };
    struct gcs_span spans[] = {TEN, {.bucket = "bkt", .object = "b", .length = 3, .size = 3}};
    struct gcs_read_options options = {.parallel_count = 4, .range_bytes = 6};
    struct gcs_kit kit;
    struct gcs_reader *reader;
    struct gcs *gcs;
    struct buf got = {0};
    struct err err;

    (void)state;
    spans[1].sure_bytes = 3;
    gcs_kit_start(&kit, script, 3);
    gcs = gcs_kit_open(&kit);
    reader = gcs_reader_open(gcs, spans, 2, &options);
    assert_int_equal(read_all(reader, &got, &err), 0);
    assert_string_equal(buf_string(&got), "0123456789abc");
    assert_kit_done(&kit, 3);
    assert_int_equal(kit.shared->connection_count, 3); /* at once */
    buf_deinit(&got);
    gcs_reader_close(reader);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

/* What is behind the sure bytes is asked for when somebody reads on, and not once they have
 * enough. */
static void the_tail_of_a_span_is_read_only_on_demand(void **state)
{
    static char big[3 * GCS_TAIL_BYTES], first[GCS_TAIL_BYTES + 300], second[GCS_TAIL_BYTES + 300];
    struct gcs_answer script[2];
    struct gcs_span span = {.bucket = "bkt", .object = "a", .length = sizeof big, .sure_bytes = 10};
    struct gcs_kit kit;
    struct gcs_reader *reader;
    struct gcs_chunk chunk;
    struct gcs *gcs;
    struct err err;
    size_t got = 0;
    int len;

    (void)state;
    span.size = sizeof big;
    len =
        snprintf(first, sizeof first,
                 "HTTP/1.1 206 Part\r\nContent-Length: @\r\nContent-Range: bytes 0-%d/%zu\r\n\r\n",
                 GCS_TAIL_BYTES + 9, sizeof big);
    script[0] = (struct gcs_answer){"bytes=0-65545", first, (size_t)len + GCS_TAIL_BYTES + 10, 0};
    len =
        snprintf(second, sizeof second,
                 "HTTP/1.1 206 Part\r\nContent-Length: @\r\nContent-Range: bytes %d-%d/%zu\r\n\r\n",
                 GCS_TAIL_BYTES + 10, 2 * GCS_TAIL_BYTES + 9, sizeof big);
    script[1] = (struct gcs_answer){"bytes=65546-131081", second, (size_t)len + GCS_TAIL_BYTES, 0};
    gcs_kit_start(&kit, script, 2);
    gcs = gcs_kit_open(&kit);
    reader = gcs_reader_open(gcs, &span, 1, NULL);
    while (got < GCS_TAIL_BYTES + 10) {
        assert_int_equal(gcs_reader_next(reader, &chunk, &err), 1);
        got += chunk.bytes.len;
    }
    assert_int_equal(got, GCS_TAIL_BYTES + 10);
    assert_kit_done(&kit, 1);
    assert_int_equal(gcs_reader_next(reader, &chunk, &err), 1);
    gcs_reader_skip(reader, 0);
    assert_int_equal(gcs_reader_next(reader, &chunk, &err), 0);
    assert_kit_done(&kit, 2);
    gcs_reader_close(reader);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static int put_down(void *context, size_t span, uint64_t offset, struct slice bytes,
                    struct err *err)
{
    char *text = context;

    assert_int_equal(span, 0);
    if (text[offset] == '!')
        return err_set(err, ERR_DISK, "no room at %d", (int)offset);
    memcpy(text + offset, bytes.ptr, bytes.len);
    return 0;
}

static void bytes_may_be_put_in_their_place_as_they_come(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes=0-5", PART("0-5/10", "012345"), 0, 0},
        {"bytes=6-9", PART("6-9/10", "6789"), 0, 0},
        {"bytes=0-9", PART("0-9/10", "0123456789"), 0, 0},
    };
    char text[16] = "";
    struct gcs_read_options options = {
        .parallel_count = 2, .range_bytes = 6, .place = put_down, .place_context = text};
    struct gcs_chunk chunk;
    struct gcs_kit kit;
    struct gcs_reader *reader;
    struct gcs *gcs;
    struct err err;
    size_t len = 0;

    (void)state;
    assert_int_equal(gcs_reader_window(&options), 2 * (6 + GCS_TAIL_BYTES));
    gcs_kit_start(&kit, script, 3);
    gcs = gcs_kit_open(&kit);
    reader = gcs_reader_open(gcs, &TEN, 1, &options);
    while (gcs_reader_next(reader, &chunk, &err) == 1) {
        assert_null(chunk.bytes.ptr);
        len += chunk.bytes.len;
    }
    assert_int_equal(len, 10);
    assert_int_equal(chunk.crc32c, TEN.crc32c);
    assert_string_equal(text, "0123456789");
    gcs_reader_close(reader);
    memset(text, '!', 10);
    options.range_bytes = 10;
    reader = gcs_reader_open(gcs, &TEN, 1, &options);
    assert_int_equal(gcs_reader_next(reader, &chunk, &err), -1);
    assert_int_equal(err.kind, ERR_DISK);
    assert_string_equal(err.message, "no room at 0");
    gcs_reader_close(reader);
    assert_kit_done(&kit, 3);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void a_range_is_read_into_memory(void **state)
{
    static const struct gcs_answer script[] = {{"bytes=2-4", PART("2-4/10", "234"), 0, 0}};
    struct gcs_span span = TEN;
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;
    char text[4] = "";

    (void)state;
    span.offset = 2;
    span.length = span.sure_bytes = 3;
    gcs_kit_start(&kit, script, 1);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_read_range(gcs, &span, text, &err), 0);
    assert_string_equal(text, "234");
    assert_kit_done(&kit, 1);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_object_is_read_in_one_pinned_range_and_checked),
        cmocka_unit_test(a_200_is_taken_only_for_the_whole_object),
        cmocka_unit_test(what_was_not_asked_for_is_an_error),
        cmocka_unit_test(a_body_that_breaks_off_is_continued_where_it_ended),
        cmocka_unit_test(a_body_that_ends_well_but_early_is_continued_too),
        cmocka_unit_test(a_body_that_is_empty_again_and_again_is_given_up),
        cmocka_unit_test(a_generation_that_is_gone_is_an_input_that_changed),
        cmocka_unit_test(a_wrong_checksum_is_told_instead_of_the_last_bytes),
        cmocka_unit_test(an_object_of_no_bytes_is_never_asked_for),
        cmocka_unit_test(spans_are_read_ahead_across_their_borders_and_given_in_order),
        cmocka_unit_test(the_tail_of_a_span_is_read_only_on_demand),
        cmocka_unit_test(bytes_may_be_put_in_their_place_as_they_come),
        cmocka_unit_test(a_range_is_read_into_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
