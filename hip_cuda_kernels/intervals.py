"""Formulas on intervals: which results the words of one stretch can give at most. Bounds are wide enough for every rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hip_cuda_kernels.formula import CONSTANT, OPERATIONS, Step, U, X

Floats = np.ndarray[Any, np.dtype[np.float64]]
Span = tuple[Floats, Floats]  # lowest and highest of each stretch
_UNARY = OPERATIONS["add"]  # operations below it take one operand


def bounds(program: tuple[Step, ...], u: Span, x: Span) -> Span:
    """Return the lowest and the highest result of the steps on each stretch of u and x; infinite where nothing is known."""
    stack: list[Span] = []
    with np.errstate(all="ignore"):
        for operation, constant in program:
            if operation == CONSTANT:
                stack.append((np.full_like(u[0], constant), np.full_like(u[0], constant)))
            elif operation in (U, X):
                stack.append(u if operation == U else x)
            else:
                taken = 1 if operation < _UNARY else 2
                spans = [stack.pop() for _ in range(taken)][::-1]
                stack.append(_known(*_RULES[operation](*spans)))
    return stack[0]


def _known(low: Floats, high: Floats) -> Span:
    """Take an undefined end, as of infinity less infinity, for an open one."""
    undefined = np.isnan(low) | np.isnan(high)
    return np.where(undefined, -np.inf, low), np.where(undefined, np.inf, high)


def _wider(low: Floats, high: Floats) -> Span:
    """Leave room for a few last places: libraries differ in how they round."""
    for _ in range(4):
        low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
    return low, high


def _open(like: Span) -> Span:
    return np.full_like(like[0], -np.inf), np.full_like(like[0], np.inf)


def _rising(function: Callable[[Floats], Floats]) -> Callable[[Span], Span]:
    return lambda a: _wider(function(a[0]), function(a[1]))


def _stepping(function: Callable[[Floats], Floats]) -> Callable[[Span], Span]:
    return lambda a: (function(a[0]), function(a[1]))


def _round(a: Floats) -> Floats:
    down = np.floor(np.abs(a))
    rounded: Floats = np.copysign(down + (np.abs(a) - down >= 0.5), a)
    return rounded


def _abs(a: Span) -> Span:
    ends = np.abs(a[0]), np.abs(a[1])
    low = np.where((a[0] <= 0) & (a[1] >= 0), 0.0, np.minimum(*ends))
    return low, np.maximum(*ends)


def _from(lowest: float, function: Callable[[Floats], Floats]) -> Callable[[Span], Span]:
    """Return the rule of a rising function of numbers above `lowest`; open where it may leave them."""

    def rule(a: Span) -> Span:
        low, high = _wider(function(a[0]), function(a[1]))
        inside = a[0] >= lowest
        return np.where(inside, low, -np.inf), np.where(inside, high, np.inf)

    return rule


def _corners(function: Callable[[Floats, Floats], Floats], a: Span, b: Span) -> Span:
    values = [function(left, right) for left in a for right in b]
    low, high = np.minimum.reduce(values), np.maximum.reduce(values)
    return _wider(low, high)


def _divide(a: Span, b: Span) -> Span:
    low, high = _corners(np.divide, a, b)
    through = (b[0] <= 0) & (b[1] >= 0)
    return np.where(through, -np.inf, low), np.where(through, np.inf, high)


def _floor_divide(a: Span, b: Span) -> Span:
    low, high = _divide(a, b)
    return np.floor(low), np.floor(high)


def _modulo(a: Span, b: Span) -> Span:
    """Lie between 0 and a positive divisor, a last place of the operand aside."""
    slack = np.maximum(np.abs(a[0]), np.abs(a[1])) * 2.0**-50 + b[1] * 2.0**-50
    positive = b[0] > 0
    return np.where(positive, -slack, -np.inf), np.where(positive, b[1] + slack, np.inf)


def _power(a: Span, b: Span) -> Span:
    low, high = _corners(np.power, a, b)
    positive = a[0] > 0
    return np.where(positive, low, -np.inf), np.where(positive, high, np.inf)


def _wave(a: Span) -> Span:
    return np.full_like(a[0], -1.0), np.full_like(a[0], 1.0)


_NAMED: dict[str, Callable[..., Span]] = {
    "negate": lambda a: (-a[1], -a[0]), "abs": _abs, "floor": _stepping(np.floor), "ceil": _stepping(np.ceil), "round": _stepping(_round),
    "trunc": _stepping(np.trunc), "sqrt": _from(0.0, np.sqrt), "log": _from(0.0, np.log), "exp": _rising(np.exp), "sin": _wave, "cos": _wave,
    "add": lambda a, b: _wider(a[0] + b[0], a[1] + b[1]), "subtract": lambda a, b: _wider(a[0] - b[1], a[1] - b[0]),
    "multiply": lambda a, b: _corners(np.multiply, a, b), "divide": _divide, "floor_divide": _floor_divide, "modulo": _modulo,
    "power": _power, "min": lambda a, b: (np.minimum(a[0], b[0]), np.minimum(a[1], b[1])),
    "max": lambda a, b: (np.maximum(a[0], b[0]), np.maximum(a[1], b[1])),
}  # fmt: skip
_RULES = {OPERATIONS[name]: rule for name, rule in _NAMED.items()}
