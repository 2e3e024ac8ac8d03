"""A worker's answer to a chunk: what an honest worker gives passes, each lie about its form is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.search.answered import fault
from hip_cuda_kernels.host import HIT

SEEDS = (100, 199)
SIEVE: dict[str, Any] = {
    "seeds_done": 100, "hypotheses": 400, "stopped": False, "overflow": False, "planted": 60, "found": 60, "canary": [150, 2, 3, True],
}  # fmt: skip
STATES: dict[str, Any] = {
    "states": [[0, "0x1f", 2, None, None], [1, "0x1", 0, "0x7", 3]], "reason": "", "hypotheses": 8, "stopped": False, "overflow": False,
    "planted": 59, "found": 58, "canary": [59, 58],
}  # fmt: skip


def hits(**fields: int) -> np.ndarray:
    made = np.zeros(2, HIT)
    made["seed"] = (100, 199)
    for name, value in fields.items():
        made[name][1] = value
    return made


def test_honest_answers_pass() -> None:
    assert fault(SIEVE, {"hits": hits()}, SEEDS, states=False) is None
    assert fault({**SIEVE, "overflow": True, "seeds_done": 7}, {"hits": hits()}, SEEDS, states=False) is None
    assert fault(STATES, {}, SEEDS, states=True) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"found": 61}, "61 found of 60"),
        ({"planted": -1}, "planted is -1"),
        ({"planted": True}, "planted is True"),
        ({"hypotheses": 1.5}, "hypotheses is 1.5"),
        ({"stopped": 0}, "stopped is 0"),
        ({"seeds_done": 99}, "99 of 100 seeds"),
        ({"seeds_done": 101}, "101 of 100 seeds"),
        ({"canary": [99, 0, 0, True]}, "canary"),
        ({"canary": "x"}, "canary"),
        ({"canary": [150, 0, 0, 1]}, "canary"),
        ({"more": 1}, "fields"),
    ],
)
def test_a_lie_in_its_numbers_is_named(change: dict[str, Any], told: str) -> None:
    assert told in (fault({**SIEVE, **change}, {"hits": hits()}, SEEDS, states=False) or "")


@pytest.mark.parametrize(
    "arrays", [{}, {"hits": np.zeros(2)}, {"hits": np.zeros((1, 2), HIT)}, {"hits": hits(), "x": np.zeros(1)}]
)
def test_hits_have_their_form(arrays: dict[str, np.ndarray]) -> None:
    assert "hits are" in (fault(SIEVE, arrays, SEEDS, states=False) or "")


@pytest.mark.parametrize("lie", [{"seed": 200}, {"seed": 99}, {"vector": 3}])
def test_a_hit_outside_of_its_chunk_is_refused(lie: dict[str, int]) -> None:
    assert (
        fault(SIEVE, {"hits": hits(**lie)}, SEEDS, states=False) == "1 hits lie outside of its seeds or draws"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"states": [[0, "1f", 0, None, None]]},
        {"states": [[3, "0x1", 0, None, None]]},
        {"states": "x"},
        {"reason": 1},
        {"canary": [1, 1]},
    ],
)
def test_solutions_have_their_form(change: dict[str, Any]) -> None:
    assert fault({**STATES, **change}, {}, SEEDS, states=True) is not None
