"""Regenerate or check the reference vectors: python tests/vectors/make/make.py FAMILY|FILE|all [--check]."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import Bench
from catalogue import MAPPED, ORACLES, RAW
from oracle import OracleFailed, OracleMissing
from vector import MAPPED_COUNT, RAW_COUNT, Check, Mapped, Raw, Worded

VECTORS = Path(__file__).parent.parent
VOLATILE = ("# version:",)  # names the machine's packages; a newer runtime must still give the same words


def rows_of(bench: Bench, vector: Raw | Mapped) -> list[list[int]]:
    """Ask the vector's own oracle; return one row of integers a seed."""
    lo, hi, count, base = shape(vector)
    fields = bench.ask(vector.oracle, vector.call, lo, hi, count, vector.seeds)
    return [[int(field, base) for field in row] for row in fields]


def shape(vector: Raw | Mapped) -> tuple[int, int, int, int]:
    """Return lo, hi, count and the base of the numbers that the oracle prints."""
    if isinstance(vector, Raw):
        return 0, 0, RAW_COUNT, 16
    return vector.lo, vector.hi, MAPPED_COUNT, 10


def cross_check(bench: Bench, vector: Raw | Mapped, check: Check, rows: list[list[int]]) -> None:
    """Raise OracleFailed at the first word on which a second implementation disagrees."""
    lo, hi, count, base = shape(vector)
    pairs = [(seed, row) for seed, row in zip(vector.seeds, rows, strict=True) if seed < check.below]
    theirs = bench.ask(check.oracle, check.call, lo, hi, count, [seed for seed, _ in pairs])
    for (seed, ours), other in zip(pairs, theirs, strict=True):
        for index, (word, field) in enumerate(zip(ours, other, strict=True)):
            if word >> check.shift != int(field, base):
                raise OracleFailed(
                    f"seed {seed:x} word {index}: {vector.oracle} and {check.oracle} disagree ({word:x}, {field})"
                )


def header(vector: Raw | Mapped) -> list[str]:
    """Return the comment lines: where the numbers come from and what they are."""
    oracle = ORACLES[vector.oracle]
    lines = [f"family: {vector.family}"]
    if isinstance(vector, Worded):
        lines.append(f"way: {vector.way}")
    if isinstance(vector, Mapped):
        lines += [f"mapping: {vector.mapping}", f"lo: {vector.lo}", f"hi: {vector.hi}"]
    else:
        lines.append(f"word_bits: {vector.word_bits}")
    lines += [f"source: {oracle.title}", f"version: {oracle.version()}", f"call: {vector.text}"]
    lines.append(f"command: python tests/vectors/make/make.py {vector.path}")
    lines += [f"checked_against: {ORACLES[c.oracle].title}: {c.text}{limit(c)}" for c in vector.checks]
    lines += [f"note: {vector.note}"] if vector.note else []
    return [f"# {line}" for line in lines]


def limit(check: Check) -> str:
    """Say for which seeds a second implementation was asked."""
    return "" if check.below >= 1 << 64 else f" (seeds below {check.below:x})"


def render(vector: Raw | Mapped, rows: list[list[int]]) -> str:
    """Return the file's text: header, then `seed,word,...`, words in hex and mapped values in decimal."""
    if isinstance(vector, Raw):
        digits = -(-vector.word_bits // 4)
        body = [[f"{word:0{digits}x}" for word in row] for row in rows]
    else:
        body = [[str(value) for value in row] for row in rows]
    data = [",".join([f"{seed:x}", *row]) for seed, row in zip(vector.seeds, body, strict=True)]
    return "\n".join([*header(vector), *data]) + "\n"


def steady(text: str) -> list[str]:
    """Return the lines that must not change from one machine to the next."""
    return [line for line in text.splitlines() if not line.startswith(VOLATILE)]


def settle(vector: Raw | Mapped, text: str) -> str | None:
    """Compare with the stored file; return what differs."""
    path = VECTORS / vector.path
    if not path.exists():
        return "the file is missing"
    return (
        None
        if steady(path.read_text(encoding="utf-8")) == steady(text)
        else "the oracle differs from the file"
    )


def store(vector: Raw | Mapped, text: str) -> None:
    """Write the file; nothing is written before every second implementation has agreed."""
    path = VECTORS / vector.path
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def make_one(bench: Bench, vector: Raw | Mapped, check: bool) -> str | None:
    """Make or check one file, second implementations included; return what differs."""
    rows = rows_of(bench, vector)
    wrong = settle(vector, render(vector, rows)) if check else None
    for second in vector.checks:
        cross_check(bench, vector, second, rows)
    if not check:
        store(vector, render(vector, rows))
    return wrong


def chosen(names: Sequence[str]) -> list[Raw | Mapped]:
    """Return the vectors that a family id, a file name or `all` stands for."""
    every: list[Raw | Mapped] = [*RAW, *MAPPED]
    if "all" in names:
        return every
    unknown = [name for name in names if not any(name in (v.family, v.path) for v in every)]
    if unknown:
        known = ", ".join(sorted({v.family for v in every}))
        raise SystemExit(f"make.py: {unknown[0]} is no family or file here. Families: {known}")
    return [v for v in every if v.family in names or v.path in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 all well, 1 something differs, 5 a runtime is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="FAMILY", help="a family id, a file name, or all")
    parser.add_argument("--check", action="store_true", help="compare with the stored files, write nothing")
    options = parser.parse_args(arguments)
    tally = {"well": 0, "different": 0, "missing": 0}
    with tempfile.TemporaryDirectory(prefix="mimicry-oracles-", ignore_cleanup_errors=True) as work:
        bench = Bench(Path(work))
        for vector in chosen(options.names):
            tally[attempt(bench, vector, options.check)] += 1
    verb = "checked" if options.check else "written"
    print(f"{tally['well']} {verb}, {tally['different']} different, {tally['missing']} without a runtime")
    return 1 if tally["different"] else 5 if tally["missing"] else 0


def attempt(bench: Bench, vector: Raw | Mapped, check: bool) -> str:
    """Make or check one file and print one line when it is not well."""
    try:
        wrong = make_one(bench, vector, check)
    except OracleMissing as missing:
        print(f"{vector.path}: {missing}")
        return "missing"
    except OracleFailed as failure:
        wrong = str(failure)
    if wrong:
        print(f"{vector.path}: {wrong}")
    return "different" if wrong else "well"


if __name__ == "__main__":
    sys.exit(main())
