"""The command as it is, timed and weighed; and a run that is killed and resumed against one that was not."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from one_run import SMALL, Column, Here, run_steps

from engine.history.history import History
from engine.pipeline.context import RunContext
from engine.pipeline.parameters import PipelineParameters
from engine.pipeline.seedtree import SeedTree
from engine.scenarios.catalog import make as scenario
from engine.scenarios.scenario import Asked
from engine.search.ranges import Range
from engine.search.space import Space
from engine.seedtree import named_rng
from state.artifacts import ArtifactStore
from state.journal import Journal


def whole(seed: int) -> dict[str, Any]:
    """Run `analyze --pipeline` over 500 noisy draws on two workers; time it and watch the memory of all its processes."""
    import psutil

    with tempfile.TemporaryDirectory(prefix="mimicry-whole-") as name:
        draws = Path(name) / "draws.csv"
        draws.write_text(scenario("noisy", Asked(draws=500, seed=seed)).csv())
        command = [
            sys.executable,
            "-m",
            "engine.cli",
            "analyze",
            str(draws),
            "--range",
            "0:999",
            "--families",
            "lcg48/java",
        ]
        command += [
            "--seeds",
            "0:1048575",
            "--gaps",
            "0:3",
            "--starts",
            "0:0",
            "--noise",
            "0.2",
            "--workers",
            "2",
        ]
        command += ["--pipeline", "--state", f"{name}/state"]
        began, peak = time.perf_counter(), 0
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while child.poll() is None:
            peak = max(peak, memory(psutil.Process(child.pid)))
            time.sleep(0.2)
        assert child.stdout is not None
        said = child.stdout.read()
        seconds = time.perf_counter() - began
    if child.returncode:
        raise SystemExit(said)
    return {"seconds": seconds, "peak_gb": peak / 2**30, "said": said.splitlines()[-8:]}


def memory(process: Any) -> int:
    """Return the resident bytes of a process and its descendants."""
    import psutil

    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.Error:  # it ended while we looked
            continue
    return total


RESUME = Asked(draws=120, range=(0, 99), noise=0.2, seeds=1 << 12, gap=1)


def resume_child(folder: Path) -> None:
    """Run the steps in a folder that may hold an interrupted run; print nothing, be killed at any moment."""
    made = scenario("noisy", RESUME)
    space = Space(
        range=made.range,
        families=("lcg48/java",),
        mappings=("java_bounded",),
        gaps=Range(0, 1),
        starts=Range(0, 0),
    )
    with Journal.open(folder) as journal:
        (folder / "begun").touch()
        ctx = RunContext(
            history=History.of(made.values), compute=Here(folder), journal=journal, artifacts=ArtifactStore(folder / "artifacts"),
            run="run", seeds=SeedTree(1), parameters=PipelineParameters(**{**SMALL, "save_all_models": True}), space=space,
        )  # fmt: skip
        run_steps(ctx)


def resume(seed: int) -> dict[str, Any]:
    """Kill the run at random moments until it ends, and compare every artifact's content with an unbroken run's."""
    span, whole = unbroken()
    rng = named_rng(seed, "resume")
    with tempfile.TemporaryDirectory(prefix="mimicry-resume-") as name:
        kills = 0
        while lived(Path(name), float(rng.uniform(0.0, 1.0)) * span) is None:
            kills += 1
        resumed = contents(Path(name))
    differ = sorted(name for name in {*whole, *resumed} if whole.get(name) != resumed.get(name))
    return {"kills": kills, "same": not differ, "differ": differ, "artifacts": len(whole)}


@cache
def unbroken() -> tuple[float, dict[str, str]]:
    """Run once to the end; return the seconds that its work took, and what it wrote."""
    with tempfile.TemporaryDirectory(prefix="mimicry-unbroken-") as name:
        seconds = lived(Path(name), None)
        assert seconds is not None
        return seconds, contents(Path(name))


def lived(folder: Path, limit: float | None) -> float | None:
    """Run the child; return the seconds that it worked, or None where it was killed after `limit` of them."""
    begun = folder / "begun"
    begun.unlink(missing_ok=True)
    child = subprocess.Popen([sys.executable, __file__, str(folder)], start_new_session=True)
    while not begun.exists() and child.poll() is None:  # a library that loads is no moment of the run
        time.sleep(0.01)
    began = time.perf_counter()
    try:
        code = child.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return None
    if code:
        raise SystemExit(f"the run in {folder} ended with {code}")
    return time.perf_counter() - began


def contents(folder: Path) -> dict[str, str]:
    """Return content_sha256 by artifact."""
    store = ArtifactStore(folder / "artifacts")
    names = [one.name.removesuffix(".lineage.json") for one in store.directory.glob("*.lineage.json")]
    return {name: store.lineage(name).content_sha256 for name in sorted(names)}


def whole_told(column: Column, count: int) -> str:
    """Return the longest time and the most memory."""
    return f"{count} runs: {max(column['seconds']):.0f} s and {max(column['peak_gb']):.2f} GiB at most"


def resume_told(column: Column, count: int) -> str:
    """Return how many runs were killed how often, and wrote what they should."""
    return f"{count} runs, {sum(column['kills'])} kills: all {max(column['artifacts'])} artifacts the same in {sum(column['same'])}"


if __name__ == "__main__":
    resume_child(Path(sys.argv[1]))
