"""Seeds beyond 64 bits: the raw words of families whose runtimes take a key of any length, an integer or bytes."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from types import MappingProxyType
from typing import Any

import numpy as np

from hip_cuda_kernels.errors import KernelError

KERNEL_BITS = 64  # what the compiled kernels take as a seed
WIDE = 1 << KERNEL_BITS
BYTE, WORD = 0xFF, 0xFFFF_FFFF
Words = np.ndarray[Any, np.dtype[np.uint64]]


def of_bytes(text: bytes) -> int:
    """Return the seed that stands for bytes given as a key: they lie above 64 zero bits, behind a 1 that keeps leading zeros."""
    return int.from_bytes(b"\x01" + text) << KERNEL_BITS


def to_bytes(seed: int) -> bytes:
    """Return the bytes that a seed of `of_bytes` stands for."""
    key = seed >> KERNEL_BITS
    return key.to_bytes((key.bit_length() + 7) // 8)[1:]


def words(family: str, seed: int, count: int) -> Words:
    """Return the first `count` raw words of a seed of more than 64 bits; KernelError where the family takes none."""
    if family not in KEYED:
        raise KernelError(
            f"a seed of {seed.bit_length()} bits: {family} seeds with 64 bits at most; give 0..2^64-1"
        )
    return KEYED[family](seed, count)


def _cpython(seed: int, count: int) -> Words:
    """random.seed(int) of any size, by the runtime itself; getrandbits fills its result from the lowest word on."""
    drawn = random.Random(seed).getrandbits(32 * count) if count else 0
    return np.frombuffer(drawn.to_bytes(4 * count, "little"), "<u4").astype(np.uint64)


def _sha1prng(seed: int, count: int) -> Words:
    """SecureRandom of SHA1PRNG after setSeed(bytes): 20 bytes are SHA-1 of a state, which then takes them in."""
    state, out = hashlib.sha1(to_bytes(seed)).digest(), bytearray()
    while len(out) < 4 * count:
        digest = hashlib.sha1(state).digest()
        out += digest
        state = _taken_in(state, digest)
    return np.frombuffer(bytes(out[: 4 * count]), ">u4").astype(np.uint64)


def _taken_in(state: bytes, digest: bytes) -> bytes:
    """Add a digest and 1, lowest byte first, bytes and carry signed as Java's are; a state that stays gets 1 more."""
    carry, after = 1, bytearray()
    for one, other in zip(state, digest, strict=True):
        total = _signed(one) + _signed(other) + carry
        after.append(total & BYTE)
        carry = total >> 8
    if bytes(after) == state:
        after[0] = (after[0] + 1) & BYTE
    return bytes(after)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def units(text: bytes) -> list[int]:
    """Return the code units in which JavaScript and Java count the characters of UTF-8."""
    return [int(unit) for unit in np.frombuffer(text.decode().encode("utf-16-le"), "<u2")]


def _arc4(seed: int, count: int) -> Words:
    """npm's seedrandom("text"): ARC4 keyed by the low bytes of its characters, 256 bytes passed over, 53 bits a word."""
    table, key = list(range(256)), [unit & BYTE for unit in units(to_bytes(seed))] or [0]
    j = 0
    for i, byte in zip(range(256), cycle(key), strict=False):
        j = (j + table[i] + byte) & BYTE
        table[i], table[j] = table[j], table[i]
    stream = _arc4_bytes(table)
    next(islice(stream, 256, 256), None)
    return np.array([_fraction(stream) for _ in range(count)], dtype=np.uint64)


def _arc4_bytes(table: list[int]) -> Iterator[int]:
    i = j = 0
    while True:
        i = (i + 1) & BYTE
        j = (j + table[i]) & BYTE
        table[i], table[j] = table[j], table[i]
        yield table[(table[i] + table[j]) & BYTE]


def _fraction(stream: Iterator[int]) -> int:
    """Return the upper 53 bits of a fraction: six bytes, and more until it has 53 bits without its leading zeros."""
    value = bits = 0
    while bits < 48 or value >> 52 == 0:
        value, bits = value << 8 | next(stream), bits + 8
    return value >> (bits - 53)


def _alea(seed: int, count: int) -> Words:
    """Alea("text"): three hashes of a space, less the running hash of the text's characters, start a multiply-with-carry."""
    mash, text = _Mash(), units(to_bytes(seed))
    lag = [mash.absorb([32]) for _ in range(3)]
    lag = [(one - mash.absorb(text)) & WORD for one in lag]
    carry, made = 1, np.empty(count, np.uint64)
    for place in range(count):
        total = lag[0] * 2091639 + carry
        lag, carry = [lag[1], lag[2], total & WORD], total >> 32
        made[place] = total & WORD
    return made


class _Mash:
    """Alea's hash of characters; its state is a double that goes on from one text to the next."""

    def __init__(self) -> None:
        self.n = 4022871197.0

    def absorb(self, characters: list[int]) -> int:
        """Take characters in and return the state's whole part modulo 2^32."""
        for character in characters:
            self.n += character
            h = 0.02519603282416938 * self.n
            self.n = float(int(h) & WORD)
            h = (h - self.n) * self.n
            self.n = float(int(h) & WORD)
            self.n += (h - self.n) * 4294967296.0
        return int(self.n) & WORD


KEYED: Mapping[str, Callable[[int, int], Words]] = MappingProxyType(
    {"mt19937/cpython": _cpython, "sha1prng/java": _sha1prng, "arc4/seedrandom": _arc4, "alea/number": _alea}
)
