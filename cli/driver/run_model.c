/* Runs a model that nextc compiled under the name m: 'nextc verify' builds this file beside m.c. C99.
 *   run WEIGHTS SYMBOL=VALUE... INPUT-FILE... OUTPUT-FILE...
 * Files hold elements as the machine does. With -DWEIGHTS_IN_FILE, WEIGHTS is loaded, else ignored.
 * Exit status: 0 done, 1 files, 2 the model reports an error, 3 it touched memory that is not its own, 4 results depend
 * on how the work was cut into slices. Where there is mmap, pages that nobody may touch stand behind the weights and
 * each input, output and workspace, so that reads past the end are noticed too. */
#if defined(__unix__) || defined(__APPLE__)
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#define HAVE_PAGES
#endif
#include "m.h"
#include "tensors.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 256, SLICES = 3, ALIGN = 64, CANARY = 0x5a };

#ifdef HAVE_PAGES
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_PAGES = 1024 };
static struct {
  const unsigned char *at;
  const char *what;
} pages[MAX_PAGES];
static int page_count;
static size_t page_size;

static void fault(int signal_number, siginfo_t *info, void *context) {
  const unsigned char *at = info->si_addr;
  int i;
  (void)context;
  for (i = 0; i < page_count; i++)
    if (at >= pages[i].at && at < pages[i].at + page_size) {
      fprintf(stderr, "went past the end of %s\n", pages[i].what);
      _exit(3);
    }
  signal(signal_number, SIG_DFL); /* happens again on return */
}

static void watch_pages(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  page_size = (size_t)sysconf(_SC_PAGESIZE);
}

/* Whole pages with room for size bytes, then one that nobody may touch; returns where that begins. */
static unsigned char *end_of_room(size_t size, const char *what) {
  size_t room = (size + page_size - 1) / page_size * page_size;
  unsigned char *memory = mmap(NULL, room + page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || page_count == MAX_PAGES || mprotect(memory + room, page_size, PROT_NONE)) exit(1);
  pages[page_count].at = memory + room;
  pages[page_count++].what = what;
  return memory + room;
}
#else
static void watch_pages(void) {}

static unsigned char *end_of_room(size_t size, const char *what) {
  unsigned char *memory = malloc(size + ALIGN);
  (void)what;
  if (!memory) exit(1);
  return memory + size + (ALIGN - ((size_t)memory + size) % ALIGN);
}
#endif

/* size bytes filled with NaNs, guard bytes in front and from their end to a multiple of `align`, which is as far as
 * they may be from the page behind. Lasts as long as the program. */
static unsigned char *guarded(size_t size, size_t align, const char *what) {
  size_t rounded = (size + align - 1) / align * align;
  unsigned char *end = end_of_room(GUARD + rounded, what), *memory = end - rounded;
  memset(memory - GUARD, CANARY, GUARD);
  memset(memory, 0xff, size);
  memset(memory + size, CANARY, rounded - size);
  return memory;
}

static void check_guard(const unsigned char *memory, size_t size, size_t align, const char *what) {
  size_t i, rounded = (size + align - 1) / align * align;
  for (i = size; i < rounded; i++)
    if (memory[i] != CANARY) {
      fprintf(stderr, "went past the end of %s\n", what);
      exit(3);
    }
  for (i = 1; i <= GUARD; i++)
    if (memory[-(ptrdiff_t)i] != CANARY) {
      fprintf(stderr, "wrote in front of %s\n", what);
      exit(3);
    }
}

static unsigned char *read_bytes(const char *path, size_t size, size_t align, const char *what) {
  unsigned char *bytes = guarded(size, align, what);
  FILE *f = fopen(path, "rb");
  if (!f || fread(bytes, 1, size, f) != size) {
    fprintf(stderr, "cannot read %lu bytes of %s\n", (unsigned long)size, path);
    exit(1);
  }
  fclose(f);
  return bytes;
}

static void write_bytes(const char *path, const void *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(bytes, 1, size, f) != size || fclose(f)) {
    fprintf(stderr, "cannot write %s\n", path);
    exit(1);
  }
}

/* A thread pool without threads: the slices one after the other, the last first. */
static void run_backwards(void *user, int slices, nextc_slice *run, void *context) {
  (void)user;
  while (slices-- > 0) run(context, slices);
}

static void invoke(const m_model *model, nextc_call *call, int threads) {
  size_t bytes = m_workspace_bytes(threads);
  int status;
  call->workspace = guarded(bytes, ALIGN, "the workspace");
  call->threads = threads;
  call->parallel_for = threads > 1 ? run_backwards : NULL;
  status = m_invoke(model, call);
  if (status) {
    fprintf(stderr, "m_invoke: %s\n", m_error(status));
    exit(2);
  }
  check_guard(call->workspace, bytes, ALIGN, "the workspace");
}

enum { MAX = 256 };

/* Runs with one slice into outputs, then with SLICES into other memory, which must get the same bits. */
static void run_twice(const m_model *model, nextc_call *call, const size_t *bytes) {
  void *first[MAX], *second[MAX];
  int i;
  invoke(model, call, 1);
  memcpy(first, call->outputs, sizeof(void *) * (size_t)m_output_count);
  for (i = 0; i < m_output_count; i++) second[i] = guarded(bytes[i], 1, "an output");
  call->outputs = second;
  invoke(model, call, SLICES);
  for (i = 0; i < m_output_count; i++) {
    check_guard(first[i], bytes[i], 1, "an output");
    check_guard(second[i], bytes[i], 1, "an output");
    if (memcmp(first[i], second[i], bytes[i])) {
      fprintf(stderr, "output %d has other bits when the work is cut into %d slices\n", i, SLICES);
      exit(4);
    }
  }
}

static const m_model *load(const char *path, m_model *model) {
#ifdef WEIGHTS_IN_FILE
  FILE *f = fopen(path, "rb");
  long size;
  int status;
  if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  fclose(f);
  status = m_load(model, read_bytes(path, (size_t)size, ALIGN, "the weights"), (size_t)size);
  if (status) {
    fprintf(stderr, "m_load: %s\n", m_error(status));
    exit(2);
  }
  return model;
#else
  (void)path;
  (void)model;
  return NULL;
#endif
}

int main(int argc, char **argv) {
  static const void *inputs[MAX];
  static void *outputs[MAX];
  size_t bytes[MAX];
  int64_t symbols[MAX];
  m_model model;
  nextc_call call;
  int files = m_input_count + m_output_count, first = argc - files, i;
  if (first < 2 || files > MAX) {
    fprintf(stderr, "the model has %d inputs and %d outputs\n", m_input_count, m_output_count);
    return 1;
  }
  watch_pages();
  for (i = 0; i < m_symbol_count; i++) symbols[i] = symbol_value(m_symbols[i], argv + 2, first - 2);
  for (i = 0; i < m_input_count; i++)
    inputs[i] = read_bytes(argv[first + i], tensor_bytes(&m_inputs[i], symbols), 1, "an input");
  for (i = 0; i < m_output_count; i++) {
    bytes[i] = tensor_bytes(&m_outputs[i], symbols);
    outputs[i] = guarded(bytes[i], 1, "an output");
  }
  memset(&call, 0, sizeof call);
  call.inputs = inputs;
  call.outputs = outputs;
  call.symbols = symbols;
  run_twice(load(argv[1], &model), &call, bytes);
  for (i = 0; i < m_output_count; i++) write_bytes(argv[first + m_input_count + i], outputs[i], bytes[i]);
  return 0;
}
