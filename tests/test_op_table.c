/* The operator and attribute tables are complete and consistent. */
#include "ir/ir.h"
#include "tests/test.h"

static void names(void) {
  TEST("names are unique and found");
  for (int k = 0; k < OP_COUNT; k++) {
    const char *name = op_info[k].name;
    CHECK(op_from_name(name, strlen(name)) == (OpKind)k);
    if (k != OP_none) CHECK(op_from_name(name, strlen(name) - 1) != (OpKind)k);
  }
  CHECK(op_from_name("nosuch", 6) == OP_none);
  CHECK(op_from_name("", 0) == OP_none);
  CHECK(op_from_name("addition", 3) == OP_add);
  for (int i = 0; i < ATTR_COUNT; i++)
    for (int j = 0; j < i; j++) CHECK(strcmp(attr_info[i].name, attr_info[j].name));
}

static void rows(void) {
  TEST("rows are whole");
  uint64_t used = 0;
  for (int k = 0; k < OP_COUNT; k++) {
    const OpInfo *o = &op_info[k];
    CHECK(o->infer && o->eval && o->family && o->doc[0]);
    CHECK(o->min_operands <= o->max_operands);
    CHECK(o->results <= 8);
    CHECK(o->attrs >> ATTR_COUNT == 0);
    CHECK(!(o->traits & T_LEAF) || o->max_operands == 0);
    CHECK(!(o->traits & T_COMMUTATIVE) || o->min_operands >= 2);
    CHECK(!(o->traits & T_REDUCE) || (o->attrs >> ATTR_axes & 1));
    CHECK(!(o->traits & T_SPATIAL) || (o->attrs >> ATTR_layout & 1));
    CHECK(!(o->traits & T_SINK) || o->results == 0);
    used |= o->attrs;
  }
  CHECK(used >> ATTR_perm & 1);
  CHECK_STR(op_info[OP_pack].family, "");
  CHECK_STR(op_info[OP_gemm].family, "gemm");
  CHECK_STR(op_info[OP_dwconv].family, "dwconv_layernorm");
  CHECK(op_info[OP_concat].max_operands == 255);
  CHECK(op_info[OP_grn].attrs == ((uint64_t)1 << ATTR_axis | (uint64_t)1 << ATTR_axes | (uint64_t)1 << ATTR_eps));
}

static void attributes(void) {
  TEST("defaults");
  Attrs a = attrs_default(), b = attrs_default();
  CHECK(a.eps == 1e-5 && a.group == 1 && a.panel == 16 && a.largest == 1);
  CHECK(a.mode == NULL && a.perm.count == 0 && a.axis == 0);
  for (int i = 0; i < ATTR_COUNT; i++) {
    CHECK(attr_info[i].doc[0]);
    CHECK(attr_is_default(&attr_info[i], &a));
    CHECK(attr_equal(&attr_info[i], &a, &b));
  }
  TEST("equality");
  const Dim one[] = {0, 1}, same[] = {0, 1}, other[] = {0, 2};
  const double f[] = {1}, g[] = {2};
  char mode[] = "tanh";
  b.perm = (Ints){2, one};
  a.perm = (Ints){2, same};
  CHECK(attr_equal(&attr_info[ATTR_perm], &a, &b) && !attr_is_default(&attr_info[ATTR_perm], &a));
  a.perm.at = other;
  CHECK(!attr_equal(&attr_info[ATTR_perm], &a, &b));
  a.perm = (Ints){1, one};
  CHECK(!attr_equal(&attr_info[ATTR_perm], &a, &b));
  a.mode = mode;
  CHECK(!attr_equal(&attr_info[ATTR_mode], &a, &b));
  b.mode = "tanh";
  CHECK(attr_equal(&attr_info[ATTR_mode], &a, &b));
  a.floats = (Floats){1, f};
  b.floats = (Floats){1, g};
  CHECK(!attr_equal(&attr_info[ATTR_floats], &a, &b));
  a.value = -0.0;
  CHECK(!attr_is_default(&attr_info[ATTR_value], &a));
  a.axis = 1;
  CHECK(!attr_is_default(&attr_info[ATTR_axis], &a) && !attr_equal(&attr_info[ATTR_axis], &a, &b));
  Sched s = sched_default();
  CHECK(s.kernel == -1 && s.inplace == -1 && s.pitch == -1 && !s.family && !s.at.count);
}

int main(void) {
  names();
  rows();
  attributes();
  return test_result();
}
