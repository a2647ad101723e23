/* A thread that cleans up on a signal; see interrupt.h. */
#include "cli/interrupt.h"
#include "cli/process.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct Path {
  struct Path *next;
  char text[];
} Path;

typedef struct {
  Watcher watcher;           /* first: what a context points to */
  pthread_mutex_t lock;      /* recursive; held: nothing is cleaned up */
  sigset_t signals, before;  /* those that are waited for; those that were blocked at first */
  struct sigaction on_abort; /* what ABRT did at first */
  Path *paths;               /* the latest first */
  pid_t child;               /* 0: none */
} Interrupt;

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGABRT};
enum { SIGNAL_COUNT = sizeof signals / sizeof *signals };

/* ---- what there is to clean up ---- */

static void hold(Watcher *watcher, bool on) {
  Interrupt *i = (Interrupt *)watcher;
  if (on)
    pthread_mutex_lock(&i->lock);
  else
    pthread_mutex_unlock(&i->lock);
}

static void add_path(Interrupt *i, const char *text) {
  const size_t bytes = strlen(text) + 1;
  Path *path = malloc(sizeof *path + bytes);
  if (!path) die_memory(0);
  path->next = i->paths;
  memcpy(path->text, text, bytes);
  i->paths = path;
}

static void remove_path(Interrupt *i, const char *text) {
  for (Path **link = &i->paths; *link; link = &(*link)->next)
    if (!strcmp((*link)->text, text)) {
      Path *path = *link;
      *link = path->next;
      free(path);
      return;
    }
}

static void temporary(Watcher *watcher, const char *path, bool there) {
  Interrupt *i = (Interrupt *)watcher;
  hold(watcher, true);
  if (there)
    add_path(i, path);
  else
    remove_path(i, path);
  hold(watcher, false);
}

void interrupt_attributes(const Context *c, posix_spawnattr_t *attributes) {
  if (!c->watcher) return;
  posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setsigmask(attributes, &((Interrupt *)c->watcher)->before);
  posix_spawnattr_setpgroup(attributes, 0);
}

void interrupt_child(const Context *c, pid_t child) {
  if (c->watcher) ((Interrupt *)c->watcher)->child = child;
}

/* ---- cleaning up ---- */

static void wait_a_little(void) { nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); }
enum { PATIENCE = 100 /* times that: 1 s */ };

/* A compiler removes its own temporary files if it is asked to end; one that does not listen is killed. */
static void end_child(pid_t child) {
  kill(-child, SIGTERM);
  for (int tries = 0; tries < PATIENCE && !waitpid(child, NULL, WNOHANG); tries++) wait_a_little();
  kill(-child, SIGKILL);
  waitpid(child, NULL, 0);
}

/* More than one try, as another thread may just be making a file in the folder. */
static void remove_anything(const char *path) {
  for (int tries = 0; tries < PATIENCE && unlink(path) && !erase_folder(path) && !access(path, F_OK); tries++)
    wait_a_little();
}

/* One who aborts may hold the lock himself. */
static void lock_or_abort(Interrupt *i, int number) {
  struct timespec end;
  if (number != SIGABRT || clock_gettime(CLOCK_REALTIME, &end)) {
    pthread_mutex_lock(&i->lock);
    return;
  }
  end.tv_sec++;
  pthread_mutex_timedlock(&i->lock, &end);
}

/* The lock is never given back: nothing new begins while the process ends. */
static void *wait_for_signal(void *user) {
  Interrupt *i = user;
  int number;
  if (sigwait(&i->signals, &number)) return NULL;
  lock_or_abort(i, number);
  if (i->child) end_child(i->child);
  for (const Path *path = i->paths; path; path = path->next) remove_anything(path->text);
  if (number == SIGABRT)
    sigaction(number, &i->on_abort, NULL);
  else
    signal(number, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &i->signals, NULL);
  raise(number);
  return NULL;
}

/* SIGPIPE comes to the thread that writes, SIGABRT to the one that aborts; the whole process hands it to the one that
 * waits. */
static void pass_on(int number) {
  kill(getpid(), number);
  for (;;) pause();
}

/* ---- the beginning ---- */

/* Those that are not ignored, as HUP is under nohup. */
static void choose_signals(sigset_t *set) {
  struct sigaction action;
  sigemptyset(set);
  for (int i = 0; i < SIGNAL_COUNT; i++)
    if (!sigaction(signals[i], NULL, &action) && action.sa_handler != SIG_IGN) sigaddset(set, signals[i]);
}

static void make_lock(pthread_mutex_t *lock) {
  pthread_mutexattr_t nested;
  if (pthread_mutexattr_init(&nested) || pthread_mutexattr_settype(&nested, PTHREAD_MUTEX_RECURSIVE) ||
      pthread_mutex_init(lock, &nested))
    die_memory(0);
  pthread_mutexattr_destroy(&nested);
}

/* Other threads hand the signal to the one that waits. */
static void take_in_thread(const Interrupt *i, int number) {
  if (!sigismember(&i->signals, number)) return;
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  sigaction(number, &(struct sigaction){.sa_handler = pass_on}, NULL);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}

void interrupt_watch(Context *c) {
  pthread_t thread;
  Interrupt *i = calloc(1, sizeof *i); /* the thread's, to the end */
  if (!i) die_memory(0);
  i->watcher = (Watcher){hold, temporary};
  make_lock(&i->lock);
  choose_signals(&i->signals);
  pthread_sigmask(SIG_BLOCK, &i->signals, &i->before);
  if (pthread_create(&thread, NULL, wait_for_signal, i)) {
    pthread_sigmask(SIG_SETMASK, &i->before, NULL); /* no thread to be had: a signal ends nextc at once */
    free(i);
    return;
  }
  pthread_detach(thread);
  c->watcher = &i->watcher;
  sigaction(SIGABRT, NULL, &i->on_abort);
  take_in_thread(i, SIGABRT);
  take_in_thread(i, SIGPIPE);
}
