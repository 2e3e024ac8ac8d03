"""Hide the truth from the public command, and score what it says: only the next real draws count."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from histories import WITHHELD, History

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
    began = time.monotonic()
    done = subprocess.run(
        [*command, *history.bounds.options, *options, "--json", "-", "--state", str(state)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    seconds = time.monotonic() - began
    if not done.stdout:
        return Score(history, "failed", "", done.stderr.strip().splitlines()[-1], seconds, 0)
    answer = json.loads(done.stdout)
    best = answer["hypotheses"][0] if answer["hypotheses"] else None
    claim = "" if best is None else " ".join([best["family"], best["mapping"], best["origin"]["value"]])
    return Score(
        history, outcome(history, answer), answer["verdict"], claim, seconds, answer["hypotheses_tested"]
    )


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


def record(scores: Iterable[Score], seed: int) -> str:
    """Return everything as JSON, the draws included, so that a history can be looked at again."""
    rows = [asdict(score) | {"truth": score.history.truth} for score in scores]
    return json.dumps({"schema": "blind/1", "seed": seed, "scores": rows}, indent=1)
