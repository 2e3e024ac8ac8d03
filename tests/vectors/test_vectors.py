"""The stored vectors are whole, say where they come from, agree with published values and can be made again."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

VECTORS = Path(__file__).parent
MAKE = VECTORS / "make" / "make.py"
WITH_PYTHON_ALONE = (
    "mt19937_cpython.csv",
    "mappings/mt19937_cpython__float_53__0_999.csv",
    "mappings/mt19937_cpython__top_reject__1_6.csv",
    "mappings/mt19937_init_genrand__float_53__0_999.csv",
)


def load_catalogue() -> ModuleType:
    """Load the catalogue from its folder, which is no package."""
    sys.path.insert(0, str(MAKE.parent))
    try:
        return importlib.import_module("catalogue")
    finally:
        sys.path.remove(str(MAKE.parent))


CATALOGUE = load_catalogue()
RAW_FILES = {vector.path: vector for vector in CATALOGUE.RAW}
MAPPED_FILES = {vector.path: vector for vector in CATALOGUE.MAPPED}


def read(path: str, base: int) -> tuple[dict[str, str], dict[int, list[int]]]:
    """Return a file's header and its rows by seed."""
    lines = (VECTORS / path).read_text(encoding="utf-8").splitlines()
    header = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    return header, {int(row[0], 16): [int(field, base) for field in row[1:]] for row in rows}


def raw_words(family: str, seed: int) -> list[int]:
    return read(family.replace("/", "_") + ".csv", 16)[1][seed]


def run_make(make: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(make), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_every_file_has_an_entry_and_every_entry_a_file() -> None:
    stored = {str(path.relative_to(VECTORS)) for path in VECTORS.rglob("*.csv")}
    assert stored == set(RAW_FILES) | set(MAPPED_FILES)


def test_the_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in VECTORS.rglob("*.csv")) < 20_000_000


@pytest.mark.parametrize("path", sorted(RAW_FILES))
def test_raw_words_are_a_thousand_a_seed_and_fit_their_width(path: str) -> None:
    vector = RAW_FILES[path]
    header, rows = read(path, 16)
    assert header["family"] == vector.family
    assert header["source"]
    assert re.search(r"\d+\.\d+", header["version"])
    assert tuple(rows) == vector.seeds
    assert len(rows) >= 5
    assert all(len(words) == 1000 for words in rows.values())
    assert all(0 <= word < 1 << int(header["word_bits"]) for words in rows.values() for word in words)


@pytest.mark.parametrize("path", sorted(RAW_FILES))
def test_raw_words_use_their_whole_width(path: str) -> None:
    header, rows = read(path, 16)
    seen = 0
    for words in rows.values():
        for word in words:
            seen |= word
    assert seen == (1 << int(header["word_bits"])) - 1


@pytest.mark.parametrize("path", sorted(MAPPED_FILES))
def test_mapped_values_are_three_hundred_a_seed_and_inside_their_range(path: str) -> None:
    vector = MAPPED_FILES[path]
    header, rows = read(path, 10)
    assert (header["family"], header["mapping"]) == (vector.family, vector.mapping)
    lo, hi = int(header["lo"]), int(header["hi"])
    assert tuple(rows) == vector.seeds
    assert len(rows) >= 3
    values = [value for row in rows.values() for value in row]
    assert len(values) == 300 * len(rows)
    assert lo <= min(values) < lo + (hi - lo + 1) / 20 + 1
    assert hi - (hi - lo + 1) / 20 - 1 < max(values) <= hi


# Values that others have published, by family and seed: the start of each stream.
PUBLISHED = [
    ("mt19937/init_genrand", 1, [895547922, 2141438069, 1546885062], 1),  # PHP's own tests: mt_srand(1)
    ("mt19937/cpython", 0, [3626764237, 1654615998, 3255389356], 0),
    ("lcg48/java", 0, [-1155484576 % 2**32, -723955400 % 2**32, 1033096058], 0),
    ("glibc_random/type3", 1, [1804289383, 846930886, 1681692777, 1714636915], 0),
    ("lcg31/minstd16807", 1, [16807, 282475249, 1622650073, 984943658], 0),
    ("lcg31/minstd48271", 1, [48271, 182605794, 1291394886, 1914720637], 0),
    ("msvc_rand/srand", 1, [41, 18467, 6334, 26500, 19169, 15724, 11478, 29358, 26962, 24464], 0),
    ("msvc_rand/srand", 0, [38, 7719, 21238, 2437, 8855, 11797, 8365, 32285, 10450, 30612], 0),
    ("xorshift32/raw_seed", 1, [270369, 67634689, 2647435461, 307599695], 0),
    ("xorshift128/marsaglia", 123456789, [3701687786, 458299110, 2500872618, 3633119408], 0),
    ("splitmix64/raw_seed", 0, [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F], 0),
    ("pcg32/pcg_basic", 42, [0xA15C02B7, 0x7B47F409, 0xBA1D3330, 0x83D2F293, 0xBFA4784B, 0xCBED606E], 0),
    ("philox4x32/key", 0, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8], 0),
]


