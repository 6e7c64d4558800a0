"""One ONNX graph, loaded into ONNX Runtime the way the runtime loads it: one thread, no spinning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from libra_edge.export.graph import Graph, external_folder, model_of

Feed = dict[str, NDArray[Any]]
CHANGES_LAYOUT = ["NchwcTransformer"]
"""Lays out the channels of FP32 convolutions anew, with other names and filled up to whole blocks. A profile is for
telling which layer ran in which precision, and this changes none."""


class GraphSession:
    """A loaded graph."""

    def __init__(self, source: Path | Graph, *, profile: Path | None = None) -> None:
        """`profile` is the beginning of the file name for `end_profile`: blocked layouts, which rename float
        convolutions and fill up their channels, are left out then.

        Raises ValueError with one clause if ONNX Runtime cannot load the graph.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        if profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile)
        try:
            self._session = ort.InferenceSession(
                _loadable(source, options),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=None if profile is None else CHANGES_LAYOUT,
            )
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

    def end_profile(self) -> Path:
        """Write the execution profile, a JSON file of Chrome's trace format."""
        return Path(self._session.end_profiling())


def _loadable(source: Path | Graph, options: ort.SessionOptions) -> str | bytes:
    """A path; or the graph without the weights that lie in an external data file, and where that is."""
    if isinstance(source, Path):
        return str(source)
    folder = external_folder(source)
    if folder is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder.resolve()))
    model: bytes = model_of(source, external=True).SerializeToString()
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
