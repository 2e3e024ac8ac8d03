"""The stop word: eight mmapped bytes through which one halt reaches every process and every running kernel at once.

A generation number, not a flag: a flag would have to be cleared before the next sweep, and whoever polled late would miss it.
Standard library only (numpy when `.array` is asked for), so that the halt path never waits for a heavy import.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EnvironmentFault, Halted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SIZE = 8
"""Bytes of the file: uint32 generation in native order, then four reserved zero bytes."""
NAME = "stop.word"
"""File name under the state directory."""
_MASK = 0xFFFFFFFF
_LOCK_PATIENCE = 0.05


def newer(one: int, other: int) -> bool:
    """Tell whether generation `one` came after `other`, across the wrap at 32 bits."""
    return 0 < (one - other) & _MASK < 1 << 31


class StopWord:
    """The shared generation number; open it as often as you like, from any process or thread."""

    def __init__(self, path: Path) -> None:
        """Open `path`, creating it with generation 0; EnvironmentFault if it is no stop word or cannot be made."""
        self.path = Path(path)
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot open the stop word {self.path}: {error.strerror}; check the state directory's rights and space"
            ) from error
        try:
            self._fill()
            self._map = mmap.mmap(self._fd, SIZE)
        except BaseException:
            os.close(self._fd)
            raise
        self._word = memoryview(self._map).cast("I")
        self._array: npt.NDArray[np.uint32] | None = None

    def _fill(self) -> None:
        """Write the zero word into a new file; real bytes, because a hole could end in SIGBUS on a full disk."""
        locked = self._lock()
        try:
            size = os.fstat(self._fd).st_size
            if size == 0:
                os.pwrite(self._fd, bytes(SIZE), 0)
            elif size != SIZE:
                raise EnvironmentFault(
                    f"the stop word {self.path} has {size} bytes, {SIZE} are the rule; remove the file and start again"
                )
        except OSError as error:
            raise EnvironmentFault(
                f"cannot write the stop word {self.path}: {error.strerror}; free some disk space"
            ) from error
        finally:
            self._unlock(locked)

    def _lock(self) -> int | None:
        """Take the writers' lock on a descriptor of its own, so that threads exclude each other too.

        None after 50 ms: a stopped process that holds the lock must not be able to hold up a halt.
        """
        fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        deadline = time.monotonic() + _LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return fd
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(fd)
                    return None
                time.sleep(0.001)

    @staticmethod
    def _unlock(fd: int | None) -> None:
        if fd is not None:
            os.close(fd)

    def generation(self) -> int:
        """Return the present generation, 0 … 2**32-1."""
        return self._word[0]

    def follow(self, generation: int) -> None:
        """Take over another machine's generation; only for a word that nobody else bumps."""
        self._word[0] = generation & _MASK

    def bump(self) -> int:
        """Ask everything that runs under an older generation to stop; return the new generation."""
        locked = self._lock()
        try:
            new = (self._word[0] + 1) & _MASK
            self._word[0] = new
            return new
        finally:
            self._unlock(locked)

    @property
    def array(self) -> npt.NDArray[np.uint32]:
        """The word as a live uint32[1] view, for kernels that poll it without the interpreter."""
        if self._array is None:
            import numpy as np

            self._array = np.memmap(self.path, dtype=np.uint32, mode="r+", shape=(1,))
        return self._array

    def close(self) -> None:
        """Give back the mapping and the descriptor; arrays handed out before stay valid."""
        if self._map.closed:
            return
        self._word.release()
        self._map.close()
        os.close(self._fd)

    def __enter__(self) -> StopWord:
        """Return self."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()


class Stop:
    """What a running task holds: the word, and the generation under which the task was submitted."""

    def __init__(self, word: StopWord, generation: int) -> None:
        """Bind `word` to `generation`; any other value of the word means stop."""
        self.word = word
        self.generation = generation

    @property
    def array(self) -> npt.NDArray[np.uint32]:
        """The live uint32[1] view of the word."""
        return self.word.array

    def asked(self) -> bool:
        """Tell whether a halt came after this task was submitted; costs well under a microsecond."""
        return self.word.generation() != self.generation

    def raise_if_asked(self) -> None:
        """Raise Halted if a halt came after this task was submitted."""
        if self.asked():
            raise Halted(
                f"stopped: the stop word moved from generation {self.generation} to {self.word.generation()}; "
                "`mimicry resume` continues from what is recorded"
            )
