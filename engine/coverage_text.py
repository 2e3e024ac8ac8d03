"""A coverage certificate as text for a person at an 80-column terminal; the same facts as `coverage/1`, no others."""

from __future__ import annotations

from engine.report import WIDTH, duration, floored, quantity, row
from engine.search.certificate import Certificate, Hole, Rectangle

SHOWN = 10


def render(certificate: Certificate, *, every: bool = False) -> str:
    """Return the totals, what is excluded with which power, and the holes; the first ten of each unless `every`."""
    lines = ["", "COVERAGE CERTIFICATE", "─" * WIDTH, *_totals(certificate)]
    excluded = sorted(certificate.rectangles, key=lambda one: -one.hypotheses)
    lines += _listed("excluded", [_rectangle(one) for one in excluded], every)
    lines += _listed("holes", [_hole(one) for one in certificate.holes], every)
    return "\n".join(lines)


def _totals(certificate: Certificate) -> list[str]:
    totals = certificate.totals
    lines = (
        row("history", f"{certificate.history} ({certificate.draws} draws)") if certificate.history else []
    )
    share = "" if totals.share is None else f" of {quantity(totals.asked or 0)} asked ({totals.share:.1%})"
    lines += row(
        "excluded", f"{quantity(totals.excluded)} hypotheses{share} in {totals.rectangles} rectangles"
    )
    if totals.weakest_power is not None:
        lines += row(
            "power",
            f"at least {floored(totals.weakest_power)}; planted truths: {totals.found} of {totals.planted} found",
        )
    if certificate.history:
        left = sum(hole.seconds for hole in certificate.holes)
        lines += row("holes", f"{totals.holes} parts, {duration(left)} of one core")
    if certificate.not_identifiable:
        lines += row(
            "", f"{len(certificate.not_identifiable)} cells these draws cannot identify (list: --json)"
        )
    lines += row("kernels", certificate.kernel)
    return lines + row("chain", f"event {certificate.chain.seq}, head {certificate.chain.head or 'none yet'}")


def _listed(title: str, blocks: list[list[str]], every: bool) -> list[str]:
    shown = blocks if every else blocks[:SHOWN]
    lines = [line for block in shown for line in block]
    if len(shown) < len(blocks):
        lines.append(f"  and {len(blocks) - len(shown)} more (--all, or --json)")
    return ["", title, *lines] if blocks else []


def _rectangle(one: Rectangle) -> list[str]:
    head = f"  {one.family} {one.mapping} {one.range[0]}..{one.range[1]}{_stream(one)}"
    tail = f"{quantity(one.hypotheses)} hypotheses  power {floored(one.power)}"
    runs = list(dict.fromkeys(one.runs))
    return [
        _line(head, tail),
        *_seeds(one.seeds),
        f"    {_rule(one.starts, one.gap, one.threshold.matched, one.threshold.of)}  {one.found}/{one.planted} planted",
        f"    run {runs[-1]}{f' and {len(runs) - 1} more' if len(runs) > 1 else ''}"[:WIDTH],
    ]


def _stream(one: Rectangle | Hole) -> str:
    return "" if one.session is None else f" {one.session}"


def _hole(one: Hole) -> list[str]:
    head = f"  {one.family} {one.mapping} {one.range[0]}..{one.range[1]}{_stream(one)}"
    return [
        _line(head, f"{quantity(one.hypotheses)} hypotheses  {duration(one.seconds)}"),
        *_seeds([one.seeds]),
        f"    {_rule(one.starts, one.gap, one.threshold.matched, one.threshold.of)}",
    ]


def _line(head: str, tail: str) -> str:
    return f"{head:<{WIDTH - len(tail) - 1}} {tail}" if len(head) + len(tail) < WIDTH else head[:WIDTH]


def _seeds(seeds: list[str]) -> list[str]:
    more = f" and {len(seeds) - 1} more intervals" if len(seeds) > 1 else ""
    return [f"    seeds {seeds[0]}{more}"[:WIDTH]]


def _rule(starts: tuple[int, int], gap: dict[str, object], matched: int, of: int) -> str:
    turns = f", {gap['period']} in turn" if "period" in gap else ""
    gaps = f"{gap['law']} gaps {gap['lo']}:{gap['hi']}{turns}"
    return f"starts {starts[0]}:{starts[1]}  {gaps}  kept {matched} of {of}"
