"""An analysis as text for a person at an 80-column terminal; the same facts as the JSON, no others."""

from __future__ import annotations

import json
import math
import textwrap
from collections import Counter
from collections.abc import Iterable
from typing import Any

from engine.search.analysis import Analysis, Hypothesis, Word
from engine.search.identify import Progress
from engine.search.ranges import Range
from hip_cuda_kernels.wordings import WORDINGS

WIDTH = 79
LONGEST_SEED = 128  # bits of a seed that is written out
MOST_SHOWN = 3  # hypotheses that are told in full: places in a block of cached words can be many
BACKWARD = "backward: the first row is the newest draw, and the next draws go before it"
NO_SEED = "none of this seeding leads to the state, or it lies too far back"
TITLES = {
    "identified": "IDENTIFIED",
    "biased": "BIASED, but no generator found",
    "no_evidence": "NO EVIDENCE of a known generator",
    "not_identifiable": "NOT IDENTIFIABLE with these draws",
}
ENDINGS = {
    "found": "stopped at the first confirmed claim (--exhaust goes on to certify)",
    "exhausted": "the stated space was searched to its end",
    "time": "stopped by the time limit",
    "halt": "halted",
}
NOTHING = "nothing of the stated space can be searched with these draws, for the reasons below"
LAWS = {
    "constant": "constant gaps", "range": "gaps that vary", "periodic": "gaps that take turns",
    "reseed": "a new seed before every draw",
}  # fmt: skip


def many(count: int, word: str) -> str:
    """Return a number with its noun: 1 cell, 2 cells, 2 families."""
    return f"{count} {word if count == 1 else word[:-1] + 'ies' if word.endswith('y') else word + 's'}"


def floored(share: float, digits: int = 0) -> str:
    """Return a lower bound in percent, rounded down: it must not grow in print."""
    return f"{math.floor(round(share * 10 ** (digits + 2), 6)) / 10**digits:.{digits}f}%"


def progress_line(progress: Progress) -> str:
    """Return one status line, at most 79 columns: where, how fast, how long, the best so far against chance."""
    eta = "--" if progress.eta is None else duration(progress.eta)
    best = "none" if progress.best_bits is None else f"{progress.best_bits:.1f}"
    null = "none" if progress.null_bits is None else f"{progress.null_bits:.1f}"
    where = "/".join(progress.cell.split("|")[:2])
    line = (
        f"[{progress.cells_done}/{progress.cells}] {where[:24]:24} {quantity(progress.rate)}/s eta {eta:>4} "
        f"best {best} null {null} of {progress.required_bits:.1f} bits"
    )
    return line[:WIDTH]


def quantity(number: float) -> str:
    """Return a count with a thousands unit: 950, 4.2k, 17M, 3.1G, 2.0T."""
    for unit in ("", "k", "M", "G", "T", "P"):
        if abs(number) < 999.5 or unit == "P":
            break
        number /= 1000
    return f"{number:.0f}{unit}" if number >= 99.5 or not unit else f"{number:.1f}{unit}"


def duration(seconds: float) -> str:
    """Return a short duration: 0.4s, 42s, 7m, 3h, 20d."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 99.5:
        return f"{seconds:.0f}s"
    if seconds < 5970:
        return f"{seconds / 60:.0f}m"
    return f"{seconds / 3600:.0f}h" if seconds < 360_000 else f"{seconds / 86_400:.0f}d"


def render(analysis: Analysis, bias: str | None = None) -> str:
    """Return the verdict, its reasons, the next draws and what was not searched; `bias` is the failed test, if one did."""
    lines = ["", f"VERDICT  {title(analysis)}", "─" * WIDTH]
    for number, one in enumerate(analysis.hypotheses[:MOST_SHOWN], start=1):
        lines += _hypothesis(one, number, len(analysis.hypotheses), analysis)
    if len(analysis.hypotheses) > MOST_SHOWN:
        lines += row(
            "more", f"{len(analysis.hypotheses) - MOST_SHOWN} hypotheses explain the draws too (list: --json)"
        )
    for label, text in next_facts(analysis):
        lines += row(label, text)
    lines += row("bias", bias) if bias and analysis.verdict == "biased" else []
    lines += _reasons(analysis)
    lines += _excluded(analysis)
    lines += _unasked(analysis)
    lines += _left_out(analysis)
    return "\n".join(lines)


def title(analysis: Analysis) -> str:
    """Return the verdict in words; where no number of draws would do, it is what was asked that cannot identify."""
    hopeless = analysis.verdict == "not_identifiable" and analysis.need_draws is None
    return "NOT IDENTIFIABLE by what was asked" if hopeless else TITLES[analysis.verdict]


def ending(analysis: Analysis) -> str:
    """Return why the search ended."""
    nothing = _untried(analysis) and analysis.stopped_by == "exhausted"
    return NOTHING if nothing else ENDINGS[analysis.stopped_by]


def spared_line(hypotheses: int, runs: Iterable[str]) -> str:
    """Return the line that says what is not searched again, and how to force it."""
    names = list(dict.fromkeys(runs))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{quantity(hypotheses)} hypotheses already excluded by run {names[0]}{more} (--again searches them anew)"


def row(label: str, text: str) -> list[str]:
    """Return a labelled text wrapped to the width, continued under itself."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{label:<11}", subsequent_indent=" " * 11, break_long_words=True
    )


