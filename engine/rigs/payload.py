"""The seam to whoever computes: what a rig starts per GPU, as files, a command line and JSON lines; knows nothing of Dask.

A worker's life, in the lines that it writes (`event`) and reads:

    {"event": "gate"}          after its imports; it then waits for {"gate": "open"} before it touches a GPU
    {"event": "initialised"}   its device is ready; the rig's slot goes to the next one after the delay
    {"event": "report", …}     its self-test; `Crew.refusal` judges it, and `Crew.admission` is the line that lets it work
    {"event": "ready", …}      it takes work
    {"event": "beat", …}       each second from then on; silence ends it
    {"event": "halted"}        the answer to {"halt": GENERATION, "generation": GENERATION}, if it `halts`

A worker that needs no device goes straight to its report; one that does not know the gate is started inside it (`Payload.gated`). Its first line is
`Payload.first` with the guard's pid as `parent`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Line = Mapping[str, Any]
RUN = "{run}"
"""Stands in `argv` and `env` for the private folder (0700) on the rig that holds the files."""
PYTHON = "{python}"
"""Stands in `argv` for the rig's python."""


@dataclass(frozen=True)
class Place:
    """One GPU of one rig."""

    rig: str
    slot: int
    pci: str
    python: str
    """The rig's python."""
    env: Mapping[str, str]
    """What the rig's settings and the GPU's visibility ask for; it is set anyway."""
    store: str = ""
    """The rig's folder of staged files."""
    reserve: int = 0
    """Bytes of host memory that work leaves free."""

    @property
    def name(self) -> str:
        """Return the worker's name, `rig-6600/gpu3`."""
        return f"{self.rig}/gpu{self.slot}"


@dataclass(frozen=True)
class Payload:
    """What one worker is started from."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    """File name to content; certificates and keys belong here, never into `argv` or `env`."""
    first: Line | None = None
    """The worker's first line, if it wants one; `RUN` in its strings stands for the folder there too."""
    halts: bool = False
    """It answers a halt, and is killed if it does not do so in time; otherwise its crew sees to that."""
    gated: bool = False
    """It does not ask for the gate itself: the slot is taken before it starts and held until its report."""


@dataclass(frozen=True)
class Ending:
    """How one attempt of a worker ended."""

    code: int | None
    """Exit code, negative for a signal; None where the link was lost first."""
    cause: str
    stderr: str
    kernel: tuple[str, ...] = ()
    """What the rig's kernel logged meanwhile, or one line on why that is not known."""


class Berth(Protocol):
    """A rig that is reached, for as long as its link lasts: where a crew's files go."""

    @property
    def name(self) -> str:
        """Return the rig's name."""

    async def stage(self, files: Mapping[str, Path], keep: Collection[str]) -> None:
        """See that the rig has these files (digest to path) whole; a RigFault, BadInput or EnvironmentFault says why not.

        What is neither asked for nor in `keep` may go where the room is short.
        """


class Voice(Protocol):
    """How a crew reaches one worker, for as long as this attempt lasts."""

    async def tunnel(self, port: int) -> int:
        """Return the rig's loopback port that leads to our loopback `port`; one tunnel serves a whole rig."""

    def tell(self, line: Line) -> None:
        """Send the worker one line."""

    def end(self, cause: str) -> None:
        """Kill it and all that it started."""


class Crew(Protocol):
    """What computes, seen from the rigs. Called on the fleet's loop; only `payload` may wait."""

    paced: bool
    """It spaces relaunches itself: none of ours is put off."""

    def offer(self, place: Place) -> None:
        """Take in that a place exists."""

    def wanted(self) -> frozenset[str]:
        """Return the digests of the staged files that are still needed; the others are swept when a rig is reached."""

    def reached(self, berth: Berth) -> None:
        """Take in that files may be staged on a rig."""

    def lost(self, berth: Berth) -> None:
        """Take in that a rig is not reached any more: nothing is known of what it has."""

    async def payload(self, place: Place, voice: Voice) -> Payload:
        """Return what runs at a place next; waiting puts off the start."""

    def refusal(self, place: Place, report: Line) -> str | None:
        """Return why the worker that reported this is not admitted, None if it is welcome."""

    def admission(self, place: Place) -> Line | None:
        """Return the line that lets a reported worker begin, None where the crew sends it itself."""

    def started(self, place: Place, pid: int) -> None:
        """Take in that the worker's process runs."""

    def said(self, place: Place, line: Line) -> None:
        """Take in any line of a worker."""

    def drain(self, place: Place, voice: Voice) -> None:
        """See that the worker ends (`voice.end` at the latest) once its piece of work is done, and gets no other."""

    def gone(self, place: Place, ending: Ending) -> None:
        """Take in that an attempt has ended, started or not."""


def filled(text: str, *, run: str, python: str = "") -> str:
    """Return a text with the rig's folder and python put in."""
    return text.replace(RUN, run).replace(PYTHON, python)


def visibility(backend: str, slot: int) -> dict[str, str]:
    """Return the variables that show a worker its one GPU.

    HIP's indices count what ROCr left visible, so there the card is always number 0.
    """
    if backend == "cuda":
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(slot)}
    if backend == "rocm":
        return {"ROCR_VISIBLE_DEVICES": str(slot), "HIP_VISIBLE_DEVICES": "0"}
    return {}
