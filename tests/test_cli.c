/* The command nextc as a user meets it: exit statuses, messages, what is written and what is not. */
#include "tests/test.h"
#include "tests/tiny_onnx.h"

/* ---- command lines that are wrong: status 2, and words that help ---- */
static void wrong_command_lines(void) {
  static const struct {
    const char *arguments, *message;
  } rows[] = {
      {"", "nextc: error: needs a command"},
      {"compil m.onnx", "unknown command 'compil' (did you mean 'compile'?)"},
      {"frobnicate", "unknown command 'frobnicate'"},
      {"--versoin", "unknown option '--versoin'"},
      {"compile", "nextc compile: error: needs MODEL"},
      {"inspect", "needs MODEL"},
      {"opt", "needs MODEL"},
      {"verify", "needs CASE"},
      {"inspect m.onnx n.onnx", "unexpected word 'n.onnx'"},
      {"inspect m.onnx --fromat=json", "unknown option '--fromat' (did you mean '--format'?)"},
      {"inspect m.onnx -x", "unknown option '-x'"},
      {"inspect m.onnx --format=xml", "option --format takes text|json, not 'xml'"},
      {"inspect m.onnx --format", "option --format needs a value: text|json"},
      {"inspect m.onnx --strict-fp=yes", "option --strict-fp takes no value"},
      {"inspect m.onnx --dim 4", "option --dim takes NAME=NUMBER"},
      {"inspect m.onnx --dim N=", "option --dim takes NAME=NUMBER"},
      {"inspect m.onnx --dim N=0", "option --dim takes NAME=NUMBER"},
      {"inspect m.onnx --dim N=-1", "option --dim takes NAME=NUMBER"},
      {"inspect m.onnx --dim N=4x", "option --dim takes NAME=NUMBER"},
      {"inspect m.onnx --dim =4", "option --dim takes NAME=NUMBER"},
      {"inspect m.onnx --dim N=99999999999999999999", "option --dim takes NAME=NUMBER"},
      {"compile m.onnx", "needs -o FILE.c"},
      {"compile m.onnx -o", "option -o needs a value"},
      {"compile m.onnx -o m.txt", "must end in .c, not 'm.txt'"},
      {"compile m.onnx -o .c", "must end in .c"},
      {"compile m.onnx -o 'a\"b.c'", "no #include can name a header like that of -o 'a\"b.c'"},
      {"compile m.onnx -o 'a\\b.c'", "no #include can name"},
      {"compile m.onnx -o 'a?"
       "?(.c'",
       "no #include can name"},
      {"compile m.onnx -o \"$(printf 'a\\nb.c')\"", "no #include can name"},
      {"compile m.onnx -o m.c --weights-out=-", "--weights-out needs a file name"},
      {"compile m.onnx -o m.c --name 2x", "--name must be a C identifier"},
      {"compile m.onnx -o m.c --name a-b", "--name must be a C identifier"},
      {"compile m.onnx -o m.c --name ''", "--name must be a C identifier"},
      {"compile m.onnx -o m.c --target=v9", "unknown target 'v9' (of generic, v3, v4, aarch64, riscv64)"},
      {"compile m.onnx -o m.c --target=", "unknown target ''"},
      {"compile m.onnx -o m.c --weights=paper", "option --weights takes inline|file|object"},
      {"compile m.onnx -o m.c --byte-order=middle", "option --byte-order takes little|big"},
      {"compile m.onnx -o m.c --weights=inline --weights-out w", "--weights=inline writes no file"},
      {"compile m.onnx -o m.c --weights=inline --byte-order=big", "--weights=inline writes no file that --byte-order"},
      {"compile m.onnx -o - --weights=file", "needs --weights-out=FILE"},
      {"compile m.onnx -o - --weights=object --weights-out w", "--weights=object needs a file name"},
      {"opt m.onnx --stop-after=claen-import", "unknown pass 'claen-import' (did you mean 'clean-import'?)"},
      {"opt m.onnx --print-after=nothing", "--print-after: unknown pass 'nothing'"},
      {"opt m.onnx --passes=clean-import,nothing", "--passes: unknown pass 'nothing'"},
      {"opt m.onnx --passes=-nothing", "--passes: unknown pass 'nothing'"},
      {"opt m.onnx --start-from=grup", "--start-from: unknown pass 'grup' (did you mean 'group'?)"},
      {"opt m.onnx --print-before=changed", "--print-before: unknown pass 'changed'"},
      {"opt m.onnx --start-from=group --stop-after=clean-import", "--start-from=group comes after"},
      {"opt m.onnx --rule-limit=-1", "option --rule-limit takes a number from 0"},
      {"opt m.onnx --dump-dir=", "--dump-dir needs a folder"},
      {"opt m.onnx --anonymous=names", "option --anonymous takes [shapes], not 'names'"},
      {"opt m.onnx --print-loops=v9", "unknown target 'v9'"},
      {"opt m.onnx --stats=xml", "option --stats takes [json|text], not 'xml'"},
      {"verify case --backends=gpu", "unknown backend 'gpu'"},
      {"verify case --backends=", "no backend named"},
      {"verify case --paths=v9", "unknown path 'v9'"},
      {"verify case --random=many", "option --random takes a number from 0"},
      {"verify case --random=-1", "option --random takes a number from 0"},
      {"verify case --rtol=2", "option --rtol takes a number from 0 to 1"},
      {"verify case --atol=nan", "option --atol takes a number"},
  };
  TEST("wrong_command_lines");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Result r = run_nextc(rows[i].arguments);
    CHECK(r.status == 2);
    CHECK_HAS(r.err, rows[i].message);
    CHECK_STR(r.out, "");
    if (r.status != 2) printf("  with: %s\n", rows[i].arguments);
    result_free(&r);
  }
  CHECK(files_in(".") == 1); /* m.onnx: nothing was made */
}

