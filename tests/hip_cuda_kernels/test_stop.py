"""A running sieve obeys the stop word at once, lets other threads run, shows progress, and can be resumed without loss."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError

# Kernels must answer within 0.1 s; a shared test machine may also deschedule the thread for a while.
PROMPT_S = 0.1 + 0.4

LONG_JOBS = {
    "cheap words": ("xorshift32/raw_seed", "mod", 10, 10, (0, 0), (0, 0)),
    "long seeding": ("mt19937/cpython", "top_reject", 7, 10, (0, 0), (0, 16)),
    "far positions": ("mt19937/init_genrand", "mod", 7, 10, (3000, 3004), (0, 90)),
    "many alignments": ("lcg48/java", "java_bounded", 7, 10, (0, 3000), (0, 40)),
    "many survivors": ("mt19937/init_genrand", "mod", 30, 64, (0, 200), (0, 16)),
}


def job(kind: str) -> tuple[tuple[object, ...], dict[str, object]]:
    name, mapping, needed, width, starts, gaps = LONG_JOBS[kind]
    high = 9 if kind == "many survivors" else 999
    draws = np.random.default_rng(5).integers(0, high + 1, (1, width))
    arguments = (name, mapping, 0, high, draws, np.array([needed]))
    return arguments, {"seed_lo": 0, "seed_count": 1 << 32, "starts": starts, "gaps": gaps}


@pytest.mark.parametrize("kind", LONG_JOBS)
def test_a_search_returns_soon_after_the_word_changes(kind: str) -> None:
    arguments, scope = job(kind)
    stop, ended = np.array([7], dtype=np.uint32), []

    def search() -> None:
        result = host.sieve(*arguments, **scope, stop=stop, stop_generation=7)
        ended.append((time.monotonic(), result))

    thread = threading.Thread(target=search)
    thread.start()
    time.sleep(0.15)
    assert not ended, "the job must still be running"
    asked = time.monotonic()
    stop[0] += 1
    thread.join(10)
    at, result = ended[0]
    assert at - asked < PROMPT_S
    assert result.stopped
    assert result.seeds_done < 1 << 32
    assert (result.hits["seed"] < result.seeds_done).all()


def test_a_word_in_a_shared_file_stops_too(tmp_path: Path) -> None:
    path = tmp_path / "stop.word"
    path.write_bytes(bytes(8))
    watched = np.memmap(path, dtype=np.uint32, mode="r", shape=(1,))
    arguments, scope = job("cheap words")
    timer = threading.Timer(
        0.1, lambda: np.memmap(path, dtype=np.uint32, mode="r+", shape=(1,)).__setitem__(0, 1)
    )
    timer.start()
    result = host.sieve(*arguments, **scope, stop=watched, stop_generation=0)
    assert result.stopped


def test_a_word_that_differs_at_the_start_searches_nothing() -> None:
    arguments, scope = job("cheap words")
    result = host.sieve(*arguments, **scope, stop=np.array([1], dtype=np.uint32), stop_generation=0)
    assert result.stopped
    assert result.seeds_done == len(result.hits) == 0


def test_progress_is_shown_while_the_search_runs_and_the_interpreter_is_free() -> None:
    arguments, scope = job("long seeding")
    stop, progress, seen = np.zeros(1, dtype=np.uint32), np.full(1, 99, dtype=np.uint64), []
    thread = threading.Thread(target=lambda: host.sieve(*arguments, **scope, stop=stop, progress=progress))
    thread.start()
    for _ in range(10):
        time.sleep(0.03)
        seen.append(int(progress[0]))
    stop[0] = 1
    thread.join(10)
    assert sorted(seen) == seen
    assert len(set(seen)) >= 3


def test_progress_ends_at_the_seeds_done() -> None:
    arguments, scope = job("cheap words")
    progress = np.zeros(1, dtype=np.uint64)
    result = host.sieve(*arguments, **{**scope, "seed_count": 12345}, progress=progress)
    assert int(progress[0]) == result.seeds_done == 12345


def test_stopped_and_resumed_searches_find_each_hit_once() -> None:
    draws = host.values("xorshift32", "mod", 41, 0, 99, 5)[None, :]
    arguments = ("xorshift32", "mod", 0, 99, draws, np.array([3]))
    scope = {"starts": (0, 0), "gaps": (0, 9)}
    whole, at, pieces = 60_000_000, 0, []
    while at < whole:
        stop = np.zeros(1, dtype=np.uint32)
        timer = threading.Timer(0.05, stop.__setitem__, (0, 1))
        timer.start()
        piece = host.sieve(*arguments, seed_lo=at, seed_count=whole - at, **scope, stop=stop)
        timer.cancel()
        pieces.append(piece.hits)
        at += piece.seeds_done
    full = host.sieve(*arguments, seed_lo=0, seed_count=whole, **scope)
    assert len(pieces) > 1, "the search must have been stopped at least once"
    assert np.array_equal(np.concatenate(pieces), full.hits)


@pytest.mark.parametrize(
    "word", [np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint32), np.zeros(4, dtype=np.uint32)[::2]]
)
def test_a_word_that_would_be_copied_is_refused(word: np.ndarray) -> None:
    arguments, scope = job("cheap words")
    with pytest.raises(KernelError, match="stop"):
        host.sieve(*arguments, **scope, stop=word)
