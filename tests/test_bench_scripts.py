"""The scripts of bench/: stores of measurements and what is told of them, command lines that are wrong, cpuid instructions
that are replaced. Nothing is measured, and nothing but Python's own library is needed; objdump and cc for the last."""
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "bench"))
import engines
import hide_avx512
import models
import picture
import tables

RUN = {"date": "2026-01-02", "versions": {"gcc": "gcc 12"}, "path": "v3"}
LATER = {**RUN, "date": "2026-03-04", "versions": {"gcc": "gcc 13"}}
MACHINE = {"cpu": "A CPU", "family": "25", "model": "17", "cpus": 2, "caches": {"L1": "32K"}, "avx512": False}


def result(model, threads, ms, run=RUN):
    engine = {"best_ms": ms, "median_ms": ms + 1, "of_peak": 0.9, "ratio": 0.8}
    return {"model": model, "threads": threads, "peak_gflops": 100.0, "bound_ms": 0.9 * ms, "run": run,
            "engines": {"nextc gcc": engine, "onnxruntime": {**engine, "ratio": 1.0}}}


def store(*results, firsts=(), images=(), **place):
    return {**tables.new(MACHINE, "", "wall"), **place, "results": list(results), "first_results": list(firsts),
            "ms_an_image": list(images)}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class Stores(Folder):
    def test_join_replaces_rows_of_the_same_name_and_keeps_the_others(self):
        first = {"model": "a", "engines": {"nextc": {"best_ms": 1, "median_ms": 2, "resident": 3e6}}, "run": RUN}
        old = store(result("b", 1, 10), result("a", 1, 20), result("a", 2, 30), firsts=[first])
        fresh = store(result("a", 2, 25, LATER), result("c", 1, 40, LATER))
        joined = tables.join(old, fresh, ["a", "b"])
        self.assertEqual([(r["model"], r["threads"], r["engines"]["nextc gcc"]["best_ms"]) for r in joined["results"]],
                         [("a", 1, 20), ("a", 2, 25), ("b", 1, 10), ("c", 1, 40)])
        self.assertEqual(joined["first_results"], [first])
        self.assertEqual(tables.runs(joined), [RUN, LATER])
        self.assertEqual(old["results"][2]["run"], RUN)

    def test_join_with_itself_changes_nothing(self):
        data = store(result("a", 1, 20), result("a", 2, 30), result("x", 1, 5))
        self.assertEqual(tables.join(data, data, ["a"]), data)
        self.assertEqual(tables.join(store(), data, ["a"]), data)

    def test_rows_of_another_machine_clock_or_instruction_set_do_not_stand_together(self):
        for key, value in ("machine", {**MACHINE, "cpu": "B"}), ("clock", "cpu"), ("hidden", ", AVX-512 hidden"):
            self.assertIn(key, tables.differ(store(**{key: value}), store()))
        self.assertIsNone(tables.differ(store(result("a", 1, 1)), store()))

    def test_save_and_load(self):
        path, data = self.folder / "compare.json", store(result("a", 1, 20))
        tables.save(data, path)
        self.assertEqual(tables.load(path), data)
        self.assertEqual(os.listdir(self.folder), ["compare.json"])

    def test_a_file_that_tells_its_run_once(self):
        row = result("a", 1, 20)
        del row["run"]
        path = self.folder / "old.json"
        path.write_text(json.dumps({**store(row), **RUN}))
        self.assertEqual(tables.load(path), store(result("a", 1, 20)))

    def test_files_that_are_no_stores(self):
        path = self.folder / "x.json"
        for text in "", "[", "[]", "{}", "3", json.dumps({**store(), "results": [3]}), json.dumps({"results": []}):
            path.write_text(text)
            self.assertRaises(tables.Failed, tables.load, path)

    def test_a_number_that_json_does_not_have_leaves_the_old_file(self):
        path = self.folder / "compare.json"
        path.write_text("old")
        self.assertRaises(ValueError, tables.save, store(result("a", 1, float("nan"))), path)
        self.assertEqual(path.read_text(), "old")