static void help_and_version(void) {
  static const char *const commands[] = {"bench", "compile", "inspect", "opt", "verify"};
  TEST("help_and_version");
  Result r = run_nextc("--help");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    char arguments[64];
    CHECK_HAS(r.out, commands[i]);
    snprintf(arguments, sizeof arguments, "%s nothing --no-such-option --help", commands[i]);
    Result help = run_nextc(arguments);
    CHECK(help.status == 0);
    CHECK_HAS(help.out, "example:");
    CHECK_HAS(help.out, "--dim=NAME=NUMBER");
    result_free(&help);
  }
  result_free(&r);
  r = run_nextc("--version");
  CHECK(r.status == 0);
  CHECK_STR(r.out, "nextc 0.1.0\n");
  result_free(&r);
}

/* ---- models that are wrong: status 1, and nothing is left behind ---- */
static void wrong_models(void) {
  static const struct {
    const char *model, *message;
  } rows[] = {
      {"absent.onnx", "absent.onnx: error:"},
      {"empty.onnx", "empty.onnx: error:"},
      {"noise.onnx", "noise.onnx: error:"},
      {"noise.nir", "noise.nir:1:"},
      {"folder", "folder: error:"},
      {"wobble.onnx", "wobble.onnx: node '/head/Last' (Wobble, opset 17): error:"},
  };
  TEST("wrong_models");
  mkdir("models", 0755);
  CHECK(!chdir("models"));
  mkdir("folder", 0755);
  put_file("empty.onnx", "", 0);
  put_file("noise.onnx", "\xff\xfe noise \x01\x02", 11);
  put_file("noise.nir", "nir one\n", 8);
  write_tiny_model("wobble.onnx", "Wobble", NULL, 1);
  int before = files_in(".");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static const char *const commands[] = {"compile -o out.c", "inspect", "opt -o out.nir"};
    for (size_t j = 0; j < sizeof commands / sizeof *commands; j++) {
      char arguments[128];
      snprintf(arguments, sizeof arguments, "%s %s", commands[j], rows[i].model);
      Result r = run_nextc(arguments);
      CHECK(r.status == 1);
      CHECK_HAS(r.err, rows[i].message);
      CHECK_STR(r.out, "");
      result_free(&r);
    }
  }
  CHECK(files_in(".") == before);
  CHECK(!chdir(".."));
}

