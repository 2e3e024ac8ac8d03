"""Archives that unpack to more than they may: refused before memory or disk is filled. NPZ has its own tests in tests/state."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from engine import recording
from engine.errors import BadInput
from engine.link import build
from engine.rigs.onrig import installer


def test_a_recording_that_unpacks_without_end_takes_little_memory_and_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = zlib.compress(bytes(96 << 20))
    assert len(packed) < 100 << 10
    end = {"seq": 1, "at": "2026-01-01T00:00:00Z"}
    header = {
        "schema": "recording/1", "build": build(), "host": "h", "made": "m", "first": end, "last": end, "head": "x", "events": 1,
        "before": 0, "bytes": len(packed), "sha256": hashlib.sha256(packed).hexdigest(),
    }  # fmt: skip
    (tmp_path / "bomb.rec").write_bytes(json.dumps(header).encode() + b"\n" + packed)
    monkeypatch.setattr(recording, "MOST", 32 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="unpacks to more"):
            recording.unpack(tmp_path / "bomb.rec", tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert (tmp_path / "journal.db").stat().st_size <= 34 << 20


def wheel(name: str, content: bytes = b"", *, mode: int = 0) -> zipfile.ZipFile:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        one = zipfile.ZipInfo(name)
        one.external_attr = mode << 16
        archive.writestr(one, content, zipfile.ZIP_DEFLATED)
    return zipfile.ZipFile(io.BytesIO(made.getvalue()))


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "pkg/../../evil.py", "..\\evil.py"])
def test_a_wheel_does_not_lead_out_of_its_folder(name: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        installer.check(wheel(name), "a.whl")


def test_a_wheel_makes_no_links_and_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is a link"):
        installer.check(wheel("pkg/link", b"/etc/passwd", mode=stat.S_IFLNK | 0o777), "a.whl")
    monkeypatch.setattr(installer, "UNPACKED", 1 << 20)
    with pytest.raises(ValueError, match="unpacks to"):
        installer.check(wheel("pkg/zeros", bytes(2 << 20)), "a.whl")
    installer.check(wheel("pkg/__init__.py", b"x = 1"), "a.whl")


def test_a_manifest_names_files_and_no_paths(tmp_path: Path) -> None:
    (tmp_path / "secret.whl").write_bytes(b"x")
    manifest = {"../secret.whl": hashlib.sha256(b"x").hexdigest()}
    digest = installer.bundle_digest(manifest)
    incoming = tmp_path / f"incoming-{digest}"
    incoming.mkdir()
    (incoming / "manifest.json").write_text(json.dumps(manifest))
    answer = installer.install(str(tmp_path), digest)
    assert answer["ok"] is False
    assert "no name of a file" in answer["why"]
