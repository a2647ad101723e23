/* nextc that is ended from outside, at moments that are certain: nothing temporary is left, a child is ended too, and a
 * shell sees 128 + the signal. */
#include "tests/test.h"
#include "tests/command.h"
#include <signal.h>

#define MODEL "'" SOURCE_DIR "/examples/digits/digits_convnext.onnx'"
#define NEXTC "'" NEXTC_BINARY "'"

static const struct {
  const char *name;
  int number;
} signals[] = {{"INT", SIGINT}, {"TERM", SIGTERM}, {"HUP", SIGHUP}};
enum { SIGNAL_COUNT = sizeof signals / sizeof *signals };

/* A C compiler, or any other child: it sends a signal to nextc and would stay. Were one of its processes alive after
 * nextc, its word would come through number 3, which `cat` reads to the end. */
static void put_child(const char *name, const char *signal_name) {
  char text[256];
  snprintf(text, sizeof text,
           "#!/bin/sh\n(sleep 20; echo alive >&3) &\n: >\"$TMPDIR/child-was-here\"\nkill -%s $PPID\nwait\n",
           signal_name);
  put_file(name, text, strlen(text));
  chmod(name, 0755);
}

/* Runs nextc with words in a folder for what is temporary, which is empty afterwards but for the child's mark. */
static void check_ended(const char *words, int number) {
  char line[2048];
  snprintf(line, sizeof line, "mkdir tmp\n(TMPDIR=$PWD/tmp " NEXTC " %s; echo $? >status) 3>&1 | cat", words);
  Result r = run_shell(line);
  char *status = get_file("status", NULL);
  CHECK(atoi(status) == 128 + number);
  CHECK(file_exists("tmp/child-was-here"));
  CHECK(files_in("tmp") == 1);
  CHECK(!strstr(r.out, "alive"));
  if (atoi(status) != 128 + number) printf("  %s: status %s%s%s\n", words, status, r.out, r.err);
  free(status);
  result_free(&r);
  r = run_shell("rm -r tmp status");
  result_free(&r);
}

static void children(void) {
  static const char *const words[] = {
      "run --backend=c " MODEL " --input=image", "bench --backends=c " MODEL,
      "bench --backends=c --keep " MODEL,        "verify --backends=c --random=1 --model=" MODEL " .",
      "reduce --keep='exec ./child' " MODEL,
  };
  TEST("children");
  put_file("image", (const float[32 * 32]){0}, sizeof(float) * 32 * 32);
  setenv("CC", "./child", 1);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    const int s = (int)(i % SIGNAL_COUNT);
    put_child("child", signals[s].name);
    check_ended(words[i], signals[s].number);
  }
  unsetenv("CC");
}

/* One that does not listen is killed. */
static void stubborn_child(void) {
  static const char text[] = "#!/bin/sh\ntrap '' TERM\n: >\"$TMPDIR/child-was-here\"\nkill -INT $PPID\n"
                             "sleep 9; sleep 9\n";
  TEST("stubborn_child");
  put_file("child", text, sizeof text - 1);
  chmod("child", 0755);
  check_ended("reduce --keep='exec ./child' " MODEL, SIGINT);
}

/* This program as a child: what it finds blocked, and whether there is something to read. */
static int probe(void) {
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  for (int i = 0; i < SIGNAL_COUNT; i++)
    if (sigismember(&blocked, signals[i].number)) puts(signals[i].name);
  if (getchar() != EOF) puts("input");
  return 5;
}

static void child_without_signals(const char *self) {
  TEST("child_without_signals");
  CHECK(!symlink(self, "probe"));
  Result r = run_shell("yes | CC=./probe " NEXTC " verify --backends=c --random=1 --model=" MODEL " .");
  CHECK(r.status == 1);
  CHECK_HAS(r.out, "./probe failed with status 5: (it said nothing)");
  result_free(&r);
}

