"""The settings under which every Dask process of ours runs; measured choices, applied before `distributed` is imported."""

from __future__ import annotations

import logging
from typing import Any

RERUNS = 3
"""A task whose worker dies is run again this often, then it is failed."""
SILENCE = 10.0
"""Seconds without a sign of life after which a process counts as hung and is killed; signs come every second."""

SETTINGS: dict[str, Any] = {
    # The dealer counts deaths, against the one task that ran; what is out again has another key.
    "distributed.scheduler.allowed-failures": 1000,
    # The backstop behind the workers' own lines: checked every ttl, so a silent worker is noticed after ttl … 2 ttl.
    "distributed.scheduler.worker-ttl": "40s",
    "distributed.scheduler.work-stealing": False,
    # Messages name no class that the reader would import.
    "distributed.scheduler.allowed-imports": [],
    "distributed.comm.require-encryption": True,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.comm.timeouts.connect": "8s",
    # Below 11 s a keepalive probe could end a healthy connection.
    "distributed.comm.timeouts.tcp": "12s",
    "distributed.diagnostics.nvml": False,
    "distributed.diagnostics.computations.max-history": 1,
    "distributed.worker.profile.enabled": False,
    # The engine's slots restart workers and watch their memory; Dask shall neither pause nor spill behind their back.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.client.scheduler-info-interval": "60s",
    # Idle processes should sleep: the defaults wake 50 times a second, and 1000 times to watch the GIL.
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    # Dask keeps the last so many messages of every stream, payloads and all: 500 tasks of 400 kB were 200 MB in scheduler and engine alike.
    "distributed.admin.low-level-log-length": 0,
    "distributed.admin.log-length": 1000,
    "distributed.admin.large-graph-warning-threshold": "4GB",
    "distributed.comm.compression": False,
}


def apply(level: int = logging.ERROR) -> None:
    """Set the options for this process; call it before the first import of `distributed`.

    `level` is what Dask's own loggers may say: the coordinator asks for CRITICAL, because a lost connection is an event that it
    reports itself, and Dask's traceback of it would be noise on a terminal.
    """
    import dask

    # Files and variables of the user's own Dask, preloads among them, have no say here.
    dask.config.refresh(paths=[], env={})
    name = logging.getLevelName(level).lower()
    dask.config.set(
        {**SETTINGS, "logging": {"distributed": name, "distributed.client": name, "tornado": "critical"}}
    )
    logging.getLogger("distributed").setLevel(level)
