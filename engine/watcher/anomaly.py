"""Detectors for what once looked green and was not: equal counts, frozen trials, constant columns, empty outputs, links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.watcher.evaluation import Finding

CODES = (
    "directions.equal", "trials.equal", "column.constant", "column.leak", "column.copy", "episodes.durations",
    "episodes.metrics", "artifact.small", "artifact.stale", "artifact.code", "artifact.link", "artifact.gone",
)  # fmt: skip
ENOUGH_TO_DIFFER = 10
ENOUGH_REPEATS = 3
ENOUGH_VALUES = 6
SMALL_ROWS = 8
PERFECT = 1.0 - 1e-9


def equal_directions(forward: Sequence[int], backward: Sequence[int]) -> Finding | None:
    """Find a backward search that counts for each survivor what the forward one did: once it was the forward kernel on a reversed list."""
    if len(forward) < ENOUGH_TO_DIFFER or list(forward) != list(backward):
        return None
    return _fail(
        "directions.equal",
        f"all {len(forward)} survivors match as often backward as forward: one search may be the other",
    )


def equal_trials(values: Sequence[float]) -> Finding | None:
    """Find a study whose trials all returned the same value: its parameters never arrived."""
    if len(values) < ENOUGH_REPEATS or len(set(values)) > 1:
        return None
    return _fail(
        "trials.equal", f"all {len(values)} trials returned {values[0]:.6g}: the parameters may not arrive"
    )


def constant_columns(spread: Mapping[str, tuple[float, float]], rows: int) -> list[Finding]:
    """Find columns, given as name -> (min, max), that hold one value over enough rows."""
    if rows < SMALL_ROWS:
        return []
    return [
        _fail("column.constant", f"column {name!r} is {lo:.6g} in all {rows} rows: it carries nothing")
        for name, (lo, hi) in sorted(spread.items())
        if lo == hi
    ]


def perfect_correlation(columns: Mapping[str, Sequence[float]], label: str | None = None) -> list[Finding]:
    """Find pairs of columns with |r| = 1; with the label it is a leak (fail), between features a copy (warn).

    A column of few values is not looked at: it equals, by chance, whatever tells the same rows apart. Nor are fewer than eight rows.
    """
    import numpy as np  # every room imports this module, few look for correlations

    names = [name for name in sorted(columns) if len(set(columns[name])) >= ENOUGH_VALUES]
    rows = min((len(columns[name]) for name in names), default=0)
    if rows < SMALL_ROWS:
        return []
    centred = np.array([columns[name] for name in names], dtype=float)
    centred -= centred.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    equal = np.argwhere(np.triu(np.abs(centred @ centred.T) >= PERFECT, k=1))
    return [_correlated(names[first], names[second], label) for first, second in equal]


def repeated_episodes(durations: Sequence[float], metrics: Sequence[float]) -> list[Finding]:
    """Find episodes that took exactly as long, or scored exactly the same, again and again."""
    found = []
    for code, values in (("episodes.durations", durations), ("episodes.metrics", metrics)):
        if len(values) >= ENOUGH_REPEATS and len(set(values)) == 1:
            found.append(
                _fail(code, f"{len(values)} episodes in a row show {values[0]:.9g}: they may not have run")
            )
    return found


def too_small(name: str, size: int, rows: int, bytes_per_row: float) -> Finding | None:
    """Find an output at least ten times smaller than its row count allows (`bytes_per_row`: the least one row takes)."""
    if rows == 0 or size * 10 >= rows * bytes_per_row:
        return None
    return _fail(
        "artifact.small",
        f"{name}: {size} bytes for {rows} rows, at least {rows * bytes_per_row:.0f} expected",
    )


def stale(name: str, made: float, inputs: Mapping[str, float]) -> list[Finding]:
    """Find inputs (name -> time) that are newer than the output made from them."""
    return [
        _fail("artifact.stale", f"{name} is older than its input {input_name!r} by {at - made:.0f} s")
        for input_name, at in sorted(inputs.items())
        if at > made
    ]


def other_code(name: str, revision: str, current: str) -> Finding | None:
    """Find an artifact that another code revision made."""
    if revision == current:
        return None
    return Finding(
        code="artifact.code",
        level="warn",
        text=f"{name} was made by code {revision[:12]}, now runs {current[:12]}",
    )


def gone(path: Path) -> Finding | None:
    """Find an artifact that a step claims and that is not there."""
    return None if path.exists() else _fail("artifact.gone", f"{path.name} was claimed and does not exist")


def link(path: Path) -> Finding | None:
    """Find an artifact that is a symbolic link: what it points to may change behind its hash."""
    return _fail("artifact.link", f"{path.name} is a symbolic link") if path.is_symlink() else None


def _correlated(first: str, second: str, label: str | None) -> Finding:
    if label in (first, second):
        other = second if first == label else first
        return _fail(
            "column.leak", f"column {other!r} equals the label {label!r} up to scale: the answer leaks"
        )
    return Finding(
        code="column.copy", level="warn", text=f"columns {first!r} and {second!r} are the same up to scale"
    )


def _fail(code: str, text: str) -> Finding:
    return Finding(code=code, level="fail", text=text)
