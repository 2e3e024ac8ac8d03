"""One survivor from sieve to pool, as the console tells it: the same record as `mimicry trace` prints, each number beside chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.model.detail import pair, paragraph
from tui.model.spark import bar
from tui.model.text import BLANK, Line, line, span
from tui.model.words import bits, number

STRONGEST = 6


def trace_lines(told: Mapping[str, Any], cells: int) -> list[Line]:
    """Return the story of a survivor: where it was found, what it matched, how it ranks, what it foretells, what is not there yet."""
    found = told["found"]
    origin = "by analyze" if found["origin"] == "analyze" else f"in trial {found['trial']}"
    lines = [
        *paragraph(told["line"], cells, "head"),
        *pair("survivor", told["survivor"], cells),
        *pair(
            "found", f"{origin}, draws {_span(found['window'])}; {found['kept']} survivors were kept", cells
        ),
    ]
    lines += [
        part
        for name, one in found["matches"].items()
        if one["scored"]
        for part in pair(name, _of(one), cells)
    ]
    trial = found["of_trial"]
    if trial:
        text = f"{trial['hits']} real hits, {trial['null_hits'] / 2:g} a null twin, {trial['expected_false']:.3g} expected by chance"
        lines += pair("its trial", text, cells)
    share = found["evidence_bits"] / found["required_bits"] if found["required_bits"] > 0 else 0.0
    lines.append(
        line(
            span("evidence     ", "dim"), span("["), span(bar(max(0.0, min(1.0, share)), 16), "ok" if share >= 1 else "bar"), span("] "),
            span(f"{bits(found['evidence_bits'])} of {bits(found['required_bits'])} bits", "head"),
            span(f"; {found['null_rank']} null hits match as often", "dim"),
        )
    )  # fmt: skip
    return [*lines, *_scored(told, cells), *_later(told, cells)]


def _scored(told: Mapping[str, Any], cells: int) -> list[Line]:
    scored = told["scored"]
    if not scored:
        return []
    lines = [BLANK, line(span("blocks, later ones were not searched", "head"))]
    lines += [part for one in scored["blocks"] for part in pair(_span(one["draws"]), _of(one), cells)]
    text = f"{scored['score']:.2f}, rank {scored['rank']} of {scored['of']} beside {scored['decoys']} decoys"
    lines += [BLANK, *pair("score", text, cells)]
    pushes = list(scored["pushes"].items())[:STRONGEST]
    most = max((abs(push) for _, push in pushes), default=0.0) or 1.0
    lines += [
        line(span(f"             {name:<28.28} ", "dim"), span(bar(abs(push) / most, 10), "ok" if push > 0 else "fail"), f" {push:+.2f}")
        for name, push in pushes
    ]  # fmt: skip
    return lines


def _later(told: Mapping[str, Any], cells: int) -> list[Line]:
    lines: list[Line] = [BLANK]
    if model := told["model"]:
        stated = (
            model["note"]
            if model["rate"] is None
            else f"hit rate {number(model['rate'], 3)}, rank {model['rank']}"
        )
        lines += pair(
            "model",
            f"{model['family']}: {stated}; chance {number(model['chance'], 3)}. {model['verdict']}",
            cells,
        )
    if pool := told["pool"]:
        said = str(pool["note"]) if "note" in pool else (
            f"weight {number(pool['weight'], 3)}, rate {number(pool['rate'], 3)} ({pool['matched']} of {pool['scored']} unselected draws);"
            f" names {pool['predicted']} with {number(pool['stated'], 3)}, chance {number(pool['chance'], 3)}"
        )  # fmt: skip
        lines += pair("pool", f"for draw {pool['for_draw']}, on {pool['basis']}: {said}", cells)
    ahead = told["foretells"]
    lines += pair("foretells", " ".join(map(str, ahead["values"])) or str(ahead["note"]), cells)
    if told["missing"]:
        lines += pair("not yet", ", ".join(told["missing"]), cells, "warn")
    return lines


def _span(ends: list[int]) -> str:
    return f"{ends[0]}..{ends[1] - 1}"


def _of(one: Mapping[str, Any]) -> str:
    return f"{one['matched']} of {one['scored']}, {one['expected']:.2g} by chance"
