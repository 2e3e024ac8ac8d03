"""The registry names every family once, agrees with the compiled tables, and says what is near an unknown name."""

from __future__ import annotations

from pathlib import Path

import pytest

import hip_cuda_kernels
from hip_cuda_kernels import _host
from hip_cuda_kernels.errors import UnknownName
from hip_cuda_kernels.family import ROUTES, STRUCTURES, Family
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import FAMILIES, family, resolve_families
from hip_cuda_kernels.survey import SURVEY, distinct, served

FOLDER = Path(hip_cuda_kernels.__file__).parent


def test_the_extension_carries_exactly_the_registered_families() -> None:
    assert _host.families() == [f.id for f in FAMILIES]


@pytest.mark.parametrize("entry", FAMILIES, ids=lambda f: f.id)
def test_an_entry_agrees_with_its_kernel(entry: Family) -> None:
    assert f"struct {entry.kernel} " in (FOLDER / "generators" / entry.header).read_text()
    assert set(entry.rows) <= set(SURVEY)
    assert set(entry.routes) <= set(ROUTES)
    assert _host.word_bits(entry.id) == entry.word_bits
    assert _host.reach(entry.id) == (entry.reach or 0xFFFFFFFF)
    assert 16 <= entry.seed_bits <= 64
    assert entry.structure in STRUCTURES
    assert _host.has_inverse(entry.id) == entry.inverse
    assert [parse_mapping(m, entry).id for m in entry.mappings] == list(entry.mappings)
    assert parse_mapping("float", entry).parameter == entry.float_bits


def test_every_header_belongs_to_a_family() -> None:
    assert {p.name for p in (FOLDER / "generators").glob("*.h")} == {f.header for f in FAMILIES}


def test_no_family_and_no_row_of_the_survey_counts_twice() -> None:
    counted = distinct()
    assert set(counted) <= set(served())
    assert len(set(counted.values())) == len(counted)
    assert all(row in family(one).rows for row, one in counted.items())


def test_names_are_unique() -> None:
    names = [n.casefold() for f in FAMILIES for n in (f.id, *f.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "found"),
    [("PHP>=7.1", "mt19937/init_genrand"), (" lcg48/java ", "lcg48/java"), ("Python", "mt19937/cpython")],
)
def test_ids_and_aliases_find_their_family(name: str, found: str) -> None:
    assert family(name).id == found


def test_an_unknown_name_is_told_the_three_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'xorshft32' is not known; nearest: xorshift32, .+, .+$"):
        family("xorshft32")


def test_patterns_give_each_family_once_in_registry_order() -> None:
    ids = [f.id for f in resolve_families(["lcg48/*", "java", "mt19937/*"])]
    assert ids == [f.id for f in FAMILIES if f.algorithm in ("lcg48", "mt19937")]
    assert resolve_families(["all"]) == list(FAMILIES)


def test_a_first_word_stands_for_every_name_that_it_leads_unless_it_is_a_name_or_says_nothing() -> None:
    assert [f.id for f in resolve_families(["Go"])] == ["go_alfg/new_source", "go_pcg/new_pcg"]
    assert {"mt19937/init_genrand", "pcg64/seed_sequence"} < {f.id for f in resolve_families(["numpy"])}
    assert [f.id for f in resolve_families(["java"])] == ["lcg48/java"]
    assert [f.id for f in resolve_families(["perl"])] == ["lcg48/drand48"]
    with pytest.raises(UnknownName, match="'rand' is not known"):
        resolve_families(["rand"])


def test_a_glob_without_a_match_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"no family matches 'zz\*'"):
        resolve_families(["zz*"])
