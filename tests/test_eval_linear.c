/* Matrix products, convolutions and pools: small cases by hand, and every spelling against the plainest one. */
#include "tests/op_kit.h"

static const OpCase products[] = {
    {"gemm", "f32[2,2]{1..4} f32[2,3]{1..6}", "", "f32[2,3]{9,12,15,19,26,33}"},
    {"gemm", "f32[2]{1,2} f32[2,3]{1..6} f32[3]{100,200,300}", "", "f32[3]{109,212,315}"},
    {"gemm", "f32[2,2]{1..4} f32[2,2,2]{1,2,4,5,3,0,6,0} f32[3]{1,1,1}", "cols=3 panel=2",
     "f32[2,3]{10,13,16,20,27,34}"},
    {"gemm", "f32[2,0]{0} f32[0,3]{0} f32[3]{1,2,3}", "", "f32[2,3]{1,2,3,1,2,3}"},
    {"gemm", "f32[0,2]{0} f32[2,3]{0}", "", "f32[0,3]{}"},
    {"matmul", "f32[2,2]{1..4} f32[2,3]{1..6}", "", "f32[2,3]{9,12,15,19,26,33}"},
    {"matmul", "f32[2,2]{1,3,2,4} f32[3,2]{1,4,2,5,3,6}", "trans_a=1 trans_b=1", "f32[2,3]{9,12,15,19,26,33}"},
    {"matmul", "f32[2,1,1,2]{1..4} f32[2,2,1]{1..4}", "", "f32[2,2,1,1]{5,11,11,25}"},
    {"matmul", "i8[1,2]{100,100} i8[2,1]{1,1}", "", "i8[1,1]{-56}"},
    {"matmul", "f32[2,2,1,1]{1..4} f32[2,1,1,1]{1,10}", "", "f32[2,2,1,1]{1,2,30,40}"},
    {"matmul", "i64[2,2]{1..4} i64[2,3]{1..6}", "", "i64[2,3]{9,12,15,19,26,33}"},
    {"matmul", "i64[2,1,2]{1..4} i64[2,1]{5,6}", "", "i64[2,1,1]{17,39}"},
};

static const OpCase convolutions[] = {
    /* 1-D: windows of 2 over 1 2 3 */
    {"conv", "f32[1,1,3]{1..3} f32[1,1,2]{10,1}", "kernel=[2]", "f32[1,1,2]{12,23}"},
    {"conv", "f32[1,1,3]{1..3} f32[1,1,2]{10,1} f32[1]{0.5}", "kernel=[2] pads=[1,1]",
     "f32[1,1,4]{1.5,12.5,23.5,30.5}"},
    {"conv", "f32[1,1,3]{1..3} f32[1,1,2]{10,1}", "kernel=[2] dilations=[2]", "f32[1,1,1]{13}"},
    {"conv", "f32[1,1,4]{1..4} f32[1,1,2]{10,1}", "kernel=[2] strides=[2]", "f32[1,1,2]{12,34}"},
    {"conv", "f32[1,2,2]{1..4} f32[2,2,1]{1,10,100,1000}", "kernel=[1]", "f32[1,2,2]{31,42,3100,4200}"},
    {"conv", "f32[1,2,2]{1..4} f32[2,1,2]{1,10,100,1000}", "kernel=[2] group=2", "f32[1,2,1]{21,4300}"},
    {"conv", "f32[1,2,2]{1..4} f32[4,1,1]{1,10,100,1000}", "kernel=[1] group=2",
     "f32[1,4,2]{1,2,10,20,300,400,3000,4000}"},
    {"conv", "f32[1,1,3,3]{1..9} f32[1,1,2,2]{1000,100,10,1}", "kernel=[2,2]", "f32[1,1,2,2]{1245,2356,4578,5689}"},
    {"conv", "f32[1,1,1,1,2]{3,4} f32[1,1,1,1,2]{10,1}", "kernel=[1,1,2]", "f32[1,1,1,1,1]{34}"},
    {"conv", "f32[1,2,2,1]{1..4} f32[2,2,1,1]{1000,100,10,1}", "layout=nhwc kernel=[2,2]", "f32[1,1,1,1]{1234}"},
    {"conv", "f32[0,1,3]{0} f32[1,1,2]{10,1}", "kernel=[2]", "f32[0,1,2]{}"},
    {"conv", "f32[1,1,2]{inf,1} f32[1,1,2]{1,1}", "kernel=[2] pads=[1,0]", "f32[1,1,2]{inf,inf}"},
    {"dwconv", "f32[1,1,2,2]{1..4} f32[1,2,2]{1,10,100,1000} f32[2]{0.5,0.25}", "", "f32[1,1,1,2]{301.5,4020.25}"},
    {"dwconv", "f32[1,1,2,1]{inf,1} f32[1,2,1]{1,1}", "pads=[0,1,0,0]", "f32[1,1,2,1]{inf,inf}"},
};

