"""An x86-64 machine that has AVX-512 as one that has AVX2 only, for processes that agree to it: their cpuid instructions
are replaced by ud2 in copies of the libraries, and a preloaded library (hide_avx512.c) answers for them.

Engines choose their kernels by cpuid, and few can be told otherwise: ONNX Runtime has no switch. Cores, caches, clock and
memory stay those of the machine.
"""
import os
import shutil
from pathlib import Path

from engines import run

HERE = Path(__file__).resolve().parent
ENGINES = {"onnxruntime": "capi", "openvino": "libs"}  # packages, and where their libraries lie


def code_sections(path):
    """Address, size and offset in the file of each. Others may have the same addresses: debug information begins at 0."""
    lines = run("objdump", "-h", path)[0].splitlines()
    for line, flags in zip(lines, lines[1:]):
        words = line.split()
        if len(words) == 7 and words[0].isdigit() and "CODE" in flags:
            yield int(words[3], 16), int(words[2], 16), int(words[5], 16)


def offsets(path):
    """Where in the file its cpuid instructions are, by objdump: the bytes alone stand inside of other instructions too."""
    sections = list(code_sections(path))
    for line in run("objdump", "-d", "--no-show-raw-insn", path)[0].splitlines():
        at, _, instruction = line.partition(":\t")
        if instruction.strip() == "cpuid":
            at = int(at, 16)
            yield from (at - address + offset for address, size, offset in sections if address <= at < address + size)


def hide(path):
    """Replaces the cpuid instructions in a library or program. How many."""
    data, count = bytearray(path.read_bytes()), 0
    for offset in offsets(path):
        assert data[offset:offset + 2] == b"\x0f\xa2", f"{path}: no cpuid at {offset}"
        data[offset + 1] = 0x0B
        count += 1
    path.write_bytes(data)
    return count


def environment(folder, engines, cc):
    """Copies the engines' packages into the folder, without AVX-512; the variables for processes that use them."""
    packages, shim = folder / "packages", folder / "hide_avx512.so"
    folder.mkdir(parents=True, exist_ok=True)
    run(*cc.split(), "-O2", "-shared", "-fPIC", HERE / "hide_avx512.c", "-o", shim)
    for engine in engines:
        done, version = packages / engine / "done", __import__(engine).__version__
        if not done.exists() or done.read_text() != version:
            source = Path(__import__(engine).__file__).parent
            shutil.rmtree(packages / engine, ignore_errors=True)
            shutil.copytree(source, packages / engine)
            libraries = [p for p in (packages / engine / ENGINES[engine]).glob("*.so*") if p.is_file()
                         and "frontend" not in p.name and "gpu" not in p.name and "npu" not in p.name]
            assert sum(map(hide, libraries)), f"no cpuid in {engine}"
            done.write_text(version)
    return {**os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": str(packages)}
