"""What `--seeds` means under each way of laying draws into streams: integers and times, words, offsets from a clock."""

from __future__ import annotations

import argparse
from typing import Any

from engine.errors import UsageError
from engine.search.ranges import parse_offset, parse_range, parse_seeds
from engine.search.word_forms import formed
from engine.search.words import Words, split


def seeding(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return law and direction, and what is asked of seeds and gaps; raise UsageError where these contradict each other."""
    gaps = None if arguments.gaps is None else parse_range(arguments.gaps, what="--gaps", highest=2**16)
    given = {"gap_law": arguments.gap_law, "direction": arguments.direction, "gaps": gaps}
    if arguments.gap_law == "clock":
        return given | {"offsets": _offsets(arguments)}
    integers, words = split(arguments.seeds or "")
    if arguments.word_forms is not None:
        words = _formed(words, arguments.word_forms)
    if arguments.direction == "inverse":
        _must_be_plain(arguments)
        given |= {"gap_law": "inverse", "direction": "forward"}
    if words and arguments.gap_law == "reseed":
        raise UsageError(
            "--gap-law reseed: a word has no next one that the next draw is seeded with; leave the law out, or the words"
        )
    if arguments.gap_law == "reseed" and gaps is not None and gaps.lo < 1:
        raise UsageError(
            f"--gaps {arguments.gaps}: with --gap-law reseed these are the steps of the seed, 1 or more; a step of 0 repeats one draw"
        )
    seeds = None if arguments.seeds is None or integers is None else parse_seeds(integers)
    return given | {"seeds": seeds, "words": words}


def _offsets(arguments: argparse.Namespace) -> tuple[tuple[int, int, str], ...]:
    """Return how far each draw's seed may lie from its time; refuse what says nothing where every draw has a seed of its own."""
    if "words:" in (arguments.seeds or "") or arguments.word_forms is not None:
        raise UsageError(
            "--gap-law clock: every draw's seed is its own time, no word; leave the law out, or the words"
        )
    if arguments.gaps is not None or arguments.direction != "forward":
        raise UsageError(
            "--gap-law clock: every draw has a seed of its own, its time; --gaps and --direction say nothing then, leave them out"
        )
    parts = () if arguments.seeds is None else arguments.seeds.split(",")
    return tuple(parse_offset(part, what="--seeds") for part in parts)


def _formed(words: Words, forms: str) -> Words:
    """Return the words with the asked forms; refuse forms of nothing."""
    if not words:
        raise UsageError("--word-forms: there are no words to form; state a list, --seeds words:FILE")
    return formed(words, forms)


def _must_be_plain(arguments: argparse.Namespace) -> None:
    """Refuse what is not laid out before a seed."""
    if arguments.gap_law != "constant" or getattr(arguments, "methods", "all") == "algebra":
        raise UsageError(
            "--direction inverse: seeds are tried under constant gaps; leave --gap-law and recover out"
        )
