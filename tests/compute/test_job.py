"""The echo: what ran is what was asked, to the last bit of an array, or the result has failed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from engine.compute.codec import CodecError, pack
from engine.compute.job import decode_answer, decode_job, encode_answer, encode_job, one_line
from engine.compute.task import Task
from engine.errors import UsageError

DUMPS = json.dumps
TASK = Task("sieve", "chunk-7", {"lo": 0, "gaps": [0, 3]}, {"draws": np.arange(4)})


def test_a_job_arrives_whole_and_its_echo_is_the_tasks_digest() -> None:
    job = decode_job(encode_job(TASK, generation=5))
    assert (job.kind, job.key, job.params) == ("sieve", "chunk-7", {"lo": 0, "gaps": [0, 3]})
    assert (job.isolate, job.threads, job.generation) == (False, 1, 5)
    assert job.echo() == {"kind": "sieve", "key": "chunk-7", "digest": TASK.digest()}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "train"},
        {"key": "chunk-8"},
        {"params": {"lo": 0}},
        {"params": {"lo": 0, "gaps": [0, 4]}},
        {"params": {"lo": False, "gaps": [0, 3]}},
        {"arrays": {}},
        {"arrays": {"draws": np.arange(4).astype("<i4")}},
        {"arrays": {"draws": np.arange(4).reshape(2, 2)}},
        {"arrays": {"draws": np.array([0, 1, 2, 4])}},
        {"arrays": {"drawn": np.arange(4)}},
    ],
)
def test_every_part_of_a_task_moves_its_digest(change: dict[str, Any]) -> None:
    assert dataclasses.replace(TASK, **change).digest() != TASK.digest()


def test_the_digest_ignores_what_does_not_change_the_values() -> None:
    same = {"params": {"gaps": (0, 3), "lo": 0}, "arrays": {"draws": np.arange(4).astype(">i8")}}
    assert dataclasses.replace(TASK, **same).digest() == TASK.digest()


def test_a_worker_that_ran_something_else_gives_a_failed_result() -> None:
    other = dataclasses.replace(TASK, params={"lo": 0, "gaps": [0, 4]})
    echo = decode_job(encode_job(other, 0)).echo()
    result = decode_answer(TASK, encode_answer(echo, "w", 1.0, meta={"hits": 3}), TASK.digest())
    assert not result.ok
    assert result.meta == {}
    assert result.error is not None
    assert result.error.startswith("echo differs: asked")
    assert result.worker == "w"


def test_a_true_answer_is_the_result() -> None:
    echo = decode_job(encode_job(TASK, 0)).echo()
    result = decode_answer(
        TASK, encode_answer(echo, "w", 1, meta={"n": 1}, arrays={"h": np.ones(2)}), TASK.digest()
    )
    assert (result.ok, result.stopped, result.error, result.seconds, result.meta) == (
        True,
        False,
        None,
        1.0,
        {"n": 1},
    )
    assert result.arrays["h"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "payload", [b"", b"x" * 99, pack({"ok": True}), pack({"job": {}, "ok": 1, "error": None})]
)
def test_an_answer_that_is_none_gives_a_failed_result(payload: bytes) -> None:
    result = decode_answer(TASK, payload, TASK.digest())
    assert not result.ok
    assert "unreadable answer" in (result.error or "")


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"serial": 1}, {"threads": True}, {"params": []}, {"isolate": 0}, {"generation": None}],
)
def test_a_job_with_an_unknown_or_wrong_field_is_refused(change: dict[str, Any]) -> None:
    right = {
        "kind": "k",
        "key": "k",
        "params": {},
        "isolate": False,
        "threads": 1,
        "generation": 0,
        "inputs": [],
    }
    decode_job(pack(right))
    with pytest.raises(CodecError, match="job"):
        decode_job(pack({**right, **change}))


@pytest.mark.parametrize(("threads", "isolate"), [(0, True), (2, False)])
def test_threads_that_could_not_take_effect_are_refused(threads: int, isolate: bool) -> None:
    with pytest.raises(UsageError, match="needs isolate=True"):
        Task("k", "k", {}, threads=threads, isolate=isolate)


def test_one_line_keeps_the_end() -> None:
    assert one_line(" a \n\n b\n") == "a | b"
    assert one_line("x" * 30 + "end", 5) == "…xxend"


@pytest.mark.parametrize("word", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused_in_an_answer_too(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = decode_job(encode_job(TASK, 0)).echo()
    with monkeypatch.context() as there:
        there.setattr("json.dumps", lambda value, **_: DUMPS(value).replace("7.25", word))
        payload = encode_answer(echo, "w", 7.25)
    assert "unreadable answer" in (decode_answer(TASK, payload, TASK.digest()).error or "")
