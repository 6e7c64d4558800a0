"""The one place that imports pycuda and NVIDIA's cuda-bindings.

pycuda gives contexts and memory. It has neither stream priorities nor graphs, and its events can be recorded on its own
streams only, so streams, events and graphs come from cuda-bindings. Elsewhere both are attributes of a `CudaLibrary`,
so that the same code runs on stand-ins.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from libra_edge.errors import MissingDependencyError

EXTRA = 'install it with: pip install "libra-edge[jetson]"'


@dataclass(frozen=True, slots=True, eq=False)
class CudaLibrary:
    """Two ways into the CUDA driver.

    Attributes:
        pycuda: the module `pycuda.driver`.
        driver: the module `cuda.bindings.driver`, whose functions give a code and then what was asked for.
    """

    pycuda: ModuleType
    driver: ModuleType


def load_cuda() -> CudaLibrary:
    """Both modules. Raises MissingDependencyError if one is not there."""
    return CudaLibrary(
        _imported("pycuda.driver", "pycuda", f"{EXTRA}; it is compiled against the CUDA toolkit, nvcc has to be there"),
        _imported("cuda.bindings.driver", "cuda-bindings", EXTRA),
    )


def _imported(module: str, package: str, advice: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(package, f"{advice} ({error})") from error
