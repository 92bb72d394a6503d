#include "worker/segment_kit.h"

#include "fault/fault.h"

#include <errno.h>
#include <sys/resource.h>

static struct kit kit;

/* ---- one client, one server, on one loop ---- */

/* What came for one request. */
struct client {
    struct loop *loop;
    struct segment_server *server;
    struct conn *conn;
    struct keys keys;
    Mrlua__SegmentFetch fetch;
    bool proves_wrong;
    Mrlua__SegmentHead heads[64];
    uint32_t head_count, closed;
    uint64_t raw_bytes;
};

static void client_opened(void *context, struct conn *conn)
{
    struct client *client = context;
    struct segment_claim claim = {.job = client->fetch.job,
                                  .partition = client->fetch.partition,
                                  .incarnation = client->fetch.incarnation,
                                  .from_sequence = client->fetch.from_sequence,
                                  .offset = client->fetch.offset};
    uint8_t proof[PROOF_BYTES], key[KEY_BYTES];

    keys_of_job(&kit.keys, client->fetch.job, key);
    keys_prove_segment(key, conn_binding(conn), &claim, proof);
    proof[5] ^= client->proves_wrong;
    client->fetch.proof = (ProtobufCBinaryData){sizeof proof, proof};
    conn_send(conn, MESSAGE_SEGMENT_FETCH, 42, &client->fetch.base);
}

static void client_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct client *client = context;
    Mrlua__SegmentHead *head;
    struct err err;

    assert_int_equal(frame->type, MESSAGE_SEGMENT_HEAD);
    assert_int_equal(frame->request_id, 42);
    head = message_unpack(&mrlua__segment_head__descriptor, frame->payload, &err);
    assert_non_null(head);
    assert_true(client->head_count < 64);
    client->heads[client->head_count++] = *head;
    if (head->state == MRLUA__SEGMENT_STATE__SEGMENT_DATA && head->bytes > head->offset)
        conn_expect_raw(conn, head->bytes - head->offset);
    if (head->state == MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE ||
        head->state == MRLUA__SEGMENT_STATE__SEGMENT_BUSY || head->attempt == 0)
        loop_break(client->loop);
    message_free(head);
}

static void client_raw(void *context, struct conn *conn, struct slice bytes)
{
    (void)conn;
    ((struct client *)context)->raw_bytes += bytes.len;
}

static void client_closed(void *context, struct conn *conn, const struct err *err)
{
    struct client *client = context;

    (void)conn;
    (void)err;
    client->closed++;
    client->conn = NULL;
    loop_break(client->loop);
}

static const struct conn_ops client_ops = {
    .opened = client_opened, .message = client_message, .raw = client_raw, .closed = client_closed};

static void client_open(struct client *client, uint32_t requests_max)
{
    *client = (struct client){.loop = loop_open(&kit.err)};
    assert_non_null(client->loop);
    client->server = kit_open_server(&kit, client->loop, 0, requests_max);
    for (uint32_t map = 0; map < kit.maps; map++)
        segment_server_hold(client->server, KIT_JOB, map, kit_attempt(map),
                            kit_run_path(&kit, map));
    mrlua__segment_fetch__init(&client->fetch);
    client->fetch.job = KIT_JOB;
    client->fetch.incarnation = 100;
}

static void client_close(struct client *client)
{
    conn_close(client->conn);
    segment_server_close(client->server);
    loop_close(client->loop);
}

/* Asks what client->fetch says, on a connection of its own. */
static void client_ask_as(struct client *client, enum access_role role)
{
    struct conn_options options = {.role = role, .keys = &kit.keys, .tls = kit_tls()};

    conn_close(client->conn);
    client->head_count = client->closed = 0;
    client->raw_bytes = 0;
    client->conn = conn_connect(client->loop, segment_server_address(client->server), &options,
                                &client_ops, client, &kit.err);
    assert_non_null(client->conn);
    assert_int_equal(loop_run(client->loop, &kit.err), 0);
}

static void client_ask(struct client *client)
{
    client_ask_as(client, ROLE_WORKER);
}

static void expect_head(const struct client *client, uint32_t i, Mrlua__SegmentState state,
                        uint64_t sequence)
{
    assert_true(i < client->head_count);
    assert_int_equal(client->heads[i].state, state);
    assert_int_equal(client->heads[i].sequence, sequence);
    assert_int_equal(client->heads[i].incarnation, 100);
    assert_int_equal(client->heads[i].job, client->fetch.job);
}

