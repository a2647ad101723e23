"""The cases by name: Case(model, shapes of the inputs) or Case(model, refused=[words that the message must hold])."""
import random
from dataclasses import dataclass, field

import onnx

import convnext as cn
from convnext import convnext


@dataclass
class Case:
    name: str
    model: onnx.ModelProto
    shapes: list  # of the inputs; or arrays
    refused: list = None
    random: int = 0  # more inputs, of the evaluator
    external: bool = False
    batches: list = field(default_factory=lambda: [3])  # what N is in the stored data


def family(name, **options):
    model, shape = convnext(**options)
    return Case(name, model, [shape])


def spellings():
    """One option at a time, on two opsets where the spelling exists in both."""
    for opset in (11, 17):
        for norm in cn.NORMS:
            if norm != "op" or opset >= 17:
                yield family(f"norm_{norm}_{opset}", opset=opset, norm=norm)
                yield family(f"norm_{norm}_conv_{opset}", opset=opset, norm=norm, pointwise="conv", seed=1)
        for pointwise in cn.POINTWISE:
            yield family(f"pointwise_{pointwise}_{opset}", opset=opset, pointwise=pointwise)
        for scale in cn.SCALES:
            yield family(f"scale_{scale}_{opset}", opset=opset, scale=scale)
        for head in cn.HEADS:
            yield family(f"head_{head}_{opset}", opset=opset, head=head)
        for kind in cn.GRNS[1:]:
            yield family(f"grn_{kind}_{opset}", opset=opset, grn=kind, scale="none")
            yield family(f"grn_{kind}_conv_{opset}", opset=opset, grn=kind, scale="none", pointwise="conv")
    for act in cn.ACTIVATIONS:
        opset = 20 if act.startswith("op") else 13
        yield family(f"act_{act}", opset=opset, act=act)
        yield family(f"act_{act}_conv", opset=opset, act=act, pointwise="conv")
    for residual in ("y_first", "none", "sub"):
        yield family(f"residual_{residual}", residual=residual)


def geometry():
    for k in (3, 5, 7, 9, 11):
        yield family(f"kernel_{k}", kernel=k)
    for k, s, p in ((4, 4, 0), (7, 4, 3), (3, 2, 1), (7, 4, 2), (2, 2, 0), (1, 1, 0), (5, 3, 1)):
        yield family(f"stem_{k}_{s}_{p}", stem=(k, s, p), image=(24, 24))
        yield family(f"down_{k}_{s}_{p}", down=(k, s, p), image=(64, 64))
    for h, w in ((33, 33), (32, 48), (35, 61), (8, 8), (9, 64), (8, 72), (13, 8)):
        for pointwise in ("matmul", "conv"):
            yield family(f"size_{h}x{w}_{pointwise}", image=(h, w), pointwise=pointwise)
    yield family("spatial_1x1", image=(4, 4), dims=(12,), depths=(2,))
    yield family("spatial_1x3_k11", image=(4, 12), dims=(12,), depths=(1,), kernel=11)
    yield family("dilated", dilated=True, image=(48, 48), dims=(8, 16, 24), depths=(1, 1, 2))
    yield family("dilated_conv", dilated=True, image=(40, 56), dims=(8, 16), depths=(1, 1), pointwise="conv", norm="axis1")
    yield family("one_channel", channels=1)
    yield family("four_channels_conv", channels=4, pointwise="conv")
    for width in (1, 2, 3, 15, 16, 17, 31, 33, 63, 65):
        yield family(f"width_{width}", dims=(width, width + 1), image=(16, 16))
        yield family(f"width_{width}_v2", dims=(width, width + 1), image=(16, 16), grn="l2_official", scale="none")
    yield family("nhwc_preprocess_softmax", nhwc_input=True, preprocess=True, head="softmax")
    yield family("nhwc_input_conv_batch", nhwc_input=True, preprocess=True, batch=2, pointwise="conv")
    yield family("pyramid", pyramid=True, dims=(8, 12, 16), depths=(1, 1, 1), image=(48, 64))
    yield family("pyramid_conv_axis1", pyramid=True, dims=(8, 12, 16), depths=(1, 1, 1), image=(48, 48), pointwise="conv", norm="axis1")
    yield family("dropout_chains", dropout=True, opset=13)
    yield family("dropout_chains_10", dropout=True, opset=10)
    yield family("no_bias", bias=False)
    yield family("deep", depths=(3, 4), dims=(8, 10), image=(16, 16))


