"""Health: the probe against a made-up sysfs and nvidia-smi, strict parsing, rules with hysteresis, quarantine across restarts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rigside import make_cards

from engine.config import RigSettings
from engine.errors import BadInput
from engine.rigs.guardlink import GUARD, PROBE, SCRIPTS
from engine.rigs.machine import BARE, VENDORS, Machine
from engine.rigs.quarantine import Quarantine
from engine.rigs.reading import Card, HostReading, Reading, parse_reading
from engine.rigs.rules import Rule, Watch
from state.journal import Journal

PCI = "0000:03:00.0"


def probed(sys_root: Path, proc_root: str = "/proc", smi: str = "false", lib: str = "") -> str:
    for name in PROBE:
        (sys_root / name).write_bytes((SCRIPTS / name).read_bytes())
    copy = sys_root / "probe.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(copy), str(sys_root), proc_root, smi, str(sys_root), "/", lib],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def test_amd_cards_are_read_from_sysfs_alone(tmp_path: Path) -> None:
    make_cards(tmp_path, 2)
    (tmp_path / f"bus/pci/devices/{PCI}/gpu_metrics").write_bytes(
        b"\x78\x00\x01\x03" + bytes(64) + b"\x04" + bytes(51)
    )
    (tmp_path / "bus/pci/devices/0000:04:00.0/power/runtime_status").write_text("suspended\n")
    reading = parse_reading(probed(tmp_path))
    assert [card.pci for card in reading.cards] == [PCI, "0000:04:00.0"]
    card = reading.cards[0]
    assert (card.name, card.edge, card.hotspot, card.power, card.clock) == (
        "Radeon RX 6600",
        66,
        81,
        98,
        2490,
    )
    assert (card.vram_used, card.busy, card.link_gen, card.link_width) == (5 << 30, 94, 3, 1)
    assert (card.fan, card.throttle, card.ecc_ue, card.ecc_ce) == (1900, True, 0, 3)
    assert reading.cards[1].asleep
    assert reading.cards[1].edge is None
    assert reading.host.ram_total is not None


NVML = """
class Record:
    def __init__(self, **values): self.__dict__.update(values)
class NVMLError(Exception): pass
def nvmlInit(): BROKEN
def nvmlShutdown(): pass
def nvmlSystemGetDriverVersion(): return b"550.54"
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(at):
    if at: raise NVMLError("GPU is lost")
    return at
def nvmlDeviceGetPciInfo(h): return Record(busId=b"00000000:01:00.0")
def nvmlDeviceGetName(h): return "NVIDIA GeForce RTX 3080 Ti"
def nvmlDeviceGetTemperature(h, sensor): return 64
def nvmlDeviceGetPowerUsage(h): return 289100
def nvmlDeviceGetClockInfo(h, kind): return {1: 1710, 2: 9251}[kind]
def nvmlDeviceGetMemoryInfo(h): return Record(used=7900 << 20, total=12 << 30)
def nvmlDeviceGetUtilizationRates(h): return Record(gpu=97)
def nvmlDeviceGetCurrPcieLinkGeneration(h): return 4
def nvmlDeviceGetCurrPcieLinkWidth(h): return 16
def nvmlDeviceGetFanSpeed(h): return 55
def nvmlDeviceGetCurrentClocksThrottleReasons(h): return 0x5
def nvmlDeviceGetTotalEccErrors(h, kind, counter): raise NVMLError("Not Supported")
def nvmlDeviceGetFieldValues(h, fields): return [Record(nvmlReturn=0, value=Record(uiVal=88))]
"""


def nvidia_bus(root: Path) -> None:
    for number in (1, 2):
        card = root / f"bus/pci/devices/0000:0{number}:00.0"
        card.mkdir(parents=True)
        (card / "vendor").write_text("0x10de\n")
        (card / "class").write_text("0x030000\n")


def test_nvidia_cards_are_read_through_nvml_where_it_is(tmp_path: Path) -> None:
    nvidia_bus(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/pynvml.py").write_text(NVML.replace("BROKEN", "pass"))
    one, two = parse_reading(probed(tmp_path, smi="false", lib=str(tmp_path / "lib"))).cards
    assert (one.source, one.driver, one.edge, one.memory_temp, one.power) == ("NVML", "550.54", 64, 88, 289.1)
    assert (one.clock, one.memory_clock, one.vram_total, one.busy) == (1710, 9251, 12 << 30, 97)
    assert (one.link_gen, one.link_width, one.fan, one.throttle, one.ecc_ue) == (4, 16, 55, True, None)
    assert two.lost


def test_nvml_that_does_not_start_leaves_it_to_nvidia_smi_and_says_so(tmp_path: Path) -> None:
    nvidia_bus(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/pynvml.py").write_text(NVML.replace("BROKEN", 'raise NVMLError("Driver Not Loaded")'))
    reading = parse_reading(probed(tmp_path, smi="false", lib=str(tmp_path / "lib")))
    assert reading.errors[0] == "NVML: Driver Not Loaded; nvidia-smi is asked instead"
    assert all(card.lost for card in reading.cards)


AMDSMI = """
import pathlib
def amdsmi_init(): pathlib.Path(__file__).with_name("asked").touch()
def amdsmi_shut_down(): pass
def amdsmi_get_processor_handles(): return ["a"]
def amdsmi_get_gpu_device_bdf(h): return "0000:03:00.0"
def amdsmi_get_gpu_metrics_info(h):
    return {"temperature_edge": 1, "temperature_hotspot": 83, "temperature_mem": "N/A", "throttle_status": True}