/* ---- compile ---- */
static void compiles(void) {
  TEST("compiles");
  Result r = run_nextc("compile m.onnx -o m.c");
  CHECK(r.status == 0);
  CHECK_STR(r.out, "");
  CHECK_STR(r.err, "");
  CHECK(file_exists("m.c") && file_exists("m.h") && !file_exists("m.weights"));
  result_free(&r);
  r = run_shell("cc -std=c99 -Wall -Wextra -Wpedantic -Werror -c m.c -o m.o");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  result_free(&r);
}

/* Every row of the table but experiments, which must be named. */
static void targets_are_written(void) {
  TEST("targets_are_written");
  Result r = run_shell(NEXTC_BINARY " compile m.onnx -o t.c && grep -o 'm_steps_[a-z0-9]*' t.c | "
                                    "sort -u | tr '\\n' ' '");
  CHECK_STR(r.out, "m_steps_aarch64 m_steps_generic m_steps_v3 m_steps_v4 ");
  result_free(&r);
  r = run_shell(
      NEXTC_BINARY
      " compile m.onnx -o t.c --target=riscv64,generic && grep -o 'm_steps_[a-z0-9]*' t.c | sort -u | tr '\\n' ' '");
  CHECK_STR(r.out, "m_steps_generic m_steps_riscv64 ");
  result_free(&r);
}

static void names_and_places(void) {
  TEST("names_and_places");
  Result r = run_nextc("compile -o sub/x.c --name=other m.onnx");
  CHECK(r.status == 1); /* no such folder */
  CHECK_HAS(r.err, "sub/x");
  result_free(&r);
  mkdir("sub", 0755);
  r = run_nextc("compile -osub/x.c --name=other -- m.onnx");
  CHECK(r.status == 0);
  result_free(&r);
  char *header = get_file("sub/x.h", NULL);
  CHECK_HAS(header, "other_run");
  CHECK(!strstr(header, "m_run("));
  free(header);
}

static void weights_go_where_told(void) {
  TEST("weights_go_where_told");
  Result r = run_nextc("compile m.onnx -o f.c --weights=file");
  CHECK(r.status == 0 && file_exists("f.weights"));
  result_free(&r);
  r = run_nextc("compile m.onnx -o g.c --weights-out=elsewhere.bin");
  CHECK(r.status == 0 && file_exists("elsewhere.bin") && !file_exists("g.weights"));
  result_free(&r);
  r = run_nextc("compile m.onnx -o b.c --weights=file --byte-order=big");
  CHECK(r.status == 0);
  result_free(&r);
  r = run_shell("cmp f.weights elsewhere.bin && ! cmp -s f.weights b.weights");
  CHECK(r.status == 0);
  result_free(&r);
  r = run_nextc("compile m.onnx -o o.c --weights=object");
  CHECK(r.status == 0 && file_exists("o.S"));
  result_free(&r);
}

/* Runs a command that must work and say nothing. */
static void do_quietly(const char *command) {
  Result r = run_shell(command);
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  if (r.status) printf("  %s: %s\n", command, r.out);
  result_free(&r);
}

/* The .S is the same text in every folder, and says where its weights are seen from there. */
static void objects_know_their_weights(void) {
  TEST("objects_know_their_weights");
  do_quietly("mkdir -p here there/below && " NEXTC_BINARY
             " compile m.onnx -o here/o.c --weights=object && " NEXTC_BINARY
             " compile m.onnx -o \"$PWD\"/there/below/o.c --weights=object && cmp here/o.S there/below/o.S");
  do_quietly("cc -c -Ihere here/o.S -o o.o && cd here && cc -c o.S");
  do_quietly(NEXTC_BINARY
             " compile m.onnx -o there/below/p.c --weights=object --weights-out=here/w.bin && "
             "grep -q '\"../../here/w.bin\"' there/below/p.S && cc -c -Ithere/below there/below/p.S -o p.o");
  do_quietly("cp here/w.bin moved.bin && cc -c -D M_WEIGHTS_PATH='\"moved.bin\"' there/below/p.S -o p.o");
}

