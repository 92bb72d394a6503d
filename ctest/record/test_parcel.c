#include "record/parcel.h"

#include "record/key_print.h"
#include "record/value.h"
#include "test.h"

static void a_parcel_is_a_value_and_comes_apart_as_it_went_in(void **state)
{
    static const char *const texts[] = {"", "k",
                                        "a key of some length, longer than the sixty-three "
                                        "bytes whose length is in the tag of a string"};
    struct err err;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct slice key, value, wanted_key = slice_of_string(texts[i]);
        struct slice wanted_value = slice_of_string(texts[2 - i]);
        struct buf parcel = {0};

        parcel_wrap(&parcel, wanted_key, wanted_value);
        assert_int_equal(value_check(buf_slice(&parcel), &err), 0);
        assert_int_equal(parcel_unwrap(buf_slice(&parcel), &key, &value, &err), 0);
        assert_true(slice_equal(key, wanted_key));
        assert_true(slice_equal(value, wanted_value));
        buf_deinit(&parcel);
    }
}

/* So that whoever looks into a run sees one. */
static void the_key_of_parcels_is_a_key(void **state)
{
    char text[KEY_PRINT_BYTES];

    (void)state;
    assert_string_equal(key_print(text, sizeof text, parcel_key()), "{}");
}

static void what_is_no_parcel_is_refused(void **state)
{
    struct buf bytes[4] = {{0}};
    struct slice key, value;

    (void)state;
    value_write_integer(&bytes[0], 2);
    value_write_list_begin(&bytes[1], 2);
    value_write_string(&bytes[1], slice_of_string("key"));
    value_write_integer(&bytes[1], 1);
    value_write_list_begin(&bytes[2], 3);
    for (int i = 0; i < 3; i++)
        value_write_string(&bytes[2], slice_of_string("x"));
    for (size_t i = 0; i < 4; i++) { /* the last one is empty */
        struct err err = {0};

        assert_int_equal(parcel_unwrap(buf_slice(&bytes[i]), &key, &value, &err), -1);
        assert_int_equal(err.kind, ERR_PEER);
        buf_deinit(&bytes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parcel_is_a_value_and_comes_apart_as_it_went_in),
        cmocka_unit_test(the_key_of_parcels_is_a_key),
        cmocka_unit_test(what_is_no_parcel_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
