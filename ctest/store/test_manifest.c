#include "store/manifest.h"

#include "base/hash.h"
#include "fault/fault.h"
#include "folder.h"

#include <errno.h>

static struct manifest example(void)
{
    static struct manifest_input inputs[] = {{"a \"b\"\n.txt", 12, 1700000000000000001, 0},
                                             {"caf\xc3\xa9 \xff", 0, -5, 0},
                                             {"gs://b/o", 5, 0, 1700000000000001}};
    static struct manifest_part parts[] = {{"part-00000", 5, 2, 0}, {"part-00001", 0, 0, 0}};
    static struct manifest_number counters[] = {{"map_records_in", 3}, {"spills", 0}};
    static struct manifest_number times[] = {{"map", 12}};

    parts[0].crc32c = crc32c(0, "hello", 5);
    return (struct manifest){
        .job_id = "20261122-1",
        .job_name = "wordcount",
        .input_format = "lines",
        .output_format = "tsv",
        .split_count = 1,
        .split_bytes = 1048576,
        .reducer_count = 2,
        .sort_buffer_bytes = 67108864,
        .inputs = inputs,
        .input_count = 3,
        .parts = parts,
        .part_count = 2,
        .counters = counters,
        .counter_count = 2,
        .times_ms = times,
        .time_count = 1,
    };
}

/* The format is read by other programs: these bytes are a promise. */
static void text_of_a_manifest(void **state)
{
    const char *expected =
        "{\"format\":\"mrlua-manifest\",\"version\":1,\n"
        " \"job\":{\"id\":\"20261122-1\",\"name\":\"wordcount\"},\n"
        " \"plan\":{\"split_count\":1,\"split_bytes\":1048576,\"reducer_count\":2,"
        "\"sort_buffer_bytes\":67108864,\"input\":\"lines\",\"output\":\"tsv\"},\n"
        " \"parts\":[\n"
        "  {\"name\":\"part-00000\",\"bytes\":5,\"records\":2,\"crc32c\":\"9a71bb4c\"},\n"
        "  {\"name\":\"part-00001\",\"bytes\":0,\"records\":0,\"crc32c\":\"00000000\"}],\n"
        " \"counters\":{\"map_records_in\":3,\"spills\":0},\n"
        " \"times_ms\":{\"map\":12},\n"
        " \"inputs\":[\n"
        "  {\"path\":\"a \\\"b\\\"\\n.txt\",\"bytes\":12,\"mtime_ns\":1700000000000000001},\n"
        "  {\"path\":\"caf\xc3\xa9 \xef\xbf\xbd\",\"bytes\":0,\"mtime_ns\":-5},\n"
        "  {\"path\":\"gs://b/o\",\"bytes\":5,\"mtime_ns\":0,\"generation\":1700000000000001}]}\n";
    struct manifest manifest = example();
    struct buf text = {0};

    (void)state;
    manifest_encode(&manifest, &text);
    assert_string_equal(buf_string(&text), expected);
    buf_deinit(&text);
}

static void what_is_read_is_what_was_written(void **state)
{
    struct manifest manifest = example();
    struct manifest *read;
    struct buf text = {0}, again = {0};
    struct err err = {0};

    (void)state;
    manifest_encode(&manifest, &text);
    read = manifest_decode(buf_slice(&text), "m", &err);
    assert_non_null(read);
    assert_int_equal(read->parts[0].crc32c, manifest.parts[0].crc32c);
    assert_int_equal(read->inputs[1].mtime_ns, -5);
    assert_int_equal(read->inputs[1].generation, 0);
    assert_int_equal(read->inputs[2].generation, 1700000000000001);
    manifest_encode(read, &again);
    assert_true(slice_equal(buf_slice(&text), buf_slice(&again)));
    manifest_close(read);
    buf_deinit(&text);
    buf_deinit(&again);
}

static void refuses(struct slice text)
{
    struct err err = {0};
    struct manifest *manifest = manifest_decode(text, "out/_SUCCESS", &err);

    if (manifest) {
        manifest_close(manifest);
        fail_msg("accepted: %.*s", (int)text.len, text.ptr);
    }
    assert_int_equal(err.kind, ERR_INPUT);
    assert_memory_equal(err.message, "out/_SUCCESS: ", 14);
}

static void refuses_replaced(const char *what, const char *with)
{
    struct manifest manifest = example();
    struct buf text = {0}, other = {0};
    const char *at;

    manifest_encode(&manifest, &text);
    at = strstr(buf_string(&text), what);
    assert_non_null(at);
    buf_append(&other, text.ptr, (size_t)(at - text.ptr));
    buf_append_string(&other, with);
    buf_append_string(&other, at + strlen(what));
    refuses(buf_slice(&other));
    buf_deinit(&text);
    buf_deinit(&other);
}