def _hypothesis(one: Hypothesis, number: int, total: int, analysis: Analysis) -> list[str]:
    lines = [f"hypothesis {number} of {total}"] if total > 1 else []
    for label, text in hypothesis_facts(one, analysis):
        lines += row(label, text)
    return lines


def hypothesis_facts(one: Hypothesis, analysis: Analysis) -> list[tuple[str, str]]:
    """Return what is claimed of a hypothesis as (label, text); an empty label goes on with the one before."""
    aliases = f" ({', '.join(one.aliases)})" if one.aliases else ""
    facts = [
        ("generator", f"{one.family}{aliases}"),
        ("mapping", f"{one.mapping} to {analysis.range[0]}..{analysis.range[1]}"),
        *_word(one.word),
        (one.origin["kind"], _origin(one.origin)),
        *_cached(one),
        *([("seed", NO_SEED)] if one.origin["kind"] == "state" else []),
        *([] if one.start is None else [("start", f"{one.start} calls discarded before the first draw")]),
        ("gap", _gap(one.gap, one.origin["unit"])),
        *([("direction", BACKWARD)] if one.direction == "backward" else []),
        ("matches", f"{one.matched} of {one.scored} draws"),
    ]
    if one.confirmed.scored < one.scored:
        unseen = f"{one.confirmed.matched} of {one.confirmed.scored} draws that the search never saw"
        facts.append(("", unseen))
    facts.append(("evidence", f"{one.evidence_bits:.1f} bits; a claim needs {analysis.required_bits:.1f}"))
    if one.equivalents > 1:
        facts.append(("", f"{one.equivalents} equivalent hypotheses predict the same draws"))
    return facts


def _word(word: Word | None) -> list[tuple[str, str]]:
    """Return the word that was the seed, and the call that hashes it; nothing where there was none."""
    if word is None:
        return []
    call = WORDINGS[word.way].call if word.way in WORDINGS else word.way
    return [("word", f"{json.dumps(word.text, ensure_ascii=False)}, as {call} hashes it")]


def _cached(one: Hypothesis) -> list[tuple[str, str]]:
    """Return where in the runtime's block of cached words the first draw lies: often all that a state's readings differ in."""
    if one.origin["kind"] != "state":
        return []
    from engine.recovery import states  # here alone: it brings the kernels, which a page of text does without

    place = states.used(one.family, int(one.origin["value"], 16))
    return (
        []
        if place is None
        else [("block", f"{place[0]} of its {place[1]} words were used before the first draw")]
    )


def _origin(origin: dict[str, Any]) -> str:
    """Return a seed in both notations or as its moment; of a state, its size and its first words."""
    text: str = origin["value"]
    if origin["kind"] == "state":
        return f"{origin['bits']} bits before the first draw, {text[:34]}{'…' if len(text) > 34 else ''}"
    value = int(text, 16)
    if value.bit_length() > LONGEST_SEED:
        return f"{value.bit_length()} bits, {text[:34]}…"
    return f"{value} ({_moment(value, origin['unit']) or text})"


