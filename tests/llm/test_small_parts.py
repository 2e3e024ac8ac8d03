"""The pure parts around the advisor: breaker, masks, cost book, measured memory, command line, prompt forms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from engine.config import ClaudeSettings, LlmSettings, load
from engine.errors import UsageError
from engine.llm import vram
from engine.llm.breaker import Breaker
from engine.llm.client import closed
from engine.llm.cost import FILE_NAME, Capped, Guard
from engine.llm.server import arguments
from engine.llm.vram import Card
from engine.masks import masked, raw_data


def test_three_restarts_in_ten_minutes_and_no_fourth_until_the_first_is_past() -> None:
    breaker = Breaker()
    for at in (0.0, 100.0, 200.0):
        assert breaker.wait(at) == 0
        breaker.note(at)
    assert breaker.wait(201.0) == 399.0
    assert breaker.wait(600.0) == 0
    breaker.note(600.0)
    assert breaker.wait(601.0) == 99.0
    assert breaker.total == 4


SECRETS = {
    "key sk-ant-api03-abcdefghijk_lmn": "sk-ant",
    "Authorization: Bearer abcdefgh12345678": "abcdefgh12345678",
    "password = hunter22": "hunter22",
    '{"api_key": "0123456789abcdef"}': "0123456789abcdef",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----": "MIIE",
    "https://joe:pass1@host/x": "pass1",
}


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert SECRETS[text] not in masked(text)
    assert masked(masked(text)) == masked(text)


def test_a_given_secret_is_masked_and_plain_text_stays() -> None:
    assert masked("the word xyzzy", "xyzzy") == "the word [masked]"
    plain = "lift 1.2 >= 1.0 ok; 2048 tokens of 4096; pipeline.window_trials 16 → 32"
    assert masked(plain) == plain


def test_raw_draws_and_origins_are_noticed_and_aggregates_are_not() -> None:
    assert raw_data("origin 0xdeadbeef") is not None
    assert raw_data("draws " + ",".join(map(str, range(20)))) is not None
    assert raw_data("window [0, 40], gaps [0, 3], starts [0, 10], lift 1.0 1.2 1.4") is None


class Clock:
    def __init__(self) -> None:
        self.now = 86_400.0 * 20_000 + 3600

    def __call__(self) -> float:
        return self.now


def test_the_worst_case_is_booked_before_and_settled_after_and_survives_a_restart(tmp_path: Path) -> None:
    settings, clock = ClaudeSettings(attempts=2, usd_per_day=0.05), Clock()
    guard = Guard(tmp_path, settings, clock=clock)
    worst = guard.worst_case("x" * 3000, 600)
    assert worst == pytest.approx(2 * (1000 * 3 + 600 * 15) / 1e6)
    guard.reserve(worst)
    assert Guard(tmp_path, settings, clock=clock).summary()["usd_today"] == pytest.approx(worst)
    guard.reserve(worst)
    with pytest.raises(Capped, match=r"cap is \$0\.05"):
        guard.reserve(worst)
    guard.settle(worst, 0.001)
    guard.reserve(worst)
    clock.now += 86_400
    again = Guard(tmp_path, settings, clock=clock)
    assert again.summary()["usd_today"] == 0
    assert again.summary()["usd_total"] > 0


def test_calls_an_hour_are_capped(tmp_path: Path) -> None:
    clock = Clock()
    guard = Guard(tmp_path, ClaudeSettings(attempts=1, calls_per_hour=2), clock=clock)
    guard.reserve(0.0)
    guard.reserve(0.0)
    with pytest.raises(Capped, match="2 calls in the last hour"):
        guard.reserve(0.0)
    clock.now += 3601
    guard.reserve(0.0)


def test_a_cost_book_that_cannot_be_read_forbids_spending(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"schema": "llm_costs/2"}')
    with pytest.raises(Capped, match="cannot be read"):
        Guard(tmp_path, ClaudeSettings()).reserve(0.0)


def fake_drm(root: Path, **used: int) -> Path:
    """Write what the driver of an AMD card shows."""
    for name, value in used.items():
        (root / name / "device").mkdir(parents=True, exist_ok=True)
        (root / name / "device" / "mem_info_vram_used").write_text(f"{value}\n")
        (root / name / "device" / "mem_info_vram_total").write_text(f"{8 << 30}\n")
    return root


async def test_memory_is_free_when_the_process_is_gone_and_every_card_is_back_twice(tmp_path: Path) -> None:
    before = vram.read_amd(fake_drm(tmp_path, card0=300 << 20, card1=10 << 20))
    readings = iter([9 << 30, 4 << 30, 310 << 20, 305 << 20])

    def read() -> vram.Cards:
        return vram.read_amd(fake_drm(tmp_path, card0=next(readings)))

    freed = await vram.wait_freed(read, before, 2**22 + 5, look=0.0)
    assert freed.freed
    assert freed.cards == 2
    assert "card0 305 MiB used" in freed.text
    assert next(readings, None) is None


async def test_memory_that_stays_used_is_not_free_and_the_holder_is_named() -> None:
    def read() -> vram.Cards:
        return {"nvidia0": Card(9 << 30, 12 << 30, (4242,))}

    freed = await vram.wait_freed(read, {"nvidia0": Card(1 << 20, 12 << 30)}, None, patience=0.05, look=0.01)
    assert not freed.freed
    assert freed.text == "not free: nvidia0 9216 MiB used, 1 MiB without the model server, held by 4242"


async def test_a_process_that_is_still_there_is_not_free() -> None:
    alive = await vram.wait_freed(dict, {}, os.getpid(), patience=0.02, look=0.01)
    assert not alive.freed
    assert "has not ended" in alive.text


def test_a_process_that_nobody_has_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert vram.gone(child.pid)
    child.wait()


async def test_memory_that_cannot_be_measured_is_not_free() -> None:
    def read() -> vram.Cards:
        raise OSError("NVML: driver lost")

    freed = await vram.wait_freed(read, {}, None)
    assert not freed.freed
    assert "driver lost" in freed.text


class FakeNvml(ModuleType):
    """Stands in for NVIDIA's binding: one card, one process that holds memory of it."""

    class NVMLError(Exception):
        """What the binding raises."""

    def __init__(self, broken: str = "") -> None:
        super().__init__("pynvml")
        self._broken = broken
        self.nvmlInit = self.nvmlShutdown = lambda: None
        self.nvmlDeviceGetCount = lambda: 1
        self.nvmlDeviceGetHandleByIndex = lambda at: at
        self.nvmlDeviceGetComputeRunningProcesses = lambda handle: [SimpleNamespace(pid=4242)]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        if self._broken:
            raise self.NVMLError(self._broken)
        return SimpleNamespace(used=5 << 30, total=12 << 30)