class Tables(unittest.TestCase):
    def test_one_run(self):
        self.assertEqual(tables.section(store(result("a", 1, 20))), """\
A CPU (family 25, model 17), 2 CPUs, L1 32K. gcc gcc 12. FMA peak with path v3, wall clock. 2026-01-02.

| model | threads | engine | best ms | median ms | of FMA peak | against the faster of the others |
|---|---|---|---|---|---|---|
| a | 1 | nextc gcc | 20.00 | 21.00 | 90.0 % of 100.0 | 0.800 |
| a | 1 | onnxruntime | 20.00 | 21.00 | 90.0 % of 100.0 |  |
""")

    def test_rows_of_several_runs_say_which(self):
        images = {"model": "a|b", "engines": {"nextc gcc": {"1": 2, "8": 1.5}}, "run": RUN}
        self.assertEqual(tables.section(store(result("a", 1, 20, LATER), images=[images], hidden=", hidden")), """\
A CPU (family 25, model 17), 2 CPUs, L1 32K, hidden, wall clock. Rows are of 2 runs:

1. 2026-01-02: gcc gcc 12. FMA peak with path v3.
2. 2026-03-04: gcc gcc 13. FMA peak with path v3.

| model | threads | engine | best ms | median ms | of FMA peak | against the faster of the others | run |
|---|---|---|---|---|---|---|---|
| a | 1 | nextc gcc | 20.00 | 21.00 | 90.0 % of 100.0 | 0.800 | 2 |
| a | 1 | onnxruntime | 20.00 | 21.00 | 90.0 % of 100.0 |  | 2 |

| model, one thread | engine | ms an image, batch 1 | batch 8 | run |
|---|---|---|---|---|
| a\\|b | nextc gcc | 2.00 | 1.50 | 1 |
""")

    def test_a_section_is_put_between_its_marks(self):
        text = "head\n<!-- m -->\nold\n<!-- end of m -->\ntail\n"
        self.assertEqual(tables.put_section(text, "m", "new\n"), "head\n<!-- m -->\nnew\n<!-- end of m -->\ntail\n")
        for wrong in ("", text.replace("<!-- m -->", ""), text.replace("<!-- end of m -->", ""), text + text,
                      "<!-- end of m -->\n<!-- m -->\n"):
            self.assertRaises(tables.Failed, tables.put_section, wrong, "m", "new\n")

    def test_the_stored_rows_are_those_of_the_readme(self):
        readme = (TOP / "bench/README.md").read_text()
        for name in "measured", "measured_avx2":
            data = tables.load(TOP / f"bench/{name}.json")
            self.assertEqual(tables.put_section(readme, name, tables.section(data)), readme)
            self.assertEqual((TOP / f"bench/{name}.svg").read_text(), picture.svg(tables.caption(data), data["results"]))

    def test_the_picture_is_xml_and_nothing_leaves_it(self):
        row = result("a < b & c", 2, 20)
        row["bound_ms"] = 100  # a peak that was not reached when it was measured
        row["engines"]["other"] = {"best_ms": 30}
        root = ElementTree.fromstring(picture.svg("title <", [row]))
        self.assertIn("a < b & c, 2 threads", [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")])
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}rect"))), 4)
        for line in root.iter("{http://www.w3.org/2000/svg}line"):
            self.assertLess(float(line.get("x1")), float(root.get("width")))


class Commands(Folder):
    """bench/compare before it makes an environment."""

    def compare(self, *words, **more):
        command = [sys.executable, TOP / "bench/compare", "--nextc", shutil.which("true"), "--out", self.folder / "out", *words]
        return subprocess.run([str(w) for w in command], capture_output=True, text=True, **more)

    def refused(self, status, message, *words, **more):
        done = self.compare(*words, **more)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertIn(message, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertFalse((self.folder / "out").exists())

    def test_wrong_command_lines(self):
        (self.folder / "x.txt").touch()
        cpus = sorted(os.sched_getaffinity(0))
        for message, *words in (
                ("no model 'ConvNeXt-X'", "ConvNeXt-X"), ("no model 'x.onnx'", "x.onnx"), ("no model", self.folder / "x.txt"),
                ("--threads takes", "--threads=0"), ("--threads takes", "--threads=1,1"), ("--threads takes", "--threads=a"),
                ("--threads takes", "--threads="), (f"--threads 2: CPUs to take are {cpus[0]}", "--threads=2", f"--cpus={cpus[0]}"),
                ("--cpus takes", "--cpus=99999"), ("--cpus takes", "--cpus=-1"), ("--cpus takes", "--cpus=0,0"),
                ("--rounds takes", "--rounds=0"), ("no engine 'tvm'", "--engines=tvm"), ("--cc names no compiler", "--cc= ,"),
                ("no 'no-such-compiler' here", "--cc=cc,no-such-compiler -O3"),
                ("no nextc: no/such/nextc", "--nextc=no/such/nextc"),
                ("--clock=cpu says something for one thread only", "--clock=cpu", "--threads=1,2"),
                ("--fresh goes with --readme", "--fresh"), ("--take measures no models", "ConvNeXt-T", "--take=x.json")):
            with self.subTest(words=words):
                if len(cpus) > 1 or "--clock=cpu" not in words:
                    self.refused(2, message, *words)

    def test_no_compiler(self):
        self.refused(2, "no C compiler", env={"PATH": str(self.folder)})

    def test_a_folder_that_cannot_be_made(self):
        (self.folder / "file").touch()
        self.refused(1, "compare: ", "--out", self.folder / "file/out")

    def test_take_joins_and_tells(self):
        old, new = self.folder / "old.json", self.folder / "new.json"
        tables.save(store(result("ConvNeXt-T", 1, 20), result("ConvNeXt-T", 2, 11)), old)
        tables.save(store(result("ConvNeXt-T", 2, 10, LATER)), new)
        done = self.compare("--take", old, "--take", new)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        joined = store(result("ConvNeXt-T", 1, 20), result("ConvNeXt-T", 2, 10, LATER))
        self.assertEqual(done.stdout, tables.tables(joined) + "\n")
        tables.save(store(result("ConvNeXt-T", 2, 10), clock="cpu"), new)
        self.refused(1, "measured with clock 'cpu', not 'wall'", "--take", old, "--take", new)
        self.refused(1, "no stored measurements", "--take", TOP / "bench/README.md")
        self.refused(1, "No such file", "--take", self.folder / "none.json")

    def test_readme(self):
        """In a copy of bench/: rows of another run replace those that it measured; a section that is not there is said."""
        shutil.copytree(TOP / "bench", self.folder / "bench")
        readme, fresh = self.folder / "bench/README.md", self.folder / "fresh.json"
        stored = tables.load(self.folder / "bench/measured.json")
        row = result("ConvNeXt-T", 2, 0.125, LATER)
        tables.save({**stored, "results": [row], "first_results": [], "ms_an_image": []}, fresh)
        command = [sys.executable, str(self.folder / "bench/compare"), "--take", str(fresh), "--readme"]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        joined = tables.load(self.folder / "bench/measured.json")
        self.assertEqual(len(joined["results"]), len(stored["results"]))
        self.assertIn(row, joined["results"])
        self.assertIn(tables.section(joined), readme.read_text())
        readme.write_text(readme.read_text().replace("<!-- measured -->", ""))
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("0 lines <!-- measured -->", done.stderr)


class Processes(Folder):
    def test_a_command_that_fails_is_told_with_its_words(self):
        with self.assertRaisesRegex(tables.Failed, "(?s)status 3 of sh .*why"):
            engines.run("sh", "-c", "echo why >&2; exit 3")
        with self.assertRaisesRegex(tables.Failed, "no-such-command"):
            engines.run("no-such-command")

    def test_a_command_left_half_way_cleans_up(self):
        mark = self.folder / "mark"

        def leave(*_):
            raise KeyboardInterrupt

        self.addCleanup(signal.signal, signal.SIGHUP, signal.signal(signal.SIGHUP, leave))
        script = f"trap 'rm -f {mark}; exit 1' TERM; : >{mark}; kill -HUP {os.getpid()}; while :; do sleep 0.05; done"
        self.assertRaises(KeyboardInterrupt, engines.run, "sh", "-c", script)
        self.assertFalse(mark.exists())

    def test_missing_models_are_said(self):
        with self.assertRaisesRegex(models.LeftOut, "no .*no_such_fixture"):
            models.export("no_such_fixture")(self.folder)


class Workers(Folder):
    """With packages that only look like NumPy and ONNX Runtime; a model is a number that is added a run; 30 ends the process."""

    PACKAGES = {
        "numpy.py": "load = lambda path: path\narray = lambda y: y\nsave = lambda path, y: open(path, 'w').write(str(y))\n",
        "onnxruntime.py": """
import os
class SessionOptions: pass
class GraphOptimizationLevel: ORT_ENABLE_ALL = 0
class InferenceSession:
    name = "x"
    def __init__(self, model, options, providers): self.step, self.sum = int(model), 0
    def get_inputs(self): return [self]
    def run(self, outputs, inputs):
        self.sum += self.step
        return [self.sum] if self.sum < 30 else os._exit(5)
"""}

    def setUp(self):
        super().setUp()
        for name, text in self.PACKAGES.items():
            (self.folder / name).write_text(text)
        self.addCleanup(setattr, engines.Worker, "environment", None)
        self.addCleanup(engines.Worker.end_all)
        engines.Worker.environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        self.cpus = sorted(os.sched_getaffinity(0))[:1]

    def test_turns_and_output(self):
        worker, file = engines.Worker("onnxruntime", "3", 1, "x", self.cpus), self.folder / "a folder, a file"
        self.assertEqual(os.sched_getaffinity(worker.process.pid), set(self.cpus))
        worker.turn(3)
        worker.turn(1)
        self.assertEqual((worker.path, len(worker.times("wall")), len(worker.times("cpu"))), ("-", 4, 4))
        worker.ask(f"output {file}")
        self.assertEqual(file.read_text(), str(3 * (1 + 4 + 2)))
        engines.Worker.end_all()
        self.assertEqual((engines.Worker.alive, worker.process.poll()), ([], -signal.SIGKILL))

    def test_one_that_ends_is_told(self):
        worker = engines.Worker("onnxruntime", "10", 1, "x", self.cpus)
        with self.assertRaisesRegex(tables.Failed, "status 5 of .*worker.py onnxruntime 10 1 x"):
            worker.turn(3)
        with self.assertRaisesRegex(tables.Failed, "status 5 of "):
            worker.turn(3)


@unittest.skipUnless(platform.machine() == "x86_64" and shutil.which("cc") and shutil.which("objdump"), "x86-64, cc, objdump")
class HiddenInstructions(Folder):
    PROGRAM = r"""
#include <cpuid.h>
#include <stdio.h>
static const unsigned char data[] = {0x0f, 0xa2, 0x0f, 0xa2}; /* cpuid's bytes, and no instructions */
int main(void) {
  unsigned a, b, c, d;
  __cpuid(0, a, b, c, d);
  printf("%u %.4s%.4s%.4s ", a > 6, (char *)&b, (char *)&d, (char *)&c);
  __cpuid_count(7, 0, a, b, c, d);
  printf("%u %u %u\n", b >> 16 & 1, b >> 5 & 1, data[0] + (data[1] << 8));
  return 0;
}
"""

    def build(self, *flags):
        (self.folder / "p.c").write_text(self.PROGRAM)
        engines.run("cc", "-O1", *flags, self.folder / "p.c", "-o", self.folder / "p")
        return self.folder / "p"

    def test_only_instructions_are_replaced(self):
        for flags in (), ("-g",), ("-static", "-g"):
            with self.subTest(flags=flags):
                path = self.build(*flags)
                before, places = path.read_bytes(), list(hide_avx512.offsets(path))
                self.assertGreaterEqual(len(places), 2)
                self.assertEqual(hide_avx512.hide(path), len(places))
                after = path.read_bytes()
                self.assertEqual([i for i, (x, y) in enumerate(zip(before, after)) if x != y], sorted(p + 1 for p in places))
                self.assertTrue(all(after[p:p + 2] == b"\x0f\x0b" for p in places))
                self.assertEqual(hide_avx512.hide(path), 0)

    def test_the_preloaded_library_answers_without_avx512(self):
        plain = engines.run(self.build())[0].split()
        environment = hide_avx512.environment(self.folder / "hidden", [], "cc")
        hide_avx512.hide(self.folder / "p")
        hidden = engines.run(self.folder / "p", env=environment)[0].split()
        self.assertEqual(hidden, [*plain[:2], "0", *plain[3:]])

    def test_another_illegal_instruction_still_ends_the_process(self):
        (self.folder / "p.c").write_text('int main(void) { __asm__ volatile(".byte 0x0f, 0xff"); return 0; }')
        engines.run("cc", self.folder / "p.c", "-o", self.folder / "p")
        environment = hide_avx512.environment(self.folder / "hidden", [], "cc")
        self.assertRaisesRegex(tables.Failed, f"status -{signal.SIGILL.value}", engines.run, self.folder / "p", env=environment)


if __name__ == "__main__":
    unittest.main()
