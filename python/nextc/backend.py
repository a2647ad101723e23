"""ONNX's backend interface (onnx.backend.base): is_compatible, prepare, run_model, supports_device, so that ONNX's own
runner of backend tests drives nextc. onnx itself is only needed by whoever calls with its models."""
import os
import tempfile
from collections import namedtuple

import numpy as np

from .model import Error, load


class Prepared:
    """A model that is ready to run: what onnx calls a BackendRep."""

    def __init__(self, model):
        if isinstance(model, (str, os.PathLike)):
            self._model = load(os.fspath(model)).compile()
            return
        self._file = tempfile.NamedTemporaryFile(suffix=".onnx")
        self._file.write(model.SerializeToString())
        self._file.flush()
        self._model = load(self._file.name).compile()

    def run(self, inputs, **kwargs):
        """inputs: a sequence in the model's order, or one array. Returns a tuple of arrays, by name too."""
        if not isinstance(inputs, (list, tuple, dict)):
            inputs = [inputs]
        if not isinstance(inputs, dict):
            inputs = [np.asarray(x) for x in inputs]
        results = self._model.run(inputs)
        if len(self._model.outputs) == 1:
            results = [results]
        return namedtuple("Outputs", [info.name for info in self._model.outputs], rename=True)(*results)


def supports_device(device):
    return device.split(":")[0] == "CPU"


def prepare(model, device="CPU", **kwargs):
    """model: an onnx.ModelProto, or a file's path. Raises nextc.Error with the diagnostics where it can't be compiled."""
    if not supports_device(device):
        raise Error([f"nextc: error: no device '{device}'"])
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
