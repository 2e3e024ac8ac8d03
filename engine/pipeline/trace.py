"""One survivor from sieve to pool, read back from the artifacts: where it was found, what it matched, how it ranks, what it foretells.

Reads only; every artifact is checked against its hash and its contract. A step that has not run yet is left out and named.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BadInput, MimicryError, UsageError
from engine.pipeline.artifacts import (
    MODEL_META,
    POOL,
    SCORED,
    SCORER,
    SURVIVORS,
    WINDOW,
    ModelMeta,
    Pool,
    ScorerConfig,
    WindowConfig,
)
from engine.pipeline.calibrate import shrunk
from engine.pipeline.gains import rates
from engine.pipeline.replay import refuse, stream
from engine.pipeline.scored import Scored
from engine.pipeline.trainers import trainer
from engine.pipeline.varying import stream_of
from engine.search.alignment import Alignment
from engine.search.survivors import Survivors
from state.artifacts import ArtifactStore
from state.errors import ArtifactRefused

SCHEMA = "trace/1"
AHEAD = 5
SCORE = "score.scorer"
Part = dict[str, Any]


def trace(directory: Path, which: str) -> dict[str, Any]:
    """Return the story of one survivor: `which` is its number in rank order, or the first digits of its digest."""
    store = ArtifactStore(directory)
    try:
        return _trace(store, which)
    except ArtifactRefused as error:
        raise BadInput(str(error)) from None


def _trace(store: ArtifactStore, which: str) -> dict[str, Any]:
    if not store.exists(SURVIVORS):
        raise UsageError(
            f"{store.directory}: no {SURVIVORS}; no step 1 has run here (mimicry analyze FILE --pipeline makes a run)"
        )
    survivors = Survivors.from_bytes(store.read_bytes(SURVIVORS), SURVIVORS)
    scored = Scored.from_bytes(store.read_bytes(SCORED), SCORED) if store.exists(SCORED) else None
    row = _find(survivors, _order(survivors, scored), which)
    alignment, digest = survivors.alignment(row), str(survivors["digest"][row])
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "survivor": digest,
        "alignment": alignment.model_dump(mode="json"),
        "line": alignment.line(),
        "found": _found(store, survivors, row),
    }
    at = None if scored is None else _row_in(scored, digest)
    told["scored"] = None if scored is None or at is None else _scored(store, scored, at)
    told["model"] = None if scored is None or at is None else _model(store, scored, at)
    told["pool"] = _pool(store, alignment)
    told["foretells"] = _foretells(store, survivors, row)
    told["missing"] = [name for name in (SCORED, SCORER, MODEL_META, POOL) if not store.exists(name)]
    return told


def ranked(directory: Path, most: int) -> list[Part]:
    """Return the best survivors of a directory's artifacts in the order that `trace` numbers them, a few facts of each."""
    store = ArtifactStore(directory)
    try:
        if not store.exists(SURVIVORS):
            return []
        survivors = Survivors.from_bytes(store.read_bytes(SURVIVORS), SURVIVORS)
        scored = Scored.from_bytes(store.read_bytes(SCORED), SCORED) if store.exists(SCORED) else None
    except ArtifactRefused as error:
        raise BadInput(str(error)) from None
    scores = None if scored is None else _scores_of(survivors, scored)
    return [
        _brief(survivors, row, None if scores is None else scores[row])
        for row in _order(survivors, scored)[:most]
    ]


def _brief(survivors: Survivors, row: int, score: float | None) -> Part:
    alignment = survivors.alignment(row)
    told = alignment.model_dump(mode="json")
    return {
        "digest": str(survivors["digest"][row]), "family": told["family"], "mapping": told["mapping"],
        "origin": told["origin"]["value"], "start": told["start"], "gap": f"{told['gap']['law']} {told['gap'].get('value', '')}".strip(),
        "score": None if score is None or not np.isfinite(score) else float(score),
        "evidence_bits": float(survivors["evidence_bits"][row]), "null_rank": int(survivors["null_rank"][row]),
        "confirmed": f"{int(survivors['confirm_matched'][row])}/{int(survivors['confirm_scored'][row])}", "line": alignment.line(),
    }  # fmt: skip


