"""ONNX's backend interface (onnx.backend.base): is_compatible, prepare, run_model, supports_device, so that ONNX's own
runner of backend tests drives nextc. onnx itself is only needed by whoever calls with its models."""
import os
import re
import sys
import tempfile
from collections import namedtuple

import numpy as np

from .model import Error, load

# What nextc says of an input that it must know when it compiles: a shape, axes, a mode.
WANTS_CONSTANT = re.compile(r"is not known|must be (a )?constant")


def _error(e):
    """The error; where ONNX's test runner calls, one that it takes as 'not supported'."""
    runner = sys.modules.get("onnx.backend.test.runner")
    if runner is None:
        return e
    return type("Error", (Error, runner.BackendIsNotSupposedToImplementIt), {})(e.diagnostics)


class _Loaded:
    """A model compiled from its bytes; weights are read from the file as long as it lives."""

    def __init__(self, data):
        self._file = tempfile.NamedTemporaryFile(suffix=".onnx")
        self._file.write(data)
        self._file.flush()
        self.model = load(self._file.name).compile()


def _free_inputs(graph):
    fixed = {tensor.name for tensor in graph.initializer}
    return [info for info in graph.input if info.name not in fixed]


def _is_small(info):
    return info.type.HasField("tensor_type") and len(info.type.tensor_type.shape.dim) <= 1


class Prepared:
    """A model that is ready to run: what onnx calls a BackendRep. Where the model computes shapes or axes from inputs,
    it is compiled when it runs, for their values."""

    def __init__(self, model):
        self._proto, self._model, self._keep = None, None, None
        try:
            if isinstance(model, (str, os.PathLike)):
                self._model = load(os.fspath(model)).compile()
            else:
                self._keep = _Loaded(model.SerializeToString())
                self._model = self._keep.model
        except Error as e:
            inputs = [] if isinstance(model, (str, os.PathLike)) else _free_inputs(model.graph)
            if not any(map(_is_small, inputs)) or not WANTS_CONSTANT.search(str(e)):
                raise _error(e) from None
            self._proto, self._names = model, [info.name for info in inputs]

    def run(self, inputs, **kwargs):
        """inputs: a sequence in the model's order, a dict, or one array. Returns a tuple of arrays, by name too."""
        if not isinstance(inputs, (list, tuple, dict)):
            inputs = [inputs]
        if not isinstance(inputs, dict):
            inputs = [np.asarray(x) for x in inputs]
        try:
            model, inputs = (self._model, inputs) if self._model else self._specialized(inputs)
            results = model.run(inputs)
        except Error as e:
            raise _error(e) from None
        if len(model.outputs) == 1:
            results = [results]
        return namedtuple("Outputs", [info.name for info in model.outputs], rename=True)(*results)

    def _specialized(self, inputs):
        """The model with small inputs as constants, and the inputs that are left: first without the first input, which
        mostly is the data."""
        if not isinstance(inputs, dict):
            inputs = dict(zip(self._names, inputs))
        small = [info.name for info in _free_inputs(self._proto.graph) if _is_small(info)]
        missing = [name for name in small if name not in inputs]
        if missing:
            raise Error([f"error: input '{missing[0]}' is missing"])
        for fixed in ([name for name in small if name != self._names[0]], small):
            try:
                self._keep = _Loaded(self._with_constants({name: inputs[name] for name in fixed}))
                return self._keep.model, {name: x for name, x in inputs.items() if name not in fixed}
            except Error as e:
                error = e
        raise error

    def _with_constants(self, values):
        from onnx import numpy_helper

        model = type(self._proto)()
        model.CopyFrom(self._proto)
        kept = [info for info in model.graph.input if info.name not in values]
        del model.graph.input[:]
        model.graph.input.extend(kept)
        model.graph.initializer.extend(numpy_helper.from_array(np.asarray(x), name) for name, x in values.items())
        return model.SerializeToString()


def supports_device(device):
    return device.split(":")[0] == "CPU"


def prepare(model, device="CPU", **kwargs):
    """model: an onnx.ModelProto, or a file's path. Raises nextc.Error with the diagnostics where it can't be compiled."""
    if not supports_device(device):
        raise _error(Error([f"nextc: error: no device '{device}'"]))
    return Prepared(model)


def is_compatible(model, device="CPU", **kwargs):
    try:
        prepare(model, device)
    except Error:
        return False
    return True


def run_model(model, inputs, device="CPU", **kwargs):
    return prepare(model, device).run(inputs)


def run_node(node, inputs, device="CPU", outputs_info=None, **kwargs):
    """One operator on given inputs; needs the package onnx."""
    from onnx import helper

    names = [name for name in node.input if name]
    arrays = [np.asarray(x) for x in inputs]
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in zip(names, arrays)]
    outputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
        for n, (dtype, shape) in zip(node.output, outputs_info)
    ]
    return run_model(helper.make_model(helper.make_graph([node], "node", infos, outputs)), arrays, device)
