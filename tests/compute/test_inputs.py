"""Files that tasks read: named by content, checked where they are opened, and no chunk goes where they are not confirmed."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from conformance import until
from sample_kinds import KINDS
from test_enrol import Rig

from engine.compute.cluster import Compute
from engine.compute.codec import CodecError
from engine.compute.dealer import Dealer
from engine.compute.inputs import KEPT, Input, MissingInput, Shelf
from engine.compute.job import decode_job, encode_job
from engine.compute.place import Place
from engine.compute.supplies import Supplies, lent
from engine.compute.task import Task
from engine.errors import EnvironmentFault

VALUES = np.arange(1000)


def test_an_input_is_named_by_its_content_and_opened_once(tmp_path: Path) -> None:
    made = Input.write(tmp_path, {"v": VALUES})
    again = Input.write(tmp_path, {"v": VALUES})
    assert made == again
    assert made.digest == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert (made.size, made.path.stat().st_mode & 0o777) == (made.path.stat().st_size, 0o600)
    shelf = Shelf(tmp_path)
    arrays = shelf.arrays([made.digest])
    assert np.array_equal(arrays["v"], VALUES)
    with pytest.raises(ValueError, match="read-only"):
        arrays["v"][0] = 1
    made.path.unlink()
    assert shelf.arrays([made.digest])["v"] is arrays["v"], "the newest one stays open"


async def test_a_file_is_there_for_whoever_lends_it_while_another_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplies, write, first = Supplies(Dealer()), Input.write, True

    def written(folder: Path, arrays: Mapping[str, np.ndarray]) -> Input:
        nonlocal first
        made = write(folder, arrays)
        if first:  # the other one's end comes before ours is held
            made.path.unlink()
        first = False
        return made

    monkeypatch.setattr(Input, "write", written)
    async with lent(supplies, tmp_path, {"v": VALUES}) as made:
        assert np.array_equal(Shelf(tmp_path).arrays([made.digest])["v"], VALUES)
        async with lent(supplies, tmp_path, {"v": VALUES}):
            pass
        assert made.path.exists(), "we need it still"
    assert not made.path.exists()


def test_what_is_absent_or_rotten_is_missing_and_never_used(tmp_path: Path) -> None:
    made = Input.write(tmp_path, {"v": VALUES})
    data = bytearray(made.path.read_bytes())
    data[-1] ^= 1
    made.path.write_bytes(bytes(data))
    with pytest.raises(MissingInput, match="its content is not what its name says"):
        Shelf(tmp_path).arrays([made.digest])
    made.path.unlink()
    with pytest.raises(MissingInput, match="No such file or directory"):
        Shelf(tmp_path).arrays([made.digest])


def test_a_shelf_keeps_few_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.compute.inputs.KEPT_BYTES", 10_000)
    one, two = (Input.write(tmp_path, {"v": VALUES + shift}) for shift in (0, 1))
    shelf = Shelf(tmp_path)
    first = shelf.arrays([one.digest])["v"]
    shelf.arrays([two.digest])
    assert shelf.arrays([one.digest])["v"] is not first


def test_small_files_of_finished_jobs_do_not_stay_open(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for shift in range(KEPT + 3):
        shelf.arrays([Input.write(tmp_path, {"v": VALUES + shift}).digest])
    assert len(shelf._open) == KEPT


def test_a_job_names_its_inputs_by_digest_alone_and_they_are_part_of_what_it_is(tmp_path: Path) -> None:
    made = Input.write(tmp_path, {"v": VALUES})
    task = Task("total", "t", {}, inputs=(made,))
    job = decode_job(encode_job(task, 0))
    assert job.inputs == (made.digest,)
    assert job.echo()["digest"] == task.digest() != Task("total", "t", {}).digest()
    with pytest.raises(CodecError, match="64 hexadecimal digits are the rule"):
        decode_job(encode_job(Task("total", "t", {}, inputs=(Input("../../etc/passwd", Path(), 0),)), 0))


class Porter:
    """Brings inputs to a directory that stands for a rig's store, when it is told to."""

    def __init__(self, compute: Compute, store: Path) -> None:
        self.compute, self.store = compute, store
        self.asked: list[tuple[str, Mapping[str, Input]]] = []

    def stage(self, host: str, inputs: Mapping[str, Input]) -> None:
        self.asked.append((host, inputs))

    def bring(self) -> None:
        host, inputs = self.asked[-1]
        self.store.mkdir(exist_ok=True)
        for digest, one in inputs.items():
            shutil.copy(one.path, self.store / digest)
        self.compute.confirm(host, inputs)


