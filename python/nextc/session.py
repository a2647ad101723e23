"""InferenceSession: what programs written for ONNX Runtime call."""
import os
import tempfile

from .model import Error, load


class NodeArg:
    """name, type ("tensor(float)") and shape (numbers and names) of an input or output."""

    def __init__(self, info):
        self.name = info.name
        self.type = f"tensor({info.type})"
        self.shape = list(info.shape)

    def __repr__(self):
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


class SessionOptions:
    """Takes every option that ONNX Runtime has; a session looks at intra_op_num_threads."""

    intra_op_num_threads = 0

    def add_session_config_entry(self, key, value):
        pass


def get_available_providers():
    return ["CPUExecutionProvider"]


class InferenceSession:
    """path_or_bytes: a file, or a serialized model. Options and providers of ONNX Runtime are taken and not looked at, but
    for sess_options.intra_op_num_threads."""

    def __init__(self, path_or_bytes, sess_options=None, providers=None, provider_options=None, **kwargs):
        threads = getattr(sess_options, "intra_op_num_threads", 0) or 1
        self._file = None
        if isinstance(path_or_bytes, (bytes, bytearray)):
            self._file = tempfile.NamedTemporaryFile(suffix=".onnx")  # weights are read from it as long as it lives
            self._file.write(path_or_bytes)
            self._file.flush()
            path_or_bytes = self._file.name
        self._model = load(os.fspath(path_or_bytes), threads=threads)

    def get_inputs(self):
        return [NodeArg(info) for info in self._model.inputs]

    def get_outputs(self):
        return [NodeArg(info) for info in self._model.outputs]

    def get_providers(self):
        return get_available_providers()

    def run(self, output_names, input_feed, run_options=None):
        """A list of arrays, of the outputs named (None: all). Lists of numbers become arrays of the input's dtype."""
        if not output_names:
            output_names = [info.name for info in self._model.outputs]
        results = self._model.run(input_feed, outputs=list(output_names))
        return [results] if len(self._model.outputs) == 1 else results


__all__ = ["Error", "InferenceSession", "NodeArg", "SessionOptions", "get_available_providers"]
