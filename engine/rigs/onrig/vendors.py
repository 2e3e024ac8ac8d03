"""Runs on a rig beside the probe: the makers' own libraries, where they are installed. Reads only.

NVML (the package nvidia-ml-py, module `pynvml`) spares a process a reading; without it `nvidia-smi` is asked. `amdsmi` is asked for
what sysfs does not tell, and only then, because it opens the driver. `lib` is a folder to import from first, which is how it is tested.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

Record = dict[str, Any]
# Idle, application clocks and display are no distress; the rest of NVML's bits are.
NVML_CALM = 0x1 | 0x2 | 0x100
ROCM = "/opt/rocm/share/amd_smi"
MEMORY_TEMP = 82
# How the metrics of amdsmi are called here; mW and kHz do not occur in it.
AMDSMI = {
    "edge": "temperature_edge", "hotspot": "temperature_hotspot", "memory_temp": "temperature_mem", "busy": "average_gfx_activity",
    "power": "average_socket_power", "clock": "current_gfxclk", "memory_clock": "current_uclk", "fan": "current_fan_speed",
    "link_width": "pcie_link_width", "throttle": "throttle_status",
}  # fmt: skip
NEEDED = ("edge", "hotspot", "power", "clock", "busy", "throttle")
"""What sysfs tells of every card that it knows; where one is missing amdsmi is asked."""


def load(name: str, *folders: str) -> Any:
    """Import a module, from these folders first; None where there is none or it does not load."""
    sys.path[:0] = [folder for folder in folders if folder]
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, AttributeError, KeyError):
        return None


def told(call: Callable[..., Any], *rest: Any) -> Any:
    """Return what a library says, None where it refuses: each of them has errors of its own."""
    try:
        return call(*rest)
    except Exception:  # noqa: BLE001 - NVMLError and AmdSmiException are known only where their libraries are
        return None


def refuses(*_: Any) -> None:
    """Stand for a function that an old library has not got."""


def ask(module: Any, name: str, *rest: Any) -> Any:
    """Return what a library's function of this name says, None where it refuses or is too old to have it."""
    return told(getattr(module, name, refuses), *rest)


def number(raw: Any, scale: float = 1.0) -> float | None:
    """Return a number times its scale, None for anything else."""
    return float(raw) * scale if isinstance(raw, int | float) and not isinstance(raw, bool) else None


def text(raw: Any) -> str | None:
    """Return text, decoded if need be."""
    return raw.decode(errors="replace") if isinstance(raw, bytes) else raw if isinstance(raw, str) else None


def nvml(lib: str, errors: list[str]) -> dict[str, Record] | None:
    """Return NVIDIA's cards by PCI address; None where NVML is not there or does not start."""
    module = load("pynvml", lib)
    if module is None:
        return None
    try:
        module.nvmlInit()
    except Exception as error:  # noqa: BLE001 - NVMLError is known only here
        errors.append(f"NVML: {error}; nvidia-smi is asked instead")
        return None
    try:
        count = ask(module, "nvmlDeviceGetCount")
        if not isinstance(count, int):
            errors.append("NVML counts no card; nvidia-smi is asked instead")
            return None
        driver = text(ask(module, "nvmlSystemGetDriverVersion"))
        handles = (ask(module, "nvmlDeviceGetHandleByIndex", at) for at in range(count))
        cards = [_nvml_card(module, handle, driver) for handle in handles if handle is not None]
        return {card["pci"]: card for card in cards if card["pci"]}
    finally:
        ask(module, "nvmlShutdown")


def _nvml_card(module: Any, handle: Any, driver: str | None) -> Record:
    def of(name: str, *rest: Any) -> Any:
        return ask(module, name, handle, *rest)

    pci, memory, use = (
        of("nvmlDeviceGetPciInfo"),
        of("nvmlDeviceGetMemoryInfo"),
        of("nvmlDeviceGetUtilizationRates"),
    )
    reasons = of("nvmlDeviceGetCurrentClocksThrottleReasons")
    fields = of("nvmlDeviceGetFieldValues", [MEMORY_TEMP])
    hot = fields[0].value.uiVal if fields and getattr(fields[0], "nvmlReturn", 1) == 0 else None
    return {
        "pci": (text(pci.busId) or "").lower()[-12:] if pci is not None else "", "vendor": "nvidia", "source": "NVML",
        "name": text(of("nvmlDeviceGetName")), "driver": driver, "edge": number(of("nvmlDeviceGetTemperature", 0)),
        "memory_temp": number(hot), "power": number(of("nvmlDeviceGetPowerUsage"), 1e-3),
        "clock": number(of("nvmlDeviceGetClockInfo", 1)), "memory_clock": number(of("nvmlDeviceGetClockInfo", 2)),
        "vram_used": number(getattr(memory, "used", None)), "vram_total": number(getattr(memory, "total", None)),
        "busy": number(getattr(use, "gpu", None)), "link_gen": number(of("nvmlDeviceGetCurrPcieLinkGeneration")),
        "link_width": number(of("nvmlDeviceGetCurrPcieLinkWidth")), "fan": number(of("nvmlDeviceGetFanSpeed")),
        "throttle": bool(reasons & ~NVML_CALM) if isinstance(reasons, int) else None,
        "ecc_ue": number(of("nvmlDeviceGetTotalEccErrors", 1, 0)), "ecc_ce": number(of("nvmlDeviceGetTotalEccErrors", 0, 0)),
    }  # fmt: skip


def lacks(card: Mapping[str, Any]) -> bool:
    """Tell whether sysfs left out something of a card that is awake and driven."""
    return (
        bool(card.get("driver")) and not card.get("asleep") and any(card.get(name) is None for name in NEEDED)
    )


def fill(cards: list[Record], lib: str, errors: list[str]) -> None:
    """Put in what sysfs left out of AMD's cards and amdsmi knows; what sysfs said stays."""
    gaps = [card for card in cards if card["vendor"] == "amd" and lacks(card)]
    module = load("amdsmi", lib, ROCM) if gaps else None
    if module is None:
        return
    try:
        module.amdsmi_init()
    except Exception as error:  # noqa: BLE001 - AmdSmiException is known only here
        errors.append(f"amdsmi: {error}")
        return
    try:
        found = ask(module, "amdsmi_get_processor_handles")
        if not found:
            errors.append("amdsmi lists no card; what sysfs lacks stays unknown")
            return
        handles = {(text(ask(module, "amdsmi_get_gpu_device_bdf", one)) or "").lower(): one for one in found}
        for card in gaps:
            handle = handles.get(card["pci"])
            if handle is not None and _fill(card, module, handle):
                card["source"] = "sysfs, amdsmi"
    finally:
        with contextlib.suppress(Exception):
            module.amdsmi_shut_down()


def _fill(card: Record, module: Any, handle: Any) -> bool:
    """Put in what amdsmi knows of one card; tell whether anything was."""
    metrics = ask(module, "amdsmi_get_gpu_metrics_info", handle) or {}
    errors = ask(module, "amdsmi_get_gpu_total_ecc_count", handle) or {}
    held_back = metrics.get("throttle_status")
    found = {name: number(metrics.get(theirs)) for name, theirs in AMDSMI.items()}
    found |= {
        "throttle": bool(held_back) if isinstance(held_back, bool | int) else None,
        "ecc_ue": number(errors.get("uncorrectable_count")), "ecc_ce": number(errors.get("correctable_count")),
    }  # fmt: skip
    fresh = {name: value for name, value in found.items() if value is not None and card.get(name) is None}
    card.update(fresh)
    return bool(fresh)
