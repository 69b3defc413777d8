"""A Python file as a syntax tree, with its imported names resolved; nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTION_TYPES = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, eq=False)
class Source:
    """A file that could be parsed."""

    path: Path
    name: str
    """Relative to the project's folder, as findings show it."""
    text: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    """The dotted name behind each imported name: `time.sleep` for `sleep`."""

    @classmethod
    def read(cls, path: Path, project: Path) -> Source:
        """Parse a file.

        Raises:
            SyntaxError: it is not valid Python; undecodable text and null bytes count, too.
        """
        name = path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix()
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except ValueError as error:
            raise SyntaxError(str(error)) from error
        return cls(path, name, text, tree, _imports(tree))

    def dotted(self, node: ast.AST) -> str:
        """Return the full name of a name or attribute chain (`time.sleep`); empty for anything else."""
        match node:
            case ast.Name(id=name):
                return self.imports.get(name, name)
            case ast.Attribute(value=value, attr=attribute):
                start = self.dotted(value)
                return f"{start}.{attribute}" if start else ""
        return ""

    def functions(self) -> Iterator[Function]:
        """Yield every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, FUNCTION_TYPES))

    @cached_property
    def top_functions(self) -> dict[str, Function]:
        """Return the functions of the module itself, by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, FUNCTION_TYPES)}

    def function_around(self, line: int) -> Function | None:
        """Return the outermost function whose lines, decorators included, hold this one."""
        around = (each for each in self.functions() if first_line(each) <= line <= (each.end_lineno or each.lineno))
        return min(around, key=first_line, default=None)


def first_line(function: Function) -> int:
    """Return the line of the first decorator, or of `def`."""
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def parameters(function: Function) -> list[str]:
    """Return the names of all parameters, in order."""
    those = function.args
    names = [*those.posonlyargs, *those.args, *([those.vararg] if those.vararg else []), *those.kwonlyargs]
    return [each.arg for each in [*names, *([those.kwarg] if those.kwarg else [])]]


def own_body(function: Function) -> list[ast.stmt]:
    """Return the statements of a function without its docstring."""
    body = function.body
    return body[1:] if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) else body


def root_name(node: ast.AST) -> str:
    """Return the name at which a chain of attributes, subscripts and calls begins; empty when there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Await | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def chain(node: ast.AST) -> list[str]:
    """Return `["context", "world", "changes"]` for such a chain of attributes; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []


def _imports(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                found[each.asname or each.name.split(".")[0]] = each.name if each.asname else each.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                found[each.asname or each.name] = f"{node.module or ''}.{each.name}"
    return found
