"""ConvNeXts by options: every way in which exporters spell the parts. Values stay of order 1, no gain is 0 or 1."""
from net import Net

# What the keyword arguments of convnext() may be; the first of each is the default.
NORMS = ["axis1", "last", "last_mul", "last_pow_half", "last_sumsq", "last_reciprocal", "axis1_mul", "axis1_sumsq",
         "last_ex2", "op", "simple", "batchnorm", "none"]
ACTIVATIONS = ["erf_div", "erf_mul", "erf_half_first", "erf_half_inner", "tanh", "tanh_pow", "tanh_grouped", "op", "op_tanh",
               "relu", "silu", "silu_swapped", "quick", "hardswish", "none"]
POINTWISE = ["matmul", "conv", "gemm", "gemm_trans", "matmul_swapped", "matmul_flat", "matmul_no_bias"]
GRNS = ["none", "l2_official", "sum_sqrt", "mul_sum", "l2_fused_add", "nchw"]
SCALES = ["last", "first", "none", "nchw", "scalar"]
HEADS = ["gap_flatten", "mean_last", "mean_two", "gather", "gap_squeeze", "gap_gemm", "conv", "norm_first", "softmax", "features",
         "max"]


def layernorm(n, x, c, axis, spelling):
    """Over axis 1 or -1. The affine part is of the axis' shape."""
    shape = [c] if axis == -1 else [c, 1, 1]
    gamma, beta = n.normal(shape, 0.3, 1.2), n.normal(shape, 0.3)
    if spelling == "op":
        return n.op("LayerNormalization", x, gamma, beta, axis=axis, epsilon=1e-6)
    eps = n.scalar(1e-6)
    if spelling == "ex2":
        mean, square = n.reduce("ReduceMean", x, [axis]), n.reduce("ReduceMean", n.op("Mul", x, x), [axis])
        variance = n.op("Sub", square, n.op("Mul", mean, mean))
        d = n.op("Sub", x, mean)
    else:
        d = n.op("Sub", x, n.reduce("ReduceMean", x, [axis]))
        if spelling == "sumsq":
            variance = n.op("Div", n.reduce("ReduceSumSquare", d, [axis]), n.scalar(c))
        else:
            square = n.op("Mul", d, d) if spelling == "mul" else n.op("Pow", d, n.scalar(2))
            variance = n.reduce("ReduceMean", square, [axis])
    variance = n.op("Add", variance, eps)
    root = n.op("Pow", variance, n.scalar(0.5)) if spelling == "pow_half" else n.op("Sqrt", variance)
    y = n.op("Mul", d, n.op("Reciprocal", root)) if spelling == "reciprocal" else n.op("Div", d, root)
    y = n.op("Mul", y, gamma) if spelling != "mul" else n.op("Mul", gamma, y)
    return n.op("Add", y, beta)


def norm_nchw(n, x, c, spelling):
    if spelling == "none":
        return x
    if spelling == "batchnorm":
        scale, bias, mean = n.normal([c], 0.3, 1.2), n.normal([c], 0.3), n.normal([c], 0.3)
        variance = n.weight(n.random.uniform(0.5, 2, c).astype("f4"))
        return n.op("BatchNormalization", x, scale, bias, mean, variance, epsilon=1e-5)
    if spelling == "simple":
        r = n.op("Div", x, n.op("Sqrt", n.op("Add", n.reduce("ReduceMean", n.op("Mul", x, x), [1]), n.scalar(1e-6))))
        return n.op("Mul", r, n.normal([c, 1, 1], 0.3, 1.2))
    if spelling.startswith("axis1"):
        return layernorm(n, x, c, 1, spelling[6:] or "pow")
    return n.nchw(norm_last(n, n.nhwc(x), c, spelling))


def norm_last(n, x, c, spelling):
    if spelling in ("none", "op") or spelling.startswith("last"):
        return x if spelling == "none" else layernorm(n, x, c, -1, "op" if spelling == "op" else spelling[5:] or "pow")
    return n.nhwc(norm_nchw(n, n.nchw(x), c, spelling))


