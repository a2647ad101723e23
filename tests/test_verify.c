/* The verifier: each invariant broken by hand, and what it says. */
#include "ir/graph_edit.h"
#include "tests/fake_source.h"
#include "tests/test.h"

/* Ids are those of the lines: op k defines value k, up to the output. */
static const char text[] = "nir 1\n"
                           "source 0 \"m.onnx\"\n"
                           "graph \"m\" symbols=N\n"
                           "%1 = input {name=\"x\"} : f32[2,3]\n"
                           "%2 = weight {name=\"w\"} : f32[3]\n"
                           "%3 = const {ints=[1,2]} : i64[2]\n"
                           "%4 = add %3, %3 : i64[2]\n"
                           "%5 = layernorm %1, %2, _ {axes=[1]} @{kernel=0:layernorm at=[0]} : f32[2,3] !\"ln\":LN@17\n"
                           "%6 = neg %2 : f32[3]\n"
                           "%7 = concat %5, %5, %1 {axis=0} @{kernel=1:layout at=[64]} : f32[6,3]\n"
                           "output %7 {name=\"y\"}\n"
                           "output %6 {name=\"z\"}\n";
enum { INPUT = 1, WEIGHT, CONST, ADD, NORM, NEG, CONCAT, OUT_Y, OUT_Z };

static Context *context;

static Graph *fresh(void) {
  context = context_new();
  return graph_parse(context, "t.nir", text, sizeof text - 1, fake_open);
}

/* The graph is refused, with `message` among the diagnostics; frees it. */
static void caught(Graph *g, const char *message) {
  const char *all = "";
  CHECK(!graph_verify(g));
  CHECK(context->errors > 0);
  for (size_t i = 0; i < context->count; i++) all = arena_printf(context->arena, "%s%s\n", all, context->list[i].text);
  CHECK_HAS(all, message);
  graph_free(g);
  context_free(context);
}

/* BREAK(fact, statements, message): a fresh graph g, broken by the statements, and what the verifier says of it. */
#define BREAK(statements, message)                                                                                     \
  do {                                                                                                                 \
    Graph *g = fresh();                                                                                                \
    statements;                                                                                                        \
    caught(g, message);                                                                                                \
  } while (0)

static void test_good(void) {
  TEST("a good graph");
  Graph *g = fresh();
  CHECK(g && graph_verify(g) && context->count == 0);
  TEST("a good graph after every mutator");
  ValueId x = graph_new_op(g, OP_abs, (ValueId[]){NORM}, 1, NULL, NULL, CONCAT);
  graph_set_operand(g, CONCAT, 0, x);
  graph_replace_uses(g, NEG, WEIGHT);
  graph_erase_op(g, NEG);
  CHECK(graph_verify(g) && context->count == 0);
  graph_free(g);
  context_free(context);
}

static void test_graph_fields(void) {
  TEST("fields of the graph");
  BREAK(g->name = "a-b", "a-b: error: the name of the graph is no C identifier");
  BREAK(g->name = NULL, "graph: error: the name of the graph is no C identifier");
  BREAK(g->last_pass = NULL, "m: error: last_pass is NULL");
  BREAK(g->symbol_count = 17, "m: error: 17 symbols");
  BREAK(g->batch_symbol = 1, "m: error: batch_symbol 1 of 1 symbols");
  BREAK(g->batch = 0, "m: error: batch 0 with batch_symbol -1");
  BREAK((g->batch = 2, g->batch_symbol = 0), "m: error: batch 2 with batch_symbol 0");
}

static void test_order(void) {
  TEST("statement list");
  BREAK(op_at(g, NORM)->next = 99, "m: error: statement list: op 99 does not exist");
  BREAK(op_at(g, NORM)->next = INPUT, "m: error: statement list: op 1 comes twice");
  BREAK(op_at(g, NORM)->kind = OP_none, "m: error: statement list: op 5 is erased");
  BREAK(op_at(g, NORM)->kind = OP_COUNT, "m: error: statement list: op 5 is erased");
  BREAK(op_at(g, NORM)->prev = INPUT,
        "m.onnx: node 'ln' (LN, opset 17): error: layernorm: statement list: prev is op 1, not op 4");
  BREAK(g->last = INPUT, "m: error: statement list: last is op 1, not op 9");
  BREAK((op_at(g, ADD)->next = NEG, op_at(g, NEG)->prev = ADD), "m: error: op 5 is not in the statement list");
}

