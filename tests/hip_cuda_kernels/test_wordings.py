"""Words as seeds: every way agrees with its runtime, and keys agree with the kernels where both take the seed."""

import random
from pathlib import Path

import numpy as np
import pytest

from hip_cuda_kernels import host, keys
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.registry import family
from hip_cuda_kernels.wordings import WORDINGS, takes_words

STORED = sorted((Path(__file__).parents[1] / "vectors" / "words").glob("*.csv"))


def test_every_way_and_family_has_draws_of_its_runtime() -> None:
    kept = {path.stem for path in STORED}
    assert kept == {
        f"{way.id}__{name.replace('/', '_')}" for way in WORDINGS.values() for name in way.families
    }


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_word_gives_the_draws_that_its_runtime_gave(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    told = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    for line in (line for line in lines if not line.startswith("#")):
        text, *draws = line.split(",")
        seed = WORDINGS[told["way"]].seed(bytes.fromhex(text[1:]))
        made = host.values(told["family"], told["mapping"], seed, 0, 999, len(draws))
        assert made.tolist() == [int(draw) for draw in draws]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**40 + 7, 2**64 - 1])
def test_cpython_s_keys_are_the_kernel_s_seeds(seed: int) -> None:
    assert (
        keys.words("mt19937/cpython", seed, 700).tolist() == host.raw("mt19937/cpython", seed, 700).tolist()
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alea/number", b"12345"),
        ("arc4/seedrandom", b"12345\0"),
        ("sha1prng/java", (12345).to_bytes(8, "little")),
    ],
)
def test_a_number_is_the_key_that_its_runtime_makes_of_it(name: str, text: bytes) -> None:
    assert keys.words(name, keys.of_bytes(text), 300).tolist() == host.raw(name, 12345, 300).tolist()


@pytest.mark.parametrize("text", [b"", b"\0\0a", "größe 😀".encode()])
def test_a_key_s_bytes_come_back(text: bytes) -> None:
    seed = keys.of_bytes(text)
    assert seed >> 64
    assert keys.to_bytes(seed) == text


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("word", ["", "a", "letmein", "größe", "😀" * 40])
def test_python_s_words_give_the_draws_of_the_running_interpreter(word: str, version: int) -> None:
    source = random.Random()
    source.seed(word, version=version)
    wanted = [source.randrange(1000) for _ in range(40)]
    seed = WORDINGS["python_str" if version == 2 else "python2_str"].seed(word.encode())
    assert host.values("mt19937/cpython", "top_reject", seed, 0, 999, 40).tolist() == wanted
    assert (
        host.values("mt19937/cpython", "top_reject", seed, 0, 999, 10, start=2, gap=3).tolist()
        == wanted[2::4][:10]
    )


def test_every_way_seeds_families_of_the_registry_within_their_bits() -> None:
    for way in WORDINGS.values():
        assert way.families
        for name in way.families:
            assert way in takes_words(name)
            assert way.wide == (name in keys.KEYED and way.id != "python2_str")
            assert way.wide or way.seed("größe".encode()) < 1 << family(name).seed_bits


def test_a_family_without_keys_refuses_a_wide_seed_in_one_line() -> None:
    with pytest.raises(KernelError, match="64 bits at most") as caught:
        host.values("lcg48/java", "java_bounded", 1 << 70, 0, 9, 3)
    assert "\n" not in str(caught.value)


def test_streams_are_the_values_of_each_seed() -> None:
    seeds = [5, 2**500 + 1, 77]
    made = host.streams("mt19937/cpython", "top_reject", seeds, 0, 99, 50)
    each = [host.values("mt19937/cpython", "top_reject", seed, 0, 99, 50) for seed in seeds]
    assert np.array_equal(made, np.vstack(each))
