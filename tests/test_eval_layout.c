/* Operators that move elements: small cases by hand, and properties over many shapes. */
#include "tests/op_kit.h"

static const OpCase moves[] = {
    {"reshape", "f32[2,3]{1..6}", "shape=[3,2]", "f32[3,2]{1..6}"},
    {"transpose", "f32[2,3]{1..6}", "perm=[1,0]", "f32[3,2]{1,4,2,5,3,6}"},
    {"transpose", "i64[2,1,3]{1..6}", "perm=[2,1,0]", "i64[3,1,2]{1,4,2,5,3,6}"},
    {"transpose", "f32[2,2,2]{1..8}", "perm=[0,2,1]", "f32[2,2,2]{1,3,2,4,5,7,6,8}"},
    {"transpose", "f32[2,2,2]{1..8}", "perm=[2,0,1]", "f32[2,2,2]{1,3,5,7,2,4,6,8}"},
    {"transpose", "f32[]{5}", "", "f32[]{5}"},
    {"transpose", "f32[0,3]{5}", "perm=[1,0]", "f32[3,0]{}"},
    {"expand", "f32[2,1]{1,2}", "shape=[2,2,3]", "f32[2,2,3]{1,1,1,2,2,2,1,1,1,2,2,2}"},
    {"expand", "i64[]{7}", "shape=[3]", "i64[3]{7}"},
    {"concat", "f32[2,1]{1,2} f32[2,2]{3..6}", "axis=1", "f32[2,3]{1,3,4,2,5,6}"},
    {"concat", "f32[1,2]{1,2} f32[2,2]{3..6} f32[0,2]{0}", "axis=0", "f32[3,2]{1..6}"},
    {"slice", "f32[6]{1..6}", "starts=[5] steps=[-2] shape=[3]", "f32[3]{6,4,2}"},
    {"slice", "f32[2,4]{1..8}", "starts=[1,1] steps=[1,2] shape=[1,2]", "f32[1,2]{6,8}"},
    {"slice", "f32[2,4]{1..8}", "starts=[1,3] steps=[-1,-1] shape=[2,4]", "f32[2,4]{8,7,6,5,4,3,2,1}"},
    {"slice", "f32[2]{1,2}", "starts=[7] steps=[1] shape=[0]", "f32[0]{}"},
    {"pad", "f32[2,2]{1..4}", "pads=[1,0,0,1] value=9", "f32[3,3]{9,9,9,1,2,9,3,4,9}"},
    {"pad", "f32[2,2]{1..4}", "pads=[-1,0,0,1]", "f32[1,3]{3,4,0}"},
    {"pad", "i64[1]{5}", "pads=[1,1] value=-2", "i64[3]{-2,5,-2}"},
    {"pad", "f32[]{5}", "", "f32[]{5}"},
    {"pad", "f32[3]{1..3}", "pads=[2,1] mode=edge", "f32[6]{1,1,1,2,3,3}"},
    {"pad", "f32[3]{1..3}", "pads=[2,2] mode=reflect", "f32[7]{3,2,1,2,3,2,1}"},
    {"pad", "f32[3]{1..3}", "pads=[5,0] mode=reflect", "f32[8]{2,1,2,3,2,1,2,3}"},
    {"pad", "f32[1]{4}", "pads=[2,2] mode=reflect", "f32[5]{4}"},
    {"pad", "f32[3]{1..3}", "pads=[2,2] mode=wrap", "f32[7]{2,3,1,2,3,1,2}"},
    {"pad", "f32[3]{1..3}", "pads=[-1,2] mode=edge", "f32[4]{2,3,3,3}"},
    {"tile", "f32[2,2]{1..4}", "shape=[2,4]", "f32[2,4]{1,2,1,2,3,4,3,4}"},
    {"tile", "f32[2]{1,2}", "shape=[0]", "f32[0]{}"},
    {"gather", "f32[3,2]{1..6} i64[2]{2,0}", "axis=0", "f32[2,2]{5,6,1,2}"},
    {"gather", "f32[3,2]{1..6} i64[1,1]{-1}", "axis=1", "f32[3,1,1]{2,4,6}"},
    {"gather", "i64[3]{7,8,9} i64[]{-3}", "", "i64[]{7}"},
    {"gather_elements", "f32[2,3]{1..6} i64[2,2]{0,-1,2,1}", "axis=1", "f32[2,2]{1,3,6,5}"},
    {"gather_elements", "i64[2,3]{1..6} i32[1,3]{1,0,-1}", "axis=0", "i64[1,3]{4,2,6}"},
    {"scatter_elements", "f32[2,3]{1..6} i64[1,2]{2,-3} f32[1,2]{7,8}", "axis=1", "f32[2,3]{8,2,7,4,5,6}"},
    {"scatter_elements", "f32[3]{1..3} i64[3]{1,1,0} f32[3]{7,8,nan}", "mode=add", "f32[3]{nan,17,3}"},
    {"scatter_elements", "i64[3]{1..3} i64[3]{1,1,0} i64[3]{7,8,2}", "mode=mul", "i64[3]{2,112,3}"},
    {"scatter_elements", "f32[3]{1,nan,3} i64[3]{1,2,0} f32[3]{7,8,nan}", "mode=max", "f32[3]{nan,nan,8}"},
    {"scatter_elements", "i8[2]{1,-128} i64[2]{0,1} i8[2]{-7,8}", "mode=min", "i8[2]{-7,-128}"},
    {"scatter_elements", "i8[2]{100,1} i64[2]{0,0} i8[2]{27,1}", "mode=add", "i8[2]{-128,1}"},
    {"scatter_elements", "bool[2]{1,0} i64[1]{1} bool[1]{1}", "", "bool[2]{1,1}"},
    {"cumsum", "f32[2,3]{1..6}", "axis=1", "f32[2,3]{1,3,6,4,9,15}"},
    {"cumsum", "f32[2,3]{1..6}", "axis=1 exclusive=1 reverse=1", "f32[2,3]{5,3,0,11,6,0}"},
    {"cumsum", "u8[3]{200,100,1}", "", "u8[3]{200,44,45}"},
    {"cumsum", "i64[3,2]{1..6}", "axis=0 reverse=1", "i64[3,2]{9,12,8,10,5,6}"},
    {"topk", "f32[5]{1,3,nan,3,2}", "k=4", "i64[4]{2,1,3,4}"},
    {"topk", "f32[5]{1,3,nan,3,1}", "k=5 largest=0", "i64[5]{2,0,4,1,3}"},
    {"topk", "i64[2,3]{3,1,2,4,6,5}", "axis=0 k=1", "i64[1,3]{1,1,1}"},
    {"topk", "u64[2]{1,2}", "k=0", "i64[0]{}"},
    {"resize", "f32[3]{1,2,4} i64[2,2]{0,1,1,2} f32[2,2]{0.5,0.5,0.25,0.75}", "", "f32[2]{1.5,3.5}"},
    {"resize", "f32[2,2]{1,2,3,5} i64[3,1]{0,1,1} f32[3,1]{1,2,-1}", "axis=1", "f32[2,3]{1,4,-2,3,10,-5}"},
    {"resize", "f32[2,2]{1,2,3,5} i64[1,2]{-2,-1} f32[1,2]{1,10}", "axis=0", "f32[1,2]{31,52}"},
    {"shape", "f32[2,3,4]{0}", "axis=1 end=3", "i64[2]{3,4}"},
    {"shape", "f32[]{0}", "", "i64[0]{}"},
    {"range", "i64[]{2} i64[]{12} i64[]{3}", "", "i64[4]{2,5,8,11}"},
    {"range", "i32[]{5} i32[]{0} i32[]{-2}", "", "i32[3]{5,3,1}"},
    {"range", "f32[]{0} f32[]{1} f32[]{0.25}", "", "f32[4]{0,0.25,0.5,0.75}"},
    {"pack", "f32[2,3]{1..6}", "panel=2", "f32[2,2,2]{1,2,4,5,3,0,6,0}"},
    {"pack", "f32[2,2]{1..4}", "panel=4", "f32[1,2,4]{1,2,0,0,3,4,0,0}"},
    {"pack", "f32[2,4]{1,2,10,20,5,6,70,80}", "panel=1 strassen=1",
     "f32[2,7,1,1]{71,1,-60,4,70,11,75,82,2,-60,4,80,22,86}"},
};