def activation(n, x, spelling):
    one, half, root2 = 1.0, 0.5, 2**0.5
    s = n.scalar
    if spelling == "none":
        return x
    if spelling == "op":
        return n.op("Gelu", x)
    if spelling == "op_tanh":
        return n.op("Gelu", x, approximate="tanh")
    if spelling == "relu":
        return n.op("Relu", x)
    if spelling == "silu":
        return n.op("Mul", x, n.op("Sigmoid", x))
    if spelling == "silu_swapped":
        return n.op("Mul", n.op("Sigmoid", x), x)
    if spelling == "quick":
        return n.op("Mul", x, n.op("Sigmoid", n.op("Mul", x, s(1.702))))
    if spelling == "hardswish":
        return n.op("Mul", x, n.op("Div", n.clip(n.op("Add", x, s(3)), 0, 6), s(6)))
    if spelling.startswith("erf"):
        inner = n.op("Mul", x, s(1 / root2)) if spelling == "erf_mul" else n.op("Div", x, s(root2))
        sum_ = n.op("Add", n.op("Erf", inner), s(one))
        if spelling == "erf_half_first":
            return n.op("Mul", n.op("Mul", x, s(half)), sum_)
        if spelling == "erf_half_inner":
            return n.op("Mul", x, n.op("Mul", s(half), sum_))
        return n.op("Mul", n.op("Mul", x, sum_), s(half))
    # tanh: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
    k, c = 0.7978845608028654, 0.044715
    if spelling == "tanh_grouped":  # sqrt(2/pi) x (1 + 0.044715 x^2)
        inner = n.op("Mul", n.op("Mul", s(k), x), n.op("Add", s(one), n.op("Mul", s(c), n.op("Mul", x, x))))
    else:
        cube = n.op("Pow", x, s(3)) if spelling == "tanh_pow" else n.op("Mul", n.op("Mul", x, x), x)
        inner = n.op("Mul", n.op("Add", x, n.op("Mul", cube, s(c))), s(k))
    return n.op("Mul", n.op("Mul", x, s(half)), n.op("Add", n.op("Tanh", inner), s(one)))


def linear(n, x, c_in, c_out, spelling, rows=None):
    """x [..., c_in]; rows: dims in front, for the spellings that flatten."""
    w, b = n.normal([c_in, c_out], c_in**-0.5), n.normal([c_out], 0.2)
    if spelling == "matmul_no_bias":
        return n.op("MatMul", x, w)
    if spelling.startswith("gemm"):
        flat = n.op("Reshape", x, n.ints([-1, c_in]))
        if spelling == "gemm_trans":
            wt = n.normal([c_out, c_in], c_in**-0.5)
            y = n.op("Gemm", flat, wt, b, transB=1, alpha=0.75, beta=1.5)
        else:
            y = n.op("Gemm", flat, w, b)
        return n.op("Reshape", y, n.ints([*rows, c_out]))
    if spelling == "matmul_flat":
        y = n.op("Add", n.op("MatMul", n.op("Reshape", x, n.ints([rows[0], -1, c_in])), w), b)
        return n.op("Reshape", y, n.ints([*rows, c_out]))
    y = n.op("MatMul", x, w)
    return n.op("Add", b, y) if spelling == "matmul_swapped" else n.op("Add", y, b)


