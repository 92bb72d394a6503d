#include "cli/fs.h"

#include "folder.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/gcs_kit.h"

#define OBJECT(name)                                                                               \
    "{\"name\":\"" name "\",\"size\":\"5\",\"generation\":\"7\",\"crc32c\":\"mnG7TA==\"}"

/* { name = value } */
static void one_field(struct buf *out, const char *name, const char *value)
{
    value_write_table_begin(out);
    field_string(out, name, value);
    field_boolean(out, "deep", true);
    value_write_table_end(out);
}

/* The table behind a key that is a number, of a list. */
static struct slice item_of(struct slice list, int64_t number)
{
    struct value_reader reader;
    struct datum key, value;
    struct err err;

    value_reader_init(&reader, list);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    while (value_read_pair(&reader, &key, &value, &err) == 1)
        if (key.integer == number)
            return value.string;
    fail_msg("no item %d", (int)number);
    return list;
}

static void expect_field(struct slice table, const char *name, const char *text)
{
    struct slice found = value_field_string(table, name, "absent");

    assert_true(slice_equal(found, slice_of_string(text)));
}

static void an_object_is_told_with_all_that_is_known(void **state)
{
    static const struct gcs_answer script[] = {{"o/a?", GCS_BODY("200 OK", OBJECT("a")), 0, 0},
                                               {"o/b?", GCS_EMPTY("404 No"), 0, 0}};
    struct buf args = {0}, none = {0}, result = {0};
    struct slice object;
    struct gcs_kit kit;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 2);
    gcs_close(gcs_kit_open(&kit)); /* sets the environment */
    one_field(&args, "uri", "gs://bkt/a");
    assert_int_equal(fs_stat(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_true(value_field_table(buf_slice(&result), "object", &object));
    expect_field(object, "uri", "gs://bkt/a");
    expect_field(object, "crc32c", "9a71bb4c");
    assert_int_equal(value_field_integer(object, "generation", 0), 7);
    one_field(&none, "uri", "gs://bkt/b");
    buf_clear(&result);
    assert_int_equal(fs_stat(NULL, NULL, buf_slice(&none), &result, &err), 0);
    assert_false(value_field_table(buf_slice(&result), "object", &object));
    assert_kit_done(&kit, 2);
    gcs_kit_stop(&kit);
    buf_deinit(&args);
    buf_deinit(&none);
    buf_deinit(&result);
}

static void a_folder_is_listed_on_its_level_and_found_to_its_end(void **state)
{
    static const struct gcs_answer script[] = {
        {"prefix=d%2F&delimiter=%2F",
         GCS_BODY("200 OK", "{\"items\":[" OBJECT("d/a") "],\"prefixes\":[\"d/e/\"]}"), 0, 0},
        {"prefix=d%2F", GCS_BODY("200 OK", "{\"items\":[" OBJECT("d/_a") "]}"), 0, 0},
    };
    struct buf args = {0}, result = {0};
    struct gcs_kit kit;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 2);
    gcs_close(gcs_kit_open(&kit));
    one_field(&args, "uri", "gs://bkt/d/");
    assert_int_equal(fs_list(NULL, NULL, buf_slice(&args), &result, &err), 0);
    expect_field(item_of(buf_slice(&result), 1), "uri", "gs://bkt/d/a");
    expect_field(item_of(buf_slice(&result), 2), "prefix", "gs://bkt/d/e/");
    buf_clear(&result);
    assert_int_equal(fs_find(NULL, NULL, buf_slice(&args), &result, &err), 0);
    expect_field(item_of(buf_slice(&result), 1), "uri", "gs://bkt/d/_a"); /* hidden ones, too */
    assert_kit_done(&kit, 2);
    gcs_kit_stop(&kit);
    buf_deinit(&args);
    buf_deinit(&result);
}

static void files_and_folders_are_walked_in_order(void **state)
{
    struct buf args = {0}, result = {0};
    struct folder folder;
    struct slice files;
    struct err err;

    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, "d");
    folder_write(&folder, "d/b", "12", 2);
    folder_write(&folder, ".a", "1", 1);
    one_field(&args, "path", folder.path);
    assert_int_equal(fs_walk(NULL, NULL, buf_slice(&args), &result, &err), 0);
    expect_field(buf_slice(&result), "kind", "folder");
    assert_true(value_field_table(buf_slice(&result), "files", &files));
    expect_field(item_of(files, 1), "path", folder_path(&folder, ".a"));
    expect_field(item_of(files, 2), "path", folder_path(&folder, "d/b"));
    assert_int_equal(value_field_integer(item_of(files, 2), "size", 0), 2);
    buf_clear(&args);
    buf_clear(&result);
    one_field(&args, "path", folder_path(&folder, "none"));
    assert_int_equal(fs_walk(NULL, NULL, buf_slice(&args), &result, &err), 0);
    expect_field(buf_slice(&result), "kind", "none");
    folder_remove(&folder);
    buf_deinit(&args);
    buf_deinit(&result);
}

static void names_that_are_none_are_refused(void **state)
{
    struct buf args = {0}, result = {0};
    struct err err;

    (void)state;
    one_field(&args, "uri", "s3://bkt/a");
    assert_int_equal(fs_stat(NULL, NULL, buf_slice(&args), &result, &err), -1);
    assert_int_equal(fs_find(NULL, NULL, buf_slice(&args), &result, &err), -1);
    assert_int_equal(fs_cat(NULL, NULL, buf_slice(&args), &result, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    buf_deinit(&args);
    buf_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_told_with_all_that_is_known),
        cmocka_unit_test(a_folder_is_listed_on_its_level_and_found_to_its_end),
        cmocka_unit_test(files_and_folders_are_walked_in_order),
        cmocka_unit_test(names_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
