"""Fires faults of the catalogue at a real engine under work and measures: what was done, how long until it works again, what does not hold.

`python tests/faults/drill.py [NAME…] [--model FILE]` (default: all); a JSON line a fault. Rig and model server are made where they can be.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "rigs"))
sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))

from invariants import broken
from room import Room, told

from engine.soak.fault import CannotBeDone
from engine.soak.faults.catalog import CATALOG
from engine.soak.faults.processes import taking
from engine.soak.faults.relay import wrapped

LOOK = 0.05
STEADY = 60.0
OPTIONS: dict[str, dict[str, Any]] = {
    "corrupt_artifact": {"names": ["optimal_window_config.json"], "end_step": "1"}
}
"""The room's pipelines go to step 1: what comes after needs minutes of training and no other code to notice the damage."""
RIG, MODEL = ("kill_guard", "cut_ssh"), ("kill_llm", "grammar_400")


@dataclass(frozen=True)
class Fired:
    """One fault as it went. `recovery_s` counts from the fault, or from its end where the room cannot recover before."""

    name: str
    state: str
    told: str
    recovery_s: float | None
    findings: list[str]


def fire(room: Room, name: str, options: dict[str, Any]) -> Fired:
    """Fire one fault as a soak does, then look at every rule that holds at all times."""
    fault, target = CATALOG[name](), room.target()
    begun = time.monotonic()
    try:
        done = fault.inject(target, options)
        begun = time.monotonic()
        if fault.undo_first:
            time.sleep(float(options.get("hold_s", fault.hold_s)))
    except CannotBeDone as error:
        return Fired(name, "skipped", str(error), None, [])
    finally:
        if fault.undo_first:
            fault.undo(target)
            begun = time.monotonic()
    recovered = False
    while not (recovered := fault.recovered(target)) and time.monotonic() - begun < fault.settle_s:
        time.sleep(LOOK)
    seconds = time.monotonic() - begun
    if not fault.undo_first:
        fault.undo(target)
    findings = fault.findings(target) + ([] if recovered else [f"not recovered within {fault.settle_s:g} s"])
    findings += broken(room.state, dict(room.acknowledged))
    return Fired(name, "fails" if findings else "holds", done, round(seconds, 2), findings)


def steady(room: Room) -> None:
    """Wait until workers work and draws are acknowledged."""
    deadline, before = time.monotonic() + STEADY, len(room.acknowledged)
    while time.monotonic() < deadline:
        if taking(room.target()) and len(room.acknowledged) > before:
            return
        time.sleep(0.2)


@contextmanager
def working(folder: Path, *, rig: bool, model: Path | None, **shape: Any) -> Iterator[Room]:
    """Lend a room under steady work, with a rig of this machine and a model server where asked."""
    with ExitStack() as stack:
        more = ""
        if model is not None:
            command = wrapped((sys.executable, "-P", "-m", "engine.llm.wheel"), folder / "refuse")
            more += f'[llm]\ncommand = {json.dumps(command)}\nmodel = "{model}"\ncontext = 4096\nstart_s = 120.0\n'
        if rig:
            more += stack.enter_context(loopback(folder / "rig"))
        room = Room(folder / "room", more, **shape)
        room.start()
        stack.callback(room.close)
        room.work()
        yield room


@contextmanager
def loopback(folder: Path) -> Iterator[str]:
    """Start an sshd of our own; lend the words of room.toml for a rig behind it. It has no GPU: only link and guard are real."""
    from sshd import SSHD, start

    if SSHD is None:
        yield ""
        return
    folder.mkdir(parents=True)
    server = start(folder)
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "shm").mkdir()
    try:
        yield (
            f'[[rigs]]\nname = "rig-a"\nhost = "127.0.0.1"\nport = {server.address.port}\nuser = "{server.address.user}"\n'
            f'key = "{server.address.key}"\nhost_keys = ["{key}"]\npython = "{sys.executable}"\nstaging = "{folder / "shm"}"\n'
            'gpus = ["0000:03:00.0"]\n'
        )
    finally:
        server.process.terminate()
        server.process.wait()


def drilled(room: Room, names: list[str]) -> int:
    """Fire faults one after the other; return how many did not hold."""
    failed = 0
    for name in names:
        steady(room)
        fired = fire(room, name, OPTIONS.get(name, {}))
        failed += fired.state == "fails"
        told(asdict(fired))
    end = broken(room.state, room.acknowledged)
    told({"acknowledged": len(room.acknowledged), "given": room.given, "end": end})
    return failed + bool(end)


def main() -> int:
    """Run by hand."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the room is ended too
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument(
        "--model", type=Path, help="GGUF file; default: the tests' tiny random one, where gguf is installed"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--hung", type=float, default=20.0, help="compute.hung_s of the room")
    asked = parser.parse_args()
    names = asked.names or list(CATALOG)
    # A model of random weights advises at random, up to a halt: its faults have a room of their own, without other work to halt.
    groups = ([name for name in names if name not in MODEL], [name for name in names if name in MODEL])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mimicry-drill-") as folder:
        model = asked.model
        if model is None and groups[1]:
            from tiny_model import write

            model = write(Path(folder) / "tiny.gguf")
        shape = {"workers": asked.workers, "hung": asked.hung}
        for number, group in enumerate(groups):
            if group:
                rig, served = bool(set(group) & set(RIG)), model if number else None
                with working(Path(folder) / str(number), rig=rig, model=served, **shape) as room:
                    failed += drilled(room, group)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
