"""How many seeds a launch takes and in blocks of what size: measured while searching, so that a stop is never far away."""

from __future__ import annotations

from dataclasses import dataclass, field

TARGET_S = 0.25  # a launch; the stop word is read between launches
BLOCKS = (64, 128, 256)  # the kernels are compiled for at most 256 threads a block
FIRST, LEAST, MOST = 1 << 16, 1 << 10, 1 << 30
GROWTH = 4.0


@dataclass
class Pace:
    """The launch size and block size of one kernel on one device; each block size is tried once at the same size."""

    seeds: int = FIRST
    rates: dict[int, float] = field(default_factory=dict)

    @property
    def block(self) -> int:
        """Return the block size to launch with: an untried one, then the fastest."""
        untried = [size for size in BLOCKS if size not in self.rates]
        return untried[0] if untried else max(self.rates, key=lambda size: self.rates[size])

    def learn(self, block: int, seeds: int, seconds: float) -> None:
        """Take in one launch; move the size towards the target, at most by GROWTH at a time."""
        rate = seeds / max(seconds, 1e-9)
        self.rates[block] = max(rate, self.rates.get(block, 0.0))
        wanted = min(rate * TARGET_S, seeds * GROWTH)
        if len(self.rates) == len(BLOCKS):
            self.seeds = int(min(max(wanted, LEAST), MOST))

    def crowded(self, seeds: int) -> bool:
        """Halve a launch that proposed too much; False when it cannot be smaller."""
        self.seeds = max(1, seeds // 2)
        return seeds > 1
