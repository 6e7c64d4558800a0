"""What an expression of our source holds of TensorRT: its module, a name in it, an object of one of its classes."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum

MODULE_NAMES = ("trt", "_trt", "tensorrt")


class Kind(Enum):
    """What an expression gives: nothing of TensorRT's, its module, a name in it, an object of a class, or who knows."""

    PLAIN, MODULE, NAME, OBJECT, SEVERAL, UNTYPED = range(6)


@dataclass(frozen=True)
class Value:
    """What an expression gives, and the dotted name that it goes by: `Builder` for an object of that class."""

    kind: Kind
    name: str = ""


PLAIN = Value(Kind.PLAIN)


def annotated(annotation: ast.expr | None) -> Value:
    """What a variable with this annotation holds: `tensorrt.Builder`, that or None, or a list of them."""
    if annotation is None:
        return PLAIN
    if (name := class_named(annotation)) is not None:
        return Value(Kind.OBJECT, name)
    if isinstance(annotation, ast.BinOp):
        left, right = annotated(annotation.left), annotated(annotation.right)
        return right if left == PLAIN else left
    if isinstance(annotation, ast.Subscript):
        inner = [name for node in ast.walk(annotation.slice) if (name := class_named(node)) is not None]
        return Value(Kind.SEVERAL, inner[0]) if len(inner) == 1 else PLAIN
    return PLAIN


def class_named(node: ast.AST) -> str | None:
    """The dotted name below the module, if this is one."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return ".".join(parts) if parts and isinstance(node, ast.Name) and node.id in MODULE_NAMES else None


def one_of(value: Value) -> Value:
    """What an element of it holds."""
    return Value(Kind.OBJECT, value.name) if value.kind is Kind.SEVERAL else value
