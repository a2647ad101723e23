"""The models of the comparison: full-size exports filled with reproducible weights, and the sizes that no export is
there for, and models with a symbolic batch, built from operators."""
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SHARED = TOP.parent / "shared"


class LeftOut(Exception):
    """Why a model is not compared."""


def export(name):
    def make(folder):
        fixture, tool = SHARED / "fixtures/full" / name, SHARED / "tools/fill_weights.py"
        for path in (fixture, tool):
            if not path.exists():
                raise LeftOut(f"no {path}")
        done = subprocess.run([sys.executable, tool, fixture, folder], capture_output=True, text=True)
        if done.returncode:
            raise LeftOut(f"{tool.name}: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")

    return make


def built(**options):
    def make(folder):
        sys.path.insert(0, str(TOP / "tests/interop"))
        import onnx
        from convnext import convnext

        model, _ = convnext(opset=20, norm="op", act="op", classes=1000, image=(224, 224), **options)
        onnx.save(model, folder / "model.onnx")

    return make


TINY = {"dims": (96, 192, 384, 768), "depths": (3, 3, 9, 3)}
ATTO = {"dims": (40, 80, 160, 320), "depths": (2, 2, 6, 2)}
V2 = {"grn": "l2_official", "scale": "none"}
NETWORKS = {
    "ConvNeXt-T": TINY,
    "ConvNeXt-S": {**TINY, "depths": (3, 3, 27, 3)},
    "ConvNeXt-B": {"dims": (128, 256, 512, 1024), "depths": (3, 3, 27, 3)},
    "ConvNeXt V2-T": {**TINY, **V2},
    "ConvNeXt-nano": {"dims": (80, 160, 320, 640), "depths": (2, 2, 8, 2)},
    "ConvNeXt-atto": ATTO,
    "ConvNeXt V2-atto": {**ATTO, **V2},
}

MODELS = {
    "ConvNeXt-T": export("convnext_tiny.dynamo20"),
    "ConvNeXt-S": built(**NETWORKS["ConvNeXt-S"]),
    "ConvNeXt-B": export("convnext_base.dynamo20"),
    "ConvNeXt V2-T": export("convnextv2_tiny.dynamo20"),
    "ConvNeXt-nano": built(**NETWORKS["ConvNeXt-nano"]),
    "ConvNeXt-atto": export("convnext_atto.dynamo20"),
    "ConvNeXt V2-atto": export("convnextv2_atto.dynamo20"),
}


def prepare(name, folder, batch=False):
    """The path of the .onnx in the folder, made where it is not there. batch: with a symbolic one."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (built(**NETWORKS[name], batch="N") if batch else MODELS[name])(folder)
        (folder / "done").touch()
    return folder / "model.onnx"


def image(shape=(1, 3, 224, 224)):
    import numpy as np

    return np.random.default_rng(7).standard_normal(shape, np.float32)