def _order(survivors: Survivors, scored: Scored | None) -> list[int]:
    """Return rows best first: by the scorer where it ran, else by evidence."""
    value = survivors["evidence_bits"] if scored is None else np.array(_scores_of(survivors, scored))
    return [int(row) for row in np.argsort(-value, kind="stable")]


def _scores_of(survivors: Survivors, scored: Scored) -> list[float]:
    """Return the scorer's value of each survivor; one that it did not score comes last."""
    place = {str(digest): at for at, digest in enumerate(scored.survivors["digest"])}
    score = scored.x[-1, :, scored.head.names.index(SCORE)]
    return [
        float(score[place[digest]]) if digest in place else float("-inf")
        for digest in map(str, survivors["digest"])
    ]


def _find(survivors: Survivors, order: list[int], which: str) -> int:
    if not len(survivors):
        raise UsageError(f"survivor {which!r}: step 1 kept none; there is nothing to trace")
    digests = [str(digest) for digest in survivors["digest"]]
    if which.isdigit() and 1 <= int(which) <= len(order):
        return order[int(which) - 1]
    matches = [row for row, digest in enumerate(digests) if digest.startswith(which.lower())]
    if len(matches) == 1:
        return matches[0]
    best = ", ".join(digests[row][:12] for row in order[:3])
    rule = "fits several" if matches else "fits none"
    raise UsageError(
        f"survivor {which!r} {rule} of {len(order)}: give a rank from 1 or a digest's first digits; the best are {best}"
    )


def _found(store: ArtifactStore, survivors: Survivors, row: int) -> Part:
    """Tell where step 1 met it, beside what chance expects of such a search."""
    get = {name: survivors[name][row].item() for name in survivors.columns if name != "origin_value"}
    config = WindowConfig.parse(store.read_json(WINDOW), WINDOW)
    size = config.range[1] - config.range[0] + 1
    trial = next((one for one in survivors.header.trials if one.trial == get["trial"]), None)
    return {
        "origin": survivors.header.origin,
        "trial": get["trial"],
        "sweep": get["sweep"],
        "window": [get["window_start"], get["window_start"] + get["window_length"]],
        "matches": {
            part: {
                "matched": get[f"{part}_matched"],
                "scored": get[f"{part}_scored"],
                "expected": get[f"{part}_scored"] / size,
            }
            for part in ("forward", "backward", "confirm")
        },
        "evidence_bits": get["evidence_bits"],
        "required_bits": config.required_bits,
        "null_rank": get["null_rank"],
        "of_trial": None if trial is None else trial.model_dump(mode="json"),
        "kept": len(survivors),
        "searched": list(config.search),
    }


def _row_in(scored: Scored, digest: str) -> int | None:
    rows = np.flatnonzero(scored.survivors["digest"] == digest)
    return int(rows[0]) if len(rows) else None


def _scored(store: ArtifactStore, scored: Scored, at: int) -> Part:
    """Tell its matches per block, its features, and what of them moved its score."""
    head = scored.head
    score = scored.x[-1, : scored.real, head.names.index(SCORE)]
    marks, length = scored.marks[at], head.final[1] - head.final[0]
    blocks = []
    for number, (cut, end, reads) in enumerate(head.dev):
        hits, seen = (int(part[number, at]) for part in scored.targets)
        own = marks[number * length : (number + 1) * length]
        blocks.append(
            {
                "draws": [cut, end],
                "features_read": [0, reads],
                "matched": hits,
                "scored": seen,
                "expected": seen * head.chance,
                "hits": [cut + int(place) for place in np.flatnonzero(own == 1)],
            }
        )
    return {
        "rank": int((score > score[at]).sum()) + 1,
        "of": scored.real,
        "decoys": len(head.decoys),
        "score": float(score[at]),
        "blocks": blocks,
        "features": dict(zip(head.names, scored.x[-1, at].tolist(), strict=True)),
        "pushes": _pushes(store, scored, at),
    }