static int64_t mod(int64_t x, int64_t n) { return x % n; }

static Tensor counted(int rank, const Dim *dims) {
  Type t = type_make(DT_f32, rank, dims);
  Tensor x = tensor_new(&t);
  for (int64_t i = 0, n = type_elements(&t); i < n; i++) x.f[i] = (double)i + 0.5;
  return x;
}

/* Runs one op on one tensor through a graph of its own. */
static Tensor apply(OpKind kind, const Tensor *x, const Attrs *a) {
  Kit k = kit_new();
  Tensor out = {.type = {.rank = 0}};
  OpId in = graph_try_leaf(k.graph, OP_input, &x->type, NULL, NULL, 0, k.error);
  ValueId v = op_at(k.graph, in)->first_result;
  OpId id = graph_try_op(k.graph, kind, &v, 1, a, NULL, 0, k.error);
  CHECK(id);
  if (id) eval_op(k.graph, op_at(k.graph, id), &x, &out);
  kit_free(&k);
  return out;
}

static bool same(const Tensor *a, const Tensor *b) {
  if (!type_equal(&a->type, &b->type)) return false;
  for (int64_t i = 0, n = type_elements(&a->type); i < n; i++)
    if (a->f[i] != b->f[i]) return false;
  return true;
}

/* Result element [i0, i1, ...] is operand element with axis perm[k] at ik; and the inverse brings it back. Dims around
 * the block size of the transposing copy. */
