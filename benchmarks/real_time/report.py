"""What every benchmark says: progress on stderr, its figures as one JSON object in the last line of stdout."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from libra_edge.errors import LibraEdgeError


class Progress:
    """Counts what is done on stderr, with the time that is left."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._begun, self._done, self._before = time.monotonic(), 0, 0

    def skip(self, count: int) -> None:
        """So many were done by an earlier call."""
        self._done = self._before = count

    def advance(self, remark: str = "") -> None:
        """One more is done."""
        self._done += 1
        each_s = (time.monotonic() - self._begun) / (self._done - self._before)
        left_s = each_s * (self._total - self._done)
        remark = f"; {remark}" if remark else ""
        print(
            f"{self._what} {self._done}/{self._total}, {left_s / 60:.1f} min left{remark}", file=sys.stderr, flush=True
        )


def quantiles(values: Any, digits: int = 3) -> dict[str, float | int | None]:
    """`{"p50":, "p90":, "p99":, "max":, "n":}` of any numbers, null where there are none."""
    data = np.asarray(list(values), dtype=np.float64)
    if not len(data):
        return {"p50": None, "p90": None, "p99": None, "max": None, "n": 0}
    shares = {name: round(float(np.percentile(data, q)), digits) for name, q in (("p50", 50), ("p90", 90), ("p99", 99))}
    return {**shares, "max": round(float(data.max()), digits), "n": len(data)}


def circumstances() -> dict[str, str]:
    """Date, processor and Python of the machine that measures."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.machine()
    return {
        "date": f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
        "processor": processor,
        "python": platform.python_version(),
    }


def end_with(main: Callable[[], int]) -> NoReturn:
    """Leave with the exit code of `main`; what the package raises becomes one sentence."""
    try:
        code = main()
    except LibraEdgeError as error:
        print(error, file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def print_result(figures: dict[str, Any]) -> None:
    """The last line."""
    print(json.dumps({**circumstances(), **figures}), flush=True)