async def test_no_chunk_goes_to_a_machine_that_has_not_confirmed_its_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.compute.supplies.RETRY", 0.1)
    rig = Rig(tmp_path / "rig")
    async with await Compute.start(tmp_path / "state", workers=0, kinds=KINDS) as compute:
        porter = Porter(compute, tmp_path / "rig" / "store")
        compute.enlist(Place("rig-x/gpu0", rig.start, remote=True))
        await until(lambda: any(worker.alive for worker in compute.workers()))
        async with compute.shared({"v": VALUES}) as shared:
            task = Task("total", "t", {"part": [0, 1000]}, inputs=(shared,))
            waiting = asyncio.ensure_future(compute.run(task))
            await asyncio.sleep(0.2)
            (worker,) = compute.workers()
            told = f"waits for 1 input ({shared.digest[:12]}, 0.0 MiB): nobody brings files to rig-x"
            assert (worker.busy, worker.note) == (False, told)
            assert compute.degraded() == [f"rig-x {told}"]

            compute.bring_by(porter)
            await until(lambda: porter.asked)
            assert compute.workers()[0].note.endswith(": on the way")
            compute.unstaged("rig-x", "rig rig-x: 8 MiB do not fit on /dev/shm")
            assert compute.workers()[0].note.endswith("do not fit on /dev/shm")
            await until(lambda: len(porter.asked) == 2)
            assert not waiting.done()
            assert (await compute.run(Task("echo", "other", {}))).ok, "what needs no input goes on"

            porter.bring()
            assert (await waiting).meta["sum"] == VALUES.sum()
            assert compute.degraded() == []

            # the rig loses the file behind our back: the chunk waits for it, and fails nobody
            (porter.store / shared.digest).unlink()
            await compute.run(Task("die_once", "d", {"mark": str(tmp_path / "d")}))
            again = asyncio.ensure_future(compute.run(task))
            await until(lambda: len(porter.asked) == 3)
            assert compute.attempts()[0].error.endswith("No such file or directory")
            porter.bring()
            assert (await again).ok
            compute.lost_inputs("rig-x")
            last = asyncio.ensure_future(compute.run(task))
            await until(lambda: len(porter.asked) == 4)
            porter.bring()
            assert (await last).ok
        assert not shared.path.exists()
        assert not compute.wanted_inputs()
        assert shared.digest not in [digest for _, asked in porter.asked[4:] for digest in asked]


async def test_workers_of_this_machine_read_inputs_in_their_process_and_in_a_child(tmp_path: Path) -> None:
    async with await Compute.start(tmp_path, workers=1, kinds=KINDS) as compute:
        async with compute.shared({"v": VALUES}) as one, compute.shared({"w": VALUES}) as two:
            for isolate in (False, True):
                task = Task("total", "t", {"part": [0, 10]}, inputs=(one, two), isolate=isolate)
                assert (await compute.run(task)).meta["sum"] == 45
        gone = await compute.run(Task("total", "t", {"part": [0, 10]}, inputs=(one,), isolate=True))
        assert not gone.ok
        assert gone.error is not None
        assert gone.error.startswith(f"input {one.digest[:12]}: ")
        (tmp_path / "inputs").mkdir(exist_ok=True)
        (tmp_path / "inputs" / "left-over").touch()
    assert not (tmp_path / "inputs").exists()


def test_two_who_lend_the_same_at_once_both_have_it_and_a_full_disk_keeps_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, arrays = Path.replace, {"v": np.arange(3)}

    def overtaken(part: Path, path: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        Input.write(tmp_path, arrays)
        return replace(part, path)

    def full(part: Path, path: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", overtaken)
    made = Input.write(tmp_path, arrays)
    assert list(Shelf(tmp_path).arrays([made.digest])["v"]) == [0, 1, 2]
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EnvironmentFault, match="No space left on device; free some disk space"):
        Input.write(tmp_path, {"v": np.arange(4)})
    assert list(tmp_path.iterdir()) == [made.path]
