/*
 * trusted: the trusted process of an attempt, from fork to end. It opens what the vm child may not
 * open, hands it down, watches it, and tells the shell how it went. It runs no Lua.
 *
 *     LOAD, SAMPLE, MAP   ask the nursery for a child, serve it until it has ended
 *     DRIVE               the same; serve_drive.h
 *     REDUCE              fetch segments first; then the same
 *     PLAN, COMMIT        do it (plan_task.h)
 *
 * It ends when the shell hangs up, whatever it is doing.
 */
#ifndef ATTEMPT_TRUSTED_H
#define ATTEMPT_TRUSTED_H

#include "rpc/messages.pb-c.h"

/* Takes the shell's end of the attempt's socket. Returns the exit code of the process. */
int trusted_main(const Mrlua__TaskStart *start, int request_socket, int shell);

#endif
