"""The chunks of the fault runs, as a worker runs them: a pure function of an index and of a shared input, and what may be amiss with one."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.compute.stop import Stop

KINDS = {"chunk": "fault_chunks:chunk"}
INPUT = {"values": np.arange(1 << 17, dtype=np.int64) * 2654435761 % 1009}


def answer(index: int, values: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what chunk `index` gives on every machine."""
    rng = np.random.default_rng(index)
    return {"index": index}, {"hits": values[rng.integers(0, len(values), 50)]}


def chunk(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: Stop
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Work for a while; hang once or kill the worker where the chunk is asked to."""
    if params.get("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in params and not (mark := Path(params["hang"])).exists():
        mark.touch()
        time.sleep(3600)
    until = time.monotonic() + params["seconds"]
    while (left := until - time.monotonic()) > 0:
        stop.raise_if_asked()
        time.sleep(min(left, 0.02))
    return answer(params["index"], arrays["values"])
