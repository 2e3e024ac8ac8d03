"""Every family gives the words and draws that real runtimes gave (tests/vectors), on the scalar side and on every vector path."""

from __future__ import annotations

import itertools
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hip_cuda_kernels import _host, host
from hip_cuda_kernels.errors import IncompatibleMapping, KernelError, UnknownName
from hip_cuda_kernels.registry import FAMILIES, family
from hip_cuda_kernels.survey import RUNTIME_ROWS

VECTORS = Path(__file__).parents[1] / "vectors"
MAPPED = sorted((VECTORS / "mappings").glob("*.csv"))


@cache
def read(path: Path, base: int) -> tuple[dict[str, str], dict[int, list[int]]]:
    """Return the comment lines of a vector file as a dict, and its rows by seed."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    return header, {int(row[0], 16): [int(field, base) for field in row[1:]] for row in rows}


WANTED = [[0, 1, 2, 3], [2, 9, 13, 40, 226], [0, 227, 396, 397, 623, 624, 999]]
"""Rows of calls that a pass asks for: in a row, apart, and across the blocks of the twister."""


@pytest.mark.parametrize("name", [f.id for f in FAMILIES])
class TestFamily:
    """The conformance suite of a family."""

    def vectors(self, name: str) -> dict[int, list[int]]:
        header, rows = read(VECTORS / f"{name.replace('/', '_')}.csv", 16)
        assert header["family"] == name
        assert int(header["word_bits"]) == family(name).word_bits
        assert len(rows) >= 5
        return rows

    def test_raw_words_are_the_oracles(self, name: str) -> None:
        for seed, words in self.vectors(name).items():
            assert host.raw(name, seed, len(words)).tolist() == words, f"seed {seed:#x}"

    def test_skipping_lands_on_the_oracles_words(self, name: str) -> None:
        seed, words = list(self.vectors(name).items())[-1]
        for skip in (1, 3, 4, 5, 226, 227, 228, 700):
            assert host.raw(name, seed, 9, skip=skip).tolist() == words[skip : skip + 9]

    def test_stepping_back_undoes_stepping(self, name: str) -> None:
        if not family(name).inverse:
            with pytest.raises(ValueError, match="no inverse step"):
                _host.walk(name, 1, 1, 1, 1)
            return
        for seed, words in self.vectors(name).items():
            for forward, back in ((1, 1), (90, 40), (700, 699)):
                at = forward - back
                assert _host.walk(name, seed, forward, back, 60).tolist() == words[at : at + 60]

    def test_a_long_jump_is_as_many_steps(self, name: str) -> None:
        seed = list(self.vectors(name))[-1]
        stepped = host.raw(name, seed, 5003 + 20).tolist()
        for jump in (12, 97, 5003):
            assert host.raw(name, seed, 20, skip=jump).tolist() == stepped[jump : jump + 20]

    def test_vector_words_are_the_oracles_with_every_instruction_set(self, name: str) -> None:
        top, vectors = max(family(name).word_bits - 32, 0), self.vectors(name)
        halves: dict[int, list[int]] = {}
        for seed in vectors:
            halves.setdefault(seed >> 32, []).append(seed & 0xFFFFFFFF)
        for isa, want, (high, seeds) in itertools.product(_host.isas(), WANTED, halves.items()):
            lanes = np.resize(np.array(seeds, dtype=np.uint32), _host.unit(isa, name))
            rows = _host.produce(isa, name, lanes, high, np.array(want, dtype=np.uint32), False)
            exact = [[vectors[high << 32 | low][i] >> top for low in lanes.tolist()] for i in want]
            assert rows.reshape(len(want), -1).tolist() == exact, (isa, want)

    def test_known_answer_is_given_and_is_the_oracles_where_it_has_it(self, name: str) -> None:
        assert host.self_test()[name]
        seed, words = family(name).check
        assert any(words)
        assert self.vectors(name).get(seed, list(words))[: len(words)] == list(words)


@pytest.mark.parametrize("path", MAPPED, ids=lambda p: p.stem)
def test_draws_are_the_oracles(path: Path) -> None:
    header, rows = read(path, 10)
    lo, hi = int(header["lo"]), int(header["hi"])
    for seed, draws in rows.items():
        assert host.values(header["family"], header["mapping"], seed, lo, hi, len(draws)).tolist() == draws


def test_every_family_of_a_runtime_has_an_oracle_for_its_first_mapping() -> None:
    headers = [read(path, 10)[0] for path in MAPPED]
    held = {(header["family"], header["mapping"]) for header in headers}
    of_runtimes = [one for one in FAMILIES if not set(one.rows).isdisjoint(RUNTIME_ROWS)]
    assert {one.id for one in of_runtimes if (one.id, one.mappings[0]) not in held} == set()


def test_verified_means_that_vectors_exist() -> None:
    assert all(f.verified == (VECTORS / f"{f.id.replace('/', '_')}.csv").exists() for f in FAMILIES)


def test_start_and_gap_discard_calls() -> None:
    stream = host.values("java", "java_bounded", 5, 0, 99, 100)
    assert (
        host.values("java", "java_bounded", 5, 0, 99, 10, start=7, gap=3).tolist() == stream[7:47:4].tolist()
    )


@pytest.mark.parametrize(
    ("family", "mapping"),
    [
        ("mt19937/init_genrand", "php_range"),
        ("mt19937/init_genrand", "float(53)"),
        ("pcg64/seed_sequence", "halves:lemire"),
        ("splitmix64/raw_seed", "hi32:mod"),
        ("r_mersenne/set_seed", "r_reject"),
    ],
)
def test_draws_read_from_given_words_are_the_generators(family: str, mapping: str) -> None:
    words = host.raw(family, 77, 200)
    draws = host.read(family, mapping, 1, 700, words, 20, start=3, gap=2)
    assert np.array_equal(draws, host.values(family, mapping, 77, 1, 700, 20, start=3, gap=2))
    assert len(host.read(family, mapping, 1, 700, words[:9], 20)) < 20


def test_a_rejected_word_belongs_to_its_call() -> None:
    words = host.raw("python", 11, 400) >> np.uint64(32 - 10)
    accepted = words[words < 513].tolist()
    assert host.values("python", "top_reject", 11, 0, 512, 150).tolist() == accepted[:150]
    assert host.values("python", "top_reject", 11, 0, 512, 30, start=3, gap=2).tolist() == accepted[3:93:3]


def test_values_add_the_low_end() -> None:
    assert host.values("msvc", "mod", 1, -5, 4, 3).tolist() == [41 % 10 - 5, 18467 % 10 - 5, 6334 % 10 - 5]


def test_empty_requests_give_empty_arrays() -> None:
    assert len(host.raw("java", 1, 0)) == len(host.values("java", "float", 1, 0, 9, 0)) == 0


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_seeds_beyond_64_bits_are_refused(seed: int) -> None:
    with pytest.raises(KernelError, match="seed"):
        host.raw("java", seed, 1)


def test_unknown_names_and_impossible_ranges_are_refused() -> None:
    with pytest.raises(UnknownName):
        host.raw("mersene", 1, 1)
    with pytest.raises(IncompatibleMapping, match="2147483647"):
        host.values("java", "java_bounded", 1, 0, (1 << 31) - 1, 1)


def test_the_self_test_covers_every_family() -> None:
    assert host.self_test() == {f.id: True for f in FAMILIES}


def test_a_disagreeing_instruction_set_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    best = _host.isas()[-1]
    agrees = host._vector_agrees
    monkeypatch.setattr(host, "_vector_agrees", lambda isa, f: isa != best and agrees(isa, f))
    assert host.isa.__wrapped__() == _host.isas()[-2]


def test_build_digest_is_a_sha256_that_names_the_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    digest, source = host.build_digest(), host.source_digest()
    assert re.fullmatch("[0-9a-f]{64}", digest)
    monkeypatch.setattr(host, "isa", lambda: "other")
    assert host.build_digest() != digest
    assert host.source_digest() == source
