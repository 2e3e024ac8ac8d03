"""Chunks of one pass, as a worker runs them: each prepared and answered as it is alone, all of them searched at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.search.chunk import Prepared, prepared
from engine.search.layouts import MAX_HITS, StopFlag
from hip_cuda_kernels import together

Params = dict[str, Any]
Arrays = dict[str, np.ndarray]


def run(params: Params, arrays: Arrays, stop: StopFlag) -> tuple[Params, Arrays]:
    """Search the chunks of `params["parts"]`, which differ in all but family and seeds; an array of part n is named `n.name`."""
    orders = parted(params, arrays, len(params["parts"]))
    ready = [prepared(order, own, stop) for order, own in orders]
    first, count = ready[0].seeds
    outcomes = together.search(
        ready[0].params["family"], [_reading(one) for one in ready], seed_lo=first, seed_count=count, max_hits=MAX_HITS,
        stop=stop.array, stop_generation=stop.generation,
    )  # fmt: skip
    answers = []
    for one, outcome in zip(ready, outcomes, strict=True):
        again = outcome.overflow and not outcome.stopped
        kept = one.search(stop) if again else outcome.with_hits(one.kept(outcome.hits))
        answers.append(one.answer(kept, stop))
    meta, hits = bundled(answers)
    return meta | {"hypotheses": sum(told["hypotheses"] for told, _ in answers)}, hits


def _reading(one: Prepared) -> together.Reading:
    params = one.params
    thresholds = np.full(len(one.draws), params["threshold"], dtype=np.uint32)
    starts, gaps = tuple(params["starts"]), tuple(params["gaps"])
    return together.Reading(
        params["mapping"], params["lo"], params["hi"], one.draws, thresholds, starts, gaps
    )


def bundled(parts: Sequence[tuple[Params, Arrays]]) -> tuple[Params, Arrays]:
    """Return the params and arrays of several chunks, or their answers, as those of one task."""
    arrays = {f"{at}.{name}": array for at, (_, own) in enumerate(parts) for name, array in own.items()}
    return {"parts": [params for params, _ in parts]}, arrays


def parted(
    params: Mapping[str, Any], arrays: Mapping[str, np.ndarray], count: int
) -> list[tuple[Params, Arrays]]:
    """Return what `bundled` put together; so many empty ones, which are out of form, where it was not that."""
    parts = params.get("parts")
    own: dict[str, Arrays] = {str(at): {} for at in range(count)}
    for name, array in arrays.items():
        at, _, rest = name.partition(".")
        if at not in own:
            return [({}, {})] * count
        own[at][rest] = array
    if not (
        isinstance(parts, list) and len(parts) == count and all(isinstance(part, dict) for part in parts)
    ):
        return [({}, {})] * count
    return list(zip(parts, own.values(), strict=True))
