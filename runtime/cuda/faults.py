"""What CUDA complains of, as an EngineError that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from libra_edge.errors import EngineError

OUT_OF_MEMORY = 2
"""CUDA_ERROR_OUT_OF_MEMORY of cuda.h."""

SENTENCES = {
    OUT_OF_MEMORY: "the GPU is out of memory; close other programs, or use a smaller model",
    700: "work on the GPU touched a wrong address, and nothing runs there any more; start the program again",
    702: "work on the GPU was ended by the driver because it took too long; start the program again",
    719: "work on the GPU broke off, and nothing runs there any more; start the program again",
}
"""CUresult of cuda.h -> what it means here."""


def checked(stage: str, answer: tuple[Any, ...]) -> Any:
    """What a function of cuda-bindings gives besides its code: nothing, one thing or a tuple. Raises EngineError."""
    code, *values = answer
    if int(code) != 0:
        name = getattr(code, "name", str(code))
        raise EngineError(stage, f"{SENTENCES.get(int(code), 'CUDA failed')} ({name})")
    return values[0] if len(values) == 1 else tuple(values)


@contextmanager
def translated(pycuda: ModuleType, stage: str) -> Iterator[None]:
    """What pycuda raises inside, as EngineError."""
    try:
        yield
    except pycuda.MemoryError as error:
        raise EngineError(stage, f"{SENTENCES[OUT_OF_MEMORY]} ({error})") from error
    except pycuda.Error as error:
        raise EngineError(stage, f"CUDA failed: {error}") from error
