"""Reads one file of our source from top to bottom and notes every TensorRT name in it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from requirements.tensorrt_values import MODULE_NAMES, PLAIN, Kind, Value, annotated, class_named, one_of

LOADER = "load_tensorrt"


@dataclass
class Findings:
    """What the source names.

    Attributes:
        names: dotted, without the module, and where each was found first.
        optional: those among them that the source tests for.
        faults: places where names would go unchecked.
    """

    names: dict[str, str] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)
    faults: dict[str, None] = field(default_factory=dict)


class Reader:
    """Goes through one file from top to bottom and keeps in mind what each variable holds."""

    def __init__(self, file: str, findings: Findings, returns: dict[str, Value], fields: dict[str, Value]) -> None:
        self._file = file
        self._findings = findings
        self._returns = returns
        self._fields = fields
        self._variables: dict[str, Value] = {}
        self._rules: dict[Any, Callable[[Any], Value]] = {
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Lambda: self._lambda,
            ast.NamedExpr: self._named,
            ast.Subscript: self._element,
            ast.IfExp: self._either,
            ast.BoolOp: self._either,
        }

    def read(self, statements: Iterable[ast.stmt]) -> None:
        """Note every name in the statements."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._function(node)
        elif isinstance(node, ast.ClassDef):
            self._class(node)
        elif isinstance(node, ast.AnnAssign):
            self._evaluate(node.value)
            self._bind_annotated(node.target, node.annotation)
        elif isinstance(node, ast.Assign):
            value = self._evaluate(node.value)
            for target in node.targets:
                self._bind(target, value)
        else:
            self._rest(node)

    def _rest(self, node: ast.AST) -> None:
        """What lies inside, loops and `with` among it."""
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            self._bind(node.target, one_of(self._evaluate(node.iter)))
        if isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._bind(node.optional_vars, self._evaluate(node.context_expr))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child)
            elif isinstance(child, ast.expr):
                self._evaluate(child)
            else:
                self._rest(child)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        outside = dict(self._variables)
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self._bind_annotated(ast.Name(argument.arg), argument.annotation)
        for default in (*arguments.defaults, *arguments.kw_defaults):
            self._evaluate(default)
        if isinstance(node, ast.Lambda):
            self._evaluate(node.body)
        else:
            self._annotation(node.returns)
            for decorator in node.decorator_list:
                self._evaluate(decorator)
            self.read(node.body)
        self._variables = outside

    def _class(self, node: ast.ClassDef) -> None:
        """Fields first, wherever they stand; methods of a subclass of TensorRT's are names of the class above."""
        outside = dict(self._variables)
        bases = [self._evaluate(base) for base in node.bases]
        for inner in ast.walk(node):
            if isinstance(inner, ast.AnnAssign):
                field_name = ast.unparse(inner.target)
                given = annotated(inner.annotation)
                self._variables[field_name if "." in field_name else f"self.{field_name}"] = given
        for base in bases:
            if base.kind is Kind.NAME:
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                        self._note(f"{base.name}.{method.name}", method)
        self.read(node.body)
        self._variables = outside

    def _bind_annotated(self, target: ast.expr, annotation: ast.expr | None) -> None:
        self._annotation(annotation)
        self._variables[ast.unparse(target)] = annotated(annotation)

    def _bind(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Attribute):
            self._evaluate(target)
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._bind(part, value if value.kind is Kind.UNTYPED else PLAIN)
        elif self._variables.get(ast.unparse(target), PLAIN).kind is not Kind.OBJECT or value.kind is Kind.OBJECT:
            self._variables[ast.unparse(target)] = value

    def _annotation(self, annotation: ast.expr | None) -> None:
        for node in ast.walk(annotation) if annotation is not None else ():
            if (name := class_named(node)) is not None:
                self._note(name, node)

    def _evaluate(self, node: ast.expr | None) -> Value:
        """What an expression gives; notes every name inside."""
        if isinstance(node, ast.Name):
            return Value(Kind.MODULE) if node.id in MODULE_NAMES else self._variables.get(node.id, PLAIN)
        if isinstance(node, ast.Await | ast.Starred):
            return self._evaluate(node.value)
        for kind, rule in self._rules.items():
            if isinstance(node, kind):
                return rule(node)
        if node is not None:
            self._comprehended(node)
        return PLAIN

    def _lambda(self, node: ast.Lambda) -> Value:
        self._function(node)
        return PLAIN

    def _named(self, node: ast.NamedExpr) -> Value:
        value = self._evaluate(node.value)
        self._bind(node.target, value)
        return value

    def _element(self, node: ast.Subscript) -> Value:
        self._evaluate(node.slice)
        return one_of(self._evaluate(node.value))

    def _comprehended(self, node: ast.expr) -> None:
        """Loops of a comprehension first, as its element uses their variables."""
        for generator in getattr(node, "generators", ()):
            self._rest(generator)
        self._rest(node)

    def _either(self, node: ast.IfExp | ast.BoolOp) -> Value:
        parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        if isinstance(node, ast.IfExp):
            self._evaluate(node.test)
        values = [self._evaluate(part) for part in parts]
        return next((value for value in values if value != PLAIN), PLAIN)

    def _attribute(self, node: ast.Attribute) -> Value:
        value = self._evaluate(node.value)
        if node.attr in MODULE_NAMES and value.kind is Kind.PLAIN:
            return Value(Kind.MODULE)
        if value.kind is Kind.MODULE:
            return self._note(node.attr, node)
        if value.kind in (Kind.NAME, Kind.OBJECT):
            name = self._note(f"{value.name}.{node.attr}", node).name
            return Value(Kind.UNTYPED if value.kind is Kind.OBJECT else Kind.NAME, name)
        if value.kind in (Kind.UNTYPED, Kind.SEVERAL):
            self._fault(node, f"`.{node.attr}` of what {value.name} gives: put it in a variable with a type first")
            return value
        return self._variables.get(ast.unparse(node), self._fields.get(node.attr, PLAIN))

    def _call(self, node: ast.Call) -> Value:
        function = self._evaluate(node.func)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self._evaluate(argument)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if called in ("hasattr", "getattr") and len(node.args) > 1:
            return self._asked_for(node, called)
        if called == LOADER:
            return Value(Kind.MODULE)
        if function.kind is Kind.NAME:
            return Value(Kind.OBJECT, function.name)
        return function if function.kind is Kind.UNTYPED else self._returns.get(called, PLAIN)

    def _asked_for(self, node: ast.Call, function: str) -> Value:
        """`hasattr(object, "name")`, `getattr(object, "name", default)`: a name that a version may lack."""
        value, name = self._evaluate(node.args[0]), node.args[1]
        if value.kind not in (Kind.MODULE, Kind.NAME, Kind.OBJECT):
            return PLAIN
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            self._fault(node, f"{function} with a name that only running it tells")
            return PLAIN
        dotted = f"{value.name}.{name.value}".lstrip(".")
        self._note(dotted, node)
        if function == "hasattr" or len(node.args) > 2:
            self._findings.optional.add(dotted)
        return Value(Kind.UNTYPED, dotted)

    def _note(self, name: str, node: ast.AST) -> Value:
        self._findings.names.setdefault(name, self._place(node))
        return Value(Kind.NAME, name)

    def _fault(self, node: ast.AST, problem: str) -> None:
        self._findings.faults[f"{self._place(node)}: {problem}"] = None

    def _place(self, node: ast.AST) -> str:
        return f"{self._file}:{getattr(node, 'lineno', 0)}"
