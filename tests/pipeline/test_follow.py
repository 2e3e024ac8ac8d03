"""`analyze --pipeline` behind its verdict, on the real compute engine: worker processes, isolated trainings, a real halt."""

import asyncio
import time

import pytest

from engine.compute import kinds
from engine.compute.cluster import Compute
from engine.errors import Halted
from engine.history.history import History
from engine.pipeline.artifacts import MODEL_META, POOL, ModelMeta, Pool
from engine.pipeline.follow import follow_analysis
from engine.pipeline.parameters import PipelineParameters
from engine.search.analysis import Analysis, Controls, Hypothesis, Tally
from engine.search.space import Space
from hip_cuda_kernels import host
from state.artifacts import ArtifactStore
from state.journal import Journal

TINY = PipelineParameters(
    scorer_trials=4,
    scorer_batch=2,
    twins=12,
    twin_decoys=12,
    min_candidates=16,
    rungs=1,
    decoy_histories=1,
    save_all_models=True,
)
DRAWS, SEED = 60, 1234
VALUES = host.values("lcg48/java", "java_bounded", SEED, 0, 999, DRAWS + 10, start=2, gap=1)


def identified():
    one = Hypothesis(
        family="lcg48/java",
        aliases=[],
        mapping="java_bounded",
        origin={"kind": "seed", "bits": 48, "value": hex(SEED), "unit": None},
        start=2,
        gap={"law": "constant", "unit": "call", "value": 1},
        session=None,
        direction="forward",
        noise=0.0,
        matched=DRAWS,
        scored=DRAWS,
        confirmed=Tally(matched=DRAWS - 12, scored=DRAWS - 12),
        evidence_bits=300.0,
        equivalents=1,
    )
    return Analysis(
        verdict="identified",
        evidence_bits=300.0,
        required_bits=19.93,
        alpha=1e-6,
        complete=False,
        stopped_by="found",
        need_draws=None,
        range=(0, 999),
        range_candidates=[],
        draws=DRAWS,
        sessions=[],
        hypotheses=[one],
        next_draws=VALUES[DRAWS:].tolist(),
        excluded=[],
        not_tested=[],
        controls=Controls(null_best=0, null_expected=0.1, cells_planted=3, cells_found=3),
        hypotheses_tested=1000,
        elapsed_s=1.0,
        run="run-1",
    )


async def follow(folder, compute, journal, note):
    history = History.of(VALUES[:DRAWS].tolist())
    space = Space(range=(0, 999), families=("lcg48/java",))
    store = ArtifactStore(folder / "artifacts")
    return await follow_analysis(
        identified(), history, space, compute, journal, store, parameters=TINY, note=note
    )


def check(outcomes, notes, folder):
    assert [(one.step, one.status) for one in outcomes] == [
        (step, "done") for step in ("1", "2.5", "3", "4", "5", "6")
    ], notes
    store = ArtifactStore(folder / "artifacts")
    pool = Pool.parse(store.read_json(POOL), POOL)
    assert pool.basis == "evidence"
    assert pool.heads[0][0] == VALUES[DRAWS]
    assert pool.heads[0][1] > 0.9
    meta = ModelMeta.parse(store.read_json(MODEL_META), MODEL_META)
    assert meta.overlap == "confirm"
    assert not meta.signal  # the claim rests on the evidence; the final block took part in the confirmation
    stored = [path.name for path in store.directory.iterdir() if not path.name.endswith(".lineage.json")]
    assert (
        sum(name.startswith(("best_model.", "model_")) for name in stored) == 5
    )  # four models and the sidecar
    assert any(note.startswith("step 5 done") for note in notes)


async def test_one_identified_survivor_goes_through_all_steps_to_a_pool(tmp_path, inline_compute):
    notes = []
    with Journal.open(tmp_path) as journal:
        outcomes = await follow(tmp_path, inline_compute(tmp_path), journal, notes.append)
    check(outcomes, notes, tmp_path)


async def test_without_an_identification_every_step_runs_and_the_pool_is_uniform(
    tmp_path, inline_compute, steps
):
    analysis = identified().model_copy(
        update={"verdict": "no_evidence", "hypotheses": [], "next_draws": None}
    )
    told = {"window_trials": 2, "window_batch": 2, "window_seeds": 1 << 10}
    with Journal.open(tmp_path) as journal:
        outcomes = await follow_analysis(
            analysis.model_copy(update={"range": steps["span"]}),
            steps["uniform_history"](),
            Space(families=("lcg48/java",), mappings=("java_bounded",)),
            inline_compute(tmp_path),
            journal,
            ArtifactStore(tmp_path / "artifacts"),
            parameters=TINY.model_copy(update=told),
        )
    assert [(one.step, one.ok) for one in outcomes] == [
        (step, True) for step in ("1", "2.5", "3", "4", "5", "6")
    ]
    assert outcomes[-1].metrics["uniform"]


@pytest.mark.slow
async def test_the_same_on_worker_processes_with_isolated_trainings(tmp_path):
    """Runs 20 s on two idle cores: ten trainings start a process each."""
    notes = []
    with Journal.open(tmp_path) as journal:
        compute = await Compute.start(tmp_path, workers=2)
        try:
            outcomes = await follow(tmp_path, compute, journal, notes.append)
        finally:
            await compute.close()
    check(outcomes, notes, tmp_path)


async def test_a_halt_reaches_a_running_training_within_a_second_and_loses_nothing(tmp_path):
    scored = asyncio.Event()

    def note(text):
        if text.startswith("step 3"):
            scored.set()

    with Journal.open(tmp_path) as journal:
        compute = await Compute.start(tmp_path, workers=2)
        try:
            running = asyncio.create_task(follow(tmp_path, compute, journal, note))
            waiting = asyncio.create_task(scored.wait())
            await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED, timeout=60)
            assert scored.is_set(), running  # a run that ended before step 3 shows its outcome here
            await asyncio.sleep(0.5)
            began = time.monotonic()
            compute.stop_now()
            with pytest.raises(Halted):
                await running
            took = time.monotonic() - began
        finally:
            await compute.close()
    assert took < 1.5
    names = {path.name for path in (tmp_path / "artifacts").iterdir()}
    assert "survivors_with_scores.npz" in names
    assert POOL not in names


def test_every_kind_of_task_that_the_pipeline_asks_for_is_in_the_table():
    assert kinds.resolve("features").__module__ == "engine.pipeline.feature_task"
    assert kinds.resolve("train").__module__ == "engine.pipeline.models"
