"""Chronological nested blocks: features read draws before a cut less the embargo, targets score draws from the cut on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import BadInput


class TooFewDraws(BadInput):
    """The history has too few draws after the search block to validate anything on them."""


@dataclass(frozen=True)
class Block:
    """Targets score draws [cut, end); features read draws [0, reads)."""

    cut: int
    end: int
    reads: int

    @property
    def draws(self) -> int:
        """Return how many draws the block scores."""
        return self.end - self.cut


@dataclass(frozen=True)
class Blocks:
    """`dev` blocks in time order, then the `final` block, which is opened once; `now` is the number of draws."""

    dev: tuple[Block, ...]
    final: Block
    now: int
    embargo: int

    @property
    def all(self) -> tuple[Block, ...]:
        """Return every block in time order."""
        return (*self.dev, self.final)

    @property
    def inner(self) -> range:
        """Return the dev blocks that step 4 may validate on; the last one is left to step 5."""
        return range(1, len(self.dev) - 1)

    @property
    def outer(self) -> range:
        """Return the dev blocks that step 5 predicts out of fold."""
        return range(1, len(self.dev))

    @property
    def length(self) -> int:
        """Return how many draws each block scores."""
        return self.final.draws

    @property
    def spans(self) -> list[list[int]]:
        """Return the draws that each dev block scores."""
        return [[block.cut, block.end] for block in self.dev]

    @property
    def reads(self) -> list[int]:
        """Return how many draws the features of each slot read: the blocks, then the next draw."""
        return [*(block.reads for block in self.all), self.now]

    def trains(self, validated: int) -> list[int]:
        """Return the dev blocks whose targets end before block `validated` less the embargo begins."""
        limit = self.all[validated].reads
        return [at for at, block in enumerate(self.dev) if block.end <= limit]


def lay_out(draws: int, searched: int, *, dev: int, embargo: int) -> Blocks:
    """Cut draws [searched, draws) into `dev` blocks and a final one of equal length, an embargo before each.

    With few draws the number of dev blocks falls, to 3 at least, before blocks of a single draw are given up;
    raise TooFewDraws where even that does not fit.
    """
    for count in range(max(3, dev), 2, -1):
        length = (draws - searched - embargo * (count + 1)) // (count + 1)
        if length >= (2 if count > 3 else 1):
            return _blocks(draws, count, length, embargo)
    need = searched + 4 * (embargo + 1)
    raise TooFewDraws(
        f"{draws} draws, {searched} of them searched: validation needs {need} draws with an embargo of {embargo}; "
        "collect more draws or search a shorter window"
    )


def _blocks(draws: int, count: int, length: int, embargo: int) -> Blocks:
    """Lay blocks from the end backwards, so that the final block ends with the newest draw."""
    stride = length + embargo
    cuts = [draws - length - stride * back for back in range(count, -1, -1)]
    made = [Block(cut, cut + length, cut - embargo) for cut in cuts]
    return Blocks(tuple(made[:-1]), made[-1], draws, embargo)