static void what_is_no_manifest_is_refused(void **state)
{
    struct manifest manifest = example();
    struct buf text = {0};

    (void)state;
    refuses(slice_of_string(""));
    refuses(slice_of_string("[]"));
    refuses(slice_of_string("{\"format\":\"other\"}"));
    refuses_replaced("\"version\":1", "\"version\":2");
    refuses_replaced("\"records\":2,", "");
    refuses_replaced("\"bytes\":5", "\"bytes\":-5");
    refuses_replaced("part-00000", "../secret");
    refuses_replaced("9a71bb4c", "9a71bb4");
    refuses_replaced("\"parts\":[", "\"barts\":[");
    refuses_replaced("\"spills\":0", "\"spills\":\"0\"");
    manifest_encode(&manifest, &text);
    for (size_t len = 0; len + 2 < text.len; len++)
        refuses(slice_of(text.ptr, len));
    buf_deinit(&text);
}

/* Goal: records that were set aside are known, and their list is as safe as a part. */
static void list_of_bad_records_is_named_and_checked(void **state)
{
    struct folder folder;
    struct manifest manifest = example(), *read;
    struct buf text = {0};
    struct err err = {0};

    (void)state;
    folder_make(&folder);
    manifest.bad = (struct manifest_part){"_bad.jsonl", 5, 1, 0x9a71bb4c};
    manifest_encode(&manifest, &text);
    assert_non_null(
        strstr(buf_string(&text),
               "}],\n \"bad_records\":{\"name\":\"_bad.jsonl\",\"bytes\":5,\"records\":1,"
               "\"crc32c\":\"9a71bb4c\"},\n \"counters\":"));
    read = manifest_decode(buf_slice(&text), "m", &err);
    assert_non_null(read);
    assert_int_equal(read->part_count, 2);
    folder_write(&folder, "_bad.jsonl", "hello", 5);
    assert_int_equal(manifest_check(&read->bad, folder.path, &err), 0);
    folder_write(&folder, "_bad.jsonl", "hellp", 5);
    assert_int_equal(manifest_check(&read->bad, folder.path, &err), -1);
    manifest_close(read);
    buf_deinit(&text);
    folder_remove(&folder);
}

/* Goal: P5 for committed parts. Method: flip, cut, lengthen, remove. */
static void damaged_part_is_found(void **state)
{
    struct folder folder;
    struct manifest manifest = example(), *read;
    struct buf text = {0};
    struct err err = {0};

    (void)state;
    folder_make(&folder);
    manifest_encode(&manifest, &text);
    folder_write(&folder, "_SUCCESS", text.ptr, text.len);
    folder_write(&folder, "part-00000", "hello", 5);
    folder_write(&folder, "part-00001", "", 0);
    read = manifest_open(folder.path, &err);
    assert_non_null(read);
    assert_int_equal(manifest_check(&read->parts[0], folder.path, &err), 0);
    assert_int_equal(manifest_check(&read->parts[1], folder.path, &err), 0);
    for (int bit = 0; bit < 40; bit++) {
        char damaged[] = "hello";

        damaged[bit / 8] = (char)(damaged[bit / 8] ^ 1 << bit % 8);
        folder_write(&folder, "part-00000", damaged, 5);
        assert_int_equal(manifest_check(&read->parts[0], folder.path, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
    }
    folder_write(&folder, "part-00000", "hell", 4);
    assert_int_equal(manifest_check(&read->parts[0], folder.path, &err), -1);
    assert_non_null(strstr(err.message, "part-00000: 4 bytes, but _SUCCESS says 5"));
    unlink(folder_path(&folder, "part-00000"));
    assert_int_equal(manifest_check(&read->parts[0], folder.path, &err), -1);
    manifest_close(read);
    buf_deinit(&text);
    folder_remove(&folder);
}

static void every_read_failure_is_reported(void **state)
{
    struct folder folder;
    struct manifest manifest = example();
    struct buf text = {0};
    uint32_t nth;

    (void)state;
    folder_make(&folder);
    manifest_encode(&manifest, &text);
    folder_write(&folder, "_SUCCESS", text.ptr, text.len);
    folder_write(&folder, "part-00000", "hello", 5);
    for (nth = 0;; nth++) {
        struct manifest *read;
        struct err err = {0};
        int rc = -1;

        fault_arm(FAULT_READ, nth, EIO);
        read = manifest_open(folder.path, &err);
        if (read)
            rc = manifest_check(&read->parts[0], folder.path, &err);
        manifest_close(read);
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_INPUT);
    }
    assert_true(nth >= 2);
    buf_deinit(&text);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_a_manifest),
        cmocka_unit_test(what_is_read_is_what_was_written),
        cmocka_unit_test(what_is_no_manifest_is_refused),
        cmocka_unit_test(damaged_part_is_found),
        cmocka_unit_test(list_of_bad_records_is_named_and_checked),
        cmocka_unit_test(every_read_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
