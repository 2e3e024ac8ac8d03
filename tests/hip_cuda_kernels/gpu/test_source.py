"""A GPU source is one self-contained text: every header once, no include left, the entry points last."""

from __future__ import annotations

import pytest

from hip_cuda_kernels.family import Family
from hip_cuda_kernels.gpu.source import Specialisation, forms, room_for, source_of
from hip_cuda_kernels.registry import FAMILIES, family


def test_rooms_are_powers_of_two_that_hold_the_calls() -> None:
    assert [room_for(n) for n in (1, 64, 65, 1000)] == [64, 64, 128, 1024]


@pytest.mark.parametrize("entry", FAMILIES, ids=lambda f: f.id)
def test_the_text_needs_no_other_file_and_names_the_generator(entry: Family) -> None:
    text = source_of([Specialisation(entry, unlimited=False, room=128)])
    assert "#include" not in text
    assert text.count("struct Task {") == 1
    assert f"typedef {entry.kernel}<u32> {entry.kernel}_near_128;" in text
    assert text.rstrip().endswith(f"MIMICRY_SIEVE({entry.kernel}_near_128, {entry.kernel}_near_128, 128)")


def test_a_limited_generator_has_two_forms() -> None:
    assert [one.name for one in forms(family("php"))] == [
        "Mt19937InitGenrand_near_64",
        "Mt19937InitGenrand_all_64",
    ]
    assert [one.name for one in forms(family("java"))] == ["Lcg48Java_all_64"]
