"""A chunk that is halved, however often, gives to the byte what the whole chunk gives; what it needs is what it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.compute.codec import pack
from engine.compute.stop import Stop, StopWord
from engine.compute.task import Task, TaskResult
from engine.search.chunk import run
from engine.search.layouts import SEEDS_AT_ONCE
from engine.search.memory import BASE, SeedHalves, need

CASES = {
    "constant": {"law": "constant", "threshold": 6, "hi": 9},
    "window": {"law": "constant", "threshold": 6, "hi": 9, "window": 5, "plants": 0},
    "range": {
        "law": "range",
        "threshold": 9,
        "hi": 9,
    },
    "reseed": {"law": "reseed", "threshold": 8, "hi": 9, "count": 300},
    "constant streams": {
        "family": "squares/key32",
        "threshold": 12,
        "hi": 999,
        "gaps": [0, 3],
        "starts": [0, 9],
        "told": 20,
        "seed_lo": 0,
        "count": 900,
        "plants": 0,
    },
    "flooded": {"law": "constant", "threshold": 2, "hi": 9, "count": 3000},
}


def task_of(**changes: Any) -> Task:
    params = {
        "family": "xorshift32/raw_seed", "mapping": "mod", "lo": 0, "hi": 9, "seed_lo": 1000, "count": 3000, "interval": [0, 1 << 20],
        "starts": [0, 1], "gaps": [0, 1], "window": 0, "width": 14, "threshold": 9, "plants": 1, "rng": 7, "law": "constant",
        "alignments": 4, "told": 50, **changes,
    }  # fmt: skip
    draws = np.random.default_rng(3).integers(0, params["hi"] + 1, (3, params["width"]))
    if params["family"] == "squares/key32":  # whose small keys give 0 for ever, by other calls than `mod`
        params["mapping"] = "mulshift"
        draws[:] = 0
    return Task("sieve", "k", params, {"draws": draws}, memory=1 << 40)


def performed(task: Task, word: StopWord, depth: int) -> TaskResult:
    """Run a task whole, or as halves of halves to some depth."""
    halves = SeedHalves().halve(task) if depth else None
    if halves is None:
        meta, arrays = run(task.params, task.arrays, Stop(word, word.generation()))
    else:
        meta, arrays = SeedHalves().join(
            task, [performed(half, word, depth - number - 1) for number, half in enumerate(halves)]
        )
    return TaskResult(task.key, True, meta, arrays, None, 0.0, "w", False)


@pytest.mark.parametrize("case", CASES)
def test_halves_give_the_whole_chunk_to_the_byte(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only what seeds add is asked of `need` here, so that every case can be cut.
    monkeypatch.setattr("engine.search.memory.need", lambda params, count: count)
    task, word = task_of(**CASES[case]), StopWord(tmp_path / "word")
    whole, halved = performed(task, word, 0), performed(task, word, 2)
    if case == "flooded":
        assert whole.meta["overflow"] == halved.meta["overflow"]
    assert len(whole.arrays["hits"]) > 0
    assert pack(whole.meta, whole.arrays) == pack(halved.meta, halved.arrays)


def test_only_what_takes_less_in_halves_is_halved() -> None:
    constant = task_of()
    assert SeedHalves().halve(replace(constant, memory=need(constant.params, 3000))) is None
    reseed = task_of(law="reseed", count=1 << 20, starts=[0, 40])
    reseed = replace(reseed, memory=need(reseed.params, 1 << 20))
    assert reseed.memory > 4 * BASE
    halves = SeedHalves().halve(reseed)
    assert halves is not None
    assert [half.memory for half in halves] == [reseed.memory] * 2, "a block of seeds is what takes memory"
    one, two = halves
    while (cut := SeedHalves().halve(one)) is not None and one.params["part"][1] >= SEEDS_AT_ONCE:
        one = cut[0]
    assert one.memory < reseed.memory
    assert two.params["part"] == [1000 + (1 << 19), 1 << 19]
