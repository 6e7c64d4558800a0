"""Which of the names on stdin (a JSON list) does a module lack? Prints a JSON list: `tensorrt_lookup.py FOLDER MODULE`.

Run as a program of its own: the bindings are loaded against stub libraries, which must stay out of any other process.
"""

from __future__ import annotations

import importlib
import json
import sys


def lacking(module: object, names: list[str]) -> list[str]:
    """The dotted names that lead to nothing below `module`."""
    return [name for name in names if not leads_somewhere(module, name)]


def leads_somewhere(place: object, name: str) -> bool:
    """Whether each part of a dotted name is there."""
    for part in name.split("."):
        if not hasattr(place, part):
            return False
        place = getattr(place, part)
    return True


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    found = importlib.import_module(sys.argv[2])
    print(json.dumps({"version": found.__version__, "lacking": lacking(found, json.load(sys.stdin))}))
