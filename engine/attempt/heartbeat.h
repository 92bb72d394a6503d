/*
 * heartbeat: a trusted process that is inside a long blocking call (reading standard input into a
 * spool, fsync of a thousand parts, copying segments) still tells its shell that it lives, and
 * ends when its shell does not want it any more.
 *
 *     heartbeat_start(shell_fd, "plan", result_path);
 *     ... work ...
 *     heartbeat_stop();
 *
 * A timer signal sends a Progress message; where the shell has hung up it removes `result_path` and
 * ends the process. So between start and stop nothing else is sent to the shell. Calls go on after
 * the signal (SA_RESTART), or are begun again by base/io.h.
 *
 * A signal handler has no argument, so this file keeps what it needs in a static: the one place
 * where that cannot be helped.
 */
#ifndef ATTEMPT_HEARTBEAT_H
#define ATTEMPT_HEARTBEAT_H

/* `result_path` may be NULL; it is borrowed until stop. */
void heartbeat_start(int shell_fd, const char *phase, const char *result_path);

/* The same, but where the shell has hung up the process is left to end itself: `wind_down` is
 * called at each beat then, by the signal handler. */
void heartbeat_start_gentle(int shell_fd, const char *phase, void (*wind_down)(void));
void heartbeat_stop(void);

#endif
