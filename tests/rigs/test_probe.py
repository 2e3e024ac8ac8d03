"""The probe: readings that hang in a driver do not pile up, and a maker's library that fails costs what it would have told alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.rigs.onrig import probe, vendors


def test_a_reading_that_hangs_lets_no_other_begin_until_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0.05)
    hung = probe.turn(str(tmp_path))
    assert hung is not None
    assert probe.turn(str(tmp_path)) is None
    assert not list(tmp_path.iterdir()), "looking leaves nothing behind"
    hung.close()
    following = probe.turn(str(tmp_path))
    assert following is not None
    following.close()


def fails(*_: Any) -> None:
    raise RuntimeError("driver gone")


def nothing(*_: Any) -> None:
    return


@pytest.mark.parametrize("handles", [{}, {"amdsmi_get_processor_handles": fails}], ids=["old", "fails"])
def test_an_amdsmi_that_lists_no_card_leaves_what_sysfs_said(
    handles: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = SimpleNamespace(amdsmi_init=nothing, amdsmi_shut_down=nothing, **handles)
    monkeypatch.setattr(vendors, "load", lambda *_: library)
    card, errors = {"pci": "0000:03:00.0", "vendor": "amd", "driver": "amdgpu", "edge": 66.0}, list[str]()
    vendors.fill([card], "", errors)
    assert card["edge"] == 66.0
    assert errors == ["amdsmi lists no card; what sysfs lacks stays unknown"]


def test_an_nvml_that_counts_no_card_leaves_it_to_nvidia_smi(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(nvmlInit=nothing, nvmlShutdown=nothing, nvmlDeviceGetCount=fails)
    monkeypatch.setattr(vendors, "load", lambda *_: library)
    errors = list[str]()
    assert vendors.nvml("", errors) is None
    assert errors == ["NVML counts no card; nvidia-smi is asked instead"]
