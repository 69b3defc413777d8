"""Conditions that are always true, as far as their form alone shows it."""

from __future__ import annotations

import ast


def constant_truth(test: ast.expr) -> bool | None:
    """Return the truth of a condition without names, None when it depends on something."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = constant_truth(operand)
            return None if inner is None else not inner
        case ast.Tuple(elts=elements) | ast.List(elts=elements) if elements:
            return True  # `assert (seen, "message")`: a tuple with something in it is always true
        case ast.JoinedStr(values=parts) if any(isinstance(part, ast.Constant) and part.value for part in parts):
            return True
    return None


def always_true(test: ast.expr) -> bool:
    """Return whether a condition cannot fail: `True`, `x or True`, `x == x`, `len(x) >= 0`, `1 < 2`."""
    if constant_truth(test) or not any(isinstance(part, ast.Name) for part in ast.walk(test)):
        return True
    match test:
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(always_true(value) for value in values)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(always_true(value) for value in values)
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is() | ast.LtE() | ast.GtE()], comparators=[right]):
            return ast.dump(left) == ast.dump(right) or _length_at_least_zero(test)
    return False


def _length_at_least_zero(test: ast.Compare) -> bool:
    match test:
        case ast.Compare(left=ast.Call(func=ast.Name(id="len")), ops=[ast.GtE()], comparators=[ast.Constant(value=0)]):
            return True
    return False
