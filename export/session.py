"""One ONNX graph, loaded into ONNX Runtime the way the runtime loads it: one thread, no spinning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

Feed = dict[str, NDArray[Any]]


class GraphSession:
    """A loaded graph."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError with one clause if ONNX Runtime cannot load the graph."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class but this
            raise ValueError(f"cannot be loaded into ONNX Runtime: {_first_line(error)}") from error
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, feed: Feed) -> Feed:
        """Outputs by name. Raises ValueError with one clause if ONNX Runtime fails."""
        try:
            results = self._session.run(None, feed)
        except Exception as error:  # onnxruntime's exceptions share no base class but this
            raise ValueError(f"fails in ONNX Runtime: {_first_line(error)}") from error
        return dict(zip(self._outputs, results, strict=True))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
