"""Decoys: random hypotheses at the survivors' own alignments. Whatever treats them like truths is measuring an artefact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.errors import UsageError
from engine.pipeline.features_meta import Meta
from engine.pipeline.replay import NONE, tally
from engine.search.alignment import Alignment, Origin
from engine.search.space import Space
from engine.search.survivors import Survivors
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import resolve_families


def templates(survivors: Survivors, space: Space) -> list[Alignment]:
    """Return the alignments that decoys and planted truths are made after: the survivors', or the asked space's."""
    if len(survivors):
        return list(survivors)
    try:
        return [
            Alignment(
                family=family.id,
                mapping=mapping.id,
                range=survivors.header.range,
                origin=Origin.seed(0, family.seed_bits),
            )
            for family in resolve_families(space.families)
            for mapping in resolve_mappings(space.mappings, family)[:1]
        ]
    except KernelError as error:
        raise UsageError(f"no survivors, and the asked space cannot stand in for them: {error}") from None


def reseeded(alignment: Alignment, rng: np.random.Generator) -> Alignment:
    """Return the alignment with another, random origin of the same width."""
    bits = alignment.origin.bits
    words = rng.integers(0, 2**32, size=-(-bits // 32), dtype=np.uint64)
    value = 0
    for word in words:
        value = value << 32 | int(word)
    value &= (1 << bits) - 1
    if value == alignment.origin.number():
        value ^= 1
    return alignment.model_copy(
        update={"origin": alignment.origin.model_copy(update={"value": f"{value:#x}"})}
    )


def make(patterns: Sequence[Alignment], count: int, rng: np.random.Generator) -> list[Alignment]:
    """Return `count` decoys, the patterns in turn."""
    return [reseeded(patterns[row % len(patterns)], rng) for row in range(count)]


def needed(survivors: int, least: int) -> int:
    """Return how many decoys complement the survivors: enough to reach `least` rows, and half of it at least."""
    return max(least - survivors, least // 2)


def meta_for(
    survivors: Survivors, alignments: Sequence[Alignment], predicted: np.ndarray, drawn: np.ndarray
) -> Meta:
    """Count decoys over the same windows as the survivors they stand beside, in the same turn."""
    rows = len(alignments)
    names = ("forward", "backward", "confirm")
    counts = {f"{name}_{what}": np.zeros(rows) for name in names for what in ("matched", "scored")}
    for row in range(rows):
        for name, (lo, hi) in _windows(survivors, row).items():
            matched, scored = tally(predicted[row : row + 1], drawn, lo, hi)
            counts[f"{name}_matched"][row], counts[f"{name}_scored"][row] = matched[0], scored[0]
    starts = np.array([float(one.start or 0) for one in alignments])
    gaps = np.array([float(_widest(one)) for one in alignments])
    return Meta({**counts, "start": starts, "gap": gaps})


def _windows(survivors: Survivors, row: int) -> dict[str, tuple[int, int]]:
    """Return the spans of draws that a survivor's counts came from; see step 1 for the rule."""
    header = survivors.header
    if not len(survivors):
        return {"forward": header.search}
    of = row % len(survivors)
    first = int(survivors["window_start"][of])
    end = first + int(survivors["window_length"][of])
    spans = {"forward": (first, end)}
    if survivors["backward_scored"][of]:
        spans["backward"] = (0, first)
    if survivors["confirm_scored"][of] and header.confirm is not None:
        spans["confirm"] = (max(end, header.confirm[0]), header.confirm[1])
    return spans


def chance_survivors(
    drawn: np.ndarray,
    matches: np.ndarray,
    window: tuple[int, int],
    span: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return int64 (rows, T) predictions of hypotheses that chance let through: forced matches in the window, none caused.

    `matches` says how many matches each row has inside the window; outside of it every prediction is uniform.
    """
    lo, hi = span
    predicted = rng.integers(lo, hi, size=(len(matches), len(drawn)), endpoint=True)
    inside = np.flatnonzero(drawn[window[0] : window[1]] != NONE) + window[0]
    for row, wanted in enumerate(np.minimum(matches, len(inside))):
        hit = rng.permutation(inside)
        predicted[row, hit[:wanted]] = drawn[hit[:wanted]]
        rest = hit[wanted:]
        if hi > lo:  # a single possible value always matches
            same = rest[predicted[row, rest] == drawn[rest]]
            shift = rng.integers(1, hi - lo + 1, size=len(same))
            predicted[row, same] = lo + (predicted[row, same] - lo + shift) % (hi - lo + 1)
    return predicted


def _widest(alignment: Alignment) -> int:
    gap = alignment.gap
    return int(gap.value or 0) if gap.law == "constant" else max(gap.pattern or (gap.hi or 0,))
