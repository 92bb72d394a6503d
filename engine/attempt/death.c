#include "attempt/death.h"

#include "attempt/place.h"
#include "record/key_print.h"
#include "vm/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { CALL_BYTES = 64 };

void death_look(struct death *death, const struct page *page)
{
    death->phase = page_get(&page->phase);
    death->record = page_get(&page->record);
    death->piece = page_get(&page->input_index);
    death->input_offset = page_get(&page->input_offset);
    death->in_hand = page_get(&page->in_hand) != 0;
    death->key = page_key(page, &death->key_bytes);
    death->denied_call = atomic_load_explicit(&page->denied_call, memory_order_relaxed);
}

bool death_is_of_record(const struct death *death)
{
    return death->in_hand && (death->phase == PAGE_MAP || death->phase == PAGE_REDUCE);
}

const char *death_print_key(const struct death *death, char *out, size_t out_bytes)
{
    return key_print_head(out, out_bytes, death->key, death->key_bytes);
}

/* Of a map or a reduce; else nothing. */
static void place(const struct death *death, char out[PLACE_BYTES])
{
    char key[KEY_PRINT_BYTES];

    out[0] = '\0';
    if (death->phase == PAGE_MAP && death->input)
        place_print_record(out, death->input_offset, death->input, death->record);
    else if (death->phase == PAGE_REDUCE)
        place_print_key(out, death_print_key(death, key, sizeof key), death->record);
}

/* There the clock starts anew with each value, elsewhere with each record. */
static bool takes_values(uint64_t phase)
{
    return phase == PAGE_COMBINE || phase == PAGE_REDUCE;
}

static int by_limit(const struct death *death, const char *where, struct err *err)
{
    const char *phase = page_phase_name(death->phase);

    switch (death->cause) {
    case DEATH_RECORD_TOO_LONG:
        if (death->phase == PAGE_LOAD)
            return err_set(err, ERR_LIMIT, "loading the job file took longer than %g s",
                           (double)death->record_ms / 1e3);
        return err_set(err, ERR_LIMIT,
                       "%s took longer than %g s for one %s (limits.seconds_per_record)%s", phase,
                       (double)death->record_ms / 1e3,
                       takes_values(death->phase) ? "value" : "record", where);
    case DEATH_NO_PROGRESS:
        return err_set(err, ERR_LIMIT, "no progress for %g s (limits.seconds) in %s%s",
                       (double)death->progress_ms / 1e3, phase, where);
    default:
        return err_set(
            err, ERR_LIMIT,
            "the script's process outgrew its memory (limits.memory is %llu MiB) in %s%s",
            (unsigned long long)(death->memory_bytes >> 20), phase, where);
    }
}

static int by_signal(const struct death *death, const char *where, struct err *err)
{
    const char *phase = page_phase_name(death->phase);
    int number = WTERMSIG(death->status);
    const char *name = sigabbrev_np(number);
    char call[CALL_BYTES];

    if (number == SIGSYS && death->denied_call)
        return err_set(err, ERR_LIMIT,
                       "the script called %s, which a job may not do (system call refused), in "
                       "%s%s",
                       vm_sandbox_call_name(death->denied_call, call, sizeof call), phase, where);
    if (number == SIGKILL)
        return err_set(err, ERR_LIMIT,
                       "the script's process was killed from outside (out of memory?) in %s%s",
                       phase, where);
    return err_set(err, ERR_LIMIT, "the script's process died of SIG%s in %s%s", name ? name : "?",
                   phase, where);
}

int death_tell(const struct death *death, struct err *err)
{
    char where[PLACE_BYTES];

    place(death, where);
    if (death->cause != DEATH_BY_ITSELF)
        return by_limit(death, where, err);
    if (WIFSIGNALED(death->status))
        return by_signal(death, where, err);
    return err_set(err, ERR_LIMIT,
                   "the script's process ended with exit code %d before its task was done, in "
                   "%s%s",
                   WEXITSTATUS(death->status), page_phase_name(death->phase), where);
}
