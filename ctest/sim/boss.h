/*
 * boss: a master with the real scheduler; made up are its journal (cluster.facts), its helpers for
 * plans and commits, and its senses. It does what sched/sched.h asks of a shell.
 *
 *     boss = boss_open(&cluster);                restores what is journaled, begins an epoch
 *     boss_opened, boss_message, boss_closed, boss_timer, boss_helper_step
 *     boss_close(boss);
 *
 * A turn is one event: the facts are journaled, then the commands leave. It may die in between
 * (cluster.master_dies): the caller then closes it.
 */
#ifndef CTEST_SIM_BOSS_H
#define CTEST_SIM_BOSS_H

#include "cluster.h"
#include "say.h"

struct boss *boss_open(struct cluster *cluster);
void boss_close(struct boss *boss);

void boss_message(struct boss *boss, uint64_t conn, enum say_kind kind, const struct say *say);
void boss_closed(struct boss *boss, uint64_t conn);
void boss_timer(struct boss *boss);
void boss_helper_step(struct boss *boss, uint64_t attempt_id);
struct sched *boss_sched(struct boss *boss);

#endif
