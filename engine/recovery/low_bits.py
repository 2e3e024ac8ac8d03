"""The low bits of a state mod 2^k are a small generator by themselves: all that fit the draws' low bits, by trying each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def low_states(
    powers: Sequence[tuple[int, int]], values: Sequence[int], cut: int, shown: int
) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return every low part of `cut + shown` bits of the first draw's state that fits all draws.

    Draw i was made at state a * x + c for powers[i] = (a, c), and shows its bits cut .. cut + shown - 1 as the low
    bits of values[i]. powers[0] is (1, 0), so 2^cut parts are tried; cut + shown <= 32.
    """
    mask, bits = np.uint64((1 << cut + shown) - 1), (1 << shown) - 1
    parts = np.arange(1 << cut, dtype=np.uint64) + np.uint64((values[0] & bits) << cut)
    for (a, c), value in zip(powers[1:], values[1:], strict=True):
        at = (parts * np.uint64(a & int(mask)) + np.uint64(c & int(mask))) & mask
        parts = parts[at >> np.uint64(cut) == np.uint64(value & bits)]
    return parts
