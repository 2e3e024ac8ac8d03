"""One episode: train a small tree model under a policy on past blocks, rank a later block, compare with no policy at all."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UsageError
from engine.selfplay.policy import Floats, PolicyError, Table, apply_policy, masked
from engine.selfplay.rules import Policy

NOISE = 0.2
SHARPNESS = 3.0
ROUNDS = 40
MODELS = ("lightgbm", "xgboost")


class Asked(Protocol):
    """The part of a worker's stop word that an episode polls."""

    def raise_if_asked(self) -> None:
        """Raise Halted once a stop was asked for."""


class Spec(BaseModel):
    """What one episode is told; the worker refuses anything else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Policy
    base: Policy = Policy()
    model: str = Field(pattern="^(lightgbm|xgboost)$")
    seed: int = Field(ge=0)
    names: tuple[str, ...]
    train: tuple[int, ...] = Field(min_length=1)
    test: int
    chance: float = Field(gt=0, lt=1)
    rounds: int = Field(default=ROUNDS, ge=2, le=500)


def run_task(
    params: dict[str, Any], arrays: dict[str, npt.NDArray[Any]], stop: Asked
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Run one episode.

    `arrays`: x float (rows, columns), y hit rates (rows,), block int (rows,), marks int8 (test rows, draws):
    1 hit, 0 miss, -1 not scored. Returns fitness, baseline (the same learner under the base policy) and null (under the
    policy, with shuffled targets) in bits per draw over chance, and per-draw bits of the policy and of the baseline.
    The test block must lie after every training block.
    """
    spec = Spec.model_validate(params)
    if max(spec.train) >= spec.test:
        raise UsageError(
            f"episode: test block {spec.test} does not lie after training block {max(spec.train)}"
        )
    table = Table(spec.names, arrays["x"].astype(float), arrays["y"].astype(float), arrays["block"].astype(np.int64),
                  np.ones(len(arrays["y"])))  # fmt: skip
    past = table.rows(np.isin(table.block, spec.train))
    future = table.rows(table.block == spec.test)
    try:
        under = _play(spec, spec.policy, past, future, arrays["marks"], stop)
        plain = _play(spec, spec.base, past, future, arrays["marks"], stop)
    except PolicyError as error:
        return {"refused": str(error)}, {}
    null = _play(spec, spec.policy, _shuffled(past, spec.seed), future, arrays["marks"], stop)
    meta = {
        "refused": None, "fitness": float(under.mean()), "baseline": float(plain.mean()), "null": float(null.mean()),
        "draws": len(under), "rows": len(past.y), "survivors": len(future.y),
    }  # fmt: skip
    return meta, {"bits": under, "plain": plain}


def _play(
    spec: Spec, policy: Policy, past: Table, future: Table, marks: npt.NDArray[Any], stop: Asked
) -> Floats:
    """Train under the policy and return bits per draw of the test block."""
    seen = apply_policy(policy, past)
    predicted = train(spec, seen, masked(policy, future).x, stop)
    return draw_bits(predicted, marks, spec.chance)


def draw_bits(predicted: Floats, marks: npt.NDArray[Any], chance: float) -> Floats:
    """Return log2 of the forecast's probability over chance, draw by draw.

    Survivors vote with weights that grow with their predicted rank; `NOISE` of the mass stays uniform, so a
    draw that nobody predicted costs a bounded amount and the ratio averages to at most 1 under chance.
    """
    rank = np.searchsorted(np.sort(predicted), predicted, side="right") / len(predicted)
    votes = np.exp(SHARPNESS * rank)
    scored = marks >= 0
    voting = (votes[:, None] * scored).sum(axis=0)
    share = np.divide(
        (votes[:, None] * (marks == 1)).sum(axis=0), voting, out=np.zeros(marks.shape[1]), where=voting > 0
    )
    bits = np.log2((1 - NOISE) * share / chance + NOISE)
    return np.where(voting > 0, bits, 0.0)


def train(spec: Spec, seen: Table, ahead: Floats, stop: Asked) -> Floats:
    """Train the asked tree model on the seen rows and return its predictions for rows ahead; polls stop every round."""
    stop.raise_if_asked()
    if float(np.ptp(seen.y)) == 0.0:
        return np.zeros(len(ahead))
    return (
        _lightgbm(spec, seen, ahead, stop) if spec.model == "lightgbm" else _xgboost(spec, seen, ahead, stop)
    )


def _lightgbm(spec: Spec, seen: Table, ahead: Floats, stop: Asked) -> Floats:
    import lightgbm

    options = {
        "objective": "regression", "num_leaves": 15, "min_data_in_leaf": max(4, len(seen.y) // 40), "learning_rate": 0.1,
        "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "seed": spec.seed % 2**31,
        "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(seen.x, label=seen.y, weight=seen.weight, free_raw_data=True)
    model = lightgbm.train(options, data, spec.rounds, callbacks=[lambda _: stop.raise_if_asked()])
    return np.asarray(model.predict(ahead), dtype=float)


def _xgboost(spec: Spec, seen: Table, ahead: Floats, stop: Asked) -> Floats:
    import xgboost

    class Poll(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            stop.raise_if_asked()
            return False

    options = {
        "objective": "reg:squarederror", "max_depth": 4, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.7,
        "seed": spec.seed % 2**31, "nthread": 1, "tree_method": "hist", "verbosity": 0,
    }  # fmt: skip
    data = xgboost.DMatrix(seen.x, label=seen.y, weight=seen.weight)
    model = xgboost.train(options, data, spec.rounds, callbacks=[Poll()])
    return np.asarray(model.predict(xgboost.DMatrix(ahead)), dtype=float)


def _shuffled(past: Table, seed: int) -> Table:
    """Return the table with targets shuffled inside each block: what the same learner finds where there is nothing."""
    rng = np.random.default_rng(seed)
    y = past.y.copy()
    for block in np.unique(past.block):
        rows = np.flatnonzero(past.block == block)
        y[rows] = y[rng.permutation(rows)]
    return Table(past.names, past.x, y, past.block, past.weight)


def floor() -> float:
    """Return the bits of a draw that every vote missed: on null data episode after episode ends there, and each has run."""
    return math.log2(NOISE)


def ceiling(chance: float) -> float:
    """Return the most bits a draw can give: every vote right."""
    return math.log2((1 - NOISE) / chance + NOISE)
