"""Rewriters of ONNX graphs, by name; those whose package is missing are left out (and said)."""
import importlib
import tempfile
from pathlib import Path

import onnx
import onnxruntime


def ort(level):
    def rewrite(model):
        with tempfile.TemporaryDirectory() as folder:
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = level
            options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
            options.log_severity_level = 4
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            return onnx.load(options.optimized_model_filepath)

    return rewrite


def simplify(module):
    return lambda model: module.simplify(infer_shapes(model))[0]  # it wants outputs with shapes


def optimise(module):
    return lambda model: module.optimize(model, module.get_fuse_and_elimination_passes())


def script(module):
    def rewrite(model):
        module.optimizer.optimize  # noqa: B018  (the attribute is the import's proof)
        return module.optimizer.optimize(model)

    return rewrite


def infer_shapes(model):
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def inline(model):
    import onnx.inliner

    return onnx.inliner.inline_local_functions(model)


def available():
    levels = onnxruntime.GraphOptimizationLevel
    tools = [("ort_basic", ort(levels.ORT_ENABLE_BASIC)), ("ort_extended", ort(levels.ORT_ENABLE_EXTENDED)),
             ("shapes", infer_shapes), ("inliner", inline)]
    for name, make in (("onnxsim", simplify), ("onnxoptimizer", optimise), ("onnxscript", script)):
        try:
            tools.append((name, make(importlib.import_module(name))))
            if name == "onnxscript":
                importlib.import_module("onnxscript.optimizer")
        except ImportError:
            print(f"interop: {name} is not installed: its rewritings are left out")
    return tools
