#include "attempt/heartbeat.h"

#include "attempt/attempt.h"
#include "base/clock.h"
#include "rpc/frame.h"
#include "rpc/message.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BEAT_BYTES_MAX = 128 };
static_assert((int)BEAT_BYTES_MAX <= (int)FRAME_BYTES_MAX, "a beat is one frame");

static struct {
    int shell;
    const char *result_path;
    void (*wind_down)(void);   /* NULL: the process is ended */
    char beat[BEAT_BYTES_MAX]; /* a frame, made before: a handler may not allocate */
    size_t beat_len;
} heart;

/* Only calls that a signal handler may make. */
static void on_timer(int number)
{
    int error = errno;
    char byte;

    (void)number;
    if (recv(heart.shell, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        if (heart.wind_down) {
            heart.wind_down();
            errno = error;
            return;
        }
        if (heart.result_path)
            unlink(heart.result_path);
        _exit(0);
    }
    /* A full socket means that the shell has beats enough to read: this one is dropped. A frame
     * this small is taken whole or not at all. */
    send(heart.shell, heart.beat, heart.beat_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    errno = error;
}

static void prepare_beat(const char *phase)
{
    Mrlua__Progress progress = MRLUA__PROGRESS__INIT;
    struct buf payload = {0}, frame = {0};

    progress.phase = (char *)phase;
    progress.moved = true;
    message_pack(&payload, &progress.base);
    frame_encode(&frame, &(struct frame){.type = MESSAGE_PROGRESS, .payload = buf_slice(&payload)});
    assert(frame.len <= sizeof heart.beat);
    memcpy(heart.beat, frame.ptr, frame.len);
    heart.beat_len = frame.len;
    buf_deinit(&payload);
    buf_deinit(&frame);
}

static void set_timer(suseconds_t period_us)
{
    struct itimerval timer = {
        .it_interval = {.tv_usec = period_us},
        .it_value = {.tv_usec = period_us},
    };

    setitimer(ITIMER_REAL, &timer, NULL);
}

static void start(int shell_fd, const char *phase, const char *result_path, void (*wind_down)(void))
{
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};

    heart.shell = shell_fd;
    heart.result_path = result_path;
    heart.wind_down = wind_down;
    prepare_beat(phase);
    sigaction(SIGALRM, &action, NULL);
    set_timer(ATTEMPT_PROGRESS_MS * 1000);
}

void heartbeat_start(int shell_fd, const char *phase, const char *result_path)
{
    start(shell_fd, phase, result_path, NULL);
}

void heartbeat_start_gentle(int shell_fd, const char *phase, void (*wind_down)(void))
{
    start(shell_fd, phase, NULL, wind_down);
}

void heartbeat_stop(void)
{
    set_timer(0);
    signal(SIGALRM, SIG_IGN); /* one that is on its way already */
}
