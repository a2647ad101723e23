"""Models: loading, running, compiling to C."""
import ctypes
import os
import threading
import weakref
from ctypes import byref, c_int64, c_void_p
from dataclasses import dataclass
from typing import Tuple, Union

import numpy as np

from ._library import Call, CompileOptions, Dim, Info, JitOptions, Sources, array_of, lib

try:
    from ml_dtypes import bfloat16  # comes with onnx
except ImportError:
    bfloat16 = "u2"  # the bits

TYPES = {  # ONNX's numbers and names
    1: ("float", "f4"), 2: ("uint8", "u1"), 3: ("int8", "i1"), 4: ("uint16", "u2"), 5: ("int16", "i2"), 6: ("int32", "i4"),
    7: ("int64", "i8"), 9: ("bool", "?"), 10: ("float16", "f2"), 11: ("double", "f8"), 12: ("uint32", "u4"),
    13: ("uint64", "u8"), 16: ("bfloat16", bfloat16),
}  # fmt: skip
UNKNOWN = -(2**63)


class Error(RuntimeError):
    """What nextc refuses. diagnostics: its lines, as the command prints them."""

    def __init__(self, diagnostics):
        self.diagnostics = list(diagnostics)
        super().__init__("\n".join(self.diagnostics) or "nextc failed")


@dataclass(frozen=True)
class TensorInfo:
    """An input or output. type: ONNX's name; dtype: of its array, for bfloat16 that of ml_dtypes, or uint16 where there is
    no such package; shape: numbers, and names of symbols (None: an expression of them)."""

    name: str
    type: str
    dtype: np.dtype
    shape: Tuple[Union[int, str, None], ...]


def _infos(tensors, symbols):
    def dim(d):
        return None if d == UNKNOWN else symbols[-d - 1] if d < 0 else d

    def info(t):
        name, dtype = TYPES[t.dtype]
        return TensorInfo(t.name.decode(), name, np.dtype(dtype), tuple(dim(d) for d in t.dim[: t.rank]))

    return [info(t) for t in tensors]


def _names(function, handle):
    return [name.decode() for name in array_of(function, handle)]


class Context:
    """Owns diagnostics; freed after its last model."""

    def __init__(self):
        self.handle = lib.nextc_context_new()
        self.seen = 0
        weakref.finalize(self, lib.nextc_context_free, self.handle)

    def error(self):
        """An Error of the messages since the last one."""
        count = lib.nextc_message_count(self.handle)
        lines = [lib.nextc_message(self.handle, i).decode(errors="replace") for i in range(self.seen, count)]
        self.seen = count
        return Error(lines)


class _Graph:
    """A loaded model file; used by one thread at a time."""

    def __init__(self, path, dims, weights=None):
        self.context = Context()
        pins = (Dim * max(len(dims), 1))(*[Dim(name.encode(), value) for name, value in dims.items()])
        weights = None if weights is None else os.fsencode(weights)
        self.handle = lib.nextc_load_from(self.context.handle, os.fsencode(path), pins, len(dims), weights)
        if not self.handle:
            raise self.context.error()
        # the context dies after this: the finalizer holds it
        weakref.finalize(self, lambda handle, context: lib.nextc_model_free(handle), self.handle, self.context)

    def check(self, good):
        if not good:
            raise self.context.error()
        return good


class _Program:
    """A model compiled into memory. Any number of threads may run it at once."""

    def __init__(self, graph, options):
        self.handle = graph.check(lib.nextc_jit(graph.handle, byref(options)))
        weakref.finalize(self, lib.nextc_program_free, self.handle)
        symbols = _names(lib.nextc_program_symbols, self.handle)
        self.symbol = symbols[0] if symbols else None
        self.inputs = _infos(array_of(lib.nextc_program_inputs, self.handle), symbols)
        self.outputs = _infos(array_of(lib.nextc_program_outputs, self.handle), symbols)
        self.target = lib.nextc_program_target(self.handle).decode()


