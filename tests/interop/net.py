"""A graph under construction: nodes, weights and the spellings that changed from opset to opset."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# IR version that came with each opset's release: the least that a model of this opset declares.
IR_VERSION = {7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10}


class Net:
    def __init__(self, opset=17, seed=0, prefix=""):
        self.opset, self.prefix, self.count = opset, prefix, 0
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []
        self.functions, self.domains = [], {}

    def name(self, stem):
        self.count += 1
        return f"{self.prefix}{stem}_{self.count}"

    def input(self, name, shape, dtype=np.float32):
        self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape))
        return name

    def output(self, value, name=None, shape=None, dtype=np.float32):
        """Declares an output; named otherwise than the value: through Identity."""
        if name and name != value:
            self.nodes.append(helper.make_node("Identity", [value], [name]))
            value = name
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.outputs.append(helper.make_tensor_value_info(value, kind, shape))

    def weight(self, array, stem="w"):
        name = self.name(stem)
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def normal(self, shape, scale=1.0, mean=0.0, stem="w"):
        return self.weight((self.random.standard_normal(shape) * scale + mean).astype(np.float32), stem)

    def scalar(self, x, dtype=np.float32):
        return self.weight(np.array(x, dtype), "scalar")

    def ints(self, values):
        return self.weight(np.array(values, np.int64), "ints")

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        names = [self.name(kind) for _ in range(outputs)]
        node = helper.make_node(kind, list(inputs), names, name=self.name("n" + kind), domain=domain, **attributes)
        self.nodes.append(node)
        return names[0] if outputs == 1 else names

    # ---- spellings by opset ----
    def reduce(self, kind, x, axes, keepdims=1):
        if self.opset >= (13 if kind == "ReduceSum" else 18):
            return self.op(kind, x, self.ints(axes), keepdims=keepdims)
        return self.op(kind, x, axes=axes, keepdims=keepdims)

    def unsqueeze(self, x, axes):
        if self.opset >= 13:
            return self.op("Unsqueeze", x, self.ints(axes))
        return self.op("Unsqueeze", x, axes=axes)

    def squeeze(self, x, axes):
        if self.opset >= 13:
            return self.op("Squeeze", x, self.ints(axes))
        return self.op("Squeeze", x, axes=axes)

    def slice(self, x, starts, ends, axes):
        if self.opset >= 10:
            return self.op("Slice", x, self.ints(starts), self.ints(ends), self.ints(axes))
        return self.op("Slice", x, starts=starts, ends=ends, axes=axes)

    def pad(self, x, pads):
        if self.opset >= 11:
            return self.op("Pad", x, self.ints(pads), self.scalar(0))
        return self.op("Pad", x, pads=pads, value=0.0)

    def clip(self, x, low, high):
        if self.opset >= 11:
            return self.op("Clip", x, self.scalar(low), self.scalar(high))
        return self.op("Clip", x, min=float(low), max=float(high))

    def dropout(self, x):
        if self.opset >= 12:
            return self.op("Dropout", x, self.scalar(0.25))
        return self.op("Dropout", x, ratio=0.25)

    def transpose(self, x, perm):
        return self.op("Transpose", x, perm=perm)

    def nhwc(self, x):
        return self.transpose(x, [0, 2, 3, 1])

    def nchw(self, x):
        return self.transpose(x, [0, 3, 1, 2])

    def model(self, name="net"):
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.weights)
        opsets = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, v) for d, v in self.domains.items()]
        ir = 8 if self.functions and self.opset < 19 else IR_VERSION.get(self.opset, 11)
        return helper.make_model(graph, opset_imports=opsets, ir_version=ir, functions=self.functions, producer_name="interop")
