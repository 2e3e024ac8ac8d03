"""One state space as a worker decides it: planted states first, the draws and their twins by the same method, a stop in between."""

from pathlib import Path

import numpy as np
import pytest

from engine.compute.stop import Stop, StopWord
from engine.recovery import states
from engine.recovery.task import run
from hip_cuda_kernels import host

JAVA = {
    "family": "lcg48/java",
    "mapping": "java_bounded",
    "lo": 0,
    "hi": 999,
    "gaps": [0, 40],
    "period": 1,
    "rng": 7,
    "noise": 0.0,
}


@pytest.fixture
def stop(tmp_path: Path) -> Stop:
    return Stop(StopWord(tmp_path / "word"), 0)


def test_the_real_row_gets_its_seed_and_random_twins_get_nothing(stop: Stop) -> None:
    draws = host.values("lcg48/java", "java_bounded", 0xABCDEF987654, 0, 999, 10, gap=17)
    twin = np.random.default_rng(1).integers(0, 1000, 10)
    meta, arrays = run({**JAVA, "route": "lattice", "plants": 5}, {"draws": np.vstack([draws, twin])}, stop)
    assert [(row, gap, int(seed, 16), start) for row, _, gap, seed, start in meta["states"]] == [
        (0, 17, 0xABCDEF987654, 0)
    ]
    assert (meta["planted"], meta["found"], meta["hypotheses"], arrays) == (5, 5, 41, {})


def test_a_missing_draw_is_missing_in_the_planted_states_too(stop: Stop) -> None:
    draws = host.values("lcg48/java", "java_bounded", 0xABCDEF987654, 0, 999, 12, gap=3)
    draws[4] = -1
    meta, _ = run({**JAVA, "route": "lattice", "plants": 3}, {"draws": draws[None, :]}, stop)
    assert meta["states"][0][2] == 3
    assert meta["planted"] == meta["found"] == 3


def test_a_state_without_a_seed_is_told_as_it_is(stop: Stop) -> None:
    family, mapping = "v8_math_random/state52", "float(52)"
    state = states.random(family, np.random.default_rng(5))
    draws = states.values(family, mapping, state, 0, 999, 40, gap=4)
    asked = {
        "family": family,
        "mapping": mapping,
        "lo": 0,
        "hi": 999,
        "gaps": [0, 7],
        "period": 1,
        "rng": 7,
        "noise": 0.0,
    }
    meta, _ = run({**asked, "route": "gf2", "plants": 1}, {"draws": draws[None, :]}, stop)
    assert [hex(state), 4, None, None] in [one[1:] for one in meta["states"]]


def test_a_stop_leaves_no_verdict(stop: Stop) -> None:
    late = Stop(stop.word, 1)
    draws = np.random.default_rng(1).integers(0, 1000, (1, 10))
    meta, _ = run({**JAVA, "route": "lattice", "plants": 5}, {"draws": draws}, late)
    assert meta["stopped"]
    assert meta["planted"] == 0


def test_wrong_draws_are_tolerated_at_the_asked_share(stop: Stop) -> None:
    draws = host.values("lcg48/java", "java_bounded", 0xABCDEF987654, 0, 999, 60, gap=17)
    draws[::10] = (draws[::10] + 1) % 1000
    asked = {**JAVA, "noise": 0.1, "gaps": [15, 19], "route": "lattice", "plants": 3}
    meta, _ = run(asked, {"draws": draws[None, :]}, stop)
    assert (0xABCDEF987654, 0) in [(int(seed, 16), start) for _, _, _, seed, start in meta["states"]]
    assert meta["found"] >= 2