class Model:
    """A model file: run(), emit_c(), ir(), info(). May be shared between threads."""

    def __init__(self, path, dims=None, target=None, threads=1, strict_fp=False, cache=True, weights=None):
        self.path, self.dims, self.threads, self.weights = path, dict(dims or {}), threads, weights
        self._lock = threading.Lock()
        self._graph = _Graph(path, self.dims, weights)
        self._programs = {}  # by the values of inner symbols
        self._pools = threading.local()
        self._strict_fp = strict_fp
        self._options = JitOptions(target.encode() if target else None, not cache, strict_fp)
        handle = self._graph.handle
        self.symbols = _names(lib.nextc_model_symbols, handle)
        self.inputs = _infos(array_of(lib.nextc_model_inputs, handle), self.symbols)
        self.outputs = _infos(array_of(lib.nextc_model_outputs, handle), self.symbols)

    # ---- running ----

    def run(self, inputs, outputs=None):
        """inputs: a dict by name, a sequence in the model's order, or one array. They are taken as they are where they are
        contiguous and of the right dtype; another dtype is an error, but lists of numbers are converted. outputs: names wanted (default: all). Returns one
        array where there is one output, else a list in the order asked for."""
        arrays = [self._array(info, x) for info, x in zip(self.inputs, self._ordered(inputs))]
        symbols = self._bind(arrays)
        results = self._invoke(self._program(symbols), arrays)
        names = [info.name for info in self.outputs]
        for name in outputs or []:
            if name not in names:
                raise Error([f"{self.path}: error: no output '{name}' (of {', '.join(names)})"])
        chosen = [results[names.index(name)] for name in outputs] if outputs else results
        return chosen[0] if len(self.outputs) == 1 else chosen

    def compile(self):
        """Compiles now what run() would compile at its first call, so that errors come now. Where inner dims are symbols
        there is nothing to compile yet."""
        if not self._inner():
            self._program({})
        return self

    def _ordered(self, inputs):
        if not isinstance(inputs, (dict, list, tuple)):
            inputs = [inputs]
        names = [info.name for info in self.inputs]
        if isinstance(inputs, dict):
            wrong = [name for name in inputs if name not in names] + [name for name in names if name not in inputs]
            if wrong:
                raise Error([f"{self.path}: error: inputs are {', '.join(names)}; '{wrong[0]}' is missing or unknown"])
            return [inputs[name] for name in names]
        if len(inputs) != len(names):
            raise Error([f"{self.path}: error: {len(inputs)} inputs given, the model takes {len(names)}"])
        return list(inputs)

    def _array(self, info, x):
        x = np.asarray(x, info.dtype if isinstance(x, (list, tuple, bool, int, float)) else None)
        if info.type == "bfloat16" and x.dtype == np.uint16:
            x = x.view(info.dtype)
        if x.dtype.newbyteorder("=") != info.dtype or x.ndim != len(info.shape):
            raise Error([f"{self.path}: error: input '{info.name}' is {info.dtype}{list(info.shape)}, not {x.dtype}{list(x.shape)}"])
        return np.require(x, info.dtype, ["C", "A"])

    def _bind(self, arrays):
        values = {}
        for info, x in zip(self.inputs, arrays):
            for want, got in zip(info.shape, x.shape):
                fits = want is None or (values.setdefault(want, got) == got if isinstance(want, str) else want == got)
                if not fits:
                    raise Error([f"{self.path}: error: input '{info.name}' has shape {list(x.shape)}, needs {list(info.shape)}"])
        return values

    def _inner(self):
        """Symbols that code depends on: dims of inputs other than the first."""
        return {d for info in self.inputs for d in info.shape[1:] if isinstance(d, str)}

    def _program(self, symbols):
        pinned = {name: value for name, value in symbols.items() if name in self._inner()}
        key = tuple(sorted(pinned.items()))
        with self._lock:
            if key not in self._programs:
                graph = _Graph(self.path, {**self.dims, **pinned}, self.weights) if pinned else self._graph
                self._programs[key] = _Program(graph, self._options)
            return self._programs[key]

    def _invoke(self, program, arrays):
        images = arrays[0].shape[0] if program.symbol and arrays and arrays[0].ndim else 1
        for info, x in zip(program.inputs, arrays):
            if program.symbol in info.shape:
                images = x.shape[info.shape.index(program.symbol)]
        for info, x in zip(program.inputs, arrays):
            if x.shape != tuple(images if d == program.symbol else d for d in info.shape):
                raise Error([f"{self.path}: error: input '{info.name}' has shape {list(x.shape)}, needs {list(info.shape)}"])
        shapes = [tuple(images if d == program.symbol else d for d in info.shape) for info in program.outputs]
        results = [np.empty(shape, info.dtype) for shape, info in zip(shapes, program.outputs)]
        pointers = [(c_void_p * max(len(a), 1))(*[x.ctypes.data for x in a]) for a in (arrays, results)]
        call = Call(inputs=pointers[0], outputs=pointers[1], symbols=(c_int64 * 1)(images), threads=1)
        if self.threads > 1:
            pool = self._pool()
            call.threads, call.parallel_user = lib.nextc_pool_threads(pool.handle), pool.handle
            call.parallel_for = ctypes.cast(lib.nextc_pool_run, c_void_p).value
        status = lib.nextc_invoke(program.handle, byref(call)) if images else 0
        if status:
            raise Error([f"{self.path}: error: {lib.nextc_error(status).decode()}"])
        return results

    def _pool(self):
        """Each thread has its own: a pool serves one call at a time."""
        if not hasattr(self._pools, "pool"):
            self._pools.pool = _Pool(self.threads)
        return self._pools.pool

    # ---- looking and compiling ----

    def info(self):
        """macs, params, weight_bytes, workspace_bytes of the compiled model."""
        out = Info()
        with self._lock:
            self._graph.check(lib.nextc_inspect(self._graph.handle, byref(out)))
        return {name: getattr(out, name) for name, _ in Info._fields_}

    def ir(self, after=None, folder="."):
        """The model as .nir text: as imported, or after the pass of that name (see nextc.passes())."""
        graph = _Graph(self.path, self.dims, self.weights)
        if after:
            graph.check(lib.nextc_optimize(graph.handle, after.replace("_", "-").encode(), self._strict_fp))
        return lib.nextc_text(graph.handle, os.fsencode(folder)).decode()

    def emit_c(self, path=None, name=None, targets=None, weights="auto", hex=False, byte_order="little"):
        """Writes path (.c), the .h beside it and the weights. Without a path: a dict of "c", "h" (text) and "weights"
        (bytes, or None where they are inline)."""
        ways = {"auto": 0, "inline": 1, "file": 2, "object": 3}
        if weights not in ways:
            raise Error([f"nextc: error: weights is one of {', '.join(ways)}, not '{weights}'"])
        options = CompileOptions(
            name and name.encode(), targets and targets.encode(), None, ways[weights], hex, byte_order == "big", self._strict_fp
        )
        with self._lock:
            if path is not None:
                self._graph.check(lib.nextc_compile(self._graph.handle, os.fsencode(path), byref(options)))
                return None
            out = Sources()
            self._graph.check(lib.nextc_emit_c(self._graph.handle, byref(options), byref(out)))
        texts = [ctypes.string_at(out.c, out.c_bytes).decode(), ctypes.string_at(out.h, out.h_bytes).decode()]
        data = ctypes.string_at(out.weights, out.weight_bytes) if out.weights else None
        lib.nextc_sources_free(byref(out))
        return {"c": texts[0], "h": texts[1], "weights": data}


class _Pool:
    def __init__(self, threads):
        self.handle = lib.nextc_pool_new(threads)
        if not self.handle:
            raise MemoryError("no memory for threads")
        weakref.finalize(self, lib.nextc_pool_free, self.handle)


def load(path, dims=None, target=None, threads=1, strict_fp=False, cache=True, weights=None):
    """Loads a .onnx, .nir or .yaml file, a checkpoint folder, or "zoo:NAME". dims: values of symbols; target: code path
    (default: the best for this CPU); cache: look for machine code in $XDG_CACHE_HOME/nextc and leave it there; weights: of
    a description, a .safetensors, .npz or .onnx file, or "random:SEED"."""
    return Model(path, dims, target, threads, strict_fp, cache, weights)


def passes():
    """Names of the passes, in order."""
    return _listed(lib.nextc_pass_name)


def targets():
    """Names of the code paths."""
    return _listed(lib.nextc_target_name)


def _listed(function):
    names = []
    while (name := function(len(names))) is not None:
        names.append(name.decode())
    return names
