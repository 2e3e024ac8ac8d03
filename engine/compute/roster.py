"""What is known about each worker: what its slot saw of it, and what the dealer has for it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.compute.place import WorkerInfo
from engine.compute.slot import Slot
from engine.compute.traffic import Traffic


def roster(slots: Iterable[Slot], traffic: Traffic) -> list[WorkerInfo]:
    """Return a line a worker."""
    traffic.mark_idle()
    waits = traffic.supplies.waits()
    return [_described(slot, traffic, waits) for slot in slots]


def degraded(slots: Iterable[Slot], traffic: Traffic) -> list[str]:
    """Return a line for each worker, and each machine, that works otherwise than it was asked to."""
    infos = [slot.info() for slot in slots]
    lines = [f"worker {info.name}: {info.degraded}" for info in infos if info.degraded]
    return lines + [f"{host} {why}" for host, why in traffic.supplies.waits().items()]


def _described(slot: Slot, traffic: Traffic, waits: Mapping[str, str]) -> WorkerInfo:
    dealer, info = traffic.dealer, slot.info()
    member, load = dealer.members.get(slot.alias), dealer.running(slot.alias)
    flight = traffic.flights.get(load) if load is not None else None
    ahead, held = (len(member.ahead), member.held) if member is not None else (0, False)
    note = info.note
    if info.alive and not ahead:
        note = waits.get(slot.place.host, "") or _cramped(dealer.short(slot.alias))
    return replace(
        info, ahead=ahead, held=held, task=flight.task.key if flight is not None else "", note=note
    )


def _cramped(short: tuple[int, int] | None) -> str:
    """Return why a worker that has too little memory for what waits stays idle."""
    if short is None:
        return ""
    need, left = (size >> 20 for size in short)
    return f"waits for memory: a task needs {need} MiB, its machine has {left} left beside its reserve and its neighbours"
