"""Kinds of work for tests: each does one thing that a real kind might do to a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.compute.stop import Stop

Arrays = dict[str, npt.NDArray[Any]]
Answer = tuple[dict[str, Any], Arrays]

KINDS = {
    name: f"sample_kinds:{name}"
    for name in (
        "echo",
        "boom",
        "leave",
        "spin",
        "obey",
        "deaf",
        "nap",
        "die",
        "die_once",
        "unjson",
        "threads",
        "family",
        "hostile",
        "pure",
        "total",
    )
}


def echo(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Give back what came, doubled where it is a number."""
    return {"got": params, "pid": os.getpid()}, {name: array * 2 for name, array in arrays.items()}


def total(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Sum a part of an array that may have come as an input."""
    lo, hi = params["part"]
    return {"sum": int(arrays["v"][lo:hi].sum())}, {"head": arrays["v"][lo : min(hi, lo + 3)]}


def boom(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Raise."""
    print("last words on stderr", file=sys.stderr)
    raise ValueError("first line\nsecond line")


def leave(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Exit the interpreter."""
    print("leaving", file=sys.stderr)
    if params.get("hard"):
        os._exit(3)
    raise SystemExit(3)


def nap(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Sleep without looking at the stop word, a little."""
    time.sleep(params["seconds"])
    return {"pid": os.getpid(), "hypotheses": params.get("hypotheses", 0)}, {}


def spin(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Poll the array like a kernel, and return partial work without a word about the halt."""
    Path(params["mark"]).touch()
    word, begun, deadline = stop.array, stop.generation, time.monotonic() + 60
    while int(word[0]) == begun and time.monotonic() < deadline:
        time.sleep(0.005)
    return {"partial": True}, {"done": np.ones(1)}


def obey(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Poll in Python and raise Halted."""
    Path(params["mark"]).touch()
    for _ in range(6000):
        stop.raise_if_asked()
        time.sleep(0.01)
    return {}, {}


def deaf(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Work for a minute and never look at the stop word."""
    Path(params["mark"]).write_text(str(os.getpid()))
    time.sleep(60)
    return {}, {}


def die(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Kill the worker, every time."""
    with open(params["mark"], "a") as mark:
        mark.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
    return {}, {}


def die_once(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Kill the worker the first time, finish the second."""
    mark = Path(params["mark"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"pid": os.getpid()}, {}


def unjson(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Return what does not travel."""
    return {"score": float("nan")}, {}


def threads(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Report the thread settings of the process."""
    return {"omp": os.environ.get("OMP_NUM_THREADS"), "pid": os.getpid(), "parent": os.getppid()}, {}


def family(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Start a process of its own and wait for it, as a training library with helpers would."""
    helper = subprocess.Popen(["sleep", "60"])
    Path(params["mark"]).write_text(f"{os.getpid()} {helper.pid}")
    helper.wait()
    return {}, {}


def hostile(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Do what a taken-over worker would: send pickles upwards by every way there is."""
    from distributed import get_worker
    from distributed.protocol import pickle
    from distributed.protocol.serialize import Serialize, ToPickle
    from intruder import Evil

    if (tried := Path(params["mark"] + ".tried")).exists():
        return {"again": True}, {}
    tried.touch()
    worker = get_worker()
    key = worker.get_current_task()
    run = worker.state.tasks[key].run_id
    poison = Evil(params["mark"])
    sent = {
        "answer": {"op": "answer", "key": key, "serial": params["serial"], "payload": pickle.dumps(poison)},
        "type": {"op": "task-finished", "key": key, "nbytes": 1, "type": pickle.dumps(poison), "typename": "x",
                 "metadata": {}, "startstops": (), "thread": 1, "run_id": run, "stimulus_id": "evil"},
        "exception": {"op": "task-erred", "key": key, "exception": Serialize(poison), "traceback": Serialize(poison),
                      "exception_text": "x", "traceback_text": "x", "run_id": run, "thread": 1, "startstops": (),
                      "stimulus_id": "evil"},
        "message": {"op": "keep-alive", "x": ToPickle(poison)},
    }  # fmt: skip
    worker.loop.add_callback(worker.batched_send, sent[params["way"]])
    time.sleep(0.4)
    return {}, {}


def pure(params: dict[str, Any], arrays: Arrays, stop: Stop) -> Answer:
    """Give the same answer for the same index on every worker, after a moment."""
    time.sleep(params.get("seconds", 0.0))
    rng = np.random.default_rng(params["index"])
    return {"index": params["index"]}, {"hits": rng.integers(0, 1 << 30, 20)}
