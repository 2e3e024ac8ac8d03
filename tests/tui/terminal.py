"""A real console on a pseudo terminal, and just enough of a terminal to read what it shows."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEQUENCE = re.compile(
    r"\x1b\[([0-9;?<>=]*)[ $]*([@-~])|\x1b[\]P].*?(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78]", re.DOTALL
)


class Glass:
    """A grid of characters that obeys cursor moves and clearing, and ignores colours."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.clear()

    def clear(self) -> None:
        """Empty the grid."""
        self.grid = [[" "] * self.columns for _ in range(self.rows)]
        self.x = self.y = 0

    def text(self) -> str:
        """Return the grid as text."""
        return "\n".join("".join(row).rstrip() for row in self.grid)

    def feed(self, written: str) -> str:
        """Obey what was written; return an unfinished sequence at its end."""
        at = 0
        while at < len(written):
            char = written[at]
            if char == "\x1b":
                found = SEQUENCE.match(written, at)
                if found is None:
                    return written[at:]
                self._obey(found)
                at = found.end()
                continue
            self._put(char)
            at += 1
        return ""

    def _put(self, char: str) -> None:
        if char == "\r":
            self.x = 0
        elif char == "\n":
            self.y = min(self.rows - 1, self.y + 1)
        elif char >= " " and self.x < self.columns:
            self.grid[self.y][self.x] = char
            self.x += 1

    def _obey(self, found: re.Match[str]) -> None:
        numbers, final = found.group(1), found.group(2)
        if final == "H":
            row, _, column = (numbers or "1;1").partition(";")
            self.y, self.x = min(self.rows, int(row or 1)) - 1, min(self.columns, int(column or 1)) - 1
        elif final == "J" or (final == "h" and numbers == "?1049"):
            self.clear()


class Terminal:
    """`python -m tui` in a session of its own with a pseudo terminal."""

    def __init__(
        self,
        state: Path,
        *options: str,
        size: tuple[int, int] = (80, 24),
        controlling: bool = True,
        **environment: str,
    ) -> None:
        self.glass = Glass(*size)
        self.written = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--state", str(state), *options],
            stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controlling else None,
            env={**kept, "TERM": "xterm-256color", **environment},
        )  # fmt: skip
        os.close(slave)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        if self.master >= 0:
            os.close(self.master)

    def read(self, seconds: float) -> None:
        """Take what is written within `seconds`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                return
            try:
                text = self._decoder.decode(os.read(self.master, 1 << 16))
            except OSError:  # the console closed its side
                time.sleep(min(left, 0.05))
                return
            self.written += text
            self._rest = self.glass.feed(self._rest + text)

    def until(self, words: str, seconds: float = 30.0, *, gone: bool = False) -> str:
        """Return the screen once it shows `words`, or shows them no longer."""
        end = time.monotonic() + seconds
        while (words in self.glass.text()) == gone:
            assert time.monotonic() < end, f"never showed {words!r}:\n{self.glass.text()}"
            self.read(0.1)
        return self.glass.text()

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def ends(self, seconds: float = 10.0) -> int:
        """Return the exit code, reading on until then."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, "the console did not end"
            self.read(0.1)
        self.read(0.2)
        return self.process.returncode

    def hang_up(self) -> None:
        """Take the terminal away, as a lost SSH connection does."""
        os.close(self.master)
        self.master = -1

    def stopped(self, seconds: float = 10.0) -> bool:
        """Say whether the process came to be stopped, as by ctrl+z."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                return True
            self.read(0.05)
        return False

    def go_on(self) -> None:
        """Continue a stopped process, as `fg` does."""
        os.kill(self.process.pid, signal.SIGCONT)
