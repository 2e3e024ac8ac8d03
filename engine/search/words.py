"""Lists of words as seeds: read from a file, named by a digest, and searched word by word as their runtimes hash them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.errors import BadInput, UsageError
from engine.search.design import Law
from engine.search.ranges import Range
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import Mapping, is_composed
from hip_cuda_kernels.wordings import LONGEST, WORDINGS, takes_words

PREFIX = "words:"
MOST = 1 << 20
CALL_SECONDS = 2e-7  # one core: a call of one word's stream
Words = tuple[str, ...]


def split(text: str) -> tuple[str | None, Words]:
    """Part the value of `--seeds` into what is no list of words and the words of all lists, each once."""
    parts = text.split(",")
    lists = [part.strip().removeprefix(PREFIX) for part in parts if part.strip().startswith(PREFIX)]
    rest = [part for part in parts if not part.strip().startswith(PREFIX)]
    words = tuple(dict.fromkeys(word for name in lists for word in read(name)))
    if len(words) > MOST:
        raise UsageError(f"--seeds: {len(words)} words, at most {MOST}: cut the lists")
    return ",".join(rest) if rest else None, words


def read(name: str) -> Words:
    """Return the words of a file, one a line, empty lines left out; raise naming the file, the line and the rule."""
    if not name:
        raise UsageError(f"--seeds {PREFIX}: the name of the file is missing; write {PREFIX}FILE")
    try:
        text = Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"--seeds {PREFIX}{name}: cannot be read ({error.strerror})") from None
    words = []
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST:
            raise BadInput(f"{name} line {number}: {len(line)} bytes, a word has at most {LONGEST}")
        try:
            words.append(line.decode())
        except UnicodeDecodeError:
            raise BadInput(
                f"{name} line {number}: not UTF-8; convert the list, or leave the line out"
            ) from None
    found = tuple(word for word in words if word)
    if not found:
        raise BadInput(f"{name}: no word in it; give one a line")
    return found


@lru_cache(maxsize=8)
def digest(words: Words) -> str:
    """Return the name of a list: the first 12 hex digits of the sha-256 of its lines."""
    return hashlib.sha256("".join(f"{word}\n" for word in words).encode()).hexdigest()[:12]


def ranges(words: Words) -> tuple[Range, ...]:
    """Return the list as ranges of places, one for each way in which a word becomes a seed."""
    name = digest(words) if words else ""
    return tuple(Range(0, len(words) - 1, f"{way}@{name}") for way in WORDINGS) if words else ()


def fits(family: Family, seeds: Range) -> bool:
    """Say whether the family is seeded by words in the way of these seeds; true of seeds that are no words."""
    return seeds.way is None or family.id in WORDINGS[seeds.way].families


def seed_of(seeds: Range, word: str) -> int:
    """Return the seed that a word becomes in the way of these seeds."""
    return WORDINGS[str(seeds.way)].seed(word.encode())


def refusal(family: Family, mapping: Mapping, seeds: Range, law: Law) -> str | None:
    """Say why draws of the mapping are not looked for under the law after these words; None where they are."""
    if seeds.way is None or not WORDINGS[seeds.way].wide:
        return None
    long = f"keys as long as {WORDINGS[seeds.way].call} makes of words"
    if is_composed(mapping):
        return f"{mapping.id}: draws of several calls are not read from {long}"
    return f"{family.id} is not led back from {long}" if law == "inverse" else None


def none_taken(families: list[Family]) -> str | None:
    """Say that none of the families takes words, with those that do; None where one does."""
    if any(takes_words(family.id) for family in families):
        return None
    able = dict.fromkeys(name for way in WORDINGS.values() for name in way.families)
    return f"none of the asked families takes words as seeds; those that do: {', '.join(able)}"


def word_seconds(way: str, calls: int) -> float:
    """Estimate what one word takes on one core until so many calls of its stream are made."""
    return WORDINGS[way].seconds + 8e-5 + calls * CALL_SECONDS


def packed(words: Words) -> np.ndarray:
    """Return words as the bytes that travel with a chunk: no word holds the line feed between them."""
    return np.frombuffer("\n".join(words).encode(), np.uint8)


def unpacked(lines: np.ndarray) -> list[bytes]:
    """Return the words of `packed` as bytes."""
    return lines.tobytes().split(b"\n")
