"""How much each parameter of a study moved its value: the share of the variance between groups of one parameter, chance taken off."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence

GROUPS = 4
"""A number with more distinct values than this is cut at its quartiles."""
FEWEST = 8
"""Trials below which nothing is said."""


def importance(params: Sequence[Mapping[str, object]], values: Sequence[float]) -> dict[str, float]:
    """Return each parameter's share of the values' variance, greatest first; empty where there are too few trials to say.

    The share is epsilon squared of a one-way analysis of variance: 1 - (mean square within groups) / (mean square in all),
    told as 0 where it is below, so that a parameter that does nothing stands near 0, whatever its number of groups.
    """
    if len(values) < FEWEST or len(params) != len(values):
        return {}
    names = [name for name in params[0] if all(name in row for row in params)]
    found = {name: _share([row[name] for row in params], values) for name in names}
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _share(settings: Sequence[object], values: Sequence[float]) -> float:
    groups: dict[object, list[float]] = defaultdict(list)
    for label, value in zip(_labels(settings), values, strict=True):
        groups[label].append(value)
    count, whole = len(values), _squares(values)
    if whole <= 0.0 or not 1 < len(groups) < count:
        return 0.0
    within = sum(map(_squares, groups.values()))
    return max(0.0, 1.0 - within / (count - len(groups)) * (count - 1) / whole)


def _labels(settings: Sequence[object]) -> Sequence[object]:
    """Return the group of each setting: itself, or the quartile of a number with many values."""
    numbers = [float(one) for one in settings if isinstance(one, int | float)]
    if len(numbers) < len(settings) or len(set(numbers)) <= GROUPS:
        return [repr(one) for one in settings]
    ordered = sorted(numbers)
    edges = [ordered[len(ordered) * quarter // GROUPS] for quarter in range(1, GROUPS)]
    return [bisect_right(edges, number) for number in numbers]


def _squares(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)