static void standard_output(void) {
  TEST("standard_output");
  int before = files_in(".");
  Result r = run_nextc("compile m.onnx -o -");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  CHECK(files_in(".") == before);
  char *declaration = strstr(r.out, "int m_run("), *definition = declaration ? strstr(declaration + 1, "m_run(") : NULL;
  CHECK(declaration && definition); /* the header stands in front */
  put_file("stdout.c", r.out, strlen(r.out));
  result_free(&r);
  r = run_shell("cc -std=c99 -Wall -Wextra -Wpedantic -Werror -c stdout.c -o stdout.o");
  CHECK(r.status == 0);
  CHECK_STR(r.err, "");
  result_free(&r);
}

/* A link stays a link, also one to what is not there yet; a pipe stays a pipe. */
static void outputs_that_are_no_files(void) {
  TEST("outputs_that_are_no_files");
  do_quietly("mkdir -p links/far && ln -s far/real.c links/l.c && ln -s \"$PWD\"/links/h links/l.h && echo old "
             ">links/far/real.c"
             " && ln -s l.weights links/w && ln -s far/w links/l.weights && " NEXTC_BINARY
             " compile m.onnx -o links/l.c --name=m --weights=file --weights-out=links/w");
  do_quietly(
      "cd links && test -L l.c -a -L l.h -a -L w -a -L l.weights && test ! -L far/real.c && grep -q m_run far/real.c"
      " && grep -q m_run h && cmp far/w ../f.weights && test $(ls . far | wc -l) = 11");
  do_quietly("ln -s far/n.nir links/n.nir && " NEXTC_BINARY
             " opt m.onnx -o links/n.nir && test -L links/n.nir && grep -q gemm "
             "links/far/n.nir");
  do_quietly("mkfifo links/p.c && { cat links/p.c >links/read & " NEXTC_BINARY
             " compile m.onnx -o links/p.c; wait; } && "
             "test -p links/p.c && grep -q m_run links/read");
  Result r = run_shell("ln -s b.c links/a.c; ln -s a.c links/b.c; " NEXTC_BINARY " compile m.onnx -o links/a.c");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "links/a.c: error: cannot be created: Too many levels of symbolic links");
  result_free(&r);
  r = run_shell("mkfifo links/q; cat links/q >links/read & " NEXTC_BINARY
                " compile m.onnx -o links/q.c --weights-out=links/q");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "links/q: error: weights need a file that can be written from its start twice");
  result_free(&r);
  CHECK(!file_exists("links/q.c"));
}

/* No output is what the model is read from, or another output, by whatever name. */
static void outputs_do_not_meet_inputs(void) {
  static const char taken[] = "the model was read from this file, so it cannot be an output";
  static const struct {
    const char *arguments, *message;
  } rows[] = {
      {"compile in/m.onnx -o in/m.c --weights-out=in/m.onnx", taken},
      {"compile in/m.onnx -o in/m.c --weights-out=in/../in/m.onnx", taken},
      {"compile in/m.onnx -o in/m.c --weights-out=in/link", taken},
      {"compile in/m.nir -o in/m.c --weights-out=in/m.nir", taken},
      {"compile in/m.nir -o in/m.c --weights-out=in/m.onnx", taken},
      {"compile in/m.nir -o in/m.nir.c --weights-out=in/m.onnx", taken},
      {"compile in/m.onnx -o - --weights-out=in/m.onnx", taken},
      {"compile in/c -o in/m.c", taken},
      {"compile in/m.onnx -o in/x.c --weights-out=in/x.c", "two outputs have this name"},
      {"compile in/m.onnx -o in/x.c --weights-out=./in/x.h", "two outputs have this name"},
      {"compile in/m.onnx -o in/x.c --weights=object --weights-out=in/to_x.S", "two outputs have this name"},
  };
  TEST("outputs_do_not_meet_inputs");
  do_quietly("mkdir in && cp m.onnx in && ln -s m.onnx in/link && " NEXTC_BINARY " opt in/m.onnx -o in/m.nir");
  do_quietly("cp m.onnx in/m.c; ln -s m.c in/c; cat in/* >before; ln -s x.S in/to_x.S");
  const int before = files_in("in");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Result r = run_nextc(rows[i].arguments);
    CHECK(r.status == 1);
    CHECK_HAS(r.err, rows[i].message);
    if (r.status != 1) printf("  %s\n", rows[i].arguments);
    result_free(&r);
  }
  CHECK(files_in("in") == before);
  do_quietly("rm in/to_x.S; cat in/* | cmp - before");
}

