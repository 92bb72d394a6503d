#include "store/gcs_noted.h"

#include "base/hash.h"
#include "store/gcs_server.h"
#include "store/gcs_sweep.h"

#include <fcntl.h>

enum { BYTES = 3 * 256 * 1024 + 5 };

static char bytes[BYTES];

static int start(void **state)
{
    gcs_server_begin(state);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * 31 + i / 777);
    folder_write(&group_server.folder, "f", bytes, BYTES);
    return 0;
}

static int hold(struct gcs *gcs, struct gcs_session *session, int *fd, struct err *err)
{
    static const struct gcs_put put = {.condition = GCS_IF_ABSENT, .upload_id = "me"};
    struct gcs_noted noted = {.bucket = "bkt",
                              .object = "final",
                              .note = "tmp/final.1",
                              .bytes = BYTES,
                              .crc32c = crc32c(0, bytes, BYTES),
                              .put = &put};

    *fd = open(folder_path(&group_server.folder, "f"), O_RDONLY | O_CLOEXEC);
    noted.fd = *fd;
    return gcs_noted_hold(gcs, &noted, session, err);
}

static void a_session_is_noted_and_finished(void **state)
{
    struct gcs *gcs = gcs_open();
    struct gcs_session session;
    struct err err;
    int fd;

    (void)state;
    assert_int_equal(hold(gcs, &session, &fd, &err), 0);
    assert_names(gcs, "tmp/final.1.open1 ");
    assert_int_equal(gcs_session_finish(gcs, &session, fd, NULL, &err), GCS_WRITTEN);
    gcs_session_deinit(&session);
    assert_int_equal(gcs_sweep(gcs, "bkt", "tmp/", NULL, NULL, &err), 0);
    assert_names(gcs, "final ");
    assert_int_equal(gcs_delete(gcs, "bkt", "final", 0, &err), 1);
    close(fd);
    gcs_close(gcs);
}

static void a_sweep_cancels_what_nobody_finished(void **state)
{
    struct gcs *gcs = gcs_open();
    struct gcs_session session;
    struct err err;
    int fd;

    (void)state;
    assert_int_equal(hold(gcs, &session, &fd, &err), 0);
    gcs_session_deinit(&session); /* as one who is killed */
    assert_true(gcs_server_has_open_session(&group_server));
    assert_int_equal(gcs_sweep(gcs, "bkt", "tmp/", NULL, NULL, &err), 0);
    assert_false(gcs_server_has_open_session(&group_server));
    assert_names(gcs, "");
    close(fd);
    gcs_close(gcs);
}

static void a_session_that_is_dropped_is_begun_again(void **state)
{
    struct gcs *gcs = gcs_open();
    struct gcs_session session;
    struct err err;
    int fd;

    (void)state;
    gcs_server_fault(&group_server,
                     "{\"match\":{\"operation\":\"objects.insert.resumable\",\"method\":"
                     "\"PUT\"},\"actions\":[{\"gone\":410}]}");
    assert_int_equal(hold(gcs, &session, &fd, &err), 0);
    assert_names(gcs, "tmp/final.1.open1 tmp/final.1.open2 ");
    gcs_session_deinit(&session);
    assert_int_equal(gcs_sweep(gcs, "bkt", "tmp/", NULL, NULL, &err), 0);
    assert_false(gcs_server_has_open_session(&group_server));
    close(fd);
    gcs_close(gcs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_noted_and_finished),
        cmocka_unit_test(a_sweep_cancels_what_nobody_finished),
        cmocka_unit_test(a_session_that_is_dropped_is_begun_again),
    };

    return cmocka_run_group_tests(tests, start, gcs_server_end);
}
