"""The worker side of `train` tasks: climb the capacity ladder, train with nested chronological folds, predict from a stored model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.errors import UsageError
from engine.pipeline.capacity import Trial, budget, choose, climbs
from engine.pipeline.fitting import Config, Fitted, Rows
from engine.pipeline.gains import draw_gains, rates
from engine.pipeline.taught import taught
from engine.pipeline.trainers import trainer

Arrays = dict[str, np.ndarray]
Params = dict[str, Any]
Fold = tuple[int, list[int]]
LIBRARY_FAULTS = (ImportError, OSError, AttributeError, RuntimeError, ValueError, TypeError)
"""What importing a library that does not fit the machine raises; its absence is one of them."""


def rows_of(arrays: Arrays, blocks: Sequence[int], chance: float) -> Rows:
    """Return the training rows of some dev blocks; `x` (slots, K, F), `targets` (2, dev, K)."""
    x = np.concatenate([arrays["x"][block] for block in blocks])
    hits, scored = (
        np.concatenate([part[block] for block in blocks]).astype(float) for part in arrays["targets"]
    )
    return Rows(x, hits, scored, chance)


def _fit(params: Params, rows: Rows, config: Config, stop: Stop) -> Fitted:
    stop.raise_if_asked()
    return trainer(params["family"]).fit(rows, config, params["seed"], stop.raise_if_asked)


def _learnt(params: Params, arrays: Arrays, config: Config, fold: Fold, stop: Stop) -> Fitted:
    """Train on the earlier blocks of a fold."""
    return _fit(params, taught(rows_of(arrays, fold[1], params["chance"]), fold[1], params), config, stop)


def _states(params: Params, arrays: Arrays, model: Fitted, block: int, rounds: int | None) -> np.ndarray:
    """Return the rates that a model states for a block."""
    return rates(model.margin(arrays["x"][block], rounds), params["chance"])


def _gains(params: Params, arrays: Arrays, rate: np.ndarray, block: int) -> np.ndarray:
    length = params["length"]
    marks = arrays["marks"][:, block * length : (block + 1) * length]
    return draw_gains(rate, marks, params["chance"])


def ladder_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Try capacities from the smallest up, as long as a rung gains more than a standard error; report every trial.

    Each architecture is trained once per inner fold and judged at several lengths of that training. A library that fails on
    this machine is an answer, `unusable`, and no error: the other families go on without it.
    """
    family = trainer(params["family"])
    try:
        library = family.library()
    except LIBRARY_FAULTS as error:
        return {"unusable": f"{type(error).__name__}: {error}".splitlines()[0]}, {}
    trials: list[Trial] = []
    for rung, architectures in enumerate(family.ladder[: params["rungs"]]):
        fresh = [trial for config in architectures for trial in _tried(params, arrays, rung, config, stop)]
        go_on = not trials or climbs(fresh, trials)
        trials += fresh
        if not go_on:
            break
    best = choose(trials)
    meta = {
        "library": library,
        "chosen": best.chosen(),
        "rung": best.rung,
        "tried": [trial.report() for trial in trials],
        "draws": len(best.gains),
        "fits": sum(trial.last for trial in trials) * len(params["folds"]),
        "budget": budget(family.ladder[: params["rungs"]], len(params["folds"])),
    }
    return meta, {}


def _tried(params: Params, arrays: Arrays, rung: int, config: Config, stop: Stop) -> list[Trial]:
    """Train one architecture on every inner fold and judge it at each of its lengths."""
    models = [(fold[0], _learnt(params, arrays, config, fold, stop)) for fold in params["folds"]]
    trials = Trial.lengths(rung, config, max(model.size for _, model in models))
    return [
        trial.judged(
            np.concatenate(
                [
                    _gains(params, arrays, _states(params, arrays, model, at, trial.rounds), at)
                    for at, model in models
                ]
            )
        )
        for trial in trials
    ]


def train_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Predict each outer block out of fold, then train on every dev block; return rates for final and next, and the model."""
    config, chance = params["config"], params["chance"]
    held_out, inside = [], []
    for fold in params["folds"]:
        model = _learnt(params, arrays, config, fold, stop)
        held_out.append(_states(params, arrays, model, fold[0], None))
        inside += [
            _gains(params, arrays, _states(params, arrays, model, block, None), block) for block in fold[1]
        ]
    dev = list(range(len(arrays["targets"][0])))
    rows = taught(rows_of(arrays, dev, chance), dev, params)
    model = _fit(params, rows, config, stop)
    data = model.dump()
    meta = {
        "config": config,
        "library": trainer(params["family"]).library(),
        "size": model.size,
        "bytes": len(data),
        "rows": len(rows.x),
        "anatomy": asdict(model.anatomy(rows.x)),
        "inside_bits": float(np.concatenate(inside).mean()),
    }
    return meta, {
        "held_out": np.stack(held_out),
        "final": _states(params, arrays, model, len(dev), None),
        "model": np.frombuffer(data, dtype=np.uint8).copy(),
    }


def decoys_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Predict the outer blocks of several decoy histories out of fold; every array has the history as its first axis."""
    held_out = []
    for x, targets in zip(arrays["x"], arrays["targets"], strict=True):
        one = {"x": x, "targets": targets}
        held_out.append(
            np.stack(
                [
                    _states(params, one, _learnt(params, one, params["config"], fold, stop), fold[0], None)
                    for fold in params["folds"]
                ]
            )
        )
    return {"histories": len(held_out)}, {"held_out": np.stack(held_out)}


def predict_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Load a stored model and return its hit rates for rows (K, F)."""
    stop.raise_if_asked()
    model = trainer(params["family"]).load(arrays["model"].tobytes())
    return {"size": model.size}, {"rates": rates(model.margin(arrays["rows"]), params["chance"])}


JOBS: dict[str, Callable[[Params, Arrays, Stop], tuple[Params, Arrays]]] = {
    "ladder": ladder_job,
    "train": train_job,
    "decoys": decoys_job,
    "predict": predict_job,
}


def run_task(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Do one `train` task: the job named in its params."""
    job = JOBS.get(params["job"])
    if job is None:
        raise UsageError(f"train task: unknown job {params['job']!r}; known are {', '.join(JOBS)}")
    return job(params, arrays, stop)
