"""Runs on a rig: one reading of its GPUs and its host as one JSON line. Reads only; standard library and, where they are, the makers' own.

`probe.py SYS PROC SMI SHM DISK [LIB]`: the roots can be other folders, which is how it is tested. AMD cards are read from sysfs, and from
amdsmi what that lacks; a card that sleeps is not woken. NVIDIA cards are read through NVML, without it by one `nvidia-smi --query-gpu`;
both only where such a card stands on the bus. `LIB` is where the makers' libraries are looked for first.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.rigs.onrig import vendors
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # -I leaves it out
    import vendors

Record = dict[str, Any]
AMD, NVIDIA = "0x1002", "0x10de"
PATIENCE = 5.0  # seconds that a reading waits for another one of this user
SMI = (
    "pci.bus_id", "name", "driver_version", "temperature.gpu", "power.draw", "clocks.sm", "clocks.mem", "memory.used",
    "memory.total", "utilization.gpu", "pcie.link.gen.current", "pcie.link.width.current", "fan.speed",
    "clocks_throttle_reasons.active", "ecc.errors.uncorrected.volatile.total", "ecc.errors.corrected.volatile.total",
)  # fmt: skip
SPEEDS = {"2.5": 1, "5.0": 2, "5": 2, "8.0": 3, "8": 3, "16.0": 4, "16": 4, "32.0": 5, "32": 5, "64.0": 6}
XID = re.compile(r"NVRM: Xid \(PCI:([0-9a-fA-F:]+)[^)]*\): (\d+)")
BITS = re.compile("0x[0-9a-fA-F]{1,16}")
RESET = re.compile(r"amdgpu ([0-9a-f:.]+): .*(GPU reset|ring \S+ timeout|uncorrectable)")


def text(*path: str) -> str | None:
    """Return a small file's text, None where it cannot be read."""
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def number(raw: Any, scale: float = 1.0) -> float | None:
    """Return a number times its scale, None for anything else."""
    try:
        return float(raw) * scale
    except (TypeError, ValueError):
        return None


def cards(sys_root: str) -> list[tuple[str, str]]:
    """Return (PCI address, vendor) of every display controller of a GPU maker."""
    found = []
    for folder in sorted(glob.glob(os.path.join(sys_root, "bus/pci/devices/*"))):
        vendor, kind = text(folder, "vendor"), text(folder, "class") or ""
        if vendor in (AMD, NVIDIA) and kind.startswith("0x03"):
            found.append((os.path.basename(folder).lower(), vendor))
    return found


def amd(sys_root: str, pci: str) -> Record:
    """Return what sysfs says of an AMD card."""
    folder = os.path.join(sys_root, "bus/pci/devices", pci)
    card: Record = {
        "pci": pci,
        "vendor": "amd",
        "source": "sysfs",
        "name": text(folder, "product_name") or text(folder, "device"),
    }
    card["driver"] = text(sys_root, "module/amdgpu/version") or (
        "amdgpu" if os.path.exists(os.path.join(folder, "driver")) else None
    )
    card["link_gen"] = SPEEDS.get((text(folder, "current_link_speed") or "").split(" ")[0])
    card["link_width"] = number(text(folder, "current_link_width"))
    if text(folder, "power/runtime_status") == "suspended":
        card["asleep"] = True
        return card
    for name, file in (
        ("vram_used", "mem_info_vram_used"),
        ("vram_total", "mem_info_vram_total"),
        ("busy", "gpu_busy_percent"),
    ):
        card[name] = number(text(folder, file))
    for hwmon in glob.glob(os.path.join(folder, "hwmon/hwmon*")):
        card.update(sensors(hwmon))
    card["throttle"] = throttled(folder)
    counts = dict(re.findall(r"(ue|ce): (\d+)", text(folder, "ras/umc_err_count") or ""))
    card["ecc_ue"], card["ecc_ce"] = number(counts.get("ue")), number(counts.get("ce"))
    return card


def sensors(hwmon: str) -> Record:
    """Return temperatures, power, clocks and fan of one hwmon folder."""
    found: Record = {}
    for label in glob.glob(os.path.join(hwmon, "temp*_label")):
        name = {"edge": "edge", "junction": "hotspot", "mem": "memory_temp"}.get(text(label) or "")
        if name:
            found[name] = number(text(label.replace("_label", "_input")), 1e-3)
    power = text(hwmon, "power1_average") or text(hwmon, "power1_input")
    found["power"] = number(power, 1e-6)
    found["clock"], found["memory_clock"] = (
        number(text(hwmon, "freq1_input"), 1e-6),
        number(text(hwmon, "freq2_input"), 1e-6),
    )
    found["fan"] = number(text(hwmon, "fan1_input"))
    return found


def throttled(folder: str) -> bool | None:
    """Return whether the driver says that the card holds itself back: gpu_metrics 1.1 to 1.3, 32 bits at byte 68."""
    try:
        with open(os.path.join(folder, "gpu_metrics"), "rb") as file:
            raw = file.read(4096)
    except OSError:
        return None
    if len(raw) < 72 or raw[2] != 1 or raw[3] not in (1, 2, 3):
        return None
    bits = int.from_bytes(raw[68:72], "little")
    return None if bits == 0xFFFFFFFF else bits != 0


