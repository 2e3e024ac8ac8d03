"""A policy and its application: filter, weight, mask, window. Pure: stateless, deterministic, invents nothing, mutates nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.selfplay.rules import Filter, Policy, Weight, Window

FEWEST_ROWS = 8

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class PolicyError(ValueError):
    """A policy names a column that the table lacks, or would leave nothing to learn from."""


@dataclass(frozen=True)
class Table:
    """Rows to learn from: `x` (rows, columns) with names, target `y`, the block each row belongs to, row weights."""

    names: tuple[str, ...]
    x: Floats
    y: Floats
    block: Integers
    weight: Floats

    def __post_init__(self) -> None:
        """Refuse a table whose parts have different lengths."""
        rows, columns = self.x.shape
        if not (len(self.names) == columns and len(self.y) == len(self.block) == len(self.weight) == rows):
            raise PolicyError(
                f"table: x {self.x.shape}, {len(self.names)} names, {len(self.y)} targets, "
                f"{len(self.block)} blocks, {len(self.weight)} weights"
            )

    def column(self, name: str) -> Floats:
        """Return one column; PolicyError if there is none."""
        if name not in self.names:
            raise PolicyError(f"policy: column {name!r} is not in the table of {len(self.names)} columns")
        return self.x[:, self.names.index(name)]

    def rows(self, keep: npt.NDArray[np.bool_]) -> Table:
        """Return the table of the kept rows, as copies."""
        return Table(self.names, self.x[keep], self.y[keep], self.block[keep], self.weight[keep])


def apply_policy(policy: Policy, table: Table) -> Table:
    """Return what a learner may see under the policy; the given table stays as it is.

    Every returned row is a row of the table with columns left out and a new weight. PolicyError for an unknown
    column, or where fewer than eight rows or no column would be left.
    """
    seen = _windowed(policy.window, table)
    kept = _filtered(policy.filter, seen)
    return masked(policy, _weighted(policy.weight, kept))


def masked(policy: Policy, table: Table) -> Table:
    """Return the table without the masked columns: the only part of a policy that test rows share."""
    if policy.mask is None:
        return replace(table, x=table.x.copy())
    hidden = set(policy.mask.columns)
    unknown = sorted(hidden - set(table.names))
    if unknown:
        raise PolicyError(f"policy: masked column {unknown[0]!r} is not in the table")
    keep = [index for index, name in enumerate(table.names) if name not in hidden]
    if not keep:
        raise PolicyError("policy: the mask hides every column")
    return replace(table, names=tuple(table.names[index] for index in keep), x=table.x[:, keep])


def _windowed(window: Window | None, table: Table) -> Table:
    if window is None:
        return table
    newest = np.unique(table.block)[-window.blocks :]
    return _enough(table, np.isin(table.block, newest))


def _filtered(rule: Filter | None, table: Table) -> Table:
    if rule is None:
        return table
    column = table.column(rule.column)
    edge = np.quantile(column, rule.quantile)
    return _enough(table, column >= edge if rule.side == "above" else column <= edge)


def _enough(table: Table, keep: npt.NDArray[np.bool_]) -> Table:
    if int(keep.sum()) < min(FEWEST_ROWS, len(keep)):
        raise PolicyError(
            f"policy: {int(keep.sum())} of {len(keep)} rows would be left; at least {FEWEST_ROWS} are needed"
        )
    return table.rows(keep)


def _weighted(rule: Weight | None, table: Table) -> Table:
    if rule is None:
        return replace(table, weight=table.weight.copy())
    column = table.column(rule.column)
    # equal values share a rank, so the order of rows never matters
    rank = np.searchsorted(np.sort(column), column, side="right") / len(column)
    weight = table.weight * rank**rule.power
    return replace(table, weight=weight / weight.mean())
