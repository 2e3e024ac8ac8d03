"""Pools: advanced draw by draw from the last one, taken up again after a restart; a bare verdict gives one without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.feedback.pools import Pools, direct_pool
from engine.history.history import History
from engine.history.store import Arrival, DrawStore
from engine.search.analysis import Analysis, Controls, Hypothesis, Tally
from hip_cuda_kernels import host
from state.journal import Journal

VALUES = [int(value) for value in host.values("lcg48/java", "java_bounded", 4711, 0, 999, 30)]


def analysis(verdict: Any, draws: int) -> Analysis:
    claim = Hypothesis(
        family="lcg48/java", aliases=[], mapping="java_bounded", origin={"kind": "seed", "bits": 48, "value": hex(4711)}, start=0,
        gap={"law": "constant", "unit": "call", "value": 0}, session=None, direction="forward", noise=0.0, matched=draws,
        scored=draws, confirmed=Tally(matched=0, scored=0), evidence_bits=50.0, equivalents=1,
    )  # fmt: skip
    return Analysis(
        verdict=verdict, evidence_bits=50.0, required_bits=19.93, alpha=1e-6, complete=True, stopped_by="found", need_draws=None,
        range=(0, 999), range_candidates=[], draws=draws, sessions=[], hypotheses=[claim] if verdict == "identified" else [],
        next_draws=None, excluded=[], not_tested=[], hypotheses_tested=1, elapsed_s=0.1, run="run-0001",
        controls=Controls(null_best=0, null_expected=0.0, cells_planted=1, cells_found=1),
    )  # fmt: skip


def test_a_claim_alone_names_the_next_draw_and_is_never_certain() -> None:
    pool = direct_pool(analysis("identified", 8), History.of(VALUES[:8]), heads=20)
    assert pool.for_draw == 8
    assert pool.heads[0][0] == VALUES[8]
    assert 0.9 < pool.heads[0][1] < 1.0
    assert pool.total() == pytest.approx(1.0)


def test_no_claim_gives_a_uniform_pool_that_says_so() -> None:
    pool = direct_pool(analysis("no_evidence", 8), History.of(VALUES[:8]), heads=20)
    assert pool.uniform
    assert pool.basis == "uniform, no evidence"


async def test_a_pool_advances_with_the_draws_and_survives_one_wrong_draw(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        draws = DrawStore.open(tmp_path / "history")
        pools = Pools(journal, draws)
        assert await pools.reissue(0) is None, "before step 6 there is nothing to issue"
        draws.append([Arrival(value) for value in VALUES[:8]])
        pools.publish(direct_pool(analysis("identified", 8), History.of(VALUES[:8]), heads=20))
        for index, drawn in enumerate([VALUES[8], 7, VALUES[10]], start=8):
            pool = await pools.reissue(index)
            assert pool is not None
            assert (pool["for_draw"], pool["heads"][0][0]) == (index, VALUES[index])
            journal.predictions.commit(index, pool["sha256"], pool)
            draws.append([Arrival(drawn)])
        taken_up = Pools(journal, draws)
        pool = await taken_up.reissue(11)
        assert pool is not None
        assert pool["heads"][0][0] == VALUES[11], "a restart goes on from the last committed pool"
        draws.close()
