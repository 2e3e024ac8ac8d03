"""Builds each oracle once in a scratch folder and asks it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from catalogue import ORACLES
from oracle import OracleFailed, OracleMissing, run


class Bench:
    """Builds each oracle once in a scratch folder and asks it."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.commands: dict[str, list[str]] = {}

    def require(self, name: str) -> None:
        """Raise OracleMissing with the install command when a part of an oracle is absent."""
        for need, install in ORACLES[name].needs:
            if not (Path(need).exists() if "/" in need else shutil.which(need)):
                raise OracleMissing(f"{name}: {need} is missing. Fix: {install}")

    def ask(
        self, name: str, call: str, lo: int, hi: int, count: int, seeds: Sequence[int]
    ) -> list[list[str]]:
        """Return one row of COUNT fields a seed, as the oracle printed them."""
        self.require(name)
        if name not in self.commands:
            self.commands[name] = ORACLES[name].build(self.work)
        hexed = [f"{seed:x}" for seed in seeds]
        text = run([*self.commands[name], call, str(lo), str(hi), str(count), *hexed])
        rows = [line.strip().split(",") for line in text.splitlines() if line.strip()]
        if [row[0] for row in rows] != hexed or any(len(row) != count + 1 for row in rows):
            raise OracleFailed(
                f"{name} {call}: not one line of {count} values for each of {len(seeds)} seeds"
            )
        return [row[1:] for row in rows]
