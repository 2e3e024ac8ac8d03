"""The command line's options as tables."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from engine.commands.verb import Option


class OneOf(argparse.Action):
    """A flag that sets `const`; another value for the same `dest` contradicts it, where argparse would let the last one win."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(nargs=0, **settings)

    def __call__(
        self, parser: argparse.ArgumentParser, found: argparse.Namespace, _: Any, flag: str | None = None
    ) -> None:
        """Set the value; refuse the second flag that says another."""
        said = getattr(found, f"{self.dest}_said", None)
        if said is not None and said != flag:
            parser.error(f"{said} and {flag} contradict each other; give one")
        setattr(found, f"{self.dest}_said", flag)
        setattr(found, self.dest, self.const)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number within its bounds; argparse puts the option before what it says."""

    def read(text: str) -> int:
        found = int(text)
        if found < least or (most is not None and found > most):
            bounds = f"from {least} to {most}" if most is not None else f"from {least} on"
            raise argparse.ArgumentTypeError(f"{text}: a whole number {bounds}")
        return found

    read.__name__ = "whole number"  # as argparse calls it where the text is none
    return read


JSON: Option = (("--json",), {"action": "store_true", "help": "print JSON"})
LIMIT: Option = (("--limit",), {"type": whole(1, 1000), "default": 20, "help": "rows (default 20)"})
LOOKS: list[Option] = [
    (("--ascii",), {"action": "store_true", "help": "no characters beyond ASCII"}),
    (("--mono",), {"action": "store_true", "help": "no colours"}),
    (("--no-mouse",), {"action": "store_true", "help": "leave the mouse to the terminal"}),
    (("--theme",), {"default": None, "help": "colour theme"}),
]
READING: list[Option] = [
    (("files",), {"nargs": "*", "metavar": "FILE", "help": "CSV, JSON, JSONL or text; - for standard input"}),
    (("--column",), {"help": "column of the draws, by name or number"}),
    (
        ("--columns",),
        {"metavar": "A,B,C", "help": "columns of the numbers, where a draw is a row of several; with --pool"},
    ),
    (("--pool",), {"metavar": "N|LO:HI", "help": "draws are rows of numbers of 1..N or LO..HI, none twice"}),
    (
        ("--order",),
        {
            "choices": ["sorted", "drawn"],
            "help": "the numbers of a row rise (default), or stand as they were drawn",
        },
    ),
    (("--time-column",), {"help": "column of the times"}),
    (("--session-column",), {"help": "column of the session labels"}),
    (
        ("--format",),
        {"choices": ["csv", "json", "jsonl", "text"], "help": "instead of guessing from the name"},
    ),
    (
        ("--decimals",),
        {
            "type": int,
            "metavar": "D",
            "help": "draws are numbers of 0 to 1 rounded to D decimals; searched as decimal(D) unless --mappings says otherwise",
        },
    ),
    (("--newest-first",), {"action": "store_true", "help": "the file's first draw is the latest"}),
    (
        ("--session",),
        {
            "default": "all",
            "metavar": "all|each|LABEL",
            "help": "which draws form a stream; also interleaved, turns:K",
        },
    ),
]
_MAPPINGS = "mapping ids, comma-separated; digits(n), formula(...); most of sample(k) are searched without a filter: slower"
_SEEDS = "intervals and presets; also TIME..TIME/s, /ms, /us, /s^pid; words:FILE, a word a line"
SPACE: list[Option] = [
    (
        ("--families",),
        {"metavar": "NAMES", "help": "ids, aliases, first words of them (numpy) or globs, comma-separated"},
    ),
    (("--mappings",), {"metavar": "NAMES", "help": _MAPPINGS}),
    (("--seeds",), {"metavar": "LO:HI", "help": _SEEDS}),
    (
        ("--word-forms",),
        {
            "metavar": "NAMES",
            "help": "also other forms of the words: lower, upper, capital, reversed, digits(N); each is one more seed",
        },
    ),
    (("--starts",), {"metavar": "LO:HI", "help": "calls discarded before the first draw"}),
    (("--gaps",), {"metavar": "LO:HI", "help": "calls discarded between draws"}),
    (
        ("--direction",),
        {
            "choices": ["forward", "backward", "both", "inverse"],
            "default": "forward",
            "help": "backward: the newest draw may stand first; both costs twice; inverse: the generator runs in reverse from its seed",
        },
    ),
    (
        ("--gap-law",),
        {
            "choices": ["constant", "range", "reseed", "clock", "periodic"],
            "default": "constant",
            "help": "range: gaps vary within --gaps; periodic: two or three in turn; reseed: a new seed before every draw; clock: each draw's own time",
        },
    ),
    (("--noise",), {"type": float, "help": "assumed share of wrong draws"}),
    (("--range",), {"metavar": "LO:HI", "help": "range of the draws"}),
    (("--modulus",), {"type": int, "metavar": "M", "help": "the same as --range 0:M-1"}),
    (("--alpha",), {"type": float, "default": 1e-6, "help": "error rate of a claim (default 1e-6)"}),
    (("--time-limit",), {"type": float, "metavar": "S", "help": "seconds (default 600)"}),
    (("--seed",), {"type": whole(0), "default": 20260101, "help": "root of the run's seed tree"}),
    (("--workers",), {"type": whole(1), "default": None, "help": "worker processes (default: cores)"}),
]
_KEEPS_ALL = "step 5 keeps the models of all families, not of the best alone"
ALL_MODELS: Option = (("--save-all-models",), {"action": "store_true", "help": _KEEPS_ALL})
RUNNING: list[Option] = [
    (("--again",), {"action": "store_true", "help": "search also what earlier runs excluded"}),
    (("--exhaust",), {"action": "store_true", "help": "search the whole space and certify it"}),
    (("--pipeline",), {"action": "store_true", "help": "go on through steps 2.5 to 6"}),
    ALL_MODELS,
    (
        ("--resume",),
        {
            "metavar": "RUN",
            "help": "go on with an earlier run, with its options; --time-limit and --workers count anew",
        },
    ),
    (("--json",), {"metavar": "OUT", "help": "write analysis/1 to a file; - prints it"}),
]
RENEWED = ("resume", "json", "time_limit", "workers")
"""What may be given beside --resume."""
COVERAGE: list[Option] = [
    (("--all",), {"action": "store_true", "help": "every rectangle and hole, not the first ones"}),
    (("--export",), {"metavar": "OUT.json", "help": "write coverage/1 to a file"}),
    JSON,
]
REPORT: list[Option] = [
    (("run",), {"metavar": "RUN", "help": "a run's id or directory, or last"}),
    (
        ("--out",),
        {"metavar": "FILE", "help": "where to write the page (default: report.html in the run); - prints it"},
    ),
    (
        ("--text",),
        {
            "action": "store_true",
            "help": "the report as text in 80 columns instead; printed unless --out says where",
        },
    ),
]
CERTIFICATE: list[Option] = [
    (("action",), {"choices": ["verify"], "help": "recompute everything that the certificate states"}),
    (
        ("target",),
        {"metavar": "FILE|RUN", "help": "an export of `coverage`, a run's id or directory, or last"},
    ),
    (
        ("--replay",),
        {"type": whole(0), "default": 3, "metavar": "K", "help": "chunks to run again (default 3)"},
    ),
    (("--seed",), {"type": whole(0), "default": 20260101, "help": "draws the chunks to run again"}),
    (("--draws",), {"nargs": "+", "metavar": "FILE", "help": "the history, instead of the runs' own copies"}),
    JSON,
]
PLANNING: list[Option] = [
    (("--all",), {"action": "store_true", "help": "every cell and family, not the first ones"}),
    (("--json",), {"metavar": "OUT", "help": "write plan/1 to a file; - prints it"}),
]
IDENTIFYING: list[Option] = [
    (("--all",), {"action": "store_true", "help": "every range and family, not the first ones"}),
    (("--json",), {"metavar": "OUT", "help": "write identifiable/1 to a file; - prints it"}),
]