static void test_operands(void) {
  TEST("results");
  BREAK(op_at(g, NEG)->result_count = 2, "neg: 2 results");
  BREAK(op_at(g, NEG)->first_result = 0, "neg: result 0 does not exist");
  BREAK(op_at(g, NEG)->first_result = 99, "neg: result 99 does not exist");
  BREAK(value_at(g, NEG)->def = ADD, "neg: result 1 says that it is result 0 of op 4");
  BREAK(value_at(g, NEG)->result = 3, "neg: result 1 says that it is result 3 of op 6");
  TEST("operands");
  BREAK(op_at(g, NEG)->operand_count = 0, "neg: 0 operands");
  BREAK(op_at(g, NEG)->operands[0] = 0, "neg: operand 1 is missing");
  BREAK(op_at(g, CONCAT)->operands[2] = 0, "concat: operand 3 is missing");
  BREAK(op_at(g, NEG)->operands[0] = 99, "neg: operand 1 does not exist");
  BREAK(op_at(g, NEG)->operands[0] = CONCAT, "neg: operand 1 is used before its definition");
  BREAK(op_at(g, NEG)->operands[0] = NEG, "neg: operand 1 is used before its definition");
  BREAK(graph_move_op(g, INPUT, 0),
        "m.onnx: node 'ln' (LN, opset 17): error: layernorm: operand 1 is used before its definition");
  BREAK((graph_erase_op(g, ADD), op_at(g, NEG)->operands[0] = ADD), "neg: operand 1 was erased");
}

static void test_uses(void) {
  TEST("use lists");
  BREAK(value_at(g, WEIGHT)->use_count = 1, "weight: the use list of its result is not exact");
  BREAK(value_at(g, NORM)->uses[0] = value_at(g, NORM)->uses[1], "layernorm: the use list of its result is not exact");
  BREAK(value_at(g, NORM)->uses[0].op = 0, "layernorm: the use list of its result is not exact");
  BREAK(value_at(g, NORM)->uses[0].op = 99, "layernorm: the use list of its result is not exact");
  BREAK(value_at(g, NORM)->uses[0].index = 2, "layernorm: the use list of its result is not exact");
  BREAK(value_at(g, NORM)->uses[0].index = 9, "layernorm: the use list of its result is not exact");
  BREAK(op_at(g, CONCAT)->operands[0] = INPUT, "input: the use list of its result is not exact");
  BREAK((graph_erase_op(g, ADD), value_at(g, ADD)->use_count = 1, value_at(g, ADD)->uses = value_at(g, NORM)->uses),
        "m: error: the use list of value 4, which was erased, is not exact");
}

static void test_attributes(void) {
  TEST("attributes");
  BREAK(op_at(g, NEG)->attrs.axis = 1, "neg: has no attribute 'axis'");
  BREAK(op_at(g, NEG)->attrs.eps = 0, "neg: has no attribute 'eps'");
  BREAK(op_at(g, NEG)->attrs.name = "n", "neg: has no attribute 'name'");
  BREAK(op_at(g, NEG)->attrs.mode = "A b", "neg: attribute 'mode' is no word");
  BREAK(op_at(g, NEG)->attrs.shape = ints_copy(g->arena, (Dim[]){2, dim_symbol(1, 1)}, 2),
        "neg: attribute 'shape' has a symbol that the graph has not");
  TEST("locations");
  BREAK(op_at(g, NORM)->loc = (&(Loc){.node = "a"}), "layernorm: a location without names, or of a source");
  BREAK(op_at(g, NORM)->loc = (&(Loc){.node = "a", .op = "b", .source = 1}), "layernorm: a location without names");
  BREAK(op_at(g, NORM)->loc = (&(Loc){.node = "a", .op = "b", .opset = -1}), "layernorm: a location without names");
  TEST("schedule");
  BREAK(op_at(g, NEG)->sched.kernel = 1, "neg: kernel without a family");
  BREAK(op_at(g, NEG)->sched.kernel = -2, "neg: kernel -2 is negative");
  BREAK(op_at(g, NEG)->sched.family = "gemm", "neg: family without a kernel");
  BREAK(op_at(g, NORM)->sched.family = "a b", "layernorm: kernel family 'a b' is no name");
  BREAK(op_at(g, NORM)->sched.kernel = 1, "concat: kernel 1 is of family layernorm and of family layout");
  BREAK(op_at(g, OUT_Y)->sched.at = op_at(g, NORM)->sched.at, "output: at lists 1 offsets, results of output: 0");
  BREAK(op_at(g, NORM)->sched.at = ints_copy(g->arena, (Dim[]){-2}, 1), "layernorm: at: offset 1 is neither");
  BREAK(op_at(g, NORM)->sched.inplace = 3, "layernorm: inplace=3, operands of layernorm: 3");
  BREAK(op_at(g, NORM)->sched.inplace = 2, "layernorm: inplace names an operand that is left out");
  BREAK(op_at(g, OUT_Y)->sched.inplace = 0, "output: inplace on output, which has no result");
}