def test_nvidia_s_cards_are_read_with_their_holders_and_a_fault_is_no_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    assert vram.read_nvidia() == {"nvidia0": Card(5 << 30, 12 << 30, (4242,))}
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml("GPU is lost"))
    with pytest.raises(OSError, match="GPU is lost"):
        vram.read_nvidia()


def drivers(root: Path, monkeypatch: pytest.MonkeyPatch, *, binding: bool, smi: str = "") -> Path:
    """Make what NVIDIA's driver lists, with or without its binding, and a `nvidia-smi` that prints a line."""
    listed = root / "gpus"
    (listed / "0000:01:00.0").mkdir(parents=True)
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml() if binding else None)
    (root / "bin").mkdir()
    if smi:
        (root / "bin" / "nvidia-smi").write_text(f"#!/bin/sh\necho '{smi}'\n")
        (root / "bin" / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{root / 'bin'}")
    return listed


def test_without_its_binding_a_card_of_nvidia_is_read_by_nvidia_smi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = drivers(tmp_path, monkeypatch, binding=False, smi="5120, 12288")
    assert vram.read_nvidia(listed) == {"nvidia0": Card(5 << 30, 12 << 30)}
    assert vram.read_nvidia(tmp_path / "none") == {}, "no card is listed"


def test_a_card_that_nothing_can_read_is_no_machine_without_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="install nvidia-ml-py"):
        vram.read_nvidia(drivers(tmp_path / "a", monkeypatch, binding=False))
    with pytest.raises(OSError, match="install nvidia-ml-py"):
        vram.read_nvidia(drivers(tmp_path / "b", monkeypatch, binding=False, smi="[N/A], 12288"))
    listed, fake = drivers(tmp_path / "c", monkeypatch, binding=True), sys.modules["pynvml"]

    def mismatch() -> None:
        raise FakeNvml.NVMLError("driver/library version mismatch")

    monkeypatch.setattr(fake, "nvmlInit", mismatch)
    with pytest.raises(OSError, match="mismatch"):
        vram.read_nvidia(listed)
    assert vram.read_nvidia(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("before", "loaded", "held", "base"),
    [
        (100, 9100, 9100, 100),  # nobody else came
        (100, 9100, 9600, 600),  # our own worker took 500 meanwhile
        (600, 9600, 9100, 600),  # somebody left meanwhile
        (100, None, 5000, 100),  # it was still loading
    ],
)
def test_what_others_hold_is_not_held_against_the_server(
    before: int, loaded: int | None, held: int, base: int
) -> None:
    cards = [{} if one is None else {"card0": Card(one << 20, 12 << 30)} for one in (before, loaded, held)]
    assert vram.without(*cards) == {"card0": Card(base << 20, 12 << 30)}


async def test_a_machine_without_gpus_says_so() -> None:
    assert (await vram.wait_freed(dict, {}, None)).text == "no GPU: nothing to free"


def test_thinking_is_closed_where_a_template_leaves_it_open() -> None:
    assert closed("user: x\n<think>\n") == "user: x\n<think>\n</think>\n\n"
    assert closed("user: <think> and </think>\nassistant: ") == "user: <think> and </think>\nassistant: "


def test_the_command_line_is_the_operator_s_command_and_our_flags() -> None:
    line = arguments(LlmSettings(command=("llama-server",), model=Path("/m.gguf"), gpu_layers=99), 4711)
    assert line[:3] == ["llama-server", "-m", "/m.gguf"]
    assert " ".join(line).endswith(
        "--port 4711 -c 32768 -np 1 -t 1 -b 64 -ub 64 -cram 0 -ngl 99 --offline --no-ui --reasoning off"
    )


def test_settings_are_strict(tmp_path: Path) -> None:
    file = tmp_path / "room.toml"
    file.write_text('[llm]\ncommand = ["llama-server"]\nmodel = "/m.gguf"\n[llm.claude]\nusd_per_day = 2.5\n')
    assert load(file).llm.claude.usd_per_day == 2.5
    assert load().llm.cloud is False
    file.write_text("[llm]\ncontxt = 4096\n")
    with pytest.raises(UsageError, match=r"nearest is 'llm\.context'"):
        load(file)


def test_the_tiny_model_is_the_same_bytes_each_time(tmp_path: Path, tiny: Path) -> None:
    from tiny_model import write

    assert write(tmp_path / "again.gguf").read_bytes() == tiny.read_bytes()


def test_the_seam_loads_no_http_client_and_no_sdk() -> None:
    code = "import sys, json, engine.room; print(json.dumps([m for m in ('aiohttp', 'anthropic', 'xllamacpp', 'numpy') if m in sys.modules]))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == []
