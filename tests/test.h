/* The smallest test harness: CHECK counts, TEST names, test_result() ends main with a line and an exit status.
 * A test that cannot run for want of something (fixtures, a compiler) says so and calls SKIP. */
#ifndef NEXTC_TEST_H
#define NEXTC_TEST_H
#include <stdio.h>
#include <string.h>

static int test_failures, test_checks;
static const char *test_name = "";

#define TEST(name) test_name = (name)
#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    test_checks++;                                                                                                     \
    if (!(condition)) {                                                                                                \
      test_failures++;                                                                                                 \
      printf("%s:%d: %s: CHECK(%s) failed\n", __FILE__, __LINE__, test_name, #condition);                              \
    }                                                                                                                  \
  } while (0)
#define CHECK_STR(got, want)                                                                                           \
  do {                                                                                                                 \
    const char *g_ = (got), *w_ = (want);                                                                              \
    test_checks++;                                                                                                     \
    if (!g_ || strcmp(g_, w_)) {                                                                                       \
      test_failures++;                                                                                                 \
      printf("%s:%d: %s: got\n%s\nwant\n%s\n", __FILE__, __LINE__, test_name, g_ ? g_ : "(null)", w_);                 \
    }                                                                                                                  \
  } while (0)
#define CHECK_HAS(text, part)                                                                                          \
  do {                                                                                                                 \
    const char *t_ = (text), *p_ = (part);                                                                             \
    test_checks++;                                                                                                     \
    if (!t_ || !strstr(t_, p_)) {                                                                                      \
      test_failures++;                                                                                                 \
      printf("%s:%d: %s: no '%s' in\n%s\n", __FILE__, __LINE__, test_name, p_, t_ ? t_ : "(null)");                    \
    }                                                                                                                  \
  } while (0)
#define SKIP(why) (printf("skipped: %s\n", why), 77)

static inline int test_result(void) {
  printf("%d checks, %d failed\n", test_checks, test_failures);
  return test_failures || !test_checks ? 1 : 0;
}
#endif