static void test_answers(void **state)
{
    struct client client;
    uint64_t bytes;

    (void)state;
    kit_open(&kit, 3, 3, 100);
    client_open(&client, 0);
    client_ask(&client);
    assert_int_equal(client.head_count, 4);
    for (uint32_t i = 0; i < 3; i++) {
        expect_head(&client, i, MRLUA__SEGMENT_STATE__SEGMENT_DATA, i);
        assert_int_equal(client.heads[i].map, i);
        assert_int_equal(client.heads[i].attempt, kit_attempt(i));
        assert_int_equal(client.heads[i].records, 100);
    }
    expect_head(&client, 3, MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE, 3);
    assert_false(client.heads[3].has_more);
    bytes = client.heads[0].bytes;
    assert_int_equal(client.raw_bytes, bytes + client.heads[1].bytes + client.heads[2].bytes);
    /* By count, from an offset. */
    client.fetch.count_max = 1;
    client.fetch.offset = 10;
    client_ask(&client);
    assert_int_equal(client.head_count, 2);
    assert_int_equal(client.raw_bytes, bytes - 10);
    assert_int_equal(client.heads[0].offset, 10);
    expect_head(&client, 1, MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE, 1);
    assert_true(client.heads[1].has_more);
    /* Of runs that are forgotten nothing is said; an offset is into the one that was asked for. */
    segment_server_forget(client.server, KIT_JOB, kit_attempt(0));
    client_ask(&client);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_DATA, 1);
    assert_int_equal(client.heads[0].offset, 0);
    /* Empty. */
    client.fetch.count_max = 0;
    client.fetch.offset = 0;
    client.fetch.partition = KIT_EMPTY;
    client_ask(&client);
    assert_int_equal(client.head_count, 3);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_EMPTY, 1);
    assert_int_equal(client.raw_bytes, 0);
    /* Past the end. */
    client.fetch.from_sequence = 1000;
    client_ask(&client);
    assert_int_equal(client.head_count, 1);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE, 1000);
    client_close(&client);
    kit_close(&kit);
}

static void test_unknown(void **state)
{
    struct client client;

    (void)state;
    kit_open(&kit, 2, 2, 10);
    client_open(&client, 0);
    client.fetch.job = KIT_JOB + 1; /* with the right key of a job that is not here */
    client_ask(&client);
    assert_int_equal(client.head_count, 1);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_UNKNOWN, 0);
    assert_int_equal(client.heads[0].attempt, 0);
    client.fetch.job = KIT_JOB;
    client.fetch.incarnation = 99; /* an earlier life of this worker */
    client_ask(&client);
    assert_int_equal(client.head_count, 1);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_UNKNOWN, 0);
    client.fetch.incarnation = 100;
    segment_server_forget_job(client.server, KIT_JOB);
    client_ask(&client);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_UNKNOWN, 0);
    assert_int_equal(segment_server_count(client.server, KIT_JOB), 0);
    client_close(&client);
    kit_close(&kit);
}

static uint32_t lost_count;

static void on_lost(void *context, uint64_t job, uint32_t map, uint64_t attempt,
                    const struct err *err)
{
    struct segment_server **server = context;

    assert_int_equal(err->kind, ERR_PEER);
    assert_int_equal(map, 1);
    lost_count++;
    segment_server_forget(*server, job, attempt);
}

/* A run that cannot be read is not an empty one; its worker is told once, the others go on. */
static void test_lost_run(void **state)
{
    struct segment_server *server = NULL;
    struct segment_server_options options = {.listen = "127.0.0.1:0",
                                             .incarnation = 100,
                                             .keys = &kit.keys,
                                             .tls = kit_tls(),
                                             .lost = on_lost,
                                             .context = &server};
    struct client client;

    (void)state;
    kit_open(&kit, 3, 2, 10);
    client_open(&client, 0);
    segment_server_close(client.server);
    client.server = server = segment_server_open(client.loop, &options, &kit.err);
    assert_non_null(server);
    for (uint32_t map = 0; map < 3; map++)
        segment_server_hold(server, KIT_JOB, map, kit_attempt(map), kit_run_path(&kit, map));
    assert_int_equal(unlink(kit_run_path(&kit, 1)), 0);
    client_ask(&client);
    assert_int_equal(client.head_count, 4);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_DATA, 0);
    expect_head(&client, 1, MRLUA__SEGMENT_STATE__SEGMENT_UNKNOWN, 1);
    assert_int_equal(client.heads[1].attempt, kit_attempt(1));
    expect_head(&client, 2, MRLUA__SEGMENT_STATE__SEGMENT_DATA, 2);
    client_ask(&client); /* now it is forgotten */
    assert_int_equal(client.head_count, 3);
    assert_int_equal(lost_count, 1);
    assert_int_equal(segment_server_counts(server)->lost, 1);
    client_close(&client);
    kit_close(&kit);
}

