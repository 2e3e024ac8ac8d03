"""Artifacts: whole or absent, known by hash, with lineage."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from state import artifacts, files
from state.artifacts import ArtifactStore, Lineage
from state.errors import ArtifactRefused, DiskFull, LedgerError, StateUnusable

LINEAGE = Lineage(schema="window/1", parameters={"seed": 7}, code="abc", run="run-0001")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_json_comes_back_with_its_lineage(store: ArtifactStore) -> None:
    data = store.write_json("draws.json", {"n": 3}, Lineage(schema="draws/1"))
    lineage = Lineage(
        schema="window/1",
        inputs={"draws.json": data.sha256},
        parameters={"seed": 7},
        code="abc",
        run="run-0001",
    )
    ref = store.write_json("window.json", {"best": 1.5, "text": "ü"}, lineage)
    assert store.read_json("window.json", schema="window/1") == {"best": 1.5, "text": "ü"}
    assert store.read_json(ref) == {"best": 1.5, "text": "ü"}
    assert store.ref("window.json") == ref
    note = store.lineage(ref)
    assert (note.inputs, note.parameters, note.code, note.run) == (
        {"draws.json": data.sha256},
        {"seed": 7},
        "abc",
        "run-0001",
    )
    sidecar = json.loads((store.directory / "window.json.lineage.json").read_text())
    assert {
        "schema",
        "sha256",
        "content_sha256",
        "inputs",
        "parameters",
        "code",
        "run",
        "at",
    } <= sidecar.keys()
    assert sorted(path.name for path in store.directory.iterdir()) == [
        "draws.json",
        "draws.json.lineage.json",
        "window.json",
        "window.json.lineage.json",
    ]


def test_models_are_written_as_they_serialise(store: ArtifactStore) -> None:
    class Best(BaseModel):
        value: float

    store.write_json("best.json", Best(value=2.0), LINEAGE)
    assert store.read_json("best.json") == {"value": 2.0}


def test_arrays_come_back_with_header_dtype_and_shape(store: ArtifactStore) -> None:
    arrays = {
        "seed": np.arange(6, dtype=np.uint64).reshape(2, 3),
        "file": np.array([b"ab"]),
        "none": np.zeros(0, np.float32),
    }
    store.write_npz("survivors.npz", arrays, {"trial": 4}, LINEAGE)
    back, header = store.read_npz("survivors.npz", schema="window/1")
    assert header == {"trial": 4}
    assert back.keys() == arrays.keys()
    for key, array in arrays.items():
        assert back[key].dtype == array.dtype
        np.testing.assert_array_equal(back[key], array)


def test_content_hash_leaves_time_host_and_run_out(store: ArtifactStore) -> None:
    def content(name: str, **header: object) -> str:
        store.write_npz(name, {"a": np.arange(3)}, header, LINEAGE)
        return store.lineage(name).content_sha256

    assert content("a.npz", at="1", run="r1", x=1) == content("b.npz", at="2", run="r2", x=1)
    assert content("a.npz", x=1) != content("b.npz", x=2)
    store.write_json("c.json", {"at": "1", "x": 1}, LINEAGE)
    store.write_json("d.json", {"at": "2", "x": 1}, LINEAGE)
    assert store.lineage("c.json").content_sha256 == store.lineage("d.json").content_sha256
    assert store.lineage("c.json").sha256 != store.lineage("d.json").sha256


def test_equal_arrays_give_equal_bytes(store: ArtifactStore) -> None:
    refs = [store.write_npz(name, {"a": np.arange(3)}, {}, LINEAGE) for name in ("a.npz", "b.npz")]
    assert refs[0].sha256 == refs[1].sha256


def test_objects_and_the_headers_name_are_refused(store: ArtifactStore) -> None:
    with pytest.raises(LedgerError, match="objects"):
        store.write_npz("a.npz", {"a": np.array([object()])}, {}, LINEAGE)
    with pytest.raises(LedgerError, match="header"):
        store.write_npz("a.npz", {artifacts.HEADER: np.zeros(1)}, {}, LINEAGE)
    assert list(store.directory.iterdir()) == []


@pytest.mark.parametrize("name", ["../x.json", "a/b.json", ".hidden", "", "x.lineage.json", "a b"])
def test_names_stay_in_their_folder(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ArtifactRefused, match="artifact name"):
        store.write_json(name, {}, LINEAGE)


def refused(store: ArtifactStore, match: str, **options: object) -> None:
    with pytest.raises(ArtifactRefused, match=match) as told:
        store.read_json("a.json", **options)
    assert "a.json" in str(told.value)
    assert "\n" not in str(told.value)


def test_what_was_changed_is_refused(store: ArtifactStore) -> None:
    refused(store, "does not exist")
    ref = store.write_json("a.json", {"x": 1}, LINEAGE)
    refused(store, "has schema window/1, this reader takes other/1", schema="other/1")
    (store.directory / "a.json").write_text('{"x": 2}')
    refused(store, "it was changed")
    assert store.read_json("a.json", verify=False) == {"x": 2}
    store.write_json("a.json", {"x": 3}, LINEAGE)
    with pytest.raises(ArtifactRefused, match="sha-256"):
        store.read_json(ref)
    (store.directory / "a.json.lineage.json").write_text("{}")
    refused(store, "not a lineage record")
    (store.directory / "a.json.lineage.json").unlink()
    refused(store, "has no lineage")


def test_symlinks_are_refused_both_ways(store: ArtifactStore, tmp_path: Path) -> None:
    store.write_json("b.json", {}, LINEAGE)
    (store.directory / "a.json").symlink_to("b.json")
    (store.directory / "a.json.lineage.json").symlink_to("b.json.lineage.json")
    refused(store, "symlink")
    with pytest.raises(ArtifactRefused, match="symlink"):
        store.write_json("a.json", {}, LINEAGE)


def test_a_damaged_npz_is_refused(store: ArtifactStore) -> None:
    store.write_npz("a.npz", {"a": np.arange(1000)}, {}, LINEAGE)
    path = store.directory / "a.npz"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ArtifactRefused, match="sha-256"):
        store.read_npz("a.npz")
    with pytest.raises(ArtifactRefused, match="not an NPZ"):
        store.read_npz("a.npz", verify=False)


def test_an_input_that_changed_makes_the_output_stale(store: ArtifactStore) -> None:
    ref = store.write_json("in.json", {"x": 1}, LINEAGE)
    store.write_json(
        "out.json", {}, Lineage(schema="out/1", inputs={"in.json": ref.sha256, "elsewhere.csv": "f" * 64})
    )
    store.must_be_fresh("out.json")
    store.write_json("in.json", {"x": 2}, LINEAGE)
    assert list(store.stale("out.json")) == ["in.json"]
    with pytest.raises(ArtifactRefused, match="older than its inputs"):
        store.must_be_fresh("out.json")


def test_a_crash_between_the_two_renames_loses_nothing(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_json("a.json", {"x": 1}, LINEAGE)
    real = files.put_in_place
    for crash_at, seen in ((1, 1), (2, 1), (3, 2)):
        left = iter([True] * (crash_at - 1))

        def crash(temporary: Path, path: Path, left: Iterator[bool] = left) -> None:
            if not next(left, False):
                raise KeyboardInterrupt
            real(temporary, path)

        monkeypatch.setattr(artifacts, "put_in_place", crash)
        with pytest.raises(KeyboardInterrupt):
            store.write_json("a.json", {"x": 2}, LINEAGE)
        assert store.read_json("a.json") == {"x": seen}
    monkeypatch.setattr(artifacts, "put_in_place", real)
    store.write_json("a.json", {"x": 3}, LINEAGE)
    assert ArtifactStore(store.directory).read_json("a.json") == {"x": 3}


def test_leftovers_of_dead_writers_are_removed_at_start(store: ArtifactStore) -> None:
    dead, alive = (
        store.directory / ".a.json.4194399.1.tmp",
        store.directory / f".a.json.{artifacts_pid()}.1.tmp",
    )
    dead.write_bytes(b"x")
    alive.write_bytes(b"x")
    ArtifactStore(store.directory)
    assert not dead.exists()
    assert alive.exists()


def artifacts_pid() -> int:
    return files.os.getpid()


def test_a_full_disk_keeps_the_old_artifact(small_disk: Path) -> None:
    store = ArtifactStore(small_disk)
    store.write_json("a.json", {"x": 1}, LINEAGE)
    with pytest.raises(DiskFull, match=r"a\.json: no space left"):
        store.write_bytes("a.json", b"x" * 3_000_000, LINEAGE)
    assert store.read_json("a.json") == {"x": 1}
    assert sorted(path.name for path in small_disk.iterdir()) == ["a.json", "a.json.lineage.json"]


LIMITED = """
import resource, sys
from pathlib import Path
from state.artifacts import ArtifactStore, Lineage
from state.errors import DiskFull
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store = ArtifactStore(Path(sys.argv[1]))
store.write_bytes("a.bin", b"x", Lineage(schema="s"))
try:
    store.write_bytes("a.bin", b"x" * 200_000, Lineage(schema="s"))
except DiskFull as told:
    print("full", store.read_bytes("a.bin"), sorted(p.name for p in store.directory.iterdir()))
"""


def test_a_file_size_limit_reads_like_a_full_disk(tmp_path: Path, child: Callable[..., object]) -> None:
    assert hasattr(resource, "RLIMIT_FSIZE")
    out, _ = child(LIMITED, tmp_path).communicate(timeout=20)
    assert out.strip() == "full b'x' ['a.bin', 'a.bin.lineage.json']"


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnusable, match="creating the artifact directory failed"):
        ArtifactStore(tmp_path / "file" / "artifacts")
