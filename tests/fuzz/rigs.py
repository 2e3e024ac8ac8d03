"""What rigs say and hear: probe readings and facts, the guard's lines both ways, answers of installer and store, sysfs and kernel-log text."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from engine.config import RigSettings
from engine.errors import BadInput
from engine.rigs.facts import parse_facts
from engine.rigs.heard import ANSWERS, answer_of, event_of
from engine.rigs.machine import Machine
from engine.rigs.onrig import guard, installer, probe
from engine.rigs.onrig.workers import Worker
from engine.rigs.quarantine import Quarantine
from engine.rigs.reading import parse_reading
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target

CARD = '{"pci":"0000:0f:00.0","vendor":"amd","name":"RX","hotspot":71.5,"link_gen":1,"link_width":1,"busy":99,"vram_used":1,"vram_total":8}'
READING = (
    '{"host":{"hostname":"rig-1","cores":4,"clock":1767225600.0,"python":[3,11,7],"ram_total":8e9,"ram_free":4e9,"load":1.5},'
    '"gpus":[' + CARD + '],"errors":["x"],"kernel_log":true}'
).encode()
FACTS = b"hostname=rig-1\ncores=4\nram_total_kib=8000000\nram_free_kib=4000000\nload=1.50\ndisk_free_kib=9000000\npython=3.11\n"
EVENTS = (
    b'{"event":"up","pid":7,"slots":1}', b'{"event":"down","why":"w"}', b'{"event":"slot","name":"gpu0","attempt":1}',
    b'{"event":"line","name":"gpu0","attempt":1,"line":{"event":"report","isa":"avx2"}}',
    b'{"event":"exit","name":"gpu0","attempt":1,"code":-9,"cause":"c","phase":"ready","stderr":"s","kernel":["k"]}',
)  # fmt: skip
ORDERS = (
    b'{"op":"start","name":"gpu0","attempt":1,"argv":["x"],"env":{"A":"~/b"},"start_limit":9,"first":null,"cwd":"/","gated":true,"halts":true}\n'
    b'{"op":"kill","name":"gpu0","cause":"c"}\n{"op":"halt","halt":3,"grace":0.5}\n{"op":"beat"}\n{"op":"line","name":"gpu0","line":{}}\n'
)
SYSFS = b"vendor=0x1002\nclass=0x030000\ncurrent_link_speed=2.5 GT/s PCIe\nmem_info_vram_used=1\nras/umc_err_count=ue: 0\nce: 1\n"
SMI = b"00000000:0f:00.0, RTX, 1.2, 71, 99.5, 1, 1, 1, 8, 99, 4, 16, 50, 0x0000000000000004, 0, [N/A]\n"
KMSG = b"6,1,2,-;NVRM: Xid (PCI:0000:0f:00): 79, GPU has fallen off the bus\namdgpu 0000:03:00.0: GPU reset begin!\n"


class Record:
    """A journal that holds nothing."""

    def append(self, kind: str, data: Any) -> int:
        return 1

    def events(self, *, kinds: Any = None) -> tuple[()]:
        return ()


def reading(data: bytes) -> object:
    """Take a reading in as the fleet does: rules are judged and viewers shown what it says."""
    settings = RigSettings.model_validate({"name": "r", "host": "local"})
    machine = Machine(settings, Quarantine(Record()))
    changes = machine.take(parse_reading(data.decode("utf-8", "replace")))
    return (
        [change.text for change in changes],
        machine.row(),
        [machine.card_row(seat) for seat in machine.seats],
        machine.host(),
    )


def guarded(data: bytes) -> object:
    """Let a guard hear these lines of an engine; nothing is started."""
    spec = {
        "lease": 10,
        "slots": 1,
        "delay": 2,
        "silence": 8,
        "kmsg": "/dev/null",
        "slot_dir": str(scratch.folder() / "slots"),
    }
    one = guard.Guard(spec)
    said = bytearray()

    def write(fd: int, content: bytes) -> int:
        said.extend(content)
        return len(content)

    started = mock.Mock(side_effect=OSError("not here"))
    try:
        with (
            mock.patch("os.write", write),
            mock.patch("subprocess.Popen", started),
        ):
            with mock.patch("os.read", return_value=data):
                one.listen()
            one.open_gate()
    finally:
        for end in (one.wake, one.alarm):
            end.close()
        if one.kernel.fd is not None:
            os.close(one.kernel.fd)
    return [event_of(line) for line in bytes(said).splitlines()]


def heard(data: bytes) -> object:
    """Let a guard hear a worker; what it passes on has the engine's form, or the engine refuses it as a whole."""
    said: list[bytes] = []
    pipe = SimpleNamespace(fileno=lambda: -1)
    process: Any = SimpleNamespace(pid=0, stdin=pipe, stdout=pipe, stderr=pipe)
    worker = Worker({"name": "gpu0", "attempt": 1, "start_limit": 9}, process)
    talk = SimpleNamespace(say=lambda **event: said.append(json.dumps(event).encode()))
    one: Any = SimpleNamespace(delay=1.0, talk=talk)
    with mock.patch("os.read", return_value=data), mock.patch("os.killpg"):
        guard.Guard.hear(one, worker, worker.hear())
    return [taken for line in said if (taken := _event(line)) is not None]


