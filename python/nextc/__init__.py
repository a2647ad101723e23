"""nextc: ConvNeXt-family models (ONNX) run in memory, or compiled to portable C.

    import nextc
    m = nextc.load("model.onnx")
    y = m.run({"input": x})
    m.emit_c("model.c")
    print(m.ir(after="channels-last"))
"""
from ._library import lib as _lib
from .model import Error, Model, TensorInfo, load, passes, targets
from .session import InferenceSession, NodeArg, SessionOptions, get_available_providers

__version__ = _lib.nextc_version().decode()
has_jit = bool(_lib.nextc_has_jit())

__all__ = [
    "Error", "InferenceSession", "Model", "NodeArg", "SessionOptions", "TensorInfo", "get_available_providers", "has_jit",
    "load", "passes", "targets",
]  # fmt: skip