/* Without the job's key, in another role, or with another message: hung up on. */
static void test_refused(void **state)
{
    struct client client;

    (void)state;
    kit_open(&kit, 1, 2, 10);
    client_open(&client, 0);
    client.proves_wrong = true;
    client_ask(&client);
    assert_int_equal(client.head_count, 0);
    assert_int_equal(client.closed, 1);
    assert_int_equal(segment_server_counts(client.server)->refused, 1);
    client.proves_wrong = false;
    client_ask_as(&client, ROLE_SUBMIT);
    assert_int_equal(client.head_count, 0);
    assert_int_equal(client.closed, 1);
    assert_int_equal(segment_server_counts(client.server)->requests, 0);
    client_ask(&client);
    assert_int_equal(client.head_count, 2);
    client_close(&client);
    kit_close(&kit);
}

/* A shortage of descriptors is no loss. */
static void test_shortage(void **state)
{
    struct client client;

    (void)state;
    kit_open(&kit, 1, 2, 10);
    client_open(&client, 0);
    fault_arm(FAULT_OPEN, 0, EMFILE);
    client_ask(&client);
    fault_disarm();
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_BUSY, 0);
    assert_true(client.heads[0].retry_after_ms > 0);
    client_ask(&client);
    expect_head(&client, 0, MRLUA__SEGMENT_STATE__SEGMENT_DATA, 0);
    client_close(&client);
    kit_close(&kit);
}

/* One more than it serves at a time is told to come back, and may when the first has all. */
static void test_busy(void **state)
{
    struct conn_options options = {.role = ROLE_WORKER, .keys = &kit.keys, .tls = kit_tls()};
    struct client client, other;

    (void)state;
    kit_open(&kit, 1, 2, 1000 * 1000); /* more than sockets hold */
    client_open(&client, 1);
    other = client;
    client.conn = conn_connect(client.loop, segment_server_address(client.server), &options,
                               &client_ops, &client, &kit.err);
    assert_non_null(client.conn);
    client_ask(&other);
    expect_head(&other, 0, MRLUA__SEGMENT_STATE__SEGMENT_BUSY, 0);
    assert_int_equal(segment_server_counts(client.server)->busy, 1);
    assert_int_equal(loop_run(client.loop, &kit.err), 0);
    expect_head(&client, 1, MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE, 1);
    client_ask(&other);
    expect_head(&other, 0, MRLUA__SEGMENT_STATE__SEGMENT_DATA, 0);
    conn_close(other.conn);
    client_close(&client);
    kit_close(&kit);
}

/* ---- whole fetches, from servers in processes of their own ---- */

static void test_fetch(void **state)
{
    (void)state;
    kit_open(&kit, 30, 3, 2000);
    for (uint32_t worker = 0; worker < 3; worker++)
        kit_serve(&kit, worker, worker * 10, 10);
    for (uint32_t partition = 0; partition < 3; partition++) {
        kit_fetch(&kit, partition);
        kit_expect(&kit, partition);
        assert_int_equal(kit.lost_count, 0);
        assert_int_equal(kit.counts.cuts, 0);
    }
    kit_close(&kit);
}

/* Through a link that ends after every k bytes: nothing is lost, and no byte comes twice. */
static void test_cuts(void **state)
{
    static const uint64_t ks[] = {400, 401, 450, 512, 777, 1000, 1500, 4096, 20000};
    /* Its handshake, and a whole record: that comes as a whole or not at all. */
    const uint64_t more = kit_tls() == TLS_ALWAYS ? 2048 : 0;

    (void)state;
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
        kit_open(&kit, 6, 2, 40);
        kit.plan.retry_ns_min = NS_PER_MS;
        kit.plan.retry_ns_max = 10 * NS_PER_MS;
        kit_serve(&kit, 0, 0, 6);
        kit_link(&kit, 0, &(struct kit_link){.cut_after = ks[i] + more});
        kit_fetch(&kit, 0);
        kit_expect(&kit, 0);
        assert_int_equal(kit.counts.bytes, kit.fetched.table.bytes);
        assert_int_equal(kit.lost_count, 0);
        assert_true(kit.counts.cuts > 0 || ks[i] > 4000);
        kit_close(&kit);
    }
}

