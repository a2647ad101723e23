"""Engines in processes of their own (worker.py), and what nextc and a C compiler make for them. Python's own library only."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tables import Failed

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
TURN_RUNS = 3


def said(text):
    return "".join(f"\n  {line}" for line in text.strip().splitlines())


@contextlib.contextmanager
def signals_held():
    """Until it is known which process has begun. Gives what a process begun in it needs to call, so that they reach it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(words, release, cpus=None, **options):
    """In a session of its own, out of reach of the terminal's signals; only on some CPUs where they are named."""

    def begin():
        release()
        if cpus:
            os.sched_setaffinity(0, cpus)

    return subprocess.Popen(words, text=True, start_new_session=True, preexec_fn=begin, **options)


def run(*words, env=None, cpus=None):
    """A command's standard output and error. One that is left half-way is asked to end, so that it removes what it made in
    temporary folders."""
    words, process = [str(w) for w in words], None
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        with signals_held() as release:
            process = start(words, release, cpus, env=env, **pipes)
        out, err = process.communicate()
    except BaseException as e:
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.communicate()
        elif isinstance(e, OSError):
            raise Failed(f"{words[0]}: {e.strerror}") from e
        raise
    if process.returncode:
        raise Failed(f"status {process.returncode} of {' '.join(words)}{said(out + err)}")
    return out, err


def version(command):
    return (run(*command.split(), "--version")[0].splitlines() or ["?"])[0]


class Worker:
    environment = None  # of all workers; None: this process' own
    alive = []

    def __init__(self, engine, model, threads, x, cpus=()):
        """compare ends it, or its standard input does."""
        self.words = [str(w) for w in (sys.executable, HERE / "worker.py", engine, model, threads, x, *cpus)]
        with signals_held() as release:
            self.process = start(self.words, release, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=Worker.environment)
            Worker.alive.append(self)
        self.wall, self.cpu = [], []
        self.path = self.answer().split()[1]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"status {self.process.wait()} of {' '.join(self.words)}")
        return line

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() says it
        return self.answer()

    def turn(self, runs):
        for wall, cpu in json.loads(self.ask(f"turn {runs}")):
            self.wall.append(wall)
            self.cpu.append(cpu)

    def times(self, clock):
        return self.cpu if clock == "cpu" else self.wall

    def output(self, path):
        import numpy as np

        self.ask(f"output {path}")
        return np.load(path)

    @classmethod
    def end_all(cls):
        for worker in cls.alive:
            worker.process.kill()
        while cls.alive:
            cls.alive.pop().process.communicate()


# ---- building ----
def library(folder, prefix, cc, extra=()):
    """lib.so and first of run_shared.c around PREFIX.c in the folder."""
    flags = [f'-DHEADER="{prefix}.h"', f"-DNAME(x)={prefix}_##x", f"-D{prefix.upper()}_THREADS", "-pthread", f"-I{folder}",
             *extra]
    sources = [HERE / "run_shared.c", folder / f"{prefix}.c"]
    run(*cc.split(), "-O2", "-fPIC", "-shared", *flags, *sources, "-lm", "-o", folder / "lib.so")
    run(*cc.split(), "-O2", "-DFIRST_RESULT", *flags, *sources, "-lm", "-o", folder / "first")
    if Worker.environment:
        import hide_avx512

        hide_avx512.hide(folder / "lib.so")
        hide_avx512.hide(folder / "first")


def compiled(nextc, onnx, folder, cc, target):
    folder.mkdir(parents=True, exist_ok=True)
    run(nextc, "compile", onnx, "--name", "m", "--weights=file", "-o", folder / "m.c", *(["--target", target] if target else []))
    library(folder, "m", cc, ["-DWEIGHTS_IN_FILE"])
    return folder


def build_folder(cc, target):
    return "_".join(["nextc", cc.replace(" ", "_").replace("/", "_"), *([target] if target else [])])


def peak(nextc, folder, cc, target):
    """The peak kernel that 'nextc bench' writes, and its work in FLOP by path."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [nextc, "bench", TOP / "examples/digits/digits_convnext.onnx", "--repeat", "1", "--keep", "--format=json", "--cc", cc]
    out, err = run(*words, *(["--path", target] if target else []))
    kept = Path(err.split("kept ", 1)[1].strip())
    try:
        for name in ("peak.c", "peak.h"):
            (folder / name).write_text((kept / name).read_text())
    finally:
        shutil.rmtree(kept)
    library(folder, "peak", cc)
    result = json.loads(out)[0]
    return result["peak_flops"], result["path"]