def batches():
    for batch in (2, 3, 8, "N", "batch size", "1st/dim.x", "N+1"):
        for pointwise in ("matmul", "conv", "gemm"):
            for grn in ("none", "l2_official"):
                name = f"batch_{batch}_{pointwise}_{grn}".replace("/", "_").replace(" ", "_")
                yield family(name, batch=batch, pointwise=pointwise, grn=grn, dims=(8, 12), image=(16, 24))
    for head in cn.HEADS:
        yield family(f"batch_N_head_{head}", batch="N", head=head, dims=(8, 12), image=(16, 16))
        yield family(f"batch_5_head_{head}", batch=5, head=head, dims=(8, 12), image=(16, 16))
    yield family("batch_N_pyramid", batch="N", pyramid=True, dims=(8, 12), image=(16, 16))
    yield family("batch_N_nhwc", batch="N", nhwc_input=True, preprocess=True, dims=(8, 12), image=(16, 16))


def opsets():
    for opset in range(7, onnx.defs.onnx_opset_version() + 1):
        small = dict(opset=opset, dims=(8, 12), image=(16, 16), dropout=True, preprocess=True)
        act = "op" if opset >= 20 else "erf_div" if opset >= 9 else "tanh"  # Erf came with 9
        norm = "op" if opset >= 17 else "last"
        yield family(f"opset_{opset}", act=act, norm=norm, head="mean_last", **small)
        yield family(f"opset_{opset}_conv", act="tanh_pow", norm="axis1", pointwise="conv", head="softmax", **small)
        yield family(f"opset_{opset}_v2", act=act, grn="sum_sqrt", norm="batchnorm", head="gap_gemm", pointwise="gemm", **small)


def fuzz(count, first=0):
    for seed in range(first, first + count):
        r = random.Random(seed)
        stages = r.randint(1, 4)
        opset = r.choice([9, 11, 13, 16, 17, 18, 20, 22])
        pick = lambda words: r.choice([w for w in words if not (w.startswith("op") and opset < (17 if words is cn.NORMS else 20))])
        stem, down = r.choice([(4, 4, 0), (7, 4, 3), (3, 2, 1), (2, 2, 0), (5, 1, 2)]), r.choice([(2, 2, 0), (3, 2, 1)])
        dims = [r.randint(1, 70) for _ in range(stages)]
        norm = pick(cn.NORMS)
        if norm == "last_ex2" and min(dims) < 8:  # E[x^2] - E[x]^2 of so few leaves no digits to compare
            norm = "last"
        least = stem[1] * 2 ** (stages - 1) + 2
        yield family(
            f"fuzz_{seed}", opset=opset, seed=seed, dims=dims,
            depths=[r.randint(0, 2) for _ in range(stages)], kernel=r.choice([3, 5, 7, 9, 11]), stem=stem, down=down,
            channels=r.choice([1, 3, 4]), image=(least + r.randint(0, 20), least + r.randint(0, 20)),
            batch=r.choice([1, 1, 2, 3, "N"]), classes=r.randint(1, 40), norm=norm, act=pick(cn.ACTIVATIONS),
            pointwise=r.choice(["matmul", "conv", "matmul_swapped", "matmul_no_bias"]), grn=r.choice(cn.GRNS),
            scale=r.choice(cn.SCALES), head=r.choice(cn.HEADS), residual=r.choice(["x_first", "y_first"]),
            ratio=r.choice([1, 2, 4, 3.5]), dropout=r.random() < 0.3, bias=r.random() < 0.8, pyramid=r.random() < 0.2,
            nhwc_input=r.random() < 0.2, preprocess=r.random() < 0.2, stem_norm=r.random() < 0.8, dilated=r.random() < 0.2)
