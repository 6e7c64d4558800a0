"""Results of a long series, one JSON object a line, so that a series that was broken off can be gone on with."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import libra_edge

SOURCES = ("libra_edge", "runtime", "drivers", "calibration", "benchmarks/soak", "benchmarks/real_time")


class EpisodeFile:
    """Appends results; each is on the disk before the next episode begins."""

    def __init__(self, path: Path) -> None:
        """Reads what is there already; a last line that was cut off is thrown away."""
        self.path = path
        self.episodes: list[dict[str, Any]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            whole = path.read_bytes().rpartition(b"\n")[0]
            self.episodes = [json.loads(line) for line in whole.splitlines()]
            os.truncate(path, len(whole) + 1 if whole else 0)

    def append(self, episode: dict[str, Any]) -> None:
        """Keep one more."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(episode) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.episodes.append(episode)


def fingerprint(*facts: str) -> str:
    """Of the sources that decide a result, the robots and `facts`: results of different code never share a file."""
    digest = hashlib.sha256("\n".join(facts).encode())
    root = Path(libra_edge.__file__).resolve().parent.parent
    for folder in SOURCES:
        for path in sorted([*(root / folder).rglob("*.py"), *(root / folder).rglob("*.toml")]):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
