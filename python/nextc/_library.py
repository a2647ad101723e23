"""libnextc.so through ctypes: the functions of include/nextc.h, with their types."""
import ctypes
import ctypes.util
import os
from ctypes import POINTER, Structure, c_char_p, c_int, c_int32, c_int64, c_size_t, c_ubyte, c_void_p
from pathlib import Path

SLICE = ctypes.CFUNCTYPE(None, c_void_p, c_int)


class Tensor(Structure):
    """nextc_tensor: dim -k-1 is symbol k; bytes at symbol = 1."""

    _fields_ = [("name", c_char_p), ("dtype", c_int32), ("rank", c_int32), ("dim", c_int64 * 8), ("bytes", c_size_t)]


class Call(Structure):
    """nextc_call"""

    _fields_ = [
        ("inputs", POINTER(c_void_p)),
        ("outputs", POINTER(c_void_p)),
        ("symbols", POINTER(c_int64)),
        ("output_dims", c_void_p),
        ("workspace", c_void_p),
        ("threads", c_int),
        ("parallel_for", c_void_p),
        ("parallel_user", c_void_p),
    ]


class Dim(Structure):
    """nextc_dim"""

    _fields_ = [("name", c_char_p), ("value", c_int64)]


class Info(Structure):
    """nextc_info"""

    _fields_ = [("macs", c_int64), ("params", c_int64), ("weight_bytes", c_int64), ("workspace_bytes", c_int64)]


class CompileOptions(Structure):
    """nextc_compile_options"""

    _fields_ = [
        ("name", c_char_p),
        ("targets", c_char_p),
        ("weights_out", c_char_p),
        ("weights", c_int),
        ("hex", c_int),
        ("big_endian", c_int),
        ("strict_fp", c_int),
    ]


class JitOptions(Structure):
    """nextc_jit_options"""

    _fields_ = [("target", c_char_p), ("no_cache", c_int), ("strict_fp", c_int)]


class Sources(Structure):
    """nextc_sources"""

    _fields_ = [
        ("c", c_void_p),
        ("h", c_void_p),
        ("weights", POINTER(c_ubyte)),
        ("c_bytes", c_size_t),
        ("h_bytes", c_size_t),
        ("weight_bytes", c_size_t),
    ]


TENSORS = (POINTER(Tensor), [c_void_p, POINTER(c_size_t)])
NAMES = (POINTER(c_char_p), [c_void_p, POINTER(c_size_t)])
FUNCTIONS = {  # result, arguments
    "nextc_version": (c_char_p, []),
    "nextc_context_new": (c_void_p, []),
    "nextc_context_free": (None, [c_void_p]),
    "nextc_message_count": (c_size_t, [c_void_p]),
    "nextc_message": (c_char_p, [c_void_p, c_size_t]),
    "nextc_error_count": (c_int, [c_void_p]),
    "nextc_load_from": (c_void_p, [c_void_p, c_char_p, POINTER(Dim), c_size_t, c_char_p]),
    "nextc_model_free": (None, [c_void_p]),
    "nextc_model_inputs": TENSORS,
    "nextc_model_outputs": TENSORS,
    "nextc_model_symbols": NAMES,
    "nextc_pass_name": (c_char_p, [c_size_t]),
    "nextc_target_name": (c_char_p, [c_size_t]),
    "nextc_optimize": (c_int, [c_void_p, c_char_p, c_int]),
    "nextc_text": (c_char_p, [c_void_p, c_char_p]),
    "nextc_inspect": (c_int, [c_void_p, POINTER(Info)]),
    "nextc_compile": (c_int, [c_void_p, c_char_p, POINTER(CompileOptions)]),
    "nextc_emit_c": (c_int, [c_void_p, POINTER(CompileOptions), POINTER(Sources)]),
    "nextc_sources_free": (None, [POINTER(Sources)]),
    "nextc_has_jit": (c_int, []),
    "nextc_jit": (c_void_p, [c_void_p, POINTER(JitOptions)]),
    "nextc_program_free": (None, [c_void_p]),
    "nextc_program_inputs": TENSORS,
    "nextc_program_outputs": TENSORS,
    "nextc_program_symbols": NAMES,
    "nextc_program_target": (c_char_p, [c_void_p]),
    "nextc_workspace_bytes": (c_size_t, [c_void_p, c_int]),
    "nextc_error": (c_char_p, [c_int]),
    "nextc_invoke": (c_int, [c_void_p, POINTER(Call)]),
    "nextc_pool_new": (c_void_p, [c_int]),
    "nextc_pool_threads": (c_int, [c_void_p]),
    "nextc_pool_free": (None, [c_void_p]),
}


def _open():
    beside = Path(__file__).parent / "libnextc.so"
    path = os.environ.get("NEXTC_LIBRARY") or (str(beside) if beside.exists() else ctypes.util.find_library("nextc"))
    if not path:
        raise ImportError("libnextc.so is neither in the package nor on the system; NEXTC_LIBRARY may say where it is")
    library = ctypes.CDLL(path)
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _open()


def array_of(function, handle):
    """What a function gives that returns an array and its length."""
    count = c_size_t()
    first = function(handle, ctypes.byref(count))
    return [first[i] for i in range(count.value)]
