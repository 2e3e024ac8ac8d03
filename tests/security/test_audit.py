"""The audit of dependencies: what was not agreed is named; a service that does not answer is said, not passed over."""

from __future__ import annotations

import importlib.util
import json
import sys
import urllib.request
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

PATH = Path(__file__).with_name("audit.py")
_spec = importlib.util.spec_from_file_location("dependency_audit", PATH)
assert _spec is not None
assert _spec.loader is not None
audit: Any = importlib.util.module_from_spec(_spec)
sys.modules["dependency_audit"] = audit
_spec.loader.exec_module(audit)

LOCK = """
good==1.0 \\
    --hash=sha256:00
twice==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
twice==2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:00
"""


def dist(version: str, licence: str = "MIT") -> Any:
    return SimpleNamespace(version=version, metadata={"License-Expression": licence})


def test_what_is_as_agreed_passes() -> None:
    found = {"good": dist("1.0"), "twice": dist("2.0")}
    assert audit.offline(found, LOCK, {"good": "MIT", "twice": "MIT"}) == []


@pytest.mark.parametrize(
    ("found", "lock", "told"),
    [
        ({"good": dist("1.1")}, LOCK, "good 1.1: the lock says 1.0"),
        ({"new": dist("3")}, LOCK, "new 3: the lock says nothing of it"),
        ({"good": dist("1.0", "Proprietary")}, LOCK, "its licence was 'MIT' and is 'Proprietary'"),
        ({"good": dist("1.0")}, "good==1.0\n", "good==1.0: no hash"),
    ],
)
def test_what_was_not_agreed_is_named(found: dict[str, Any], lock: str, told: str) -> None:
    assert any(told in line for line in audit.offline(found, lock, {"good": "MIT"}))


def test_the_committed_lock_holds_every_pin_to_a_hash() -> None:
    text = audit.LOCK.read_text()
    assert audit.unhashed(text) == []
    assert len(audit.locked(text)) > 100


def test_known_vulnerabilities_fail_and_accepted_ones_do_not(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def answer(request: urllib.request.Request, timeout: float) -> BytesIO:
        asked = json.loads(request.data or b"")["queries"]  # type: ignore[arg-type]
        return BytesIO(
            json.dumps({"results": [{"vulns": [{"id": "PYSEC-1"}]}, *({} for _ in asked[1:])]}).encode()
        )

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    monkeypatch.setattr(audit, "offline", lambda *_: [])
    assert audit.main() == 1
    assert "PYSEC-1" in capsys.readouterr().out
    monkeypatch.setattr(audit, "accepted", lambda: {"PYSEC-1": "we do not call it"})
    assert audit.main() == 0


def test_a_service_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def silent(request: object, timeout: float) -> BytesIO:
        raise OSError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", silent)
    monkeypatch.setattr(audit, "offline", lambda *_: [])
    assert audit.main() == 0
    assert "NOT CHECKED for vulnerabilities" in capsys.readouterr().out
