"""ONNX's own backend tests through nextc.backend, but for the models that they download. An operator or type that nextc does
not compile is a skip; what it compiles must be right. The last line counts."""
import io
import sys
import unittest

import nextc

try:
    import onnx.backend.test
    from onnx.backend.base import Backend
except ImportError:
    print("skipped: no package onnx")
    sys.exit(0)
if not nextc.has_jit:
    print("skipped: built without LLVM")
    sys.exit(0)

from nextc import backend


# ONNX's reference divides by scale * length - 1, which need not be a whole number; nextc by the output's length - 1, as the
# operator's text says and ONNX Runtime does.
DIFFERS = r"test_resize_downsample_scales_(linear|cubic)_align_corners"


def or_skip(function, *arguments):
    """The runner counts what is not supported as passed; here it is a skip."""
    try:
        return function(*arguments)
    except nextc.Error as e:
        raise unittest.SkipTest(e.diagnostics[0])


class Prepared:
    def __init__(self, prepared):
        self._prepared = prepared

    def run(self, inputs, **kwargs):
        return or_skip(self._prepared.run, inputs)


class NextcBackend(Backend):
    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        return True  # prepare says what it refuses

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        return Prepared(or_skip(backend.prepare, model, device))

    @classmethod
    def supports_device(cls, device):
        return backend.supports_device(device)


def main():
    runner = onnx.backend.test.BackendTest(NextcBackend, __name__)
    runner.exclude(DIFFERS)
    cases = runner.test_cases
    suite = unittest.TestSuite()
    for name, case in cases.items():
        if "RealModel" not in name:
            suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    result = unittest.TextTestRunner(verbosity=0, stream=io.StringIO()).run(suite)
    for test, trace in (result.failures + result.errors)[:20]:
        print(test, trace.strip().splitlines()[-1][:200])
    passed = result.testsRun - len(result.skipped) - len(result.failures) - len(result.errors)
    print(f"{result.testsRun} tests, {passed} passed, {len(result.skipped)} skipped, {len(result.failures)} failed, {len(result.errors)} errors")
    return 1 if result.failures or result.errors or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