static const OpCase pools[] = {
    {"max_pool", "f32[1,1,4]{1,5,2,nan}", "kernel=[2]", "f32[1,1,3]{5,5,nan}"},
    {"max_pool", "f32[1,1,2]{-1,-2}", "kernel=[2] pads=[1,1]", "f32[1,1,3]{-1,-1,-2}"},
    {"max_pool", "f32[1,1,3]{nan,1,2}", "kernel=[3]", "f32[1,1,1]{nan}"},
    {"max_pool", "f32[1,1,5]{1..5}", "kernel=[2] strides=[2] ceil=1", "f32[1,1,3]{2,4,5}"},
    {"max_pool", "f32[1,1,5]{1..5}", "kernel=[2] dilations=[3]", "f32[1,1,2]{4,5}"},
    {"max_pool", "i8[1,1,2]{-3,-4}", "kernel=[2] pads=[1,0]", "i8[1,1,2]{-3,-3}"},
    {"max_pool", "u64[1,1,2]{-3,4}", "kernel=[2]", "u64[1,1,1]{-3}"},
    {"max_pool", "f32[1,2,2,2]{1..8}", "kernel=[2,1]", "f32[1,2,1,2]{3,4,7,8}"},
    {"max_pool", "f32[1,2,2,2]{1..8}", "kernel=[2,1] layout=nhwc", "f32[1,1,2,2]{5,6,7,8}"},
    {"avg_pool", "f32[1,1,2]{1,3}", "kernel=[2] pads=[1,1]", "f32[1,1,3]{1,2,3}"},
    {"avg_pool", "f32[1,1,2]{1,3}", "kernel=[2] pads=[1,1] count_pad=1", "f32[1,1,3]{0.5,2,1.5}"},
    /* the last window has one element inside and one beyond the padding, which never counts */
    {"avg_pool", "f32[1,1,3]{1..3}", "kernel=[2] strides=[2] ceil=1 count_pad=1", "f32[1,1,2]{1.5,3}"},
    {"avg_pool", "f32[1,2,2,2]{1..8}", "kernel=[2,2] layout=nhwc", "f32[1,1,1,2]{4,5}"},
};

/* Numbers that look random and are the same everywhere. */
static void fill(Tensor *t, uint32_t seed) {
  for (int64_t i = 0, n = type_elements(&t->type); i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    t->f[i] = (double)(seed >> 16) / 65536 - 0.5;
  }
}

static Tensor make(int rank, const Dim *dims, uint32_t seed) {
  Type t = type_make(DT_f64, rank, dims);
  Tensor x = tensor_new(&t);
  fill(&x, seed);
  return x;
}

static Tensor apply(OpKind kind, const Tensor *const *in, uint32_t count, const Attrs *a) {
  Kit k = kit_new();
  Tensor out = {.type = {.rank = 0}};
  ValueId v[3];
  for (uint32_t i = 0; i < count; i++) {
    OpId leaf = graph_try_leaf(k.graph, OP_input, &in[i]->type, NULL, NULL, 0, k.error);
    v[i] = op_at(k.graph, leaf)->first_result;
  }
  OpId id = graph_try_op(k.graph, kind, v, count, a, NULL, 0, k.error);
  if (!id) printf("%s: %s\n", op_info[kind].name, k.error);
  CHECK(id);
  if (id) eval_op(k.graph, op_at(k.graph, id), in, &out);
  kit_free(&k);
  return out;
}