/* nextc waits for a reader of m.c: before that, the weights are written under their temporary name. */
static void output_files(void) {
  TEST("output_files");
  for (int i = 0; i < SIGNAL_COUNT; i++) {
    char line[2048];
    snprintf(line, sizeof line,
             "mkdir out && mkfifo out/m.c && cp '" SOURCE_DIR "/LICENSE' out/m.weights || exit 9\n"
             "sh -c '(exec 4<out/m.c; ls out >files; kill -%s $$; exec sleep 9) & "
             "exec \"$0\" compile \"$1\" -o out/m.c --weights=file' " NEXTC " " MODEL "\n",
             signals[i].name);
    Result r = run_shell(line);
    char *files = get_file("files", NULL), *weights = get_file("out/m.weights", NULL);
    CHECK(r.status == 128 + signals[i].number);
    CHECK_HAS(files, "m.weights.part-");
    CHECK_HAS(files, "m.h.part-");
    CHECK(files_in("out") == 2);
    CHECK(!strncmp(weights, "MIT", 3));
    free(files);
    free(weights);
    result_free(&r);
    r = run_shell("rm -r out");
    result_free(&r);
  }
}

/* A bug, or no memory, ends nextc by ABRT: the status is 3, nothing is left. */
static void aborted(void) {
  TEST("aborted");
  put_child("child", "ABRT");
  Result r = run_shell("mkdir tmp\nTMPDIR=$PWD/tmp CC=./child " NEXTC " bench --backends=c --keep " MODEL);
  CHECK(r.status == 3);
  CHECK(file_exists("tmp/child-was-here"));
  CHECK(files_in("tmp") == 1);
  result_free(&r);
  static const char text[] =
      "nir 1\ngraph \"m\"\n%1 = input {name=\"x\"} : f32[1,20000,20000]\n%2 = relu %1\noutput %2 {name=\"y\"}\n";
  put_file("m.nir", text, sizeof text - 1);
#if defined(__SANITIZE_ADDRESS__)
#define WITH_2_GB "ASAN_OPTIONS=max_allocation_size_mb=2000:allocator_may_return_null=1 "
#else
#define WITH_2_GB "ulimit -v 2000000; "
#endif
  r = run_shell(WITH_2_GB NEXTC " verify --random=1 --model=m.nir .");
  CHECK(r.status == 3);
  CHECK_HAS(r.err, "nextc: error: no memory for 3200000000 bytes");
  result_free(&r);
  r = run_shell("rm -r tmp");
  result_free(&r);
}

/* A reader of standard output that has gone. */
static void closed_pipe(void) {
  TEST("closed_pipe");
  Result r =
      run_shell("mkdir out; (" NEXTC " compile " MODEL " -o - --weights-out=out/m.weights; echo $? >status) | :");
  char *status = get_file("status", NULL);
  CHECK(atoi(status) == 128 + SIGPIPE);
  CHECK(files_in("out") == 0);
  CHECK_STR(r.err, "");
  free(status);
  result_free(&r);
}

/* What was ignored before nextc began, as by nohup, is ignored by it. */
static void ignored(void) {
  static const char text[] = "#!/bin/sh\nkill -HUP $PPID; kill -TERM $PPID; kill -INT $PPID; exit 7\n";
  TEST("ignored");
  put_file("child", text, sizeof text - 1);
  chmod("child", 0755);
  Result r = run_shell("trap '' HUP TERM INT\nCC=./child " NEXTC " verify --backends=c --random=1 --model=" MODEL " .");
  CHECK(r.status == 1);
  CHECK_HAS(r.out, "./child failed with status 7");
  result_free(&r);
}

int main(int count, char **words) {
  const char *name = count ? strrchr(words[0], '/') : NULL;
  if (name && !strcmp(name, "/probe")) return probe();
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  for (int i = 0; i < SIGNAL_COUNT; i++) signal(signals[i].number, SIG_DFL); /* however the test was begun */
  signal(SIGPIPE, SIG_DFL);
  open_folder();
  children();
  stubborn_child();
  if (length > 0) {
    self[length] = 0;
    child_without_signals(self);
  }
  output_files();
  aborted();
  closed_pipe();
  ignored();
  close_folder();
  return test_result();
}