static void test_inference(void) {
  TEST("types");
  BREAK(value_at(g, NEG)->type.dim[0] = 4, "neg: has type f32[4], inference says f32[3]");
  BREAK(value_at(g, NEG)->type.dtype = DT_f16, "neg: has type f16[3], inference says f32[3]");
  BREAK(value_at(g, NEG)->type.dtype = 0, "neg: a result has no type");
  BREAK(value_at(g, NEG)->type.rank = 9, "neg: a result has no type");
  BREAK(value_at(g, NEG)->type.dim[0] = dim_symbol(3, 1), "neg: a result has a symbol that the graph has not");
  BREAK(op_at(g, NORM)->attrs.axes = ints_copy(g->arena, (Dim[]){2}, 1), "layernorm: axis 2 out of range for rank 2");
  BREAK(op_at(g, WEIGHT)->attrs.source = 1, "weight: source 1 does not exist");
  BREAK(op_at(g, WEIGHT)->attrs.source = -1, "weight: source -1 does not exist");
  TEST("constness");
  BREAK(value_at(g, NEG)->constant = false, "neg: is not marked constant");
  BREAK(value_at(g, INPUT)->constant = true, "input: is marked constant");
  BREAK(value_at(g, NORM)->constant = true, "layernorm: is marked constant");
  TEST("known contents");
  BREAK(value_at(g, ADD)->known = NULL, "add: known contents are not what the operator gives");
  BREAK(value_at(g, ADD)->known = ((Dim[]){2, 5}), "add: known contents are not what the operator gives");
  BREAK(value_at(g, NEG)->known = ((Dim[]){1, 2, 3}), "neg: known contents of type f32[3]");
}

static void test_names(void) {
  TEST("names of inputs and outputs");
  BREAK(op_at(g, INPUT)->attrs.name = NULL, "input: has no name");
  BREAK(op_at(g, OUT_Y)->attrs.name = "", "output: has no name");
  BREAK(op_at(g, OUT_Z)->attrs.name = "y", "output: a second one of the name 'y'");
  BREAK(graph_try_leaf(g, OP_input, type_of(g, INPUT), &op_at(g, INPUT)->attrs, NULL, WEIGHT, (char[256]){0}),
        "input: a second one of the name 'x'");
  BREAK((graph_erase_op(g, OUT_Y), graph_erase_op(g, OUT_Z)), "m: error: the graph has no output");
}

static void test_all_faults(void) {
  TEST("all faults are reported");
  Graph *g = fresh();
  value_at(g, NEG)->constant = false;
  value_at(g, NORM)->type.dim[0] = 7;
  op_at(g, CONCAT)->attrs.k = 1;
  CHECK(!graph_verify(g));
  CHECK(context->count >= 3);
  graph_free(g);
  context_free(context);
}

int main(void) {
  test_good();
  test_graph_fields();
  test_order();
  test_operands();
  test_uses();
  test_attributes();
  test_inference();
  test_names();
  test_all_faults();
  return test_result();
}