def amdsmi_get_gpu_total_ecc_count(h): return {"correctable_count": 9, "uncorrectable_count": 2, "deferred_count": 0}
"""


def test_amdsmi_fills_what_sysfs_lacks_and_is_left_alone_otherwise(tmp_path: Path) -> None:
    make_cards(tmp_path, 2)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/amdsmi.py").write_text(AMDSMI)
    for pci in (PCI, "0000:04:00.0"):
        (tmp_path / f"bus/pci/devices/{pci}/driver").touch()
    whole = parse_reading(probed(tmp_path, lib=str(tmp_path / "lib")))
    assert {card.source for card in whole.cards} == {"sysfs"}
    assert not (tmp_path / "lib/asked").exists(), "it opens the driver: nobody asks without need"
    # Another generation: no hotspot in hwmon, gpu_metrics of a layout that is not ours, no RAS file.
    card = tmp_path / f"bus/pci/devices/{PCI}"
    (card / "hwmon/hwmon0/temp2_label").unlink()
    (card / "gpu_metrics").write_bytes(b"\x78\x00\x01\x05" + bytes(116))
    (card / "ras/umc_err_count").unlink()
    one, two = parse_reading(probed(tmp_path, lib=str(tmp_path / "lib"))).cards
    assert (one.source, one.edge, one.hotspot, one.memory_temp) == ("sysfs, amdsmi", 66, 83, None)
    assert (one.throttle, one.ecc_ue, one.ecc_ce) == (True, 2, 9)
    assert (two.source, two.hotspot) == ("sysfs", 81)


def test_nvidia_cards_cost_one_query_and_one_that_is_missing_from_it_is_lost(tmp_path: Path) -> None:
    nvidia_bus(tmp_path)
    smi = tmp_path / "nvidia-smi"
    smi.write_text(
        f"#!/bin/sh\necho asked >> {tmp_path}/asked\n"
        'echo "00000000:01:00.0, NVIDIA GeForce RTX 3080 Ti, 550.54, 64, 289.10, 1710, 9251, 7900, 12288, 97, 4, 16, 55, 0x0000000000000004, [N/A], [N/A]"\n'
    )
    smi.chmod(0o755)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/kmsg").write_text(
        "3,1,1,-;NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.\n"
    )
    reading = parse_reading(probed(tmp_path, str(tmp_path / "proc"), str(smi)))
    one, two = reading.cards
    assert (one.edge, one.power, one.vram_total, one.link_gen, one.link_width) == (
        64,
        289.1,
        12288 << 20,
        4,
        16,
    )
    assert (one.throttle, one.ecc_ue, one.fault) == (True, None, "Xid 79")
    assert two.lost
    assert (tmp_path / "asked").read_text().count("asked") == 1
    (tmp_path / "proc/kmsg").unlink()
    assert not parse_reading(probed(tmp_path, str(tmp_path / "proc"), str(smi))).kernel_log


def raw() -> dict[str, Any]:
    host = {"hostname": "rig", "cores": 4, "clock": 1.0, "python": [3, 11, 2], "ram_free": None}
    return {
        "host": host,
        "gpus": [{"pci": PCI, "vendor": "amd", "edge": 60.0}],
        "errors": [],
        "kernel_log": True,
    }


def test_text_of_a_rig_loses_its_control_characters() -> None:
    answer = raw()
    answer["gpus"][0]["name"] = "RX\x1b[31m6600\n" + "x" * 500
    name = parse_reading(json.dumps(answer)).cards[0].name
    assert name is not None
    assert name.startswith("RX?[31m6600?")
    assert len(name) == 80


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(extra=1),
        lambda r: r["host"].update(root="yes"),
        lambda r: r["host"].pop("hostname"),
        lambda r: r["gpus"][0].update(pci="../../etc"),
        lambda r: r["gpus"][0].update(edge="66"),
        lambda r: r["gpus"][0].update(edge=True),
        lambda r: r["gpus"][0].update(edge=1e300),
        lambda r: r["gpus"].append(dict(r["gpus"][0])),
        lambda r: r.update(gpus={}),
        lambda r: r["host"].update(python=["3", "11"]),
    ],
)
def test_an_answer_out_of_form_is_refused(change: Any) -> None:
    answer = raw()
    change(answer)
    if answer["gpus"] == {}:
        answer["gpus"] = 7
    with pytest.raises(BadInput, match="probe of a rig: out of form"):
        parse_reading(json.dumps(answer))


def test_a_hung_earlier_probe_and_noise_are_said_plainly() -> None:
    with pytest.raises(BadInput, match="still hangs there"):
        parse_reading('{"busy": true}')
    with pytest.raises(BadInput, match="login scripts print nothing"):
        parse_reading("Welcome to rig-6600!\n{}")


RULE = Rule("hotspot", "hotspot", 95, 88, 30, "warn", "hotspot {value:.0f} °C > {limit:.0f}")


def test_an_alert_is_raised_after_its_time_and_cleared_after_its_time_below_the_lower_limit() -> None:
    watch = Watch([RULE])
    course = [(0, 96), (20, 97), (29, 96), (30, 98), (40, 92), (60, 96), (70, 87), (99, 87), (100, 87)]
    said = [
        (at, change.raised) for at, value in course for change in watch.judge("rig/x", {"hotspot": value}, at)
    ]
    assert said == [(30, True), (100, False)]


def test_a_short_peak_and_an_unknown_value_raise_nothing() -> None:
    watch = Watch([RULE])
    for at, value in [(0, 99), (10, 80), (20, 99), (45, 94), (50, 99), (60, None), (79, 99)]:
        assert not watch.judge("rig/x", {"hotspot": value}, at)
    assert watch.judge("rig/x", {"hotspot": 99}, 80)[0].text == "rig/x hotspot 99 °C > 95"


def machine(quarantine: Quarantine, clock: Any, **settings: Any) -> Machine:
    rig = RigSettings.model_validate({"name": "rig", "host": "local", "gpus": (PCI,), **settings})
    return Machine(rig, quarantine, clock=clock)


def reading(*cards: Card, **host: Any) -> Reading:
    import time

    return Reading(HostReading("rig", 4, time.time(), (3, 11), **host), cards)


def test_an_old_fault_in_the_kernel_s_log_is_no_news_and_a_new_one_is(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        rig = machine(Quarantine(journal), lambda: 0.0)
        assert not rig.take(reading(Card(PCI, "nvidia", fault="Xid 13")))
        [change] = rig.take(reading(Card(PCI, "nvidia", fault="Xid 79")))
    assert (change.rule.name, change.rule.quarantine_s) == ("kernel", 3600)


def test_a_card_that_leaves_the_bus_and_a_host_short_of_memory_are_told(tmp_path: Path) -> None:
    now = 0.0
    with Journal.open(tmp_path) as journal:
        rig = machine(Quarantine(journal), lambda: now)
        rig.link = "up"
        assert not rig.take(reading(Card(PCI, "amd", busy=90.0), ram_free=2 << 30))
        assert rig.host().devices == ["ok"]
        assert [change.rule.name for change in rig.take(reading(ram_free=1 << 29))] == ["gone"]
        assert rig.host().devices == ["fail"]
        now = 25.0
        assert [change.rule.name for change in rig.take(reading(ram_free=1 << 29))] == ["ram"]
        assert rig.short_of_ram(1 << 20) == "waits for RAM: 513 MiB short of need and reserve"
        now = 200.0
        assert rig.host().devices == ["stale"]
        assert [change.rule.name for change in rig.silent()] == ["reading"]


def test_a_link_is_judged_only_under_load_and_against_its_own_best(tmp_path: Path) -> None:
    now = 0.0
    with Journal.open(tmp_path) as journal:
        rig = machine(Quarantine(journal), lambda: now)
        told = []
        for at, gen, busy in [(0, 3, 90), (100, 1, 2), (200, 1, 3), (300, 1, 90), (361, 1, 90)]:
            now = float(at)
            told += rig.take(reading(Card(PCI, "amd", busy=busy, link_gen=gen, link_width=1)))
    assert [(change.rule.name, change.value) for change in told] == [("link", pytest.approx(1 / 3))]


def test_a_card_s_number_counts_those_that_answer_before_it(tmp_path: Path) -> None:
    one, two, three = (f"0000:0{slot}:00.0" for slot in (3, 4, 5))
    with Journal.open(tmp_path) as journal:
        rig = machine(Quarantine(journal), lambda: 0.0)
        vendor = VENDORS[rig.settings.backend]
        assert rig.number(one) is None, "nothing was read yet"
        rig.settings = rig.settings.model_copy(update={"gpus": "auto"})
        rig.take(
            reading(
                Card(three, vendor),
                Card(one, vendor),
                Card(two, vendor, lost=True),
                Card("0000:00:02.0", "intel"),
            )
        )
        assert [rig.number(pci) for pci in (one, two, three)] == [0, None, 1]
        rig.settings = rig.settings.model_copy(update={"gpus": (three, one), "backend": "rocm"})
        rig.take(reading(Card(one, "amd"), Card(three, "amd")))
        assert [rig.number(pci) for pci in (one, three)] == [1, 0], "the file tells ROCm's order"


def test_five_deaths_within_an_hour_are_a_flapping_card(tmp_path: Path) -> None:
    now = 0.0
    with Journal.open(tmp_path) as journal:
        rig = machine(Quarantine(journal), lambda: now)
        told = []
        for at in (0, 100, 200, 300, 4000, 4100, 4200, 4300, 4400):
            now = float(at)
            told += rig.died(PCI)
    assert [change.rule.name for change in told] == ["flaps"]


def test_quarantine_survives_a_restart_ends_by_itself_and_is_all_on_record(tmp_path: Path) -> None:
    now = 1000.0
    with Journal.open(tmp_path) as journal:
        quarantine = Quarantine(journal, lambda: now)
        quarantine.put(f"rig/{PCI}", "loose riser", "ops", 3600)
        quarantine.put(f"rig/{PCI}", "hot again", "rule hotspot-high", 60)
        quarantine.put("rig", "new power supply", "ops", drained=True)
    with Journal.open(tmp_path) as journal:
        quarantine = Quarantine(journal, lambda: now)
        aside = quarantine.of(f"rig/{PCI}")
        assert aside is not None
        assert (aside.reason, aside.by, aside.until) == ("loose riser", "ops", 4600)
        assert quarantine.of("rig").drained
        now = 4600.0
        assert quarantine.of(f"rig/{PCI}") is None
        assert quarantine.expired() == [f"rig/{PCI}"]
        assert quarantine.include("rig", "ops")
        assert not quarantine.include("rig", "ops")
        kinds = [event.kind for event in journal.events(kinds=["rig."])]
    assert kinds == ["rig.quarantined", "rig.drained", "rig.included", "rig.included"]


def test_the_scripts_for_rigs_import_the_standard_library_alone() -> None:
    for script in (*GUARD, "store.py", "installer.py"):
        code = f"import runpy; runpy.run_path({str(SCRIPTS / script)!r})"
        subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_every_reading_has_an_age_and_an_old_one_calls_no_card_well(tmp_path: Path) -> None:
    now = [100.0]
    with Journal.open(tmp_path) as journal:
        rig = machine(Quarantine(journal), lambda: now[0])
        rig.link = "up"
        rig.take(reading(Card(PCI, "amd", edge=60.0)))
        (seat,) = rig.seats
        assert (rig.card_row(seat)["age"], rig.row()["age"], rig.light(seat)) == (
            0.0,
            0.0,
            "idle",
        )
        now[0] += 61.5
        assert (rig.card_row(seat)["age"], rig.row()["age"], rig.light(seat)) == (
            61.5,
            61.5,
            "stale",
        )


def test_a_rig_that_was_read_and_has_no_card_says_so(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        rig = machine(Quarantine(journal), lambda: 100.0, gpus="auto")
        rig.link = "up"
        assert (rig.degraded(), rig.row()["why"]) == ([], None), "nothing is known before the first reading"
        rig.take(reading())
        assert (rig.degraded(), rig.row()["why"]) == ([f"rig {rig.name}: {BARE}"], BARE)
        rig.take(reading(Card(PCI, "amd")))
        assert (rig.degraded(), rig.row()["why"]) == ([], None)
