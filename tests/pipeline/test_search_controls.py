"""Steps 1, 2.5 and 3 under their own controls, where identification hands nothing over: noise, reseeding, mixed sessions, plain chance.

Minutes, so not in the fast suite; `benchmarks/steps.py` does the same over more kinds of histories and writes the numbers down.
"""

import asyncio
import math

import numpy as np
import pytest

from engine.history.history import History
from engine.pipeline.artifacts import SCORED, SURVIVORS, WINDOW, WindowConfig
from engine.pipeline.runner import run_pipeline
from engine.pipeline.scored import Scored
from engine.search.ranges import Range
from engine.search.survivors import Survivors
from hip_cuda_kernels import host

NULLS, PLANTED, DRAWS = 40, 12, 160
LEVEL = 0.05
SEEDS = 1 << 12
SPACE = {"seeds": Range(0, SEEDS - 1), "starts": Range(0, 3), "gaps": Range(0, 2)}


def made(seed, count, gap=1):
    return host.values("lcg48/java", "java_bounded", seed, 0, 99, count, start=1, gap=gap)


def noisy(rng, truths):
    values = made(truths[0], DRAWS)
    return np.where(rng.random(DRAWS) < 0.4, rng.integers(0, 100, DRAWS), values), None


def reseeded(rng, truths):
    parts = [made(seed, 40) for seed in truths]
    values = np.concatenate(parts)
    return np.where(rng.random(DRAWS) < 0.1, rng.integers(0, 100, DRAWS), values), None


def sessions(rng, truths):
    turn = rng.integers(0, 2, DRAWS)
    values = np.zeros(DRAWS, dtype=np.int64)
    for label in (0, 1):
        values[turn == label] = made(truths[label], int((turn == label).sum()))
    return values, ["ab"[one] for one in turn]


def searched(make_context, steps, history, seed, **space):
    """Run the three steps; return the window's record, the survivors and the scores."""
    parameters = steps["tiny"].model_copy(
        update={"window_trials": 12, "window_batch": 4, "max_survivors": 64, "twins": 24}
    )
    ctx = make_context(history, seed=seed, parameters=parameters, **SPACE | space)
    outcomes = asyncio.run(run_pipeline(ctx, ("1", "2.5", "3"), lambda _: None))
    assert [one.ok for one in outcomes] == [True] * 3, [one.note for one in outcomes]
    read = ctx.artifacts
    return (
        WindowConfig.parse(read.read_json(WINDOW), WINDOW),
        Survivors.from_bytes(read.read_bytes(SURVIVORS)),
        Scored.from_bytes(read.read_bytes(SCORED)),
    )


@pytest.mark.statistical
def test_on_null_histories_the_objective_is_an_e_value_and_nothing_is_identified(make_context, steps):
    """Runs about 2 minutes. 2^objective averages to 1 at most, so at most one in 1/LEVEL histories passes log2(1/LEVEL)."""
    passed = claimed = 0
    for seed in range(NULLS):
        config, _, _ = searched(make_context, steps, steps["uniform_history"](seed, DRAWS), seed)
        passed += config.objective >= -math.log2(LEVEL)
        claimed += config.identified
    assert passed <= 5  # 6 of 40 have a chance of 1 in 70 where the rate is LEVEL
    assert claimed == 0


@pytest.mark.statistical
@pytest.mark.parametrize(("plant", "least"), [(noisy, 10), (reseeded, 7), (sessions, 10)])
def test_a_planted_truth_is_among_the_survivors_and_ranked_above_the_decoys(
    make_context, steps, plant, least
):
    """Runs about 1 minute for each kind. `least` of PLANTED: a scorer tuned on truths that last trusts one that ended less."""
    found = above = 0
    for seed in range(PLANTED):
        rng = np.random.default_rng(seed)
        truths = rng.integers(1, SEEDS, 4).tolist()
        values, labels = plant(rng, truths)
        history = History.of(values.tolist(), sessions=labels)
        more = {"sessions": "each"} if labels else {}
        _, survivors, scored = searched(make_context, steps, history, seed, **more)
        rows = [
            row for row, one in enumerate(survivors) if one.origin.number() in truths and one.gap.value == 1
        ]
        score = scored.x[0, :, scored.head.names.index("score.scorer")]
        found += bool(rows)
        above += any(score[row] > score[scored.real :].max() for row in rows)
    assert found >= PLANTED - 1
    assert above >= least
