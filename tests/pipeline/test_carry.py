"""Carrying over: what earlier steps chose goes on to a grown history, is never taken for current, and other histories are refused."""

import shutil

import numpy as np
import pytest

from engine.history.history import History
from engine.pipeline import carry as carrying
from engine.pipeline.artifacts import ENGINE, SCORED, SCORER, SURVIVORS, WINDOW
from engine.pipeline.carry import CARRIED, carry
from engine.pipeline.context import StepRefused
from engine.pipeline.runner import run_step, up_to_date
from engine.pipeline.scored import Scored
from engine.search.survivors import Survivors
from hip_cuda_kernels import host
from state.journal import Journal


def quiet(_):
    return None


@pytest.fixture
def grown(full_run, open_context, steps, tmp_path, monkeypatch):
    """Return a context over a copy of a finished run's artifacts, six draws later."""
    ctx = full_run.ctx
    shutil.copytree(ctx.artifacts.directory, tmp_path / "artifacts")
    lo, hi = steps["span"]
    later = host.values("lcg48/java", "java_bounded", 4711, lo, hi, 96, start=2, gap=1)[90:]
    history = History.of([*ctx.history.values.tolist(), *np.asarray(later).tolist()])
    monkeypatch.setattr(carrying, "_draws", lambda ctx, note: 90 if note.run == "run-1" else len(ctx.history))
    with Journal.open(tmp_path) as journal:
        yield steps["replace"](open_context(tmp_path, journal, history), run="run-2")


def test_choices_are_the_same_under_the_new_history_and_never_taken_for_current(grown, full_run):
    for step, names in (("1", (WINDOW, SURVIVORS)), ("2.5", (SCORER,))):
        outcome = carry(grown, step)
        assert outcome.status == "skipped"
        assert outcome.note == f"carried over: {', '.join(names)}"
        assert [ref.name for ref in outcome.artifacts] == list(names)
    before, after = (ctx.artifacts.read_json(SCORER) for ctx in (full_run.ctx, grown))
    assert {**before, "history": 0} == {**after, "history": 0}
    assert after["history"] == grown.history.digest
    kept = Survivors.from_bytes(grown.artifacts.read_bytes(SURVIVORS))
    assert kept.header.history == grown.history.digest
    assert grown.artifacts.lineage(SCORER).parameters[CARRIED] == full_run.ctx.history.digest
    assert not grown.artifacts.stale(SCORER)
    assert up_to_date(grown, "1") is None
    assert up_to_date(grown, "2.5") is None
    assert carry(grown, "1").note == "not named, and current", "a second time there is nothing to do"


def test_another_history_other_code_and_missing_outputs_are_refused(grown, steps, monkeypatch):
    other = steps["replace"](grown, history=History.of([1, *grown.history.values.tolist()[1:]]))
    with pytest.raises(StepRefused, match="another history"):
        carry(other, "1")
    with pytest.raises(StepRefused, match="cannot be carried over"):
        carry(grown, "3")
    monkeypatch.setattr(carrying, "code_digest", lambda: "other")
    with pytest.raises(StepRefused, match="other code"):
        carry(grown, "2.5")
    (grown.artifacts.directory / WINDOW).unlink()
    with pytest.raises(StepRefused, match="nothing to carry over"):
        carry(grown, "1")


async def test_steps_3_5_and_6_run_on_what_was_carried(grown):
    for step in ("1", "2.5"):
        carry(grown, step)
    assert (await run_step(grown, "3", quiet)).ok
    assert carry(grown, "4").note == f"carried over: {ENGINE}"
    features = Scored.from_bytes(grown.artifacts.read_bytes(SCORED)).head.features
    assert grown.artifacts.read_json(ENGINE)["features"] == features
    for step in ("5", "6"):
        outcome = await run_step(grown, step, quiet)
        assert outcome.ok, (outcome.note, outcome.findings, outcome.evidence)
        assert outcome.status == "done"
