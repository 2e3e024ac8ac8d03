"""Hide the truth from the public command, and score what it says: only the next real draws count."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from histories import WITHHELD, Bounds, History

ROOT = Path(__file__).parents[2]
OUTCOMES = ("identified", "missed", "wrong", "silent", "false", "failed")
"""A runtime is identified, missed or claimed wrongly; of what no generator made, the command is silent or claims falsely;
failed: it ended without an answer."""


@dataclass(frozen=True)
class Score:
    """One history and what the command made of it."""

    history: History
    outcome: str
    verdict: str
    claim: str
    seconds: float
    hypotheses: int
    cpu_seconds: float
    load: float
    revision: str
    stopped_by: str = ""

    def line(self) -> str:
        """Return the score as a file of results keeps it: JSON, the draws included, so that a history can be looked at again."""
        return json.dumps({"truth": self.history.truth, **asdict(self)})


@cache
def revision() -> str:
    """Return the commit that is judged, marked where the tree differs from it."""
    asked = ("git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*")
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def judge(history: History, options: Sequence[str], work: Path) -> Score:
    """Run `mimicry analyze` over the draws within the bounds, and score its answer."""
    file, state = work / "draws.txt", work / f"state-{time.monotonic_ns()}"
    file.write_text("\n".join(map(str, history.draws)) + "\n")
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "analyze",
        str(file),
        "--range",
        f"{history.lo}:{history.hi}",
    ]
    began, used = time.monotonic(), _children_seconds()
    done = subprocess.run(
        [*command, *history.bounds.options, *options, "--json", "-", "--state", str(state)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    seconds = round(time.monotonic() - began, 2)
    measured = round(_children_seconds() - used, 2), round(os.getloadavg()[0], 1), revision()
    if not done.stdout:
        return Score(history, "failed", "", done.stderr.strip().splitlines()[-1], seconds, 0, *measured)
    answer = json.loads(done.stdout)
    best = answer["hypotheses"][0] if answer["hypotheses"] else None
    claim = "" if best is None else " ".join([best["family"], best["mapping"], best["origin"]["value"]])
    said = outcome(history, answer), answer["verdict"], claim
    return Score(history, *said, seconds, answer["hypotheses_tested"], *measured, answer["stopped_by"])


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def outcome(history: History, answer: dict[str, object]) -> str:
    """Return one of OUTCOMES: a claim is right if it foretells the withheld draws; bias is true of the loaded die alone."""
    verdict, told = answer["verdict"], answer["next_draws"]
    if history.future is None:
        claimed = verdict == "identified" or (verdict == "biased" and history.source != "loaded die")
        return "false" if claimed else "silent"
    if verdict != "identified" or not isinstance(told, list):
        return "missed"
    return "identified" if tuple(told[:WITHHELD]) == history.future else "wrong"


def table(scores: Iterable[Score]) -> str:
    """Return the scores as a Markdown table: runtimes by language without and with wrong draws, then what no generator made."""
    groups: dict[str, list[Score]] = {}
    for score in scores:
        groups.setdefault(_group(score.history), []).append(score)
    real = {name: group for name, group in sorted(groups.items()) if group[0].history.future is not None}
    rows = [_row(name, group) for name, group in real.items()]
    rows += [_row(name, group) for name, group in sorted(groups.items()) if name not in real]
    heads = ["histories", *OUTCOMES, "median s", "longest s"]
    return "\n".join([f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|", *rows])


def _group(history: History) -> str:
    language = history.source.split(":")[0]
    return f"{language}, wrong draws" if history.noise else language


def _row(name: str, group: Sequence[Score]) -> str:
    times = [score.seconds for score in group]
    counts = [sum(score.outcome == one for score in group) for one in OUTCOMES]
    shown = [str(count or "") for count in counts]
    return (
        f"| {name} | {len(group)} | {' | '.join(shown)} | {statistics.median(times):.1f} | {max(times):.1f} |"
    )


def put(file: Path, scores: Iterable[Score]) -> None:
    """Write a file of results, whole or not at all."""
    beside = file.with_suffix(".new")
    beside.write_text("".join(f"{score.line()}\n" for score in scores))
    beside.replace(file)


def kept(file: Path | None) -> Iterator[Score]:
    """Yield the scores that a file of results holds."""
    for line in file.read_text().splitlines() if file is not None and file.exists() else ():
        row = json.loads(line)
        del row["truth"]
        told = row.pop("history")
        bounds = {**told.pop("bounds")}
        bounds["seeds"] = tuple(bounds["seeds"])
        future = None if told["future"] is None else tuple(told["future"])
        history = History(
            **{**told, "bounds": Bounds(**bounds), "draws": tuple(told["draws"]), "future": future}
        )
        yield Score(history, **row)
