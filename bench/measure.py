"""Measurements of one model: every engine in turn, the first result, batches. Each gives a row of a store (tables.py).

o, the options: nextc, out, cc, targets, engines, cpus, rounds, clock."""
import json
import statistics
import sys
import time

import models
import numpy as np
from engines import TURN_RUNS, Worker, build_folder, compiled, run

PAUSE = 0.03
MOST_DIFFERENCE = 1e-3


def label(cc, target):
    return f"nextc {cc} {target or ''}".rstrip()


def shape_of_input(nextc, onnx):
    """And the model's GMACs. A symbolic dim is 1."""
    told = json.loads(run(nextc, "inspect", onnx, "--format=json")[0])
    ports = told["inputs"], told["outputs"]
    if any(len(p) != 1 or p[0]["dtype"] != "f32" for p in ports):
        raise models.LeftOut("only models with one input and one output, both f32, are compared")
    shape = told["inputs"][0]["shape"]
    if len(shape) == 4 and isinstance(shape[0], int) and shape[0] > 1:
        raise models.LeftOut(f"takes {shape[0]} images a call; a batch is compared where it is symbolic, or 1")
    return [d if isinstance(d, int) else 1 for d in shape], told["gmacs"]


def difference(y, reference):
    """The largest, relative to the largest of the reference; None: there is no such number."""
    if y.shape != reference.shape:
        return None
    told = float(np.abs(y - reference).max() / max(np.abs(reference).max(), np.finfo("f4").tiny)) if y.size else 0.0
    return told if np.isfinite(told) else None


def in_turns(workers, rounds, runs):
    """runs: how many of a turn are counted, by the worker's key."""
    for _ in range(rounds):
        for key, worker in workers.items():
            worker.turn(runs(key))
            time.sleep(PAUSE)


def figures(times, gmacs, gflops, others, worker, y, reference):
    best = min(times)
    return {"best_ms": 1e3 * best, "median_ms": 1e3 * statistics.median(times), "runs": len(times), "path": worker.path,
            "of_peak": 2 * gmacs / best / gflops, "ratio": best / others if others else None,
            "difference": difference(y, reference)}


def compare_model(o, name, onnx, scratch, peak_flops, threads):
    shape, gmacs = shape_of_input(o.nextc, onnx)
    np.save(scratch / "x.npy", models.image(shape))
    workers = {}
    try:
        for cc, target in ((c, t) for c in o.cc for t in o.targets):
            folder = compiled(o.nextc, onnx, scratch / build_folder(cc, target), cc, target)
            workers[label(cc, target)] = Worker("nextc", folder, threads, scratch / "x.npy", o.cpus)
        for engine in o.engines:
            workers[engine] = Worker(engine, onnx, threads, scratch / "x.npy", o.cpus)
        peak = Worker("peak", o.out / "peak", threads, o.out / "half.npy", o.cpus)
        in_turns({**workers, "peak": peak}, o.rounds, lambda _: TURN_RUNS)
        outputs = {k: w.output(scratch / "y.npy") for k, w in workers.items()}
    finally:
        Worker.end_all()
    gflops = 1e-9 * peak_flops / min(peak.times(o.clock))
    others = min([min(w.times(o.clock)) for k, w in workers.items() if k in o.engines], default=None)
    reference = outputs[o.engines[0]] if o.engines else next(iter(outputs.values()))
    engines = {k: figures(w.times(o.clock), gmacs, gflops, others, w, outputs[k], reference) for k, w in workers.items()}
    for k, e in engines.items():
        if e["difference"] is None or e["difference"] > MOST_DIFFERENCE:
            print(f"compare: {name}: the outputs of {k} are not those of the others", file=sys.stderr)
    return {"model": name, "threads": threads, "gmacs": gmacs, "peak_gflops": gflops, "bound_ms": 2e3 * gmacs / gflops,
            "engines": engines}


def first_result(o, name, onnx, scratch):
    """From a new process to the first result, in turns, on one CPU; the model's file is in the page cache."""
    times, memory, result = {}, {}, {}
    folder = scratch / build_folder(o.cc[0], o.targets[0])
    commands = {"nextc": [folder / "first", folder / "m.weights", "1"]}
    for engine in o.engines:
        commands[engine] = [sys.executable, models.TOP / "bench/worker.py", "--first", engine, onnx, scratch / "x.npy"]
    for _ in range(5):
        for engine, command in commands.items():
            told = json.loads(run(*command, env=Worker.environment, cpus=o.cpus[:1])[0])
            times.setdefault(engine, []).append(told["cpu_ms" if o.clock == "cpu" else "ms"])
            memory[engine] = min(told.get("resident", 0), memory.get(engine, 1 << 60))
            result.update({k: told[k] for k in ("weights", "workspace") if k in told})
    return {"model": name, **result, "engines": {k: {"best_ms": min(t), "median_ms": statistics.median(t), "resident": memory[k]}
                                                 for k, t in times.items()}}


def batches(o, name, scratch):
    """The model with a symbolic batch: an image's share of a call with 8, and the mean of 8 calls with 1, in turns, one
    thread: eight images at a time either way, since the fastest of many short runs is a luckier one."""
    onnx = models.prepare(name, scratch, batch=True)
    cc, target = o.cc[0], o.targets[0]
    lib = compiled(o.nextc, onnx, scratch / "lib", cc, target)
    names = {label(cc, target): ("nextc", lib), **{e: (e, onnx) for e in o.engines}}
    workers = {}
    try:
        for images in (1, 8):
            np.save(scratch / f"x{images}.npy", np.repeat(models.image(), images, 0))
            for engine, (kind, model) in names.items():
                workers[engine, images] = Worker(kind, model, 1, scratch / f"x{images}.npy", o.cpus)
        in_turns(workers, max(2, o.rounds // 2), lambda key: 8 // key[1])
    finally:
        Worker.end_all()

    def best(engine, images):
        times = workers[engine, images].times(o.clock)
        return 1e3 / 8 * min(sum(times[i:i + 8 // images]) for i in range(0, len(times), 8 // images))

    return {"model": name, "engines": {engine: {str(n): best(engine, n) for n in (1, 8)} for engine in names}}