/* A bit that flips on its way is found wherever it is; what it was in comes again. */
static void test_flips(void **state)
{
    (void)state;
    kit_open(&kit, 3, 2, 100);
    kit.plan.retry_ns_min = NS_PER_MS;
    kit.plan.answer_ns = 300 * NS_PER_MS;
    for (uint64_t at = 1; at < 2400; at += 97) {
        kit_serve(&kit, 0, 0, 3);
        kit_link(&kit, 0, &(struct kit_link){.flip_at = at, .flip_count = 1});
        kit_fetch(&kit, 0);
        kit_expect(&kit, 0);
        assert_int_equal(kit.lost_count, 0);
    }
    kit_close(&kit);
}

/* A bit that has flipped on the worker's disk: told, by map, attempt and worker. */
static void test_damaged_run(void **state)
{
    char byte;
    int fd;

    (void)state;
    kit_open(&kit, 3, 2, 100);
    kit.plan.retry_ns_min = NS_PER_MS;
    fd = open(kit_run_path(&kit, 1), O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, 60), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 60), 1);
    close(fd);
    kit_serve(&kit, 2, 0, 3);
    assert_int_equal(kit_fetch_with(&kit, 0, true), -1);
    assert_int_equal(kit.err.kind, ERR_RETRY); /* the shell hung up */
    assert_int_equal(kit.lost_count, 1);
    assert_int_equal(kit.lost.job, KIT_JOB);
    assert_int_equal(kit.lost.task, 1);
    assert_int_equal(kit.lost.attempt, kit_attempt(1));
    assert_int_equal(kit.lost.worker_id, 2);
    assert_non_null(strstr(kit.lost_message, "map 1 attempt 1001"));
    kit_close(&kit);
}

/* Nobody there, or a job that is not known there: told without a map. */
static void test_unreachable(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        kit_open(&kit, 2, 2, 10);
        kit.plan.retry_ns_min = NS_PER_MS;
        kit_serve(&kit, 0, 0, 1);
        if (i == 0) {
            kit.workers[1].port = 1; /* nobody listens there */
            kit.workers[1].count = 1;
        } else {
            kit_serve(&kit, 1, 1, 1);
            kit.workers[1].incarnation = 55;
        }
        assert_int_equal(kit_fetch_with(&kit, 0, true), -1);
        assert_int_equal(kit.lost_count, 1);
        assert_int_equal(kit.lost.attempt, 0);
        assert_int_equal(kit.lost.worker_id, 1);
        kit_close(&kit);
    }
}

/* Without the job's key nothing is had. */
static void test_wrong_key(void **state)
{
    (void)state;
    kit_open(&kit, 1, 2, 10);
    kit.plan.retry_ns_min = NS_PER_MS;
    kit.segment_key[0] ^= 1;
    kit_serve(&kit, 0, 0, 1);
    assert_int_equal(kit_fetch_with(&kit, 0, true), -1);
    assert_int_equal(kit.lost.attempt, 0);
    assert_int_equal(kit.counts.bytes, 0);
    kit_close(&kit);
}

/* 1,000 maps; what is held in memory does not grow with their bytes. */
static void test_many(void **state)
{
    struct rusage before, after;

    (void)state;
    kit_open(&kit, 1000, 2, 2500);
    kit_serve(&kit, 0, 0, 500);
    kit_serve(&kit, 1, 500, 500);
    getrusage(RUSAGE_SELF, &before);
    kit_fetch(&kit, 0);
    getrusage(RUSAGE_SELF, &after);
    assert_true(kit.fetched.table.bytes > 16 << 20);
#ifndef MRLUA_SANITIZE
    assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 8 * 1024); /* KiB */
#endif
    kit_expect(&kit, 0);
    kit_fetch(&kit, KIT_EMPTY);
    kit_expect(&kit, KIT_EMPTY);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),     cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_lost_run),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_busy),        cmocka_unit_test(test_shortage),
        cmocka_unit_test(test_fetch),       cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_flips),       cmocka_unit_test(test_damaged_run),
        cmocka_unit_test(test_unreachable), cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