def _pushes(store: ArtifactStore, scored: Scored, at: int) -> dict[str, float]:
    """Return how much each column moved the score, the strongest first."""
    if not store.exists(SCORER):
        return {}
    config = ScorerConfig.parse(store.read_json(SCORER), SCORER)
    values = dict(zip(scored.head.names, scored.x[-1, at].tolist(), strict=True))
    moved = {}
    for name, centre, scale, weight in zip(
        config.names, config.centre, config.scale, config.weights, strict=True
    ):
        if name in values:
            z = np.clip((values[name] - centre) / scale, -config.clip, config.clip)
            moved[name] = float(z * weight)
    return dict(sorted(moved.items(), key=lambda one: -abs(one[1])))


def _model(store: ArtifactStore, scored: Scored, at: int) -> Part | None:
    """Tell the hit rate that the stored model states for the next draw, calibrated, and its rank."""
    if not store.exists(MODEL_META):
        return None
    meta = ModelMeta.parse(store.read_json(MODEL_META), MODEL_META)
    told = {"family": meta.family, "signal": meta.signal, "verdict": meta.verdict, "chance": meta.chance}
    if meta.names != scored.head.names:
        return told | {"rate": None, "note": f"{MODEL_META} was made from another table; run step 5 again"}
    stated = _asked(lambda: trainer(meta.family).load(store.read_bytes(meta.file)).margin(scored.x[-1]))
    if isinstance(stated, str):
        return told | {"rate": None, "note": f"the model cannot be loaded here: {stated}"}
    rate = shrunk(rates(stated, meta.chance), meta.calibration, meta.chance)[: scored.real]
    return told | {"rate": float(rate[at]), "rank": int((rate > rate[at]).sum()) + 1}


def _asked(ask: Callable[[], np.ndarray]) -> np.ndarray | str:
    try:
        return ask()
    except (ImportError, OSError, ValueError, MimicryError) as error:
        return str(error).splitlines()[0]


def _pool(store: ArtifactStore, alignment: Alignment) -> Part | None:
    """Tell its weight in step 6's pool, or why it has none."""
    if not store.exists(POOL):
        return None
    pool = Pool.parse(store.read_json(POOL), POOL)
    told: Part = {"for_draw": pool.for_draw, "basis": pool.basis, "sha256": pool.sha256, "weight": 0.0}
    mine = [
        (place, one)
        for place, one in enumerate(pool.components, start=1)
        if stream_of(one.alignment) == stream_of(alignment)
    ]
    if mine:  # under varying gaps one component for each call within reach, the likeliest first
        place, one = mine[0]
        return told | {
            "place": place,
            "weight": sum(part.weight for _, part in mine),
            "rate": one.rate,
            "predicted": one.predicted,
            "stated": pool.probability(one.predicted),
            "chance": 1.0 / (pool.range[1] - pool.range[0] + 1),
            "matched": one.matched,
            "scored": one.scored,
        }
    why = "nothing is named" if pool.uniform else "too little trust, or no generator stands behind the pool"
    return told | {"note": f"not in the pool: {why}"}


def _foretells(store: ArtifactStore, survivors: Survivors, row: int) -> Part:
    """Tell its next values; where its stream is one session's only the pool knows the position."""
    alignment = survivors.alignment(row)
    reason = refuse(alignment)
    if reason is None and alignment.gap.law == "range":
        reason = "its gaps vary: what each gap would lead to is in the pool"
    position = survivors.header.draws if alignment.session is None else None
    if store.exists(POOL):
        pool = Pool.parse(store.read_json(POOL), POOL)
        mine = (one.position for one in pool.components if stream_of(one.alignment) == stream_of(alignment))
        position = next(mine, position)
    if reason is not None or position is None:
        return {
            "position": position,
            "values": [],
            "note": reason or "its session's position is not recorded",
        }
    return {"position": position, "values": stream(alignment, position, AHEAD).tolist(), "note": ""}