def _event(line: bytes) -> object:
    try:
        return event_of(line)
    except BadInput:
        return None


def answers(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    kinds = list(ANSWERS)
    return answer_of(text[1:], kinds[ord(text[0]) % len(kinds)]) if text else None


def amd(data: bytes) -> object:
    """Read a card of which every file says what the input says."""
    root = scratch.folder() / "sys"
    folder = root / "bus/pci/devices/0000:0f:00.0"
    shutil.rmtree(root, ignore_errors=True)
    for line in data.split(b"\n"):
        name, _, value = line.partition(b"=")
        if name.decode("latin1") in FILES:
            (folder / name.decode()).parent.mkdir(parents=True, exist_ok=True)
            (folder / name.decode()).write_bytes(value)
    return json.dumps([probe.amd(str(root), pci) for pci, _ in probe.cards(str(root))])


FILES = (
    "vendor", "class", "product_name", "current_link_speed", "current_link_width", "power/runtime_status", "mem_info_vram_used",
    "mem_info_vram_total", "gpu_busy_percent", "ras/umc_err_count", "gpu_metrics", "hwmon/hwmon0/temp1_label",
    "hwmon/hwmon0/temp1_input", "hwmon/hwmon0/power1_average", "hwmon/hwmon0/freq1_input", "hwmon/hwmon0/fan1_input",
)  # fmt: skip


def nvidia(data: bytes) -> object:
    done = SimpleNamespace(returncode=0, stdout=data.decode("utf-8", "replace"), stderr="")
    with mock.patch.object(probe.subprocess, "run", return_value=done):
        return json.dumps(probe.nvidia("nvidia-smi", []))


def kernel(data: bytes) -> object:
    """Read a kernel's log and a host's files of this content."""
    proc = scratch.folder()
    (
        scratch.file("kmsg", data),
        scratch.file("meminfo", data),
        scratch.file("loadavg", data),
        scratch.file("uptime", data),
    )
    return json.dumps([probe.kernel_faults(str(proc / "kmsg")), probe.host(str(proc), "/", "/")])


def installed(data: bytes) -> object:
    """Install a bundle whose one wheel are these bytes; nothing may come to lie outside of its version's folder."""
    home = scratch.folder() / "home"
    shutil.rmtree(home, ignore_errors=True)
    manifest = {"a.whl": installer.hashlib.sha256(data).hexdigest()}
    digest = installer.bundle_digest(manifest)
    incoming = home / f"incoming-{digest}"
    incoming.mkdir(parents=True)
    (home / "versions").mkdir()
    (incoming / "a.whl").write_bytes(data)
    (incoming / "manifest.json").write_text(json.dumps(manifest))
    try:
        installer.install(str(home), digest)
    finally:
        strangers = {path.name for path in home.iterdir()} - {"versions", "current", "previous"}
        assert not strangers, f"the installer left {strangers}"
        assert not any(Path(scratch.folder()).glob("evil*")), "a wheel wrote outside of its folder"


@cache
def wheel(name: str = "pkg/__init__.py") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, "x = 1\n")
        archive.writestr("pkg-1.data/purelib/pkg/more.py", "y = 2\n")
    return made.getvalue()


TARGET = Target(
    "rigs",
    "readings, facts, guard lines both ways, installer and store, sysfs and kernel log",
    (
        Reader("reading", reading, (READING, b'{"busy": true}')),
        Reader("facts", lambda data: parse_facts(data.decode("utf-8", "replace")), (FACTS,)),
        Reader("guard's event", lambda data: event_of(data), EVENTS),
        Reader("script's answer", answers, (b'\x00{"whole":[],"free":3}', b'\x03{"current":null,"previous":null,"whole":null}', b'\x00{"ok":false,"why":"w"}')),
        Reader("guard hears the engine", guarded, (ORDERS,), ()),
        Reader("guard hears a worker", heard, (b'{"event":"gate"}\n{"event":"ready"}\n[]\n',), ()),
        Reader("amd", amd, (SYSFS,), ()),
        Reader("nvidia", nvidia, (SMI,), ()),
        Reader("kernel", kernel, (KMSG, b"MemTotal: 8 kB\nMemAvailable: 4 kB\n"), ()),
        Reader("wheel", installed, (wheel(), wheel("../../evil.py"), wheel("/evil.py")), installer.BROKEN),
    ),
)  # fmt: skip
