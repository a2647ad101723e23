"""One engine with one model in a process of its own, on CPUs of its own choice: compare starts it, tells it on standard
input when it is its turn, and reads times from its standard output.

    worker.py ENGINE MODEL THREADS INPUT.npy [CPU...]   says "ready PATH", PATH being that of emitted C, or -. Then a line
                                                 "turn N" gives N + 1 runs, of which the first is not counted;
                                                 "output FILE.npy" writes what the last run gave; times are pairs:
                                                 seconds on the clock, and of CPU
    worker.py --first ENGINE MODEL INPUT.npy     from the loaded library to the first result, and memory, as JSON; one thread
"""
import ctypes
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


class OnnxRuntime:
    def __init__(self, model, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    def run(self, x):
        return self.session.run(None, {self.name: x})[0]


class OpenVino:
    def __init__(self, model, threads):
        import openvino

        core = openvino.Core()
        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                  "INFERENCE_PRECISION_HINT": "f32"}
        network = core.read_model(model)
        self.request = core.compile_model(network, "CPU", config).create_infer_request()

    def run(self, x):
        self.request.infer([x], share_inputs=True, share_outputs=True)
        return self.request.get_output_tensor(0).data


def timed(call):
    start, cpu = time.perf_counter(), time.process_time()
    result = call()
    return [time.perf_counter() - start, time.process_time() - cpu], result


class Python:
    """An engine that Python calls."""

    path = "-"

    def __init__(self, kind, model, threads, x):
        self.engine, self.x, self.y = kind(model, threads), x, None

    def seconds(self):
        seconds, self.y = timed(lambda: self.engine.run(self.x))
        return seconds


class Shared:
    """run_shared.c with a model that nextc compiled; MODEL is the folder with lib.so."""

    def __init__(self, model, threads, x):
        self.lib = ctypes.CDLL(str(Path(model) / "lib.so"))
        self.lib.run.restype = ctypes.c_double
        dims = (ctypes.c_int64 * 8)()
        images = ctypes.c_int64(len(x) if x.ndim else 1)
        rank = self.lib.output_dims(images, dims)
        self.x, self.y = x, np.zeros(dims[:rank], np.float32)
        self.inputs, self.outputs = (ctypes.c_void_p * 1)(self.x.ctypes.data), (ctypes.c_void_p * 1)(self.y.ctypes.data)
        weights = str(Path(model) / "m.weights").encode()
        status = self.lib.start(weights, threads, self.inputs, self.outputs, images)
        assert not status, f"status {status}"
        self.lib.path.restype = ctypes.c_char_p
        self.path = self.lib.path().decode()

    def seconds(self):
        seconds, fastest = timed(lambda: self.lib.run(1))
        assert fastest > 0, f"status {-fastest}"
        return seconds


PYTHON = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


def resident(key="VmRSS"):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return 1024 * int(line.split()[1])


def first(name, model, x):
    __import__(name)
    before = resident()
    (wall, cpu), _ = timed(lambda: PYTHON[name](model, 1).run(x))
    print(json.dumps({"ms": 1e3 * wall, "cpu_ms": 1e3 * cpu, "resident": resident("VmHWM") - before}))


def serve(name, model, threads, x, cpus):
    os.sched_setaffinity(0, (cpus or sorted(os.sched_getaffinity(0)))[:threads])
    engine = Python(PYTHON[name], model, threads, x) if name in PYTHON else Shared(model, threads, x)
    engine.seconds()
    print("ready", engine.path, flush=True)
    for line in sys.stdin:
        what, argument = line.rstrip("\n").split(" ", 1)
        if what == "turn":
            engine.seconds()
            print(json.dumps([engine.seconds() for _ in range(int(argument))]), flush=True)
        else:
            np.save(argument, np.array(engine.y))
            print("ready", flush=True)


if sys.argv[1] == "--first":
    first(sys.argv[2], sys.argv[3], np.load(sys.argv[4]))
else:
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), np.load(sys.argv[4]), list(map(int, sys.argv[5:])))
