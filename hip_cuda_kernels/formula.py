"""A user's formula for a draw: a few arithmetic words over the double u, compiled to postfix steps that every side runs alike.

Names: u (the runtime's double in [0,1)), x and w (the first word and its bits), M, lo, hi (the range and its size). Operators + - * /
// % ** and unary -, functions floor ceil round trunc abs sqrt log exp sin cos, min and max of two. Everything is IEEE double; round
takes halves away from zero; a // b is floor(a / b) and a % b is a - b * floor(a / b). The floor of the result is the draw.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hip_cuda_kernels.errors import IncompatibleMapping

# enum Operation of cpu/composed.h
CONSTANT, U, X = 0, 1, 2
OPERATIONS = {
    "negate": 10, "floor": 11, "ceil": 12, "round": 13, "trunc": 14, "abs": 15, "sqrt": 16, "log": 17, "exp": 18, "sin": 19, "cos": 20,
    "add": 30, "subtract": 31, "multiply": 32, "divide": 33, "floor_divide": 34, "modulo": 35, "power": 36, "min": 37, "max": 38,
}  # fmt: skip
ONE_ARGUMENT = ("floor", "ceil", "round", "trunc", "abs", "sqrt", "log", "exp", "sin", "cos")
TWO_ARGUMENTS = ("min", "max")
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.FloorDiv: "floor_divide", ast.Mod: "modulo",
    ast.Pow: "power",
}  # fmt: skip
NAMES = ("u", "x", "w", "M", "lo", "hi")
DEEPEST = 64  # operands that wait at once
LONGEST = 1000  # characters

Step = tuple[int, float]


@dataclass(frozen=True)
class Formula:
    """A parsed formula: its canonical text and tree."""

    text: str
    tree: ast.expr

    def program(self, constants: Mapping[str, float]) -> tuple[Step, ...]:
        """Return the postfix steps with w, M, lo and hi filled in."""
        return tuple(_steps(self.tree, constants))


def parse_formula(text: str) -> Formula:
    """Return the formula of `text`; IncompatibleMapping names the place and the rule that it breaks."""
    if len(text) > LONGEST:
        raise _refused(text, 0, f"a formula has at most {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = getattr(error, "offset", None) or 1
        raise _refused(text, place - 1, "write an expression such as floor(100 / (1.0001 - u))") from None
    _check(tree, text)
    if not any(isinstance(node, ast.Name) and node.id in ("u", "x") for node in ast.walk(tree)):
        raise _refused(text, 0, "the generator does not occur in it; use u or x")
    if _depth(tree) > DEEPEST:
        raise _refused(text, 0, f"more than {DEEPEST} operands wait at once; write it flatter")
    return Formula(ast.unparse(tree).replace(" ", ""), tree)


def _check(node: ast.expr, text: str) -> None:
    """Refuse what is not in the list; the list is all there is."""
    match node:
        case ast.Constant(value=int() | float() as value) if (
            not isinstance(value, bool) and abs(value) < 1e308
        ):
            return
        case ast.Name(id=name) if name in NAMES:
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            return _check(inner, text)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            _check(left, text)
            return _check(right, text)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if _takes(name, len(arguments)):
            for each in arguments:
                _check(each, text)
            return
    raise _refused(text, node.col_offset, _rule(node))


def _takes(name: str, arguments: int) -> bool:
    return (name in ONE_ARGUMENT and arguments == 1) or (name in TWO_ARGUMENTS and arguments == 2)


def _rule(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return f"functions: {', '.join(ONE_ARGUMENT)} of one argument, {', '.join(TWO_ARGUMENTS)} of two"
    if isinstance(node, ast.Name):
        return f"{node.id!r} is no name here; names: {', '.join(NAMES)}"
    return "allowed are numbers, + - * / // % **, brackets and functions"


def _refused(text: str, place: int, rule: str) -> IncompatibleMapping:
    return IncompatibleMapping(f"formula {text!r}, character {place + 1}: {rule}")


def _depth(node: ast.expr) -> int:
    match node:
        case ast.BinOp(left=left, right=right) | ast.Call(args=[left, right]):
            return max(_depth(left), 1 + _depth(right))
        case ast.UnaryOp(operand=inner) | ast.Call(args=[inner]):
            return _depth(inner)
    return 1


def _steps(node: ast.expr, constants: Mapping[str, float]) -> list[Step]:
    match node:
        case ast.Constant(value=int() | float() as value):
            return [(CONSTANT, float(value))]
        case ast.Name(id="u"):
            return [(U, 0.0)]
        case ast.Name(id="x"):
            return [(X, 0.0)]
        case ast.Name(id=name):
            return [(CONSTANT, float(constants[name]))]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return [*_steps(inner, constants), (OPERATIONS["negate"], 0.0)]
        case ast.UnaryOp(operand=inner):
            return _steps(inner, constants)
        case ast.BinOp(left=left, op=operator, right=right):
            return [
                *_steps(left, constants),
                *_steps(right, constants),
                (OPERATIONS[OPERATORS[type(operator)]], 0.0),
            ]
        case ast.Call(func=ast.Name(id=name), args=arguments):
            inner_steps = [step for each in arguments for step in _steps(each, constants)]
            return [*inner_steps, (OPERATIONS[name], 0.0)]
    raise AssertionError(ast.dump(node))


def _divided(a: float, b: float) -> float:
    if b == 0.0:
        return math.nan if a == 0.0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda a: float(function(a)) if math.isfinite(a) else a


def _partial(function: Callable[..., float]) -> Callable[..., float]:
    """Give what IEEE arithmetic gives where Python raises."""

    def run(*arguments: float) -> float:
        try:
            return function(*arguments)
        except OverflowError:
            return math.inf
        except ValueError:
            at_zero = {math.log: -math.inf, math.pow: math.inf}.get(function, math.nan)
            return at_zero if arguments[0] == 0.0 else math.nan

    return run


_floor = _whole(math.floor)


def _round(a: float) -> float:
    if not math.isfinite(a):
        return a
    return math.copysign(_floor(abs(a)) + (abs(a) - _floor(abs(a)) >= 0.5), a)


_NAMED: dict[str, Callable[..., float]] = {
    "negate": lambda a: -a, "floor": _floor, "ceil": _whole(math.ceil), "round": _round, "trunc": _whole(math.trunc), "abs": abs,
    "sqrt": _partial(math.sqrt), "log": _partial(math.log), "exp": _partial(math.exp), "sin": _partial(math.sin), "cos": _partial(math.cos),
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "divide": _divided,
    "floor_divide": lambda a, b: _floor(_divided(a, b)), "modulo": lambda a, b: a - b * _floor(_divided(a, b)),
    "power": _partial(math.pow), "min": lambda a, b: b if b < a else a, "max": lambda a, b: b if a < b else a,
}  # fmt: skip
_RUN = {OPERATIONS[name]: function for name, function in _NAMED.items()}


def evaluate(program: tuple[Step, ...], u: float, x: float) -> float:
    """Run the steps in Python: the reference for the compiled interpreter."""
    stack: list[float] = []
    for operation, constant in program:
        if operation in (CONSTANT, U, X):
            stack.append((constant, u, x)[operation])
        else:
            taken = 2 if operation >= OPERATIONS["add"] else 1
            arguments = [stack.pop() for _ in range(taken)][::-1]
            stack.append(_RUN[operation](*arguments))
    return stack[0]