/* An old output stays as it was when the new one cannot be made. */
static void keeps_the_old_output(void) {
  TEST("keeps_the_old_output");
  write_tiny_model("bad.onnx", "Wobble", NULL, 1);
  put_file("old.c", "old", 3);
  Result r = run_nextc("compile bad.onnx -o old.c");
  CHECK(r.status == 1);
  result_free(&r);
  char *text = get_file("old.c", NULL);
  CHECK_STR(text, "old");
  free(text);
}

static void full_disk(void) {
  TEST("full_disk");
  if (!file_exists("/dev/full")) return;
  Result r = run_nextc("inspect m.onnx >/dev/full");
  CHECK(r.status == 1);
  CHECK_HAS(r.err, "cannot write standard output");
  result_free(&r);
}

/* ---- inspect ---- */
static void inspects(void) {
  TEST("inspects");
  Result r = run_nextc("inspect m.onnx --format=json");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "{\"name\": \"m\",\n \"inputs\": [{\"name\": \"x\", \"dtype\": \"f32\", \"shape\": [1, 4]}],\n"
                   " \"outputs\": [{\"name\": \"y\", \"dtype\": \"f32\", \"shape\": [1, 3]}],\n \"ops\": {");
  CHECK_HAS(r.out, "\"gmacs\": 1.2e-08,\n \"params\": 12,\n \"weight_bytes\": ");
  CHECK_HAS(r.out, "\"workspace_bytes\": ");
  result_free(&r);
  r = run_nextc("inspect m.onnx");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "f32[1,4] x");
  CHECK_HAS(r.out, "parameters 12");
  CHECK_HAS(r.out, "/head/MatMul");
  result_free(&r);
}

/* The workspace that inspect tells is the one that the emitted C asks for. */
static void workspace_is_the_headers(void) {
  TEST("workspace_is_the_headers");
  static const char program[] = "#include \"m.h\"\n#include <stdio.h>\n"
                                "int main(void) { printf(\"\\\"workspace_bytes\\\": %lu}\", "
                                "(unsigned long)m_workspace_bytes(1)); return 0; }\n";
  put_file("ask.c", program, sizeof program - 1);
  Result r = run_shell("cc ask.c m.c -o ask -lm && ./ask"), inspect = run_nextc("inspect m.onnx --format=json");
  CHECK(r.status == 0);
  CHECK_HAS(inspect.out, r.out);
  result_free(&r);
  result_free(&inspect);
}

static void symbolic_batch(void) {
  TEST("symbolic_batch");
  write_tiny_model("n.onnx", "Relu", "N", 0);
  Result r = run_nextc("inspect n.onnx --format=json");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "\"shape\": [\"N\", 4]");
  CHECK_HAS(r.out, "\"gmacs\": 1.2e-08"); /* of one image */
  result_free(&r);
  r = run_nextc("inspect n.onnx --format=json --dim N=5");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "\"shape\": [5, 4]");
  CHECK_HAS(r.out, "\"gmacs\": 6e-08"); /* five rows of a matrix are no images: together */
  result_free(&r);
}

