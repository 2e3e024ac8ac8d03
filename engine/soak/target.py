"""What a fault may touch: one soak's own daemon, its processes by role, its state directory, and a line into the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Role = Literal["engine", "worker", "scheduler", "trainer", "llm", "guard", "other"]


@dataclass(frozen=True)
class Target:
    """The soak's room as faults see it. Every process in it was started by this soak; nothing else may be touched."""

    state: Path
    """The room's state directory."""
    scratch: Path
    """A directory of the soak for a fault's own files, on the same file system."""
    processes: Callable[[], Mapping[int, Role]]
    """The daemon and everything below it, now, by pid."""
    ask: Callable[..., Any]
    """ask(verb, **arguments) over the control socket: a Reply, or Unreachable."""
    restart: Callable[[Mapping[str, Any]], None]
    """End the daemon at a checkpoint and start it under other conditions: `env`, `rlimits` by name, `between` (called while none runs); {} = as before."""
    room_seq: Callable[[], int]
    """The last sequence number of the room's journal, 0 while it cannot be read."""
    seed: int

    def pids(self, role: Role) -> list[int]:
        """Return the processes of one role, oldest first."""
        return sorted(pid for pid, of in self.processes().items() if of == role)