static void transposes(void) {
  TEST("transposes");
  static const Dim shapes[][4] = {{2, 3, 4, 5},   {1, 17, 16, 3}, {33, 1, 2, 18},
                                  {16, 16, 1, 1}, {1, 1, 40, 37}, {1, 11, 1, 600}};
  static const Dim perms[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 3, 1}, {0, 3, 1, 2}, {2, 0, 3, 1}, {1, 0, 2, 3}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (size_t p = 0; p < sizeof perms / sizeof *perms; p++) {
      Tensor x = counted(4, shapes[s]);
      Attrs a = attrs_default();
      Dim inverse[4];
      a.perm = (Ints){4, perms[p]};
      Tensor y = apply(OP_transpose, &x, &a);
      int64_t strides[MAX_RANK], index[MAX_RANK] = {0}, at = 0;
      type_strides(&x.type, strides);
      bool right = true;
      do {
        int64_t from = 0;
        for (int i = 0; i < 4; i++) from += index[i] * strides[perms[p][i]];
        right = right && y.f[at++] == x.f[from];
      } while (next_index(&y.type, index));
      CHECK(right);
      for (int i = 0; i < 4; i++) inverse[perms[p][i]] = i;
      a.perm.at = inverse;
      Tensor back = apply(OP_transpose, &y, &a);
      CHECK(same(&back, &x));
      tensor_free(&back);
      tensor_free(&y);
      tensor_free(&x);
    }
}

/* Element (k, n) is at panel n / P, row k, column n % P; what is beyond N is zero. */
static void packs(void) {
  TEST("packs");
  for (int64_t n = 1; n < 36; n += 5) {
    Dim dims[2] = {mod(n, 7) + 1, n};
    Tensor x = counted(2, dims);
    Attrs a = attrs_default();
    Tensor y = apply(OP_pack, &x, &a);
    bool right = y.type.dim[0] == (n + 15) / 16;
    for (int64_t panel = 0; panel < y.type.dim[0]; panel++)
      for (int64_t k = 0; k < dims[0]; k++)
        for (int64_t c = 0; c < 16; c++) {
          double want = panel * 16 + c < n ? x.f[k * n + panel * 16 + c] : 0;
          right = right && y.f[(panel * dims[0] + k) * 16 + c] == want;
        }
    CHECK(right);
    tensor_free(&y);
    tensor_free(&x);
  }
}

/* Indices that only the run knows are brought into range. */
static void gathers(void) {
  TEST("gather out of range");
  Kit k = kit_new();
  OpId id = kit_op(&k, "gather", "f64[3] i64[5]", "");
  CHECK(id);
  Type data = type_make(DT_f64, 1, (Dim[]){3}), index = type_make(DT_i64, 1, (Dim[]){5});
  Tensor x = tensor_new(&data), at = tensor_new(&index), out;
  static const int64_t indices[] = {3, 99, -3, -4, 2};
  static const double want[] = {2, 2, 0, 0, 2};
  for (int i = 0; i < 3; i++) x.f[i] = i;
  for (int i = 0; i < 5; i++) at.i[i] = indices[i];
  eval_op(k.graph, op_at(k.graph, id), (const Tensor *const[]){&x, &at}, &out);
  for (int i = 0; i < 5; i++) CHECK(out.f[i] == want[i]);
  tensor_free(&x);
  tensor_free(&at);
  tensor_free(&out);
  kit_free(&k);
}

int main(void) {
  KIT_CHECK(moves);
  transposes();
  packs();
  gathers();
  return test_result();
}