static Tensor transposed(const Tensor *x, int rank, const Dim *perm) {
  Attrs a = attrs_default();
  a.perm = (Ints){rank, perm};
  return apply(OP_transpose, &x, 1, &a);
}

static bool near(const Tensor *a, const Tensor *b) {
  if (!a->f || !b->f || !type_equal(&a->type, &b->type)) return false;
  for (int64_t i = 0, n = type_elements(&a->type); i < n; i++)
    if (fabs(a->f[i] - b->f[i]) > 1e-12) return false;
  return true;
}

/* Sizes around the 4 x 4 block: gemm, packed gemm and matmul agree with the sums themselves. */
static void product_sizes(void) {
  TEST("product sizes");
  for (Dim m = 1; m < 10; m += 2)
    for (Dim n = 1; n < 22; n += 3) {
      Dim k = 3 + m, xd[2] = {m, k}, wd[2] = {k, n};
      Tensor x = make(2, xd, 1), w = make(2, wd, 2);
      const Tensor *in[2] = {&x, &w};
      Attrs a = attrs_default();
      Tensor y = apply(OP_gemm, in, 2, &a), z = apply(OP_matmul, in, 2, &a);
      bool right = true;
      for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
          double sum = 0;
          for (int64_t p = 0; p < k; p++) sum += x.f[i * k + p] * w.f[p * n + j];
          right = right && fabs(y.f[i * n + j] - sum) < 1e-12;
        }
      CHECK(right);
      CHECK(near(&y, &z));
      Tensor packed = apply(OP_pack, (const Tensor *const[]){&w}, 1, &a);
      in[1] = &packed;
      a.cols = n;
      Tensor p = apply(OP_gemm, in, 2, &a);
      CHECK(near(&y, &p));
      Tensor *all[] = {&x, &w, &y, &z, &packed, &p};
      for (int i = 0; i < 6; i++) tensor_free(all[i]);
    }
}

/* Packed for Strassen's products, the same again. */
static void strassen_sizes(void) {
  TEST("gemm packed for Strassen's products");
  for (Dim m = 1; m < 6; m++)
    for (Dim k = 2; k < 12; k += 4)
      for (Dim n = 6; n < 20; n += 6) {
        Tensor x = make(2, (Dim[]){m, k}, 1), w = make(2, (Dim[]){k, n}, 2);
        Attrs a = attrs_default();
        Tensor y = apply(OP_gemm, (const Tensor *const[]){&x, &w}, 2, &a);
        a.strassen = 1;
        a.panel = 3;
        Tensor packed = apply(OP_pack, (const Tensor *const[]){&w}, 1, &a);
        a.cols = n;
        Tensor p = apply(OP_gemm, (const Tensor *const[]){&x, &packed}, 2, &a);
        CHECK(near(&y, &p));
        Tensor *all[] = {&x, &w, &y, &packed, &p};
        for (int i = 0; i < 5; i++) tensor_free(all[i]);
      }
}

typedef struct {
  Dim channels, out_channels, group, size[2], kernel[2], strides[2], dilations[2], pads[4];
} ConvCase;