def nvidia(smi: str, errors: list[str]) -> dict[str, Record]:
    """Return the cards that nvidia-smi reports, by PCI address."""
    try:
        done = subprocess.run(
            [*smi.split(), "--query-gpu=" + ",".join(SMI), "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=15, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        errors.append(f"nvidia-smi: {error}")
        return {}
    if done.returncode:
        errors.append(f"nvidia-smi: {(done.stdout + done.stderr).strip()[-200:]}")
    found = {}
    for line in done.stdout.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == len(SMI):
            raw = dict(zip(SMI, cells, strict=True))
            pci = raw["pci.bus_id"].lower()[-12:]
            found[pci] = nvidia_card(pci, raw)
    return found


def nvidia_card(pci: str, raw: Mapping[str, str]) -> Record:
    """Return one card of nvidia-smi's answer."""
    mib = 1 << 20
    reasons = raw["clocks_throttle_reasons.active"]
    return {
        "pci": pci, "vendor": "nvidia", "source": "nvidia-smi", "name": raw["name"], "driver": raw["driver_version"],
        "edge": number(raw["temperature.gpu"]), "power": number(raw["power.draw"]), "clock": number(raw["clocks.sm"]),
        "memory_clock": number(raw["clocks.mem"]), "vram_used": number(raw["memory.used"], mib),
        "vram_total": number(raw["memory.total"], mib), "busy": number(raw["utilization.gpu"]),
        "link_gen": number(raw["pcie.link.gen.current"]), "link_width": number(raw["pcie.link.width.current"]),
        "fan": number(raw["fan.speed"]),
        "throttle": bool(int(reasons, 16) & ~vendors.NVML_CALM) if BITS.fullmatch(reasons) else None,
        "ecc_ue": number(raw["ecc.errors.uncorrected.volatile.total"]),
        "ecc_ce": number(raw["ecc.errors.corrected.volatile.total"]),
    }  # fmt: skip


def kernel_faults(path: str) -> dict[str, str] | None:
    """Return {PCI address: last fault} of the kernel's log, None where it may not be read."""
    found: dict[str, str] = {}
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        for _ in range(20000):
            try:
                data = os.read(fd, 8192)
            except BrokenPipeError:
                continue
            except OSError:
                break
            if not data:
                break
            for line in data.decode(errors="replace").splitlines():
                match = XID.search(line)
                if match:
                    pci = match.group(1).lower()
                    found[pci if pci.count(".") else pci + ".0"] = f"Xid {match.group(2)}"
                match = RESET.search(line)
                if match:
                    found[match.group(1)] = match.group(2)
    finally:
        os.close(fd)
    return found


def host(proc_root: str, shm: str, disk: str) -> Record:
    """Return what the machine says of itself."""
    memory = dict(re.findall(r"^(\w+):\s+(\d+) kB", text(proc_root, "meminfo") or "", re.M))
    load = (text(proc_root, "loadavg") or "").split()
    found: Record = {
        "hostname": os.uname().nodename, "cores": os.cpu_count(), "clock": time.time(),
        "ram_total": number(memory.get("MemTotal"), 1024), "ram_free": number(memory.get("MemAvailable"), 1024),
        "load": number(load[0] if load else None), "uptime": number((text(proc_root, "uptime") or "").split(" ")[0]),
        "python": list(sys.version_info[:3]),
    }  # fmt: skip
    for name, path in (("disk", disk), ("shm", shm)):
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(path)
            found[name + "_free"], found[name + "_total"] = usage.free, usage.total
    return found


def read(sys_root: str, proc_root: str, smi: str, shm: str, disk: str, lib: str = "") -> Record:
    """Return one whole reading."""
    errors: list[str] = []
    gpus: list[Record] = []
    bus = cards(sys_root)
    reported: Mapping[str, Record] = {}
    if any(vendor == NVIDIA for _, vendor in bus):
        by_nvml = vendors.nvml(lib, errors)
        reported = nvidia(smi, errors) if by_nvml is None else by_nvml
    for pci, vendor in bus:
        if vendor == AMD:
            gpus.append(amd(sys_root, pci))
        else:
            gpus.append(reported.get(pci, {"pci": pci, "vendor": "nvidia", "lost": True}))
    vendors.fill(gpus, lib, errors)
    faults = kernel_faults(os.path.join(proc_root, "kmsg") if proc_root != "/proc" else "/dev/kmsg")
    for card in gpus:
        card["fault"] = (faults or {}).get(card["pci"])
    return {
        "host": host(proc_root, shm, disk),
        "gpus": gpus,
        "errors": errors,
        "kernel_log": faults is not None,
    }


def turn(staging: str) -> socket.socket | None:
    """Return this user's turn to read, None where an earlier reading hangs, in a driver most likely: over all connections they must not pile up.

    A name without a file: the kernel frees it with its process, and nothing is left on the rig.
    """
    mark, deadline = hashlib.sha256(staging.encode()).hexdigest()[:16], time.monotonic() + PATIENCE
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    while True:
        try:
            held.bind(f"\0mimicry-probe-{os.getuid()}-{mark}")
            return held
        except OSError:
            if time.monotonic() > deadline:
                held.close()
                return None
            time.sleep(0.05)


def main() -> None:
    """Print one reading, unless an earlier one still hangs."""
    held = turn(sys.argv[4])
    print(json.dumps({"busy": True} if held is None else read(*sys.argv[1:7])))


if __name__ == "__main__":
    main()
