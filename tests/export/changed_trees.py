"""Takes a valid document as a tree and changes a few of its nodes: what a fuzzer of bytes would hardly ever write.

Knows nothing of what the document means, so it goes on working when keys are added to it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.export.fuzzing import weighted

Path = tuple[str | int, ...]
Change = tuple[Path, str, Any, str]


class Raw(str):
    """Text that stands in the document as it is, whatever the format thinks of it."""

    __slots__ = ()


NUMBERS = (0, 1, -1, 2, 7, 8, 100, 10**6, 2**31, 2**63, -(2**63) - 1, 10**400, 0.0, -0.0, 0.5, 1.5, 5e-324, 1e-7, 1e308)
RAW_NUMBERS = (
    *("nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e999", "00"),
    *("1" * 4300, "1" * 5000, "0x" + "f" * 9000),
)
RAW_OTHERS = (
    *("null", "true", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-13-99"),
    *('"\\ud800"', '"\\u0000"', "'''", '"""', "1, 1", '1, "name": "x"', '1, name = "x"', ""),
    *("[" * 4000, "{" * 400, '{"a":' * 3000, "{a=" * 3000, "a." * 499 + "a"),
)
STRINGS = (
    *("", "a", "A", "name", "planner", "refiner", "state", "cpu", "failed", "true", "10", "1e3", "0" * 64, "f" * 63),
    *("../x", "/etc/passwd", "a/b", "a//b", ".", "x" * 50, "x" * 300),
    *("a\nb", "\x1b[31m", "\u202e", "é", "\U0001d4b3", "a\u2028b"),
)
KEYS = st.sampled_from(STRINGS)
SCALARS = weighted(
    (3, st.sampled_from((*STRINGS, *NUMBERS, True, False, None))),
    (3, st.sampled_from((*RAW_NUMBERS, *RAW_OTHERS)).map(Raw)),
    (1, st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)),
)
VALUES = weighted((8, SCALARS), (1, st.lists(SCALARS, max_size=3)), (1, st.dictionaries(KEYS, SCALARS, max_size=2)))


def changed(tree: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """`tree` after one to three changes: a node replaced, removed, renamed, repeated, moved or added."""
    paths = list(_paths(tree))
    kinds = st.sampled_from((*["replace"] * 6, "remove", "rename", "repeat", "add", "move"))
    change = st.tuples(st.sampled_from(paths), kinds, VALUES, KEYS)
    moved = st.sampled_from(paths).map(lambda path: _at(tree, path))
    borrowed = st.tuples(st.sampled_from(paths), st.just("replace"), moved, KEYS)
    return st.lists(weighted((4, change), (1, borrowed)), min_size=1, max_size=3).map(
        lambda changes: _changed(tree, changes)
    )


def as_json(tree: dict[str, Any]) -> str:
    """The tree with sorted keys and two spaces, Raw text as it is."""
    return _unquoted(json.dumps(tree, indent=2, sort_keys=True), tree) + "\n"


def as_toml(tree: dict[str, Any]) -> str:
    """The tree with one line a top-level key, tables in braces, Raw text as it is."""
    return "".join(f"{json.dumps(key)} = {_toml_value(value)}\n" for key, value in tree.items())


def _toml_value(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _unquoted(text: str, node: Any) -> str:
    if isinstance(node, Raw):
        return text.replace(json.dumps(node), node)
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        text = _unquoted(text, child)
    return text


def _paths(node: Any, here: Path = ()) -> Iterator[Path]:
    """Every node below `node`, as the keys that lead to it."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*here, key)
        yield from _paths(child, (*here, key))


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _changed(tree: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    tree = copy.deepcopy(tree)
    for path, kind, value, key in changes:
        try:
            parent = _at(tree, path[:-1])
            _change(parent, path[-1], kind, value, key)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took this node away
    return tree


def _change(parent: Any, place: Any, kind: str, value: Any, key: str) -> None:
    node = parent[place]
    if kind == "replace":
        parent[place] = copy.deepcopy(value)
    elif kind == "remove":
        del parent[place]
    elif kind == "rename":
        parent[key] = parent.pop(place)
    elif kind == "repeat":
        parent[place] = [node, node]
    elif kind == "move":
        parent[place] = {key: node}
    elif isinstance(node, list):
        node.append(value)
    else:
        node[key] = value