/* ---- opt ---- */
static void optimizes(void) {
  TEST("optimizes");
  Result r = run_nextc("opt m.onnx --verify-each");
  CHECK(r.status == 0);
  CHECK(!strncmp(r.out, "nir 1\n", 6));
  CHECK_HAS(r.out, "gemm");
  CHECK_HAS(r.out, "@{kernel=");
  result_free(&r);
  r = run_nextc("opt m.onnx --passes=");
  CHECK(r.status == 0);
  CHECK_HAS(r.out, "relu");
  CHECK(!strstr(r.out, "@{"));
  result_free(&r);
  r = run_nextc("opt m.onnx --stop-after=recover-ops -o -");
  CHECK(r.status == 0);
  CHECK(!strstr(r.out, "@{"));
  result_free(&r);
  r = run_shell("mkfifo pipe; cat pipe >read & " NEXTC_BINARY
                " opt m.onnx -o pipe; wait; test -p pipe && grep -c output read");
  CHECK(r.status == 0); /* a pipe (or a device) is written, not replaced */
  result_free(&r);
  r = run_nextc("opt m.onnx --passes=-group,-place-buffers,-tile");
  CHECK(r.status == 0);
  CHECK(!strstr(r.out, "@{"));
  result_free(&r);
}

static void reports(void) {
  static const struct {
    const char *arguments, *out, *err;
  } rows[] = {
      {"opt m.onnx --stats=json", "{\"passes\": [\n  {\"name\": \"clean-import\", \"ms\": ", NULL},
      {"opt m.onnx --stats=json", "\"final\": {", NULL},
      {"opt m.onnx --stats=json", "\"kernels\": {\"gemm\": 1}}", NULL},
      {"opt m.onnx --stats", "operators after it", NULL},
      {"opt m.onnx --print-after=recover-ops", "// after recover-ops: ", NULL},
      {"opt m.onnx --print-after=changed", "// after ", NULL},
      {"opt m.onnx --print-after=all", "// after place-buffers: ", NULL},
      {"opt m.onnx --print-loops=generic", "generic", NULL},
      {"opt m.onnx -o - --stats=json", "nir 1\n", "\"passes\""},
  };
  TEST("reports");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Result r = run_nextc(rows[i].arguments);
    CHECK(r.status == 0);
    CHECK_HAS(r.out, rows[i].out);
    if (rows[i].err)
      CHECK_HAS(r.err, rows[i].err);
    else
      CHECK_STR(r.err, "");
    result_free(&r);
  }
}

/* What is compiled from the text is what would have been compiled without it, from every stage on. */
static void resumes(void) {
  static const char *const stages[] = {"--passes=", "--stop-after=recover-ops", "--stop-after=pack-weights", ""};
  TEST("resumes");
  mkdir("dumps", 0755);
  for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
    char arguments[128];
    snprintf(arguments, sizeof arguments, "opt m.onnx -o dumps/m.nir %s", stages[i]);
    Result r = run_nextc(arguments);
    CHECK(r.status == 0);
    CHECK_STR(r.out, "");
    result_free(&r);
    r = run_nextc("compile dumps/m.nir -o dumps/m.c");
    CHECK(r.status == 0);
    CHECK_STR(r.err, "");
    result_free(&r);
    r = run_shell("cmp m.c dumps/m.c && cmp m.h dumps/m.h");
    CHECK(r.status == 0);
    CHECK_STR(r.out, "");
    result_free(&r);
  }
}

/* abort(), which die() ends in, has its own exit status: here the "C compiler" sends the signal. */
static void bugs_have_status_3(void) {
  TEST("bugs_have_status_3");
  static const char script[] = "kill -ABRT $PPID\nsleep 1\n";
  put_file("abort.sh", script, sizeof script - 1);
  write_tiny_case("case", NULL, 1, 0);
  Result r = run_nextc("verify case --backends=c --cc='sh abort.sh'");
  CHECK(r.status == 3);
  result_free(&r);
}

int main(void) {
  open_folder();
  setenv("TMPDIR", test_folder, 1);
  write_tiny_model("m.onnx", "Relu", NULL, 1);
  wrong_command_lines();
  help_and_version();
  wrong_models();
  compiles();
  targets_are_written();
  names_and_places();
  weights_go_where_told();
  objects_know_their_weights();
  standard_output();
  outputs_that_are_no_files();
  outputs_do_not_meet_inputs();
  keeps_the_old_output();
  full_disk();
  inspects();
  workspace_is_the_headers();
  symbolic_batch();
  optimizes();
  reports();
  resumes();
  bugs_have_status_3();
  close_folder();
  return test_result();
}
