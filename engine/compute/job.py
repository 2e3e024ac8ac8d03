"""A task on its way: the job that a worker gets, the answer it gives, and the echo that proves both were the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from engine.compute.codec import CodecError, canonical, pack, unpack
from engine.compute.inputs import check_digest
from engine.compute.task import Task, TaskResult, job_digest

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Job:
    """A task as it arrives where it runs."""

    kind: str
    key: str
    params: dict[str, Any]
    arrays: Arrays
    isolate: bool
    threads: int
    generation: int
    """The stop word's value under which it was submitted."""
    inputs: tuple[str, ...] = ()
    """Digests of the files whose arrays it reads too."""

    def echo(self) -> dict[str, str]:
        """Return what this side understood, computed from what it is about to run."""
        digest = job_digest(self.kind, self.key, self.params, self.arrays, self.inputs)
        return {"kind": self.kind, "key": self.key, "digest": digest}


_FIELDS = {
    "kind": str,
    "key": str,
    "params": dict,
    "isolate": bool,
    "threads": int,
    "generation": int,
    "inputs": list,
}
_ANSWER = {
    "job": dict,
    "ok": bool,
    "stopped": bool,
    "meta": dict,
    "seconds": float,
    "worker": str,
    "missing": list,
}


KEY = "mimicry"
"""First part of every Dask key; a constant, because Dask remembers each prefix for ever."""


def lot_key(lot: int) -> tuple[str, int]:
    """Return the key under which Dask knows a lot, the jobs that one worker was handed at once."""
    return (KEY, lot)


def encode_job(task: Task, generation: int) -> bytes:
    """Return the payload of `task`; CodecError if its params or arrays are nothing that travels."""
    head = {name: getattr(task, name) for name in ("kind", "key", "params", "isolate", "threads")}
    inputs = [one.digest for one in task.inputs]
    return pack({**head, "generation": generation, "inputs": inputs}, task.arrays)


def decode_job(payload: bytes) -> Job:
    """Return the job of `payload`; CodecError for a missing, unknown or wrongly typed field."""
    meta, arrays = unpack(payload)
    _check(meta, _FIELDS, "job")
    inputs = tuple(check_digest(one) for one in meta.pop("inputs"))
    return Job(**meta, inputs=inputs, arrays=arrays)


def encode_answer(
    echo: dict[str, str],
    worker: str,
    seconds: float,
    *,
    meta: dict[str, Any] | None = None,
    arrays: Arrays | None = None,
    stopped: bool = False,
    error: str | None = None,
    missing: Sequence[str] = (),
) -> bytes:
    """Return the payload of an answer; ok means neither stopped nor an error."""
    head = {
        "job": echo,
        "worker": worker,
        "seconds": float(seconds),
        "stopped": stopped,
        "error": error,
        "missing": list(missing),
    }
    return pack({**head, "ok": error is None and not stopped, "meta": meta or {}}, arrays)


def decode_answer(task: Task, payload: bytes, expected: str) -> TaskResult:
    """Return the result of `task`; a payload that is damaged, or answers another job than `expected`, is a failed result."""
    try:
        meta, arrays = unpack(payload)
        _check({name: value for name, value in meta.items() if name != "error"}, _ANSWER, "answer")
    except CodecError as error:
        return failed(task, f"unreadable answer: {error}")
    asked = {"kind": task.kind, "key": task.key, "digest": expected}
    if meta["job"] != asked:
        return failed(
            task,
            f"echo differs: asked {canonical(asked).decode()}, ran {canonical(meta['job']).decode()}",
            meta["worker"],
        )
    head = {name: meta[name] for name in ("ok", "meta", "error", "seconds", "worker", "stopped")}
    return TaskResult(key=task.key, arrays=arrays, missing=tuple(map(str, meta["missing"])), **head)


def failed(task: Task, error: str, worker: str = "") -> TaskResult:
    """Return the result of a task that ended without an answer."""
    return TaskResult(task.key, False, {}, {}, one_line(error), 0.0, worker, False)


def stopped(task: Task, error: str | None = None, worker: str = "") -> TaskResult:
    """Return the result of a task that a halt reached before it gave an answer."""
    return TaskResult(task.key, False, {}, {}, error and one_line(error), 0.0, worker, True)


def one_line(text: str, limit: int = 2000) -> str:
    """Return `text` on one line, its end kept if it is longer than `limit` characters."""
    flat = " | ".join(line.strip() for line in text.splitlines() if line.strip())
    return flat if len(flat) <= limit else "…" + flat[-limit:]


def _check(meta: dict[str, Any], fields: dict[str, type], what: str) -> None:
    """Raise CodecError unless `meta` has exactly `fields` with exactly their types."""
    if set(meta) != set(fields):
        raise CodecError(f"{what} has the fields {sorted(meta)}; {sorted(fields)} are the rule")
    for name, kind in fields.items():
        if type(meta[name]) is not kind:
            raise CodecError(f"{what}.{name} is a {type(meta[name]).__name__}; {kind.__name__} is the rule")
