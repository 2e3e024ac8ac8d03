"""All faults by name, in the order in which `--faults all` fires them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.soak.fault import Fault
from engine.soak.faults.kills import KillEngine, KillWorker

CATALOG: Mapping[str, Callable[[], Fault]] = {"kill_engine": KillEngine, "kill_worker": KillWorker}
