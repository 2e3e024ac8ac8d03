"""The worker side of `train` tasks: climb the capacity ladder, train with nested chronological folds, predict from a stored model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.errors import UsageError
from engine.pipeline.gains import draw_gains, mean_and_error, rates
from engine.pipeline.taught import taught
from engine.pipeline.trainers import Config, Fitted, Rows, trainer

Arrays = dict[str, np.ndarray]
Params = dict[str, Any]
Folds = list[tuple[int, list[int]]]


def rows_of(arrays: Arrays, blocks: Sequence[int], chance: float) -> Rows:
    """Return the training rows of some dev blocks; `x` (slots, K, F), `targets` (2, dev, K)."""
    x = np.concatenate([arrays["x"][block] for block in blocks])
    hits, scored = (
        np.concatenate([part[block] for block in blocks]).astype(float) for part in arrays["targets"]
    )
    return Rows(x, hits, scored, chance)


def _fold(
    params: Params, arrays: Arrays, config: Config, fold: tuple[int, list[int]], stop: Stop
) -> np.ndarray:
    """Train on the earlier blocks of a fold and return the rates it states for the validated one."""
    validated, train = fold
    chance = params["chance"]
    model = _fit(params, taught(rows_of(arrays, train, chance), train, params), config, stop)
    return rates(model.margin(arrays["x"][validated]), chance)


def _fit(params: Params, rows: Rows, config: Config, stop: Stop) -> Fitted:
    stop.raise_if_asked()
    return trainer(params["family"]).fit(rows, config, params["seed"], stop.raise_if_asked)


def _block_marks(params: Params, arrays: Arrays, block: int) -> np.ndarray:
    length = params["length"]
    return arrays["marks"][:, block * length : (block + 1) * length]


def ladder_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Try capacities from the smallest up, as long as the next one gains more than a standard error; report every rung."""
    ladder = trainer(params["family"]).ladder[: params["rungs"]]
    scores: list[np.ndarray] = []
    for config in ladder:
        gains = [
            draw_gains(
                _fold(params, arrays, config, fold, stop),
                _block_marks(params, arrays, fold[0]),
                params["chance"],
            )
            for fold in params["folds"]
        ]
        scores.append(np.concatenate(gains))
        if len(scores) > 1 and not _better(scores[-1], scores[-2]):
            break
    best = len(scores) - 1 if len(scores) == 1 or _better(scores[-1], scores[-2]) else len(scores) - 2
    tried = [{"config": dict(ladder[at]), "bits": float(score.mean())} for at, score in enumerate(scores)]
    return {"chosen": dict(ladder[best]), "rung": best, "tried": tried, "draws": len(scores[0])}, {}


def _better(now: np.ndarray, before: np.ndarray) -> bool:
    gain, error = mean_and_error(now - before)
    return gain > 0.0 and gain > (error if np.isfinite(error) else 0.0)


def train_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Predict each outer block out of fold, then train on every dev block; return rates for final and next, and the model."""
    config, chance = params["config"], params["chance"]
    held_out = [_fold(params, arrays, config, fold, stop) for fold in params["folds"]]
    dev = list(range(len(arrays["targets"][0])))
    model = _fit(params, taught(rows_of(arrays, dev, chance), dev, params), config, stop)
    data = model.dump()
    ahead = rates(model.margin(arrays["x"][len(dev)]), chance)
    meta = {"config": config, "size": model.size, "bytes": len(data), "rows": len(dev) * arrays["x"].shape[1]}
    return meta, {
        "held_out": np.stack(held_out),
        "final": ahead,
        "model": np.frombuffer(data, dtype=np.uint8).copy(),
    }


def decoys_job(params: Params, arrays: Arrays, stop: Stop) -> tuple[Params, Arrays]:
    """Predict the outer blocks of several decoy histories out of fold; every array has the history as its first axis."""
    held_out = []
    for x, targets in zip(arrays["x"], arrays["targets"], strict=True):
        one = {"x": x, "targets": targets}
        held_out.append(
            np.stack([_fold(params, one, params["config"], fold, stop) for fold in params["folds"]])
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
