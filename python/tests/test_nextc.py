"""The Python package on the models of examples/digits: running, dtypes and shapes, errors, threads, C, texts."""
import os
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import numpy as np

import nextc

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"
MODEL = DIGITS / "digits_convnext.onnx"


def images(count):
    return np.load(DIGITS / "test_images.npy")[:count].astype(np.float32)


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not nextc.has_jit:
            raise unittest.SkipTest("built without LLVM")
        cls.model = nextc.load(MODEL)
        cls.input = cls.model.inputs[0]
        cls.batch = 3 if isinstance(cls.input.shape[0], str) else cls.input.shape[0]
        cls.x = images(cls.batch)
        cls.want = cls.model.run(cls.x)

    def test_right_answers(self):
        labels = np.load(DIGITS / "test_labels.npy")
        x = images(60)
        got = [self.model.run(x[i : i + self.batch]).argmax(-1) for i in range(0, 60, self.batch)]
        self.assertGreater((np.concatenate(got) == labels[:60]).mean(), 0.9)

    def test_every_way_to_give_inputs(self):
        name = self.input.name
        for inputs in (self.x, [self.x], (self.x,), {name: self.x}):
            np.testing.assert_array_equal(self.model.run(inputs), self.want)

    def test_strided_input_is_copied_right(self):
        wide = np.repeat(self.x, 2, axis=-1)[..., ::2]
        self.assertFalse(wide.flags.c_contiguous)
        np.testing.assert_array_equal(self.model.run(wide), self.want)

    def test_input_is_not_changed(self):
        x = self.x.copy()
        x.flags.writeable = False
        self.model.run(x)
        np.testing.assert_array_equal(x, self.x)

    def test_threads_give_the_same_bits(self):
        np.testing.assert_array_equal(nextc.load(MODEL, threads=3).run(self.x), self.want)

    def test_generic_target(self):
        np.testing.assert_allclose(nextc.load(MODEL, target="generic").run(self.x), self.want, rtol=1e-4, atol=1e-4)

    def test_shared_by_threads(self):
        wrong = []

        def work():
            for _ in range(10):
                if not np.array_equal(self.model.run(self.x), self.want):
                    wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])

    def refuse(self, text, call):
        with self.assertRaises(nextc.Error) as caught:
            call()
        self.assertIn(text, str(caught.exception))
        self.assertTrue(caught.exception.diagnostics)

    def test_wrong_inputs(self):
        self.refuse("float64", lambda: self.model.run(self.x.astype(np.float64)))
        self.refuse("needs", lambda: self.model.run(self.x[..., :-1]))
        self.refuse("float32", lambda: self.model.run(self.x[0]))
        self.refuse("missing or unknown", lambda: self.model.run({"nobody": self.x}))
        self.refuse("2 inputs given", lambda: self.model.run([self.x, self.x]))
        self.refuse("no output 'z'", lambda: self.model.run(self.x, outputs=["z"]))

    def test_wrong_options(self):
        self.refuse("unknown target 'v9'", lambda: nextc.load(MODEL, target="v9").run(self.x))

    def test_session(self):
        s = nextc.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
        self.assertEqual(s.get_inputs()[0].type, "tensor(float)")
        name = s.get_inputs()[0].name
        for session in (s, nextc.InferenceSession(MODEL.read_bytes())):
            outputs = session.run(None, {name: self.x})
            self.assertIsInstance(outputs, list)
            np.testing.assert_array_equal(outputs[0], self.want)
        np.testing.assert_array_equal(s.run([s.get_outputs()[0].name], {name: self.x})[0], self.want)

    def test_session_as_onnx_runtime(self):
        self.assertEqual(nextc.get_available_providers(), ["CPUExecutionProvider"])
        options = nextc.SessionOptions()
        options.intra_op_num_threads = 2
        options.graph_optimization_level = 99
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        s = nextc.InferenceSession(MODEL.read_bytes(), options, providers=nextc.get_available_providers())
        want = s.run(None, {self.input.name: self.x})[0]
        got = s.run([s.get_outputs()[0].name], {self.input.name: self.x.tolist()})[0]
        np.testing.assert_array_equal(got, want)
        with self.assertRaisesRegex(nextc.Error, "is missing or unknown"):
            s.run(None, {"nothing": self.x})
        with self.assertRaisesRegex(nextc.Error, "no output 'nothing'"):
            s.run(["nothing"], {self.input.name: self.x})
        with self.assertRaisesRegex(nextc.Error, "float64"):
            s.run(None, {self.input.name: self.x.astype("f8")})

    def test_type_that_numpy_lacks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "b.nir"
            path.write_text('nir 1\ngraph "b"\n%1 = input {name="x"} : bf16[2]\noutput %1 {name="y"}\n')
            s = nextc.InferenceSession(path)
            self.assertEqual(s.get_inputs()[0].type, "tensor(bfloat16)")
            self.refuse("input 'x'", lambda: s.run(None, {"x": np.zeros(2, np.float32)}))
            bits = np.array([0x3F80, 0xC020], np.uint16)  # 1, -2.5
            path.write_text('nir 1\ngraph "b"\n%1 = input {name="x"} : bf16[2]\n%2 = neg %1\noutput %2 {name="y"}\n')
            got = nextc.InferenceSession(path).run(None, {"x": bits})[0]
            np.testing.assert_array_equal(got.view(np.uint16), bits ^ 0x8000)

    def test_backend(self):
        from nextc import backend

        self.assertTrue(backend.supports_device("CPU") and not backend.supports_device("CUDA"))
        prepared = backend.prepare(MODEL)
        np.testing.assert_array_equal(prepared.run([self.x])[0], self.want)
        np.testing.assert_array_equal(backend.run_model(MODEL, self.x)[0], self.want)
        self.refuse("no device", lambda: backend.prepare(MODEL, "CUDA"))


