"""The demo's source: a planted history, delivered once over restarts, never mixed with real draws, its truth out of the analyst's sight."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import DemoSettings
from engine.demo import SCENARIO_DRAWS, Demo
from engine.errors import UsageError
from engine.feedback.intake import Intake
from engine.history.store import Arrival
from state.journal import Journal

QUICK = DemoSettings(draws=20, seconds_per_draw=0.05)


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    journal = Journal.open(tmp_path)
    made = Intake(tmp_path, journal, lambda: None)
    yield made
    made.close()
    journal.close()


async def serve(demo: Demo, intake: Intake, least: int) -> None:
    """Let the demo deliver until the store holds `least` draws, however slow the machine is."""
    serving = asyncio.create_task(demo.serve())
    async with asyncio.timeout(60):
        while intake.count < least and not serving.done():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.02)
    if not serving.done():
        serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def test_a_restart_goes_on_where_the_store_stands(tmp_path: Path, intake: Intake) -> None:
    await serve(Demo(tmp_path, intake, QUICK), intake, 21)
    first = intake.count
    assert first > 20
    await serve(Demo(tmp_path, intake, QUICK), intake, first + 2)
    values = [draw.value for _, draw in intake.store.after(0)]
    assert len(values) > first
    from engine.history.injector import Injector
    from hip_cuda_kernels import host

    truth = Injector.open(tmp_path / "synthetic").reveal()
    wanted = host.values(truth.family, truth.mapping, truth.seed, truth.lo, truth.hi, len(values))
    assert values == wanted.tolist()


async def test_real_draws_are_never_mixed_with_synthetic_ones(tmp_path: Path, intake: Intake) -> None:
    intake.append([Arrival(5)], "real")
    with pytest.raises(UsageError, match="not synthetic"):
        await serve(Demo(tmp_path, intake, QUICK), intake, 2)
    assert intake.count == 1


async def test_the_truth_lies_apart_from_the_draws(tmp_path: Path, intake: Intake) -> None:
    await serve(Demo(tmp_path, intake, QUICK), intake, 20)
    text = "".join(path.read_text() for path in (tmp_path / "history").iterdir() if path.is_file())
    assert "lcg48" not in text
    assert (tmp_path / "synthetic" / "synthetic_truth.json").stat().st_mode & 0o077 == 0


async def test_a_scenario_is_delivered_and_goes_on_after_a_restart(tmp_path: Path, intake: Intake) -> None:
    settings = DemoSettings(draws=20, seconds_per_draw=0.05, scenario="noisy")
    for least in (21, 23):
        await serve(Demo(tmp_path, intake, settings), intake, least)
    from engine.scenarios.catalog import make
    from engine.scenarios.scenario import Asked

    asked = Asked(draws=SCENARIO_DRAWS, seed=settings.seed, range=settings.range, seeds=settings.seeds)
    values = [draw.value for _, draw in intake.store.after(0)]
    assert len(values) > 20
    assert values == list(make("noisy", asked).values[: len(values)])
