"""Builds ONNX graphs with NVIDIA's TensorRT-RTX on the CPU, for SM86, with our own builder: `FOLDER GRAPH...`.

Run as a program of its own, so that a crash of the library is told apart from a refusal. Prints one JSON object a
graph: its `bytes` and `seconds` if it was built, else the `problem` and the `node`.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from libra_edge.errors import EngineBuildError, EngineError
from libra_edge.export.engine_builder import BuildSettings, build_plan, read_layers
from libra_edge.export.progress import SilentProgress
from requirements.tensorrt_wheels import RTX_MODULE

WORKSPACE_MB = 1024


def ahead_of_time(trt: Any, config: Any) -> None:
    """Build for an Ampere GPU that is not there; Orin's SM87 is not among those that this library knows."""
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(trt.ComputeCapability.SM86, 0):
        raise EngineError("TensorRT-RTX", "does not build for SM86")


def build(trt: Any, graph: Path) -> dict[str, object]:
    """Parse and build one graph. What comes out loads on a GPU only: here that has to be refused, not to crash."""
    settings = BuildSettings(WORKSPACE_MB, configure=lambda config: ahead_of_time(trt, config))
    start = time.monotonic()
    try:
        built = build_plan(trt, graph, settings, SilentProgress())
    except (EngineBuildError, EngineError) as error:
        return {"graph": str(graph), "problem": str(error), "node": getattr(error, "node", None)}
    seconds = round(time.monotonic() - start, 2)
    try:
        loads = bool(read_layers(trt, built.plan))
    except EngineError:
        loads = False
    return {"graph": str(graph), "bytes": built.plan.nbytes, "seconds": seconds, "loads": loads}


if __name__ == "__main__":
    # There a timing cache does nothing, and its functions say so each time.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="libra_edge")
    sys.path.insert(0, sys.argv[1])
    library = importlib.import_module(RTX_MODULE)
    for argument in sys.argv[2:]:
        print(json.dumps(build(library, Path(argument))), flush=True)