@pytest.mark.parametrize(("family", "seed", "published", "shift"), PUBLISHED)
def test_streams_start_with_the_published_values(
    family: str, seed: int, published: list[int], shift: int
) -> None:
    assert [word >> shift for word in raw_words(family, seed)[: len(published)]] == published


def test_drand48_from_seed_one_is_the_published_fraction() -> None:
    assert raw_words("lcg48/drand48", 1)[0] / 2**48 == pytest.approx(0.0416303447718782, abs=1e-15)


ONE_WORD: dict[str, Callable[[int, int, int, int], int]] = {
    "mod": lambda word, bits, parameter, m: word % m,
    "shift": lambda word, bits, parameter, m: (word >> parameter) % m,
    "mulshift": lambda word, bits, parameter, m: (word * m) >> bits,
    "float": lambda word, bits, parameter, m: ((word >> (bits - parameter)) * m) >> parameter,
}
WIDTH = {vector.family: vector.word_bits for vector in CATALOGUE.RAW}


def split_mapping(mapping: str) -> tuple[str, int]:
    """Return a mapping's name and its parameter, 0 without one."""
    name, _, tail = mapping.partition("(")
    return name, int(tail.rstrip(")") or 0)


def takes_one_word(vector: Any) -> bool:
    """Tell whether a draw is a function of a single raw word, whatever the word."""
    name, parameter = split_mapping(vector.mapping)
    return name in ONE_WORD and parameter <= WIDTH[vector.family]


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path, vector in MAPPED_FILES.items()
        if path.startswith("mappings/") and takes_one_word(vector)
    ),
)
def test_calls_of_one_word_follow_from_the_raw_words(path: str) -> None:
    vector = MAPPED_FILES[path]
    name, parameter = split_mapping(vector.mapping)
    m = vector.hi - vector.lo + 1
    for seed, row in read(path, 10)[1].items():
        words = raw_words(vector.family, seed)[: len(row)]
        assert row == [vector.lo + ONE_WORD[name](word, WIDTH[vector.family], parameter, m) for word in words]


@pytest.mark.parametrize(
    "path",
    [
        "mappings/lcg48_java__java_bounded__0_1431655765.csv",
        "mappings/mt19937_init_genrand__php_range__0_3000000000.csv",
    ],
)
def test_vectors_with_rejection_really_reject_words(path: str) -> None:
    vector = MAPPED_FILES[path]
    shift = 1 if vector.family == "lcg48/java" else 0
    for seed, row in read(path, 10)[1].items():
        words = [word >> shift for word in raw_words(vector.family, seed)]
        kept = [word for word in words if word <= vector.hi]
        assert row == kept[: len(row)]
        assert words[: len(row)] != row


def test_files_that_python_alone_makes_can_be_made_again() -> None:
    done = run_make(MAKE, *WITH_PYTHON_ALONE, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 checked, 0 different, 0 without a runtime" in done.stdout


def test_a_changed_word_is_found(tmp_path: Path) -> None:
    shutil.copytree(VECTORS / "make", tmp_path / "make")
    text = (VECTORS / "mt19937_cpython.csv").read_text(encoding="utf-8")
    (tmp_path / "mt19937_cpython.csv").write_text(text.replace("d82c07cd", "d82c07cc"), encoding="utf-8")
    done = run_make(tmp_path / "make" / "make.py", "mt19937_cpython.csv", "--check")
    assert done.returncode == 1
    assert done.stdout.startswith("mt19937_cpython.csv: the oracle differs from the file")


def test_a_missing_runtime_is_one_line_that_names_the_fix(tmp_path: Path) -> None:
    done = run_make(MAKE, "lcg48_java.csv", "--check", PATH=str(tmp_path))
    assert done.returncode == 5
    assert done.stdout.splitlines()[0] == (
        "lcg48_java.csv: java: javac is missing. Fix: apt-get install openjdk-17-jdk-headless"
    )


def test_an_unknown_family_names_the_known_ones() -> None:
    done = run_make(MAKE, "lcg48/jave", "--check")
    assert done.returncode == 1
    assert "lcg48/java" in done.stderr
