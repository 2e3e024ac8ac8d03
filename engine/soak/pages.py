"""A soak's report for people: one HTML page with graphs, or text; both from the same document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.run_report import page as html
from engine.run_report import text as plain
from engine.run_report.document import Block, Document, Facts, Figure, Prose, Section, Table
from engine.run_report.plot import Axis, Level, Plot, Series, Span
from engine.soak.plan import TITLES
from engine.soak.readings import series
from engine.soak.records import Records

GRAPHS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Memory of the engine", "MB", ("engine.pss_mb", "engine.rss_mb", "engine.anon_mb")),
    (
        "Handles, threads and tasks of the engine",
        "count",
        ("engine.handles", "engine.threads", "engine.tasks"),
    ),
    ("Handles by kind", "count", ("engine.sockets", "engine.pipes", "engine.files")),
    (
        "Memory of its processes, mean of each role",
        "MB",
        ("worker.pss_mb", "trainer.pss_mb", "scheduler.pss_mb", "llm.pss_mb"),
    ),
    ("Child processes", "count", ("children", "worker.count", "trainer.count")),
    ("Event loop lag", "ms", ("engine.loop_lag_ms",)),
    ("Memory blocks of the interpreter", "blocks", ("engine.blocks",)),
    ("Journal and write-ahead log", "MB", ("journal.mb", "journal.wal_mb")),
    ("Memory of the GPUs in use", "MB", ("vram.used_mb",)),
)
WORDS = {"pass": "pass", "fail": "FAIL", "short": "not judged"}


def page(told: dict[str, Any], records: Records) -> str:
    """Return the report as one self-contained HTML page."""
    return html.render(document(told, records))


def text(told: dict[str, Any], records: Records) -> str:
    """Return the report for a terminal of 80 columns."""
    return plain.render(document(told, records))


def document(told: dict[str, Any], records: Records) -> Document:
    """Return the report before it has a form."""
    name = TITLES[told["scenario"]]
    title = f"Soak {told['scenario'].upper()}, {name}: {told['id']}"
    kind, verdict = ("identified", "PASSED") if told["passed"] else ("biased", "FAILED")
    if not told["passed"] and not told["failed"]:
        kind, verdict = "no_evidence", "NOT FINISHED"
    return Document(
        title, kind, verdict, _reason(told), (_what(told), _gates(told), *_graphs(told, records), _halts(told), _faults(told), _anchors(told))
    )  # fmt: skip


def _reason(told: dict[str, Any]) -> str:
    judged = [gate for gate in told["gates"] if gate["state"] != "short"]
    head = f"{sum(gate['state'] == 'pass' for gate in judged)} of {len(judged)} gates that could judge passed"
    failed = f"; failed: {', '.join(told['failed'])}" if told["failed"] else ""
    short = f"; too little to judge: {', '.join(told['short'])}" if told["short"] else ""
    return f"{head}{failed}{short}."


def _what(told: dict[str, Any]) -> Section:
    plan, machine = told["plan"], told["machine"]
    faults = ", ".join(fault["name"] for fault in plan["faults"]) or "none"
    work = ", ".join(f"{count} {name}" for name, count in sorted(told["work"].items()) if count) or "none"
    rows = [
        ("asked for", f"{plan['hours']:g} h, compressed by {plan['compress']:g}, seed {plan['seed']}"),
        ("ran", f"{told['seconds'] / 60:.1f} min, {told['begun']} to {told['ended'] or '?'} ({told['why']})"),
        ("faults", faults),
        ("work done", work),
        ("machine", f"{machine['cores']} cores, {machine['memory_gib']:g} GiB, {machine['arch']}, Linux {machine['kernel']}, Python {machine['python']}, load {machine['load']:.1f} at the start"),
        ("version", told["version"]),
    ]  # fmt: skip
    return Section("What was run", [Facts(rows)])


def _gates(told: dict[str, Any]) -> Section:
    rows = [(gate["gate"], WORDS[gate["state"]], gate["text"]) for gate in told["gates"]]
    findings = [f"{gate['gate']}: {finding}" for gate in told["gates"] for finding in gate["findings"]]
    blocks: list[Block] = [
        Table("Gates, each a question to the records alone", ("gate", "answer", "numbers"), rows)
    ]
    blocks += (
        [Facts([("findings" if place == 0 else "", finding) for place, finding in enumerate(findings)])]
        if findings
        else []
    )
    trends = [
        (
            name,
            f"{one['per_hour']:+.3g}",
            f"{one['lo']:+.3g} to {one['hi']:+.3g}",
            f"{one['limit']:g}",
            f"{one['hours']:.2f}",
            f"{one['inflation']:.2f}",
        )
        for name, one in told["trends"].items()
    ]
    if trends:
        columns = ("probe", "per hour", "95 % interval", "limit", "hours", "variance inflated by")
        blocks.append(Table("Slopes after warm-up within one life of the process", columns, trends))
    return Section("Gates", blocks)


def _graphs(told: dict[str, Any], records: Records) -> list[Section]:
    read = series(records)
    figures = [
        Figure(_plot(place, title, unit, [(name, read[name]) for name in names if name in read], told), "")
        for place, (title, unit, names) in enumerate(GRAPHS)
        if any(name in read for name in names)
    ]
    return [Section("Readings", figures)] if figures else []


def _plot(
    place: int,
    title: str,
    unit: str,
    lines: Sequence[tuple[str, list[tuple[float, float]]]],
    told: dict[str, Any],
) -> Plot:
    values = [value for _, points in lines for _, value in points]
    low, high = min(values), max(values)
    pad = (high - low) * 0.08 or max(1.0, abs(high) * 0.05)
    ends = max(points[-1][0] for _, points in lines) / 60
    warm = min(ends, _warm_up(told) / 60)
    return Plot(
        name=f"g{place}",
        title=title,
        text=f"{title} over {ends:.0f} minutes: {low:g} to {high:g} {unit}",
        x=Axis("minutes", 0.0, ends or 1.0),
        y=Axis(unit, max(0.0, low - pad) if low >= 0 else low - pad, high + pad),
        series=[
            Series(name, [(at / 60, value) for at, value in points], style)
            for style, (name, points) in enumerate(lines)
        ],
        levels=(),
        spans=(Span("warm-up", 0.0, warm),),
    )


def _warm_up(told: dict[str, Any]) -> float:
    from engine.soak.plan import Plan

    return Plan.model_validate(told["plan"]).warm_up


def _halts(told: dict[str, Any]) -> Section:
    halts = [halt for halt in told["halts"] if halt["seconds"] is not None]
    if not halts:
        return Section("Halts", [Prose("No halt was fired.")])
    points = [(halt["t"] / 60, halt["seconds"]) for halt in halts]
    ranked = sorted(halts, key=lambda halt: -halt["seconds"])[:5]
    most = max(1.1, ranked[0]["seconds"] * 1.1)
    plot = Plot(
        "halts", "From the command to the last idle device", f"{len(halts)} halts, the slowest {ranked[0]['seconds']:.2f} s",
        Axis("minutes", 0.0, max(1.0, points[-1][0])), Axis("s", 0.0, most), [Series("halt", points, 0)], levels=(Level("1 s", 1.0),),
    )  # fmt: skip
    rows = [
        (f"{halt['t'] / 60:.1f} min", halt["during"], f"{halt['seconds']:.3f} s", f"{halt['busy'] or 0:.2f}")
        for halt in ranked
    ]
    return Section(
        "Halts",
        [Figure(plot, ""), Table("The slowest", ("at", "during", "latency", "CPU s/s after it"), rows)],
    )


def _faults(told: dict[str, Any]) -> Section:
    if not told["faults"]:
        return Section("Faults", [Prose("None was planned.")])
    rows = [
        (
            f"{fault['name']}, {fault['t'] / 60:.1f} min", str(fault["did"] or fault["skipped"] or ""), str(fault["must"] or ""),
            "not shown here" if fault["skipped"] else f"{'held' if fault['holds'] else 'DID NOT HOLD'}, back in {fault['seconds']:.1f} s",
        )
        for fault in told["faults"]
    ]  # fmt: skip
    return Section(
        "Faults",
        [Table("Each fault, and what had to hold after it", ("fault", "done", "must hold", "did"), rows)],
    )


def _anchors(told: dict[str, Any]) -> Section:
    soak, room = told["anchors"]["soak"], told["anchors"]["room"]
    rows = [("soak's journal", f"event {soak['seq']}, {soak['head']}")]
    rows += [("room's journal", f"event {room['seq']}, {room['head']}")] if room else []
    rows += [("this content", told["content_sha256"])]
    again = f"mimicry soak report {told['id']} makes this page again from both journals and compares."
    return Section("Anchors", [Facts(rows), Prose(again)])
