"""ONNX's own backend tests (node tests) through nextc.backend. An operator or type that nextc does not compile is a skip;
what it compiles must be right. The last line counts."""
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


class NextcBackend(Backend):
    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        return True  # prepare says what it refuses

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        try:
            return backend.prepare(model, device)
        except nextc.Error as e:
            raise unittest.SkipTest(e.diagnostics[0])

    @classmethod
    def supports_device(cls, device):
        return backend.supports_device(device)


def main():
    runner = onnx.backend.test.BackendTest(NextcBackend, __name__)
    cases = runner.test_cases
    suite = unittest.TestSuite()
    for name, case in cases.items():
        if "Node" in name:
            suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    result = unittest.TextTestRunner(verbosity=0, stream=io.StringIO()).run(suite)
    for test, trace in (result.failures + result.errors)[:20]:
        print(test, trace.strip().splitlines()[-1][:200])
    print(f"{result.testsRun} tests, {len(result.skipped)} skipped, {len(result.failures)} failed, {len(result.errors)} errors")
    return 1 if result.failures or result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
