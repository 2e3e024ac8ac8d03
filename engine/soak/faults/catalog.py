"""All faults by name, in the order in which `--faults all` fires them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.soak.fault import Fault
from engine.soak.faults import clock, damage, disk, limits, link, model, processes

CATALOG: Mapping[str, Callable[[], Fault]] = {
    made.name: made
    for made in (
        processes.KillWorker,
        processes.KillScheduler,
        processes.KillLlm,
        processes.KillEngine,
        link.KillGuard,
        processes.StopWorker,
        processes.StopEngine,
        link.CutSsh,
        damage.CorruptRequest,
        limits.HandleLimit,
        limits.MemoryLimit,
        model.Grammar400,
        disk.SlowDisk,
        disk.FailingDisk,
        disk.ReadOnlyState,
        disk.FullDisk,
        clock.ClockStep,
        damage.CorruptJournal,
        damage.CorruptArtifact,
        processes.HungChunk,
    )
}
