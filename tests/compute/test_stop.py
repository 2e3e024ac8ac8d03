"""The stop word: one bump is seen by every process, and nothing but a bump is."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.compute.stop import Stop, StopWord
from engine.errors import EnvironmentFault, Halted


@pytest.fixture
def word(tmp_path: Path) -> StopWord:
    return StopWord(tmp_path / "stop.word")


def test_a_new_word_is_eight_private_bytes_of_generation_zero(word: StopWord) -> None:
    assert word.generation() == 0
    assert word.path.read_bytes() == bytes(8)
    assert word.path.stat().st_mode & 0o777 == 0o600


def test_a_bump_is_seen_by_another_opening_and_survives_it(word: StopWord) -> None:
    other = StopWord(word.path)
    assert word.bump() == 1
    assert other.generation() == 1
    assert StopWord(word.path).generation() == 1


def test_a_bump_of_another_process_is_seen(word: StopWord) -> None:
    code = "import sys; from engine.compute.stop import StopWord; StopWord(sys.argv[1]).bump()"
    subprocess.run([sys.executable, "-c", code, str(word.path)], check=True)
    assert word.generation() == 1


def test_no_bump_of_many_threads_is_lost(word: StopWord) -> None:
    def bump() -> None:
        with StopWord(word.path) as own:
            for _ in range(50):
                own.bump()

    threads = [threading.Thread(target=bump) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert word.generation() == 200


def test_the_generation_wraps_at_32_bits(word: StopWord) -> None:
    word.path.write_bytes(b"\xff\xff\xff\xff\0\0\0\0")
    assert word.bump() == 0


def test_the_array_is_live(word: StopWord) -> None:
    array = word.array
    assert (array.dtype.str, array.shape) == ("<u4", (1,))
    word.bump()
    assert array[0] == 1


def test_stop_is_asked_only_after_a_bump(word: StopWord) -> None:
    stop = Stop(word, word.generation())
    stop.raise_if_asked()
    assert not stop.asked()
    word.bump()
    assert stop.asked()
    with pytest.raises(Halted, match="generation 0 to 1"):
        stop.raise_if_asked()
    assert not Stop(word, word.generation()).asked()


def test_a_stuck_lock_holder_cannot_hold_up_a_halt(word: StopWord) -> None:
    fd = os.open(word.path, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    begun = time.monotonic()
    assert word.bump() == 1
    assert time.monotonic() - begun < 0.5
    os.close(fd)


@pytest.mark.parametrize("size", [1, 7, 9, 4096])
def test_a_file_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "stop.word"
    path.write_bytes(bytes(size))
    with pytest.raises(EnvironmentFault, match=rf"{size} bytes, 8 are the rule"):
        StopWord(path)


def test_a_missing_directory_and_a_symlink_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="cannot open"):
        StopWord(tmp_path / "absent" / "stop.word")
    (tmp_path / "real").write_bytes(bytes(8))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(EnvironmentFault, match="cannot open"):
        StopWord(tmp_path / "link")


def test_closing_gives_the_descriptors_back(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        word = StopWord(tmp_path / "stop.word")
        word.bump()
        word.close()
        word.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_module_loads_neither_numpy_nor_distributed() -> None:
    code = "import sys, engine.compute.stop; print([m for m in ('numpy', 'distributed', 'dask') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