static const ConvCase conv_cases[] = {
    {3, 5, 1, {9, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},   {3, 8, 1, {8, 12}, {4, 4}, {4, 4}, {1, 1}, {0, 0, 0, 0}},
    {6, 9, 3, {7, 7}, {3, 2}, {2, 1}, {1, 2}, {2, 0, 1, 3}},   {5, 5, 5, {9, 9}, {7, 7}, {1, 1}, {1, 1}, {3, 3, 3, 3}},
    {4, 8, 4, {6, 5}, {3, 3}, {1, 2}, {2, 1}, {2, 1, 2, 1}},   {1, 1, 1, {5, 5}, {3, 3}, {1, 1}, {1, 1}, {0, 1, 2, 3}},
    {17, 33, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
};

/* The definition, one element at a time: NCHW. */
static double conv_element(const ConvCase *c, const Tensor *x, const Tensor *w, const int64_t *index) {
  int64_t per = c->channels / c->group, first = index[1] / (c->out_channels / c->group) * per;
  double sum = 0;
  for (int64_t i = 0; i < per; i++)
    for (int64_t ky = 0; ky < c->kernel[0]; ky++)
      for (int64_t kx = 0; kx < c->kernel[1]; kx++) {
        int64_t row = index[2] * c->strides[0] - c->pads[0] + ky * c->dilations[0];
        int64_t col = index[3] * c->strides[1] - c->pads[1] + kx * c->dilations[1];
        if (row < 0 || col < 0 || row >= c->size[0] || col >= c->size[1]) continue;
        sum += x->f[((index[0] * c->channels + first + i) * c->size[0] + row) * c->size[1] + col] *
               w->f[((index[1] * per + i) * c->kernel[0] + ky) * c->kernel[1] + kx];
      }
  return sum;
}

static Attrs conv_attrs(const ConvCase *c) {
  Attrs a = attrs_default();
  a.kernel = (Ints){2, c->kernel};
  a.strides = (Ints){2, c->strides};
  a.dilations = (Ints){2, c->dilations};
  a.pads = (Ints){4, c->pads};
  a.group = c->group;
  return a;
}

/* nhwc, and packed, and dwconv, all brought back to NCHW, agree with y. */
static void other_spellings(const ConvCase *c, const Tensor *x, const Tensor *w, const Tensor *y) {
  Attrs a = conv_attrs(c);
  a.layout = "nhwc";
  static const Dim to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2}, weight[] = {2, 3, 1, 0};
  Tensor xl = transposed(x, 4, to_last), wl = transposed(w, 4, weight);
  Tensor yl = apply(OP_conv, (const Tensor *const[]){&xl, &wl}, 2, &a), back = transposed(&yl, 4, to_first);
  CHECK(near(y, &back));
  tensor_free(&yl);
  tensor_free(&back);
  Type matrix = type_make(DT_f64, 2, (Dim[]){c->kernel[0] * c->kernel[1] * c->channels / c->group, c->out_channels});
  Type taps = type_make(DT_f64, 3, (Dim[]){c->kernel[0], c->kernel[1], c->channels});
  Attrs pack = attrs_default();
  if (c->group == 1) {
    wl.type = matrix;
    Tensor packed = apply(OP_pack, (const Tensor *const[]){&wl}, 1, &pack);
    a.cols = c->out_channels;
    yl = apply(OP_conv, (const Tensor *const[]){&xl, &packed}, 2, &a);
    tensor_free(&packed);
  } else if (c->group == c->channels && c->channels == c->out_channels) {
    wl.type = taps;
    a.kernel = (Ints){0, NULL};
    yl = apply(OP_dwconv, (const Tensor *const[]){&xl, &wl}, 2, &a);
  }
  if (yl.f) {
    back = transposed(&yl, 4, to_first);
    CHECK(near(y, &back));
    tensor_free(&back);
    tensor_free(&yl);
  }
  tensor_free(&xl);
  tensor_free(&wl);
}

static void conv_spellings(void) {
  TEST("conv spellings");
  for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
    const ConvCase *c = &conv_cases[i];
    Dim xd[4] = {2, c->channels, c->size[0], c->size[1]};
    Dim wd[4] = {c->out_channels, c->channels / c->group, c->kernel[0], c->kernel[1]};
    Tensor x = make(4, xd, 3), w = make(4, wd, 4);
    Attrs a = conv_attrs(c);
    Tensor y = apply(OP_conv, (const Tensor *const[]){&x, &w}, 2, &a);
    int64_t index[MAX_RANK] = {0}, at = 0;
    bool right = true;
    do right = right && fabs(y.f[at++] - conv_element(c, &x, &w, index)) < 1e-12;
    while (next_index(&y.type, index));
    CHECK(right);
    other_spellings(c, &x, &w, &y);
    tensor_free(&x);
    tensor_free(&w);
    tensor_free(&y);
  }
}

int main(void) {
  KIT_CHECK(products);
  KIT_CHECK(convolutions);
  KIT_CHECK(pools);
  product_sizes();
  strassen_sizes();
  conv_spellings();
  return test_result();
}
