"""What a report says, section by section, out of the facts of a run."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.evidence.evalue import required_bits
from engine.report import ending, floored, hypothesis_facts, next_facts, quantity, title
from engine.run_report import figures
from engine.run_report.along import Along, follow
from engine.run_report.document import Block, Document, Prose, Section, Table
from engine.run_report.document import Facts as Rows
from engine.run_report.facts import Facts
from engine.run_report.plot import shortened
from engine.search.analysis import Analysis, Hypothesis

NAMES_SHOWN = 8


def document(facts: Facts) -> Document:
    """Return the report of a run; where it ended before a verdict, what there is, and how to go on."""
    made = [(title, [block for block in blocks(facts) if block is not None]) for title, blocks in SECTIONS]
    analysis = facts.analysis
    kind = "unfinished" if analysis is None else analysis.verdict
    verdict = "UNFINISHED, no verdict yet" if analysis is None else title(analysis)
    return Document(
        f"mimicry report of run {facts.run}", kind, verdict, _reason(facts),
        [Section(title, blocks) for title, blocks in made if blocks],
    )  # fmt: skip


# ── verdict ──────────────────────────────────────────────────────────────────


def _reason(facts: Facts) -> str:
    if facts.analysis is None:
        return f"The run stopped, or was stopped, before a verdict; {quantity(_tested(facts))} hypotheses were tested. It can go on where it stopped."
    return REASONS[facts.analysis.verdict](facts.analysis, facts)


def _identified(analysis: Analysis, facts: Facts) -> str:
    best = analysis.hypotheses[0]
    unseen = best.confirmed.scored < best.scored
    where = (
        f"{best.confirmed.scored} draws that the search never saw"
        if unseen
        else f"all {best.scored} draws, every hypothesis tried being paid for"
    )
    return (
        f"{best.family} with {best.mapping} makes these draws: it matches {best.confirmed.matched} of {where}. That is "
        f"{best.evidence_bits:.1f} bits of evidence; a claim needs {analysis.required_bits:.1f}."
    )


def _biased(analysis: Analysis, facts: Facts) -> str:
    test = facts.closing.get("bias")
    told = f" ({test})" if test else ""
    return f"The draws fail a test of randomness{told}, and none of {quantity(analysis.hypotheses_tested)} hypotheses explains them."


def _no_evidence(analysis: Analysis, facts: Facts) -> str:
    powers = [one.power for one in analysis.excluded]
    ruled = (
        f" {len(powers)} cells are excluded with a power of at least {floored(min(powers))} each."
        if powers
        else ""
    )
    survived = any(one.real for one in facts.cells)
    best = f"the best has {analysis.evidence_bits:.1f}" if survived else "none outlived its search block"
    return (
        f"None of {quantity(analysis.hypotheses_tested)} hypotheses reached the {analysis.required_bits:.1f} bits that a claim needs; "
        f"{best}.{ruled} This speaks about what was searched, not about what was not."
    )


def _not_identifiable(analysis: Analysis, facts: Facts) -> str:
    need = f" At least {analysis.need_draws} draws are needed." if analysis.need_draws else ""
    return f"With {analysis.draws} draws no part of the asked space can be told from chance, so none was searched.{need}"


REASONS: Mapping[str, Callable[[Analysis, Facts], str]] = {
    "identified": _identified,
    "biased": _biased,
    "no_evidence": _no_evidence,
    "not_identifiable": _not_identifiable,
}


def _rule(facts: Facts) -> list[Block]:
    alpha = facts.order.space.alpha
    return [
        Prose(
            f"A claim is wrong with a chance of at most {alpha:g}, however long and wherever one looks. The search ranks on a first block of draws; "
            f"a claim rests on the draws after it, which the search never saw, or on all draws where they are too few to split. Evidence is the log2 of a "
            f"likelihood ratio that averages to 1 under chance (an e-value), minus the price of everything that was tried: {required_bits(alpha):.1f} bits "
            "are required. Everything is billed before it is tried."
        )
    ]


def _status(facts: Facts) -> list[Block]:
    analysis = facts.analysis
    if analysis is not None and analysis.stopped_by not in ("time", "halt"):
        return []
    how = "no verdict was recorded" if analysis is None else ending(analysis)
    return [Rows([("ended", how), ("to go on", f"mimicry analyze --resume {facts.run}")])]


# ── claims ───────────────────────────────────────────────────────────────────


def _hypotheses(facts: Facts) -> list[Block]:
    analysis = facts.analysis
    if analysis is None:
        return []
    told: list[Block] = [
        Rows(
            [
                *hypothesis_facts(one, analysis),
                ("noise", f"{one.noise:g} of the draws wrong explains the matches best"),
                *_session(one),
            ]
        )
        for one in analysis.hypotheses
    ]
    slips = [("slip", line) for line in facts.closing.get("slips", ())]
    return [*told, Rows([*slips, *next_facts(analysis)])]


def _session(one: Hypothesis) -> list[tuple[str, str]]:
    return [("session", one.session)] if one.session is not None else []


def _along_the_draws(facts: Facts) -> list[Block | None]:
    """Show the best claim along the draws; without one, the best survivor, and the leaders of the search."""
    required, told = required_bits(facts.order.space.alpha), _best(facts)
    if told is None:
        return [figures.leaders(facts, required)]
    claim, span, named = told
    along = _follow(facts, claim, span)
    shown: list[Block | None] = [figures.matches(along, named)]
    claimed = bool(facts.analysis and facts.analysis.hypotheses)
    shown.append(
        figures.evidence(along, named, required)
        if claimed and claim["gap"]["law"] != "range"
        else figures.leaders(facts, required)
    )
    return shown


Best = tuple[Mapping[str, Any], tuple[int, int], str]


def _best(facts: Facts) -> Best | None:
    """Return the best claim, else the best survivor that the journal names: its fields, the range, and how it is called."""
    analysis = facts.analysis
    if analysis is not None and analysis.hypotheses:
        claim = analysis.hypotheses[0].model_dump(mode="json")
        return claim, analysis.range, f"{claim['family']} {claim['mapping']}"
    best = facts.improvements[-1].best if facts.improvements else None
    if best is None:
        return None
    origin = f"{best['origin']['kind']} {shortened(best['origin']['value'], 20)}"
    name = f"the best survivor (no claim), {best['family']} {best['mapping']} {origin}"
    return {**best, "evidence_bits": best["evidence_bits"] or 0.0}, (best["range"][0], best["range"][1]), name


def _follow(facts: Facts, claim: Mapping[str, Any], span: tuple[int, int]) -> Along:
    p = facts.chance(claim["session"], *span)
    session = claim["session"]
    return follow(facts.values(session), claim, span, p, facts.order.space.noise, facts.times(session))


# ── what was searched ────────────────────────────────────────────────────────


def _controls(facts: Facts) -> list[Block | None]:
    if not any(one.chunks for one in facts.cells):
        return [Prose("Nothing was searched, so there are no twins and no planted truths to show.")]
    done = [one for one in facts.cells if one.chunks]
    return [figures.survivors(done), figures.reliability(done), figures.calibration(done)]


def _covered(facts: Facts) -> list[Block | None]:
    if facts.analysis is None:
        return []
    return [figures.coverage(facts.analysis), _excluded(facts.analysis), _not_tested(facts.analysis)]


def _excluded(analysis: Analysis) -> Table | None:
    groups: dict[tuple[str, str, str, str, str], list[Any]] = defaultdict(list)
    claimed = {one.family for one in analysis.hypotheses}
    for one in analysis.excluded:
        if one.family in claimed:
            continue
        gap = one.gap
        rule = f"{one.threshold.matched} of {one.threshold.of}"
        law = "" if gap["law"] == "constant" else f" {gap['law']}"
        groups[
            f"{'states ' * (one.origins['kind'] == 'state')}{one.origins['range']}",
            _span(one.starts),
            _span((gap["lo"], gap["hi"])) + law + (f" {gap['period']}" if "period" in gap else ""),
            rule,
            one.run or "this run",
        ].append(one)
    rows = [
        [
            _names(one.family for one in group),
            *key[:4],
            f"{len(group)}",
            floored(min(one.power for one in group), 1),
            key[4],
        ]
        for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    columns = ["families", "seeds", "starts", "gaps", "keeps", "cells", "power ≥", "searched by"]
    return Table("Excluded: searched to the end, no claim", columns, rows) if rows else None


def _not_tested(analysis: Analysis) -> Table | None:
    groups: dict[str, list[Any]] = defaultdict(list)
    for one in analysis.not_tested:
        groups[one.reason.split(": ")[0].split(";")[0]].append(one)
    rows = [
        [reason, f"{len(group)}", _names(one.family for one in group)]
        for reason, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return Table("Not tested, and why", ["reason", "cells", "families"], rows) if rows else None


def _span(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}:{ends[1]}"


def _names(families: Iterable[str]) -> str:
    names = sorted(set(families))
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _pipeline(facts: Facts) -> list[Block]:
    rows = [] if facts.model is None else [("model", facts.model.verdict)]
    pool = facts.pool
    if pool is not None:
        named = ", ".join(f"{value} ({share:.3g})" for value, share in pool.heads[:NAMES_SHOWN]) or "none"
        rows += [
            ("pool", f"for draw {pool.for_draw}, on {pool.basis}"),
            ("named", f"{named}; each other value {pool.rest:.3g}"),
        ]
        rows += [
            ("", f"{one.alignment.line()}: stated {one.rate:.1%}, seen {one.matched} of {one.scored}")
            for one in pool.components[:NAMES_SHOWN]
        ]
    return [Rows(rows)] if rows else []


# ── the record ───────────────────────────────────────────────────────────────


def _data(facts: Facts) -> list[Block]:
    history, analysis = facts.history, facts.analysis
    missing = int((history.values < 0).sum())
    rows = [
        ("files", ", ".join(facts.order.files)),
        ("draws", f"{len(history)}" + (f", {missing} of them missing" if missing else "")),
        ("sessions", ", ".join(history.sessions) or "none named"),
        ("digest", history.digest),
    ]
    blocks: list[Block] = [Rows(rows)]
    if analysis is not None:
        ranges = [
            [f"{one.range[0]}..{one.range[1]}", one.reason, "chosen" if one.chosen else ""]
            for one in analysis.range_candidates
        ]
        blocks.append(Table("Ranges of the draws", ["range", "reason", "taken"], ranges))
    return blocks


def _bill(facts: Facts) -> list[Block]:
    analysis = facts.analysis
    rows = [
        ("billed", f"{facts.billed:,} hypotheses in {len(facts.cells)} cells"),
        ("tested", f"{_tested(facts):,} hypotheses in {sum(one.chunks for one in facts.cells)} chunks"),
    ]
    if analysis is not None:
        controls = analysis.controls
        rows += [
            (
                "spared",
                f"{analysis.excluded_before:,} hypotheses that earlier runs had excluded on the same draws",
            ),
            (
                "null twins",
                f"{controls.null_best} survivors on the twin with most; chance expects {controls.null_expected:.3g}",
            ),
            ("planted", f"{controls.cells_found} of {controls.cells_planted} planted truths found"),
            ("ended", ending(analysis)),
            ("elapsed", f"{analysis.elapsed_s:.1f} s"),
        ]
    return [Rows(rows)]


def _record(facts: Facts) -> list[Block]:
    closing = facts.closing
    versions = ", ".join(f"{name} {version}" for name, version in sorted(closing.get("versions", {}).items()))
    return [
        Rows(
            [
                ("run", facts.run),
                ("kernels", closing.get("kernel") or "their build was not recorded"),
                ("versions", versions or "not recorded"),
                ("journal", f"{facts.events} events, chain head {facts.head}"),
                ("seed", f"{facts.order.space.seed}, the root of every random choice of the run"),
                ("verify", f"mimicry certificate verify {shlex.quote(facts.run)}"),
                ("", "recomputes what this run excludes from its journal and runs chunks again"),
            ]
        )
    ]


def _tested(facts: Facts) -> int:
    return sum(one.hypotheses for one in facts.cells)


SECTIONS: Sequence[tuple[str, Callable[[Facts], Sequence[Block | None]]]] = (
    ("State", _status),
    ("Hypotheses and next draws", _hypotheses),
    ("Along the draws", _along_the_draws),
    ("The rule of a claim", _rule),
    ("Controls", _controls),
    ("Coverage", _covered),
    ("The pipeline", _pipeline),
    ("The draws", _data),
    ("The bill", _bill),
    ("The record", _record),
)
