/* Chunks of runtime/: what is printed for a text, in which order, and how names are replaced. */
#include "backend/c_runtime.h"
#include "tests/test.h"

static char *renamed(Arena *a, const char *text) {
  Text t = {.arena = a};
  runtime_rename(&t, text, "net", "NET");
  return text_string(&t);
}

static void rename_names(Arena *a) {
  TEST("names at the start of identifiers, outside strings");
  CHECK_STR(renamed(a, "nx_a NX_B xnx_a NX_ nx_ nextc_call"), "net_a NET_B xnx_a NX_ nx_ nextc_call");
  CHECK_STR(renamed(a, "(nx_a*NX_B)"), "(net_a*NET_B)");
  CHECK_STR(renamed(a, "f(\"nx_a\", nx_b, \"\\\"nx_c\\\\\", nx_d, '\"', nx_e)"),
            "f(\"nx_a\", net_b, \"\\\"nx_c\\\\\", net_d, '\"', net_e)");
  TEST("comments are renamed, and their quotes open nothing");
  CHECK_STR(renamed(a, "/* it's nx_a \" */ nx_b \"nx_c\" /* nx_d */"),
            "/* it's net_a \" */ net_b \"nx_c\" /* net_d */");
  CHECK_STR(renamed(a, ""), "");
  CHECK_STR(renamed(a, "\"open nx_a"), "\"open nx_a");
}

static void closure(Arena *a) {
  TEST("what a text names, and what that names, each before its users and once");
  RuntimeUse use = runtime_use(a);
  Text t = {.arena = a};
  runtime_print_used(&use, &t, "x = nx_div_i32(a, b) + nx_unknown;", NULL);
  const char *text = text_string(&t);
  const char *neg = strstr(text, "int32_t nx_neg_i32("), *div = strstr(text, "int32_t nx_div_i32(");
  CHECK(neg && div && neg < div && strstr(text, "#define NX_INLINE") < neg);
  CHECK(!strstr(text, "nx_mod_i32"));
  const size_t length = t.len;
  runtime_print_used(&use, &t, "nx_div_i32 nx_neg_i32", NULL);
  CHECK(t.len == length);
  TEST("vector layers apart from the rest");
  Text vectors = {.arena = a};
  runtime_print_used(&use, &t, "nx_v3_load_f32x8 nx_shl_i32", NULL);
  CHECK(!strstr(text_string(&t), "nx_v3_") && strstr(text_string(&t), "nx_shl_i32("));
  runtime_print_used(&use, &vectors, "nx_v3_load_f32x8 nx_shr_i32", "vec_v3.h");
  CHECK_HAS(text_string(&vectors), "#define NX_V3 ");
  CHECK_HAS(text_string(&vectors), "nx_v3_load_f32x8(const float *p)");
  CHECK_HAS(text_string(&vectors), "nx_v3_memory_f32x8 __attribute__");
  CHECK(!strstr(text_string(&vectors), "nx_shr_i32") && !strstr(text_string(&vectors), "i32x8"));
  TEST("the header's chunks are not printed again");
  Text run = {.arena = a};
  runtime_print_used(&use, &run, "nx_invoke", NULL);
  CHECK_HAS(text_string(&run), "int nx_invoke(const nx_model *model, const nextc_call *call) {");
  CHECK(!strstr(text_string(&run), "typedef struct nx_model"));
  TEST("a chunk by name");
  Text one = {.arena = a};
  runtime_print_chunk(&use, &one, "nx_abi");
  CHECK(!strncmp(text_string(&one), "/* nx_abi: ", 11) && strstr(text_string(&one), "#define NEXTC_ABI_1\n"));
}

static void table(void) {
  TEST("every chunk has lines, its own file's head is left out");
  CHECK(runtime_chunk_count > 100);
  for (int i = 0; i < runtime_chunk_count; i++) {
    CHECK(runtime_chunks[i].lines[0] && !strncmp(runtime_chunks[i].lines[0], "/* ", 3));
    CHECK(strcmp(runtime_chunks[i].file, "sample.h"));
    for (const char *const *line = runtime_chunks[i].lines; *line; line++) CHECK(!strstr(*line, "#include \"runtime/"));
  }
}

int main(void) {
  Arena *a = arena_new();
  rename_names(a);
  closure(a);
  table();
  arena_free(a);
  return test_result();
}
