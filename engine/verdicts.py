"""A verdict as the journal keeps it and as the evidence panel says it: numbers from the analysis, one calm line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.search.analysis import Analysis
    from engine.status import SearchAt


def verdict_record(
    analysis: Analysis, search: SearchAt | None, run: str, mark: str, since: int = 0
) -> dict[str, Any]:
    """Return the verdict as the journal and the evidence panel hold it; `since` is the first draw it is about."""
    best = next((f"{one.family} {one.mapping} start {one.start}" for one in analysis.hypotheses), None)
    powers = [row.power for row in analysis.excluded]
    return {
        "verdict": analysis.verdict,
        "line": verdict_line(analysis, best),
        "best": best or (search.best if search else None),
        "best_bits": analysis.evidence_bits,
        "required_bits": analysis.required_bits,
        "null_bits": search.null_bits if search else None,
        "excluded_share": search.excluded_share if search else None,
        "power": min(powers) if powers else None,
        "draws": analysis.draws,
        "since": since,
        "need": analysis.need_draws,
        "stopped_by": analysis.stopped_by,
        "hypotheses": str(analysis.hypotheses_tested),
        "run": run,
        "fingerprint": mark,
    }


def verdict_line(analysis: Analysis, best: str | None) -> str:
    """Return the verdict as one calm line."""
    if analysis.verdict == "identified":
        return f"identified: {best}, {analysis.evidence_bits:.1f} of {analysis.required_bits:.1f} bits on {analysis.draws} draws"
    if analysis.verdict == "not_identifiable":
        need = "" if analysis.need_draws is None else f"; {analysis.need_draws} would do"
        return f"not identifiable with {analysis.draws} draws{need}"
    if analysis.verdict == "biased":
        return "biased: the draws are not uniform, and no generator explains them"
    return f"no evidence: {analysis.hypotheses_tested:.3g} hypotheses, best {analysis.evidence_bits:.1f} of {analysis.required_bits:.1f} bits"
