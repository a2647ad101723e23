/* INT, TERM, HUP, PIPE and ABRT (die()) end nextc, and what is temporary goes first: files, folders, children with
 * theirs. A thread waits for the signals, as folders can't be read in a handler. */
#ifndef NEXTC_INTERRUPT_H
#define NEXTC_INTERRUPT_H
#include "ir/diag.h"
#include <spawn.h>
#include <sys/types.h>

/* Once, before other threads begin; lasts as long as the process. Contexts with the same watcher are watched too. */
void interrupt_watch(Context *);

/* A child begins in a process group of its own, all of which is ended, and finds no signal blocked. Does nothing where
 * nobody watches. */
void interrupt_attributes(const Context *, posix_spawnattr_t *);
/* The child that is running; 0: none. In one hold with what begins or reaps it. */
void interrupt_child(const Context *, pid_t child);
#endif
