"""Builds models, asks ONNX Runtime for the answers and nextc whether it gives the same: run.py NEXTC [options]."""
import argparse
import fnmatch
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

import cases
import odd
import tools

BATCH = 3  # of a symbolic dim in the stored data


def feed(shape, random):
    shape, dtype = shape if isinstance(shape, tuple) else (shape, np.float32)
    shape = [BATCH if isinstance(d, str) else d for d in shape]
    if np.dtype(dtype).kind == "f":
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, 2 if dtype == np.bool_ else 100, shape).astype(dtype)


def reference(model, feeds):
    """ONNX Runtime's answer without its optimisations; ONNX's own evaluator's where it cannot run the model."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, feeds)
    except Exception as error:  # whatever it has against the model
        print(f"  (not by ONNX Runtime: {str(error).splitlines()[0][:150]})")
        return ReferenceEvaluator(model).run(None, feeds)


def write(case, folder, model):
    folder.mkdir(parents=True)
    if case.external:
        onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=64)
    else:
        (folder / "model.onnx").write_bytes(model.SerializeToString())
    if case.refused:
        return
    random = np.random.default_rng(7)
    initial = {t.name for t in model.graph.initializer}
    names = [i.name for i in model.graph.input if i.name not in initial]
    feeds = {name: feed(shape, random) for name, shape in zip(names, case.shapes)}
    data = folder / "test_data_set_0"
    data.mkdir()
    if case.external:
        model = onnx.load(folder / "model.onnx")
    results = reference(model, feeds)
    for kind, arrays in (("input", feeds.values()), ("output", results)):
        for i, array in enumerate(arrays):
            (data / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(array)).SerializeToString())


def check_refusal(nextc, case, folder):
    run = subprocess.run([nextc, "compile", folder / "model.onnx", "-o", folder / "m.c"], capture_output=True, text=True)
    missing = [word for word in case.refused if word not in run.stderr]
    good = run.returncode == 1 and not missing and not (folder / "m.c").exists()
    print(f"{case.name:48}  refused    {'ok' if good else 'FAILED'}")
    if not good:
        print(f"  status {run.returncode}, without {missing}: {run.stderr}")
    return good


def verify(nextc, folders, extra):
    run = subprocess.run([nextc, "verify", *extra, *folders], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(re.sub(r"\n\d+ passed, \d+ failed\n$", "\n", run.stdout), end="", flush=True)
    counts = re.search(r"(\d+) passed, (\d+) failed\n$", run.stdout)
    return (int(counts[1]), int(counts[2])) if counts else (0, len(folders))


def chosen(args):
    found = [*cases.spellings(), *cases.geometry(), *cases.batches(), *cases.opsets(), *odd.all_odd(),
             *odd.rewriters(tools.available()), *cases.fuzz(args.fuzz, args.seed)]
    names = [c.name for c in found]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    return [c for c in found if any(fnmatch.fnmatch(c.name, p) for p in args.cases)] if args.cases else found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nextc")
    parser.add_argument("cases", nargs="*", help="names, * allowed; default all")
    parser.add_argument("--fuzz", type=int, default=60, help="random networks")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--keep", help="folder that the cases are left in")
    parser.add_argument("--verify", action="append", default=[], help="an option for nextc verify")
    args = parser.parse_args()
    top = Path(args.keep or tempfile.mkdtemp(prefix="nextc-interop-"))
    passed = failed = 0
    try:
        pending = []
        found = chosen(args)
        for i, case in enumerate(found):
            folder = top / case.name
            shutil.rmtree(folder, ignore_errors=True)
            try:
                write(case, folder, case.model() if callable(case.model) else case.model)
            except Exception as error:
                print(f"{case.name:48}  could not be made: {error}")
                failed += 1
                continue
            if case.refused:
                good = check_refusal(args.nextc, case, folder)
                passed, failed = passed + good, failed + (not good)
            else:
                pending.append(folder)
            if pending and (len(pending) == 20 or i + 1 == len(found)):
                good, bad = verify(args.nextc, pending, args.verify)
                passed, failed = passed + good, failed + bad
                for done in pending if not args.keep else []:
                    shutil.rmtree(done)
                pending = []
        if pending:
            good, bad = verify(args.nextc, pending, args.verify)
            passed, failed = passed + good, failed + bad
    finally:
        if not args.keep:
            shutil.rmtree(top, ignore_errors=True)
    print(f"interop: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