def conv(n, x, c_in, c_out, k, stride=1, pad=0, group=1, dilation=1, bias=True):
    fan = c_in // group * k * k
    args = [n.normal([c_out, c_in // group, k, k], fan**-0.5)] + ([n.normal([c_out], 0.2)] if bias else [])
    return n.op("Conv", x, *args, kernel_shape=[k, k], strides=[stride] * 2, pads=[pad] * 4, dilations=[dilation] * 2, group=group)


def grn(n, x, c, spelling, nchw=False):
    axes, channel = ([2, 3], 1) if nchw else ([1, 2], -1)
    shape = [c, 1, 1] if nchw else [c] if n.count % 2 else [1, 1, 1, c]
    gamma, beta = n.normal(shape, 0.4), n.normal(shape, 0.4)
    if spelling == "sum_sqrt":
        g = n.op("Sqrt", n.reduce("ReduceSum", n.op("Pow", x, n.scalar(2)), axes))
    elif spelling == "mul_sum":
        g = n.op("Pow", n.reduce("ReduceSum", n.op("Mul", x, x), axes), n.scalar(0.5))
    else:
        g = n.reduce("ReduceL2", x, axes)
    normed = n.op("Div", g, n.op("Add", n.reduce("ReduceMean", g, [channel]), n.scalar(1e-6)))
    scaled = n.op("Mul", x, normed)
    if spelling == "l2_fused_add":  # timm: x + (beta + gamma * scaled)
        return n.op("Add", x, n.op("Add", beta, n.op("Mul", gamma, scaled)))
    return n.op("Add", n.op("Add", n.op("Mul", gamma, scaled), beta), x)


def layerscale(n, y, c, kind, nchw):
    if kind == "none":
        return y
    shape = [] if kind == "scalar" else [c, 1, 1] if nchw else [c]
    gamma = n.normal(shape, 0.2, 0.5)
    return n.op("Mul", gamma, y) if kind == "first" else n.op("Mul", y, gamma)


def block(n, x, c, o, rows, dilation=1):
    """rows(): dims [N, H, W] for the spellings that flatten."""
    k, hidden = o["kernel"], max(1, int(c * o["ratio"]))
    y = conv(n, x, c, c, k, pad=k // 2 * dilation, group=c, dilation=dilation, bias=o["bias"])
    if o["pointwise"] == "conv":
        y = norm_nchw(n, y, c, o["norm"])
        y = activation(n, conv(n, y, c, hidden, 1), o["act"])
        if o["grn"] != "none":
            y = grn(n, y, hidden, o["grn"], nchw=True)
        y = layerscale(n, conv(n, y, hidden, c, 1), c, o["scale"], True)
    else:
        y = norm_last(n, n.nhwc(y), c, o["norm"])
        y = activation(n, linear(n, y, c, hidden, o["pointwise"], rows), o["act"])
        if o["grn"] == "nchw":
            y = n.nhwc(grn(n, n.nchw(y), hidden, "l2_official", nchw=True))
        elif o["grn"] != "none":
            y = grn(n, y, hidden, o["grn"])
        y = linear(n, y, hidden, c, o["pointwise"], rows)
        inside = o["scale"] in ("last", "first", "scalar")
        y = n.nchw(layerscale(n, y, c, o["scale"], False) if inside else y)
        y = y if inside else layerscale(n, y, c, o["scale"], True)
    if o["dropout"]:
        y = n.dropout(n.op("Identity", y))
    return {"x_first": lambda: n.op("Add", x, y), "y_first": lambda: n.op("Add", y, x), "none": lambda: y,
            "sub": lambda: n.op("Sub", x, y)}[o["residual"]]()


def head(n, x, c, o):
    kind, classes = o["head"], o["classes"]
    norm = "last" if o["norm"] in ("none", "simple", "batchnorm") or o["norm"].startswith("axis1") else o["norm"]
    if kind == "features":
        return n.output(x)
    if kind == "conv":
        return n.output(n.op("Flatten", conv(n, n.op("GlobalAveragePool", x), c, classes, 1)))
    if kind == "norm_first":  # over channels, then the mean
        v = n.reduce("ReduceMean", norm_nchw(n, x, c, norm), [2, 3], keepdims=0)
    elif kind == "mean_last":
        v = n.reduce("ReduceMean", n.nhwc(x), [1, 2], keepdims=0)
    elif kind == "mean_two":
        v = n.reduce("ReduceMean", x, [-2, -1], keepdims=0)
    elif kind == "gather":  # dynamo: mean over the flattened positions, one element picked
        v = n.reduce("ReduceMean", n.op("Reshape", x, n.ints([0, c, -1])), [2], keepdims=1)
        v = n.op("Gather", n.op("Transpose", v, perm=[0, 2, 1]), n.weight(__import__("numpy").array(0, "i8")), axis=1)
    elif kind == "gap_squeeze":
        v = n.squeeze(n.op("GlobalAveragePool", x), [2, 3])
    elif kind == "max":
        v = n.op("Flatten", n.op("GlobalMaxPool", x))
    else:
        v = n.op("Flatten", n.op("GlobalAveragePool", x), axis=1)
    if kind != "norm_first":
        v = norm_last(n, v, c, norm)
    if kind == "gap_gemm":
        y = n.op("Gemm", v, n.normal([classes, c], c**-0.5), n.normal([classes], 0.2), transB=1)
    else:
        y = linear(n, v, c, classes, "matmul")
    return n.output(n.op("Softmax", y, axis=-1 if n.opset >= 13 else 1) if kind == "softmax" else y)


DEFAULTS = dict(opset=17, dims=(12, 20), depths=(1, 1), kernel=7, stem=(4, 4, 0), down=(2, 2, 0), channels=3, image=(32, 32),
                batch=1, classes=10, norm="last", act="erf_div", pointwise="matmul", grn="none", scale="last",
                head="gap_flatten", residual="x_first", ratio=4, dilated=False, dropout=False, bias=True, pyramid=False,
                nhwc_input=False, preprocess=False, stem_norm=True, seed=0)


def size_after(size, k, stride, pad):
    return (size + 2 * pad - k) // stride + 1


def stem(n, x, o):
    if o["nhwc_input"]:
        x = n.nchw(x)
    if o["preprocess"]:
        mean, std = n.normal([o["channels"], 1, 1], 0.2, 0.5), n.normal([o["channels"], 1, 1], 0.02, 0.25)
        x = n.op("Div", n.op("Sub", n.op("Mul", x, n.scalar(0.5)), mean), std)
    k, s, p = o["stem"]
    return conv(n, x, o["channels"], o["dims"][0], k, s, p)


def convnext(**options):
    """The model and the shape of its input (a symbolic batch is "N")."""
    unknown = set(options) - set(DEFAULTS)
    assert not unknown, unknown
    o = {**DEFAULTS, **options}
    n = Net(o["opset"], o["seed"])
    h, w = o["image"]
    shape = [o["batch"], h, w, o["channels"]] if o["nhwc_input"] else [o["batch"], o["channels"], h, w]
    x = stem(n, n.input("image", shape), o)
    h, w = (size_after(d, *o["stem"]) for d in (h, w))
    early = o["norm"] if o["stem_norm"] else "none"
    x = norm_nchw(n, x, o["dims"][0], early)
    levels = []
    for i, (c, depth) in enumerate(zip(o["dims"], o["depths"])):
        dilation = 1
        if i:
            previous, (k, s, p) = o["dims"][i - 1], o["down"]
            if o["dilated"] and i == len(o["dims"]) - 1:
                k, s, p, dilation = 1, 1, 0, 2
            x = conv(n, norm_nchw(n, x, previous, early), previous, c, k, s, p)
            h, w = (size_after(d, k, s, p) for d in (h, w))
        for _ in range(depth):
            rows = [-1 if isinstance(o["batch"], str) else o["batch"], h, w]
            x = block(n, x, c, o, rows, dilation)
        levels.append((x, c))
    if o["pyramid"]:
        for i, (x, c) in enumerate(levels):
            n.output(norm_nchw(n, x, c, o["norm"]) if i % 2 == 0 else x)
    else:
        head(n, x, o["dims"][-1], o)
    return n.model("convnext"), shape
