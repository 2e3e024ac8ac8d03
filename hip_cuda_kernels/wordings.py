"""Words as seeds: where a runtime hashes strings, which families it seeds and the integer that a word becomes. Data and pure functions."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hip_cuda_kernels.keys import of_bytes, units

LONGEST = 255  # bytes of a word: what every runtime here takes in whole


@dataclass(frozen=True)
class Wording:
    """One way from a word to a seed: what a user writes, whom it seeds, and what a word costs in seconds on one core."""

    id: str
    call: str
    families: tuple[str, ...]
    seed: Callable[[bytes], int]
    wide: bool
    """Its seeds have more than 64 bits (keys.py), so only single calls are read from them."""
    seconds: float
    oracle: str


def _python(word: bytes) -> int:
    return int.from_bytes(word + hashlib.sha512(word).digest())


def _python2(word: bytes) -> int:
    """Python 2's hash of a string where it is not randomised, as version=1 of random.seed keeps it."""
    characters = word.decode()
    value = ord(characters[0]) << 7 if characters else 0
    for character in characters:
        value = (1000003 * value ^ ord(character)) & 0xFFFF_FFFF_FFFF_FFFF
    return value ^ len(characters)


def _java(word: bytes) -> int:
    """String.hashCode() widened to a long, of which java.util.Random keeps 48 bits."""
    value = 0
    for unit in units(word):
        value = (31 * value + unit) & 0xFFFF_FFFF
    return (value - (value >> 31 << 32)) & 0xFFFF_FFFF_FFFF


_ALL = (
    Wording(
        "python_str", 'random.seed("word")', ("mt19937/cpython",), _python, True, 2e-5,
        "CPython 3.2 and later, version 2",
    ),
    Wording(
        "python2_str", 'random.seed("word") in Python 2, version=1 in 3', ("mt19937/cpython",), _python2, False, 1e-5,
        "CPython 2.7; CPython 3, version=1",
    ),
    Wording("seedrandom_text", 'seedrandom("word")', ("arc4/seedrandom",), of_bytes, True, 4e-4, "npm seedrandom"),
    Wording("alea_text", 'new Alea("word")', ("alea/number",), of_bytes, True, 1e-4, "npm alea"),
    Wording(
        "sha1prng_bytes", 'SHA1PRNG, setSeed("word".getBytes())', ("sha1prng/java",), of_bytes, True, 1e-4,
        "java.security.SecureRandom, SHA1PRNG",
    ),
    Wording("java_hash_code", 'new Random("word".hashCode())', ("lcg48/java",), _java, False, 1e-5, "java.util.Random"),
    Wording(
        "php_crc32", 'mt_srand(crc32("word"))', ("mt19937/init_genrand", "mt19937_php/mt_srand"), zlib.crc32, False, 1e-5,
        "PHP mt_srand",
    ),
)  # fmt: skip
WORDINGS: Mapping[str, Wording] = MappingProxyType({one.id: one for one in _ALL})


def takes_words(family: str) -> list[Wording]:
    """Return the ways in which words seed a family, most used first; none where no runtime hashes them."""
    return [one for one in _ALL if family in one.families]