def _gap(gap: dict[str, Any], unit: str | None) -> str:
    if gap["law"] == "inverse":
        return f"{gap['value']} calls passed over between draws; the generator runs in reverse from its seed"
    if gap["law"] == "clock":
        return f"seeded anew before every draw, with its own time in {unit}, offset {gap['value']:+}"
    if gap["law"] == "reseed":
        return f"seeded anew before every draw, the seed {gap['value']} further each time"
    if gap["law"] == "periodic":
        return f"{', '.join(map(str, gap['pattern']))} calls discarded between draws, in turn"
    if gap["law"] == "range":
        first = " ".join(map(str, gap["pattern"][:12]))
        return f"{gap['lo']} to {gap['hi']} calls discarded, varying from draw to draw: {first} …"
    return f"{gap['value']} calls discarded between draws" if gap["value"] else "0, the draws are contiguous"


def _moment(value: int, unit: str | None) -> str | None:
    """Return a time seed as the moment it stands for."""
    return None if unit is None else Range(value, value, unit).text().partition("..")[0] + " UTC"


def next_facts(analysis: Analysis) -> list[tuple[str, str]]:
    """Return what is said of the draws to come as (label, text); rows of several numbers stand one below the other."""
    if not analysis.next_rows:
        return [_next_fact(analysis)]
    rows = [" ".join(map(str, numbers)) for numbers in analysis.next_rows]
    return [("" if place else "next draws", text) for place, text in enumerate(rows)]


def _next_fact(analysis: Analysis) -> tuple[str, str]:
    if analysis.next_draws:
        return "next draws", " ".join(map(str, analysis.next_draws))
    if any(one.gap["law"] == "clock" for one in analysis.hypotheses):
        return "next draws", "open: each depends on when it is made"
    if any(one.gap["law"] == "range" for one in analysis.hypotheses):
        return "next draws", "open: the gap before the next draw is not known"
    if analysis.hypotheses:
        return "next draws", "the hypotheses disagree; more draws will tell them apart"
    if analysis.verdict == "biased":
        return "forecast", "none; the draws are not uniform, and no generator explains them"
    return "forecast", "uniform; nothing was tried" if _untried(analysis) else "uniform; nothing beats chance"


def _untried(analysis: Analysis) -> bool:
    return not analysis.hypotheses_tested and not analysis.excluded_before


def _reasons(analysis: Analysis) -> list[str]:
    controls = analysis.controls
    lines = []
    if analysis.verdict != "identified":
        lines += row(
            "best",
            f"{analysis.evidence_bits:.1f} bits of the {analysis.required_bits:.1f} that a claim needs",
        )
    if analysis.need_draws:
        lines += row("need", f"at least {analysis.need_draws} draws; there are {analysis.draws}")
    lines += row(
        "searched", f"{quantity(analysis.hypotheses_tested)} hypotheses in {analysis.elapsed_s:.1f} s"
    )
    if analysis.excluded_before:
        lines += row(
            "", spared_line(analysis.excluded_before, (one.run for one in analysis.excluded if one.run))
        )
    lines += row("", ending(analysis))
    lines += row(
        "controls",
        f"null twins: at most {many(controls.null_best, 'survivor')} each, chance expects {controls.null_expected:.2g}; "
        f"planted truths: {controls.cells_found} of {controls.cells_planted} found",
    )
    lines += row("range", "; ".join(f"{one.range[0]}..{one.range[1]} {one.reason}" + (" (chosen)" if one.chosen else "")
                                     for one in analysis.range_candidates))  # fmt: skip
    return lines


def _excluded(analysis: Analysis) -> list[str]:
    if not analysis.excluded or analysis.verdict == "identified":
        return []
    weakest = min(row.power for row in analysis.excluded)
    families = len({row.family for row in analysis.excluded})
    return row(
        "excluded",
        f"{many(len(analysis.excluded), 'cell')} of {many(families, 'family')}, power ≥ {floored(weakest)} (list: --json)",
    )


def _unasked(analysis: Analysis) -> list[str]:
    """Say which laws of gaps were not looked under: whoever brings a file alone asks for constant gaps."""
    if not analysis.excluded or analysis.verdict == "identified":
        return []
    asked = {one.gap["law"] for one in analysis.excluded}
    return row(
        "not asked", "; ".join(f"{what} (--gap-law {law})" for law, what in LAWS.items() if law not in asked)
    )


def _left_out(analysis: Analysis) -> list[str]:
    if not analysis.not_tested:
        return []
    reasons = Counter(row.reason.split(": ")[0] for row in analysis.not_tested)
    text = "; ".join(f"{many(count, 'cell')} ({reason})" for reason, count in reasons.most_common(4))
    return row("not tested", f"{text} (list: --json)")
