"""Graphs that are no ConvNeXt, or one in odd clothes: encodings, functions, ports, what optimisers leave behind."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cases import Case, family
from convnext import convnext, linear
from net import Net


def convert_weights(model, change):
    for tensor in model.graph.initializer:
        change(tensor)
    return model


def typed(tensor):
    """float_data, int64_data ... in place of raw_data."""
    array = numpy_helper.to_array(tensor)
    copy = helper.make_tensor(tensor.name, tensor.data_type, array.shape, array.ravel().tolist())
    tensor.CopyFrom(copy)


def constants(model, as_numbers):
    """Initializers become Constant nodes; as_numbers: by value_float, value_ints ... where the shape allows."""
    nodes = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        kind = "int" if array.dtype == np.int64 else "float"
        if as_numbers and array.ndim == 0:
            value = {f"value_{kind}": array.item()}
        elif as_numbers and array.ndim == 1:
            value = {f"value_{kind}s": array.tolist()}
        else:
            value = {"value": tensor}
        nodes.append(helper.make_node("Constant", [], [tensor.name], **value))
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def through_cast(kind):
    """Weights of another type, converted in the graph."""
    n = Net(17)
    x = n.input("x", [2, 6])
    w = n.random.standard_normal((6, 5))
    if kind == "i8":
        stored = n.op("Mul", n.op("Cast", n.weight((w * 40).astype(np.int8)), to=1), n.scalar(0.025))
    elif kind == "bf16":
        raw = (w.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        tensor = helper.make_tensor("wb", TensorProto.BFLOAT16, w.shape, raw.tobytes(), raw=True)
        n.weights.append(tensor)
        stored = n.op("Cast", "wb", to=1)
    else:
        stored = n.op("Cast", n.weight(w.astype(kind)), to=1)
    n.output(n.op("MatMul", x, stored))
    return Case(f"weights_{kind}", n.model(), [[2, 6]])


def encodings():
    small = dict(dims=(8, 12), image=(16, 16))
    for name, change in (("typed", typed),):
        model, shape = convnext(**small)
        yield Case(f"initializers_{name}", convert_weights(model, change), [shape])
    for as_numbers in (False, True):
        model, shape = convnext(opset=13, **small)
        yield Case(f"constants_{'numbers' if as_numbers else 'tensors'}", constants(model, as_numbers), [shape])
    model, shape = convnext(**small)
    model.graph.input.extend(helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in model.graph.initializer)
    yield Case("initializers_are_inputs", model, [shape])
    model, shape = convnext(**small)
    yield Case("external_data", model, [shape], external=True)
    for kind in ("f2", "f8", "i8", "bf16", "i4"):
        yield through_cast(kind)
    n = Net(17)
    x = n.input("x", [4])
    infinite = n.weight(np.array([np.inf, -np.inf, 1, np.nan], "f4"))
    n.output(n.op("Add", x, infinite))
    n.output(n.op("Min", n.op("Where", n.op("Less", x, n.scalar(0.5)), n.scalar(-np.inf), x), n.scalar(np.inf)))
    yield Case("infinite_weights", n.model(), [[4]])
    model, shape = convnext(**small)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((3, 3), "f4"), "never_used"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([b"a", b"b"], object), "strings_never_used"))
    yield Case("unused_initializers", model, [shape])
    n = Net(17)
    x = n.input("x", [2, 3])
    tensor = helper.make_sparse_tensor(numpy_helper.from_array(np.array([1.5, 2.5], "f4"), "sparse"),
                                       numpy_helper.from_array(np.array([1, 4], "i8"), "at"), [2, 3])
    n.output(n.op("Add", x, "sparse"))
    model = n.model()
    model.graph.sparse_initializer.append(tensor)
    yield Case("sparse_initializer", model, [[2, 3]], refused=["sparse"])


def with_function(name, attribute_defaults, call, opset=17):
    """A local function y = LeakyRelu(x * k, alpha) with attributes that the call gives or leaves out."""
    n = Net(opset)
    x = n.input("x", [2, 3])
    nodes = [helper.make_node("Constant", [], ["k"]), helper.make_node("Mul", ["a", "k"], ["m"]),
             helper.make_node("LeakyRelu", ["m"], ["b"])]
    for node, attribute, reference, kind in ((nodes[0], "value_float", "scale", 1), (nodes[2], "alpha", "slope", 1)):
        node.attribute.append(onnx.AttributeProto(name=attribute, ref_attr_name=reference, type=kind))
    given = [k for k in ("scale", "slope") if k not in attribute_defaults]
    function = helper.make_function("local", "Scaled", ["a"], ["b"], nodes, [helper.make_opsetid("", opset)], given,
                                    [helper.make_attribute(k, v) for k, v in attribute_defaults.items()])
    n.functions.append(function)
    n.domains["local"] = 1
    y = n.op("Scaled", x, domain="local", **call)
    n.output(n.op("Scaled", y, domain="local", **{**call, "slope": 0.5}))
    return Case(name, n.model(), [[2, 3]])


def functions():
    yield with_function("function_given", {}, {"scale": 1.5, "slope": 0.2})
    yield with_function("function_default", {"scale": 1.5, "slope": 0.2}, {})
    yield with_function("function_default_overridden", {"scale": 1.5, "slope": 0.2}, {"scale": -0.5})


def ports():
    n = Net(17)
    x, m = n.input("x", [1, 3, 8, 8]), n.input("mask", [1, 1, 8, 8])
    n.output(n.op("Relu", n.op("Mul", x, m)))
    n.output(n.op("GlobalAveragePool", x), "mean")
    yield Case("two_inputs_two_outputs", n.model(), [[1, 3, 8, 8], [1, 1, 8, 8]])
    n = Net(17)
    x = n.input("x", [2, 5])
    inner = n.op("Exp", n.op("Neg", x))
    n.output(inner)
    n.output(n.op("Add", inner, x))
    n.output(n.op("Mul", inner, n.op("Add", inner, x)))
    yield Case("output_is_inner_value", n.model(), [[2, 5]])
    n = Net(17)
    x = n.input("x", [2, 5])
    n.output(n.op("Identity", x))
    n.output(n.op("Relu", x))
    yield Case("input_passed_through", n.model(), [[2, 5]])
    n = Net(17)
    x = n.input("x", [2, 5])
    n.output(n.op("Relu", x))
    n.output(n.op("Add", n.normal([3, 4]), n.scalar(1)))
    n.output(n.op("Shape", x), dtype=np.int64)
    n.output(n.op("Identity", n.normal([7])))
    yield Case("constant_outputs", n.model(), [[2, 5]])
    n = Net(17)
    x, y = n.input("x", [2, 5]), n.input("unused", [3])
    n.output(n.op("Relu", x))
    yield Case("unused_input", n.model(), [[2, 5], [3]])
    n = Net(17)
    x = n.input("x", [2, 5])
    y = n.op("Relu", x)
    n.output(y)
    n.output(n.op("Identity", n.op("Dropout", n.op("Identity", y))))
    yield Case("same_value_twice", n.model(), [[2, 5]])
    n = Net(17)
    a = b = n.input("x", [1, 6, 8, 8])
    w = n.normal([6, 1, 3, 3], 0.3)
    for _ in range(3):
        a = n.op("Relu", n.op("Conv", a, w, group=6, pads=[1] * 4))
        b = n.op("Relu", n.op("Conv", b, w, group=6, pads=[1] * 4))
    n.output(n.op("Add", a, b))
    yield Case("duplicated_subgraphs", n.model(), [[1, 6, 8, 8]])
    n = Net(17)
    x = n.input("x", ["N", 6])
    n.output(linear(n, x, 6, 4, "matmul"))
    n.output(n.op("Shape", x), dtype=np.int64)
    yield Case("batch_in_shape_output", n.model(), [["N", 6]], refused=["Shape", "--dim N=1"])
    n = Net(17)
    x, y = n.input("x", ["N", 3, 8, 8]), n.input("y", ["N", 3])
    n.output(n.op("Mul", x, n.unsqueeze(y, [2, 3])))
    yield Case("two_inputs_one_batch", n.model(), [["N", 3, 8, 8], ["N", 3]])
    for dtype in (np.int64, np.int32, np.uint8, np.int8, np.bool_, np.float64, np.uint64):
        n = Net(17)
        x = n.input("x", [3, 4], dtype)
        y = n.op("Where", n.input("c", [4], np.bool_), x, n.op("Expand", n.weight(np.ones([1, 1], dtype)), n.ints([3, 4])))
        n.output(n.op("Concat", x, y, axis=0), dtype=dtype)
        if dtype != np.bool_:
            n.output(n.op("Less", x, y), dtype=np.bool_)
        yield Case(f"dtype_{np.dtype(dtype).name}", n.model(), [((3, 4), dtype), ((4,), np.bool_)])


def refusals():
    n = Net(17)
    n.domains["com.microsoft"] = 1
    x = n.input("x", [1, 4])
    y = n.op("FusedGemm", x, n.normal([4, 4]), domain="com.microsoft")
    y = n.op("BiasGelu", y, n.normal([4]), domain="com.microsoft")
    n.output(n.op("DoesNotExist", y))
    yield Case("unknown_operators_are_all_listed", n.model(), [[1, 4]],
               refused=["com.microsoft.FusedGemm", "com.microsoft.BiasGelu", "DoesNotExist"])
    n = Net(17)
    n.output(n.op("StringNormalizer", n.input("x", [2])))
    yield Case("strings", n.model(), [[2]], refused=["StringNormalizer"])


def rewriters(tools):
    """What simplifiers and optimisers make of a ConvNeXt: tools.py finds those that are installed."""
    for name, rewrite in tools:
        for kind in (dict(), dict(pointwise="conv", norm="axis1", grn="l2_official", scale="none"), dict(batch="N"),
                     dict(nhwc_input=True, preprocess=True, head="gather"), dict(act="tanh_pow", opset=13, pointwise="gemm"),
                     dict(norm="batchnorm", pointwise="conv")):
            options = {**dict(dims=(8, 12), image=(16, 16)), **kind}
            model, shape = convnext(**options)
            label = f"{name}_{'_'.join(str(v) for v in kind.values()) or 'plain'}"
            yield Case(label, lambda m=model, r=rewrite: r(m), [shape], refused=["com.microsoft"] if name == "ort_extended" else None)


def all_odd():
    yield from encodings()
    yield from functions()
    yield from ports()
    yield from refusals()
