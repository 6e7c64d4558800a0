"""Every TensorRT name that our source uses, read from the source itself.

The code keeps to conventions that make this possible: the module is called `trt` (or `_trt` on an object, `tensorrt` in
annotations), and every object that TensorRT gives back gets a variable with its type, `parser: tensorrt.OnnxParser`.
Where one is used without a type, that is a fault: its names would go unchecked.

A name that not every version has is tested for with `hasattr(object, "name")`; it then has to exist in one of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from requirements.tensorrt_reader import Findings, Reader
from requirements.tensorrt_values import PLAIN, Value, annotated


def names_in(files: Iterable[Path], root: Path) -> Findings:
    """What all these files name together."""
    trees = {str(file.relative_to(root)): ast.parse(file.read_text(encoding="utf-8")) for file in files}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    fields = [inner for node in nodes if isinstance(node, ast.ClassDef) for inner in ast.walk(node)]
    returns = _agreed((node.name, annotated(node.returns)) for node in functions)
    known = _agreed(
        (ast.unparse(node.target).rpartition(".")[2], annotated(node.annotation))
        for node in fields
        if isinstance(node, ast.AnnAssign)
    )
    findings = Findings()
    for name, tree in trees.items():
        Reader(name, findings, returns, known).read(tree.body)
    return findings


def _agreed(declared: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """What a function or field of this name gives, where all of that name give the same thing of TensorRT's."""
    values: dict[str, set[Value]] = {}
    for name, value in declared:
        values.setdefault(name, set()).add(value)
    return {name: next(iter(given)) for name, given in values.items() if len(given) == 1 and PLAIN not in given}


def source_files(root: Path) -> Iterator[Path]:
    """Every module of the package, in its real folders."""
    for folder in ("libra_edge", "export", "runtime", "drivers", "calibration"):
        yield from sorted(file for file in (root / folder).rglob("*.py") if file.resolve() == file.absolute())