class Looking(unittest.TestCase):
    def test_texts(self):
        m = nextc.load(MODEL)
        self.assertTrue(m.ir().startswith("nir 1\n"))
        self.assertIn('after="channels-last"', m.ir(after="channels_last"))
        self.assertIn("channels-last", nextc.passes())
        self.assertEqual(nextc.targets()[0], "generic")
        with self.assertRaises(nextc.Error):
            m.ir(after="no-such-pass")

    def test_info(self):
        info = nextc.load(MODEL).info()
        self.assertGreater(info["macs"], 1000)
        self.assertGreater(info["params"], 60000)

    def test_no_file(self):
        with self.assertRaises(nextc.Error) as caught:
            nextc.load("absent.onnx")
        self.assertEqual(len(caught.exception.diagnostics), 1)
        self.assertIn("absent.onnx: error:", caught.exception.diagnostics[0])

    def test_weights_of_a_description(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m.yaml"
            path.write_text("family: convnext\ndepths: [1]\ndims: [8]\nclasses: 3\ninput: {name: x, channels: 1, size: 16}\n")
            texts = [nextc.load(path, weights=f"random:{seed}").emit_c() for seed in (1, 1, 2)]
            self.assertEqual(texts[0], texts[1])
            self.assertNotEqual(texts[0], texts[2])
            with self.assertRaises(nextc.Error) as caught:
                nextc.load(path, weights=Path(folder) / "absent.npz")
            self.assertIn("absent.npz", caught.exception.diagnostics[0])

    def test_no_model(self):
        with tempfile.NamedTemporaryFile(suffix=".onnx") as f:
            f.write(b"rubbish")
            f.flush()
            with self.assertRaises(nextc.Error):
                nextc.load(f.name)

    def test_c(self):
        m = nextc.load(MODEL)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m.c"
            m.emit_c(path)
            self.assertIn("digits_convnext_run", path.with_suffix(".h").read_text())
            memory = m.emit_c()
            self.assertEqual(memory["c"].replace("digits_convnext.h", "m.h"), path.read_text())
            self.assertEqual(memory["h"], path.with_suffix(".h").read_text())
            self.assertIsNone(memory["weights"])
            m.emit_c(path, name="m", weights="file")
            memory = m.emit_c(name="m", weights="file")
            self.assertEqual(memory["weights"], path.with_suffix(".weights").read_bytes())
            if subprocess.run(["which", "cc"], capture_output=True).returncode == 0:
                subprocess.run(["cc", "-std=c99", "-Werror", "-c", path, "-o", os.devnull], check=True)
        with self.assertRaises(nextc.Error):
            m.emit_c(name="2x")
        with self.assertRaises(nextc.Error):
            m.emit_c(weights="object")

    def test_nothing_is_left_open(self):
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for _ in range(5):
            nextc.load(MODEL).ir()
        after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        self.assertEqual(before, after)


if __name__ == "__main__":
    unittest.main()
