"""Glyphs, words and number formats: every state is a glyph and a word, colour comes third."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class Sign(NamedTuple):
    """How one state is shown: glyph, word, role."""

    glyph: str
    word: str
    role: str


LIGHTS: dict[str, Sign] = {
    "ok": Sign("●", "ok", "ok"),
    "warn": Sign("▲", "warn", "warn"),
    "fail": Sign("✖", "fail", "fail"),
    "idle": Sign("◌", "idle", "idle"),
    "held": Sign("‖", "held", "held"),
    "stale": Sign("?", "stale", "stale"),
}
MODES: dict[str, Sign] = {
    "run": Sign("●", "RUN", "ok"),
    "idle": Sign("◌", "IDLE", "idle"),
    "halted": Sign("‖", "HALT", "held"),
    "halting": Sign("‖", "HALTING", "warn"),
    "starting": Sign("◌", "STARTING", "idle"),
    "stopping": Sign("◌", "STOPPING", "warn"),
}
STEPS: dict[str, Sign] = {
    "waiting": Sign("·", "waiting", "dim"),
    "running": Sign("▶", "running", "ok"),
    "done": Sign("✔", "done", "ok"),
    "failed": Sign("✖", "failed", "fail"),
    "held": Sign("‖", "held", "held"),
    "skipped": Sign("–", "skipped", "dim"),
}
REQUESTS: dict[str, Sign] = {
    "queued": Sign("◌", "queued", "idle"),
    "claimed": Sign("◌", "claimed", "idle"),
    "running": Sign("▶", "running", "ok"),
    "done": Sign("✔", "done", "ok"),
    "failed": Sign("✖", "failed", "fail"),
    "rejected": Sign("✖", "rejected", "fail"),
    "deferred": Sign("‖", "deferred", "held"),
    "cancelled": Sign("–", "cancelled", "dim"),
}
ACTIONS: dict[str, Sign] = {
    "PROCEED": Sign("✔", "PROCEED", "ok"),
    "RETRY": Sign("▲", "RETRY", "warn"),
    "ESCALATE": Sign("▲", "ESCALATE", "fail"),
    "HALT": Sign("‖", "HALT", "held"),
    "RESUME": Sign("▶", "RESUME", "ok"),
}
# "No evidence" is a calm, first-class outcome: no alarm colour.
VERDICTS: dict[str, Sign] = {
    "none yet": Sign("◌", "no verdict yet", "idle"),
    "identified": Sign("●", "identified", "ok"),
    "biased": Sign("▲", "biased", "warn"),
    "no_evidence": Sign("◌", "no evidence", "idle"),
    "not_identifiable": Sign("▲", "not identifiable", "warn"),
}
LINKS: dict[str, Sign] = {
    "connecting": Sign("◌", "CONNECTING", "idle"),
    "stale": Sign("?", "STALE", "stale"),
    "lost": Sign("?", "NO ENGINE", "fail"),
}
UNKNOWN = Sign("?", "unknown", "stale")
_MORE: dict[str, str] = {
    "ok": "agreed complete hit identified up alive active open accepted approved promoted healthy ready well valid kept",
    "warn": "followed late degraded quarantined draining throttling escalated retry warning asked suspect muted",
    "fail": "lost error refused dead timeout broken invalid missed miss firing",
    "idle": "silent off stricter asked waits pruned ended closed cleared pending new unforecast",
    "held": "withdrawn expired halted paused drained",
}
_GLYPHS = {"ok": "●", "warn": "▲", "fail": "✖", "idle": "◌", "held": "‖"}
STATES: dict[str, Sign] = {
    **{word: Sign(_GLYPHS[role], word, role) for role, words in _MORE.items() for word in words.split()},
    **ACTIONS, **VERDICTS, **MODES, **STEPS, **REQUESTS, **LIGHTS,
}  # fmt: skip
"""Every word that a list may hold in a column of states; a word that is not here stands without a glyph."""


def duration(seconds: float | None) -> str:
    """Format a span of time in its two largest useful units: 40s, 12m, 1h12, 3d 04h."""
    if seconds is None:
        return "?"
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


def stopwatch(seconds: float) -> str:
    """Format elapsed time that a person watches: 04:12, 1:04:12, 3d 04:12."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86400)
    hours, minutes, secs = rest // 3600, rest % 3600 // 60, rest % 60
    if days:
        return f"{days}d {hours:02d}:{minutes:02d}"
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes:02d}:{secs:02d}"


def number(value: float | None, digits: int = 4) -> str:
    """Format a measured number to `digits` significant digits; None is an honest dash."""
    if value is None:
        return "–"
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


def counted(count: int, what: str) -> str:
    """Return a number of things, in the singular where it is one."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def signed(value: float, digits: int = 2) -> str:
    """Format a change with its sign, large ones as whole numbers."""
    return f"{'' if value < 0 else '+'}{number(value, digits)}"


def spread_of(per_hour: float, lo: float, hi: float, digits: int = 2) -> str:
    """Format how sure a slope is: ± half its interval, or the ends where it lies far to one side."""
    half = (hi - lo) / 2
    if lo <= 0.0 <= hi or half <= abs(per_hour):
        return f"±{number(half, digits)}"
    return f"({signed(lo, digits)} to {signed(hi, digits)})"


def rate(value: float | None) -> str:
    """Format a rate so that the decimals of a column stand still."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def bits(value: float | None) -> str:
    """Format evidence bits with one decimal."""
    return "–" if value is None else f"{value:.1f}"


def percent(share: float | None) -> str:
    """Format a share of 1; never rounds up to 100 % or down to 0 %."""
    if share is None:
        return "–"
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def megabytes(value: float | None) -> str:
    """Format a size given in MB."""
    if value is None:
        return "–"
    if value >= 10_000:
        return f"{value / 1024:.1f}G"
    return f"{value:.0f}M" if value >= 10 else f"{value:.1f}M"


def slope(value: float | None, unit: str, flat: float) -> str:
    """Format a trend: `flat` below the limit given, `slope ?` while too few samples exist."""
    if value is None:
        return "slope ?"
    gap = "" if unit.startswith("/") else " "
    return "flat" if abs(value) < flat else f"{value:+.1f}{gap}{unit}"


def parse_time(text: str | None) -> datetime | None:
    """Read an ISO time as UTC (a time without a zone is UTC); None when it is missing or not one."""
    try:
        when = datetime.fromisoformat(text) if text else None
        return when.astimezone(UTC) if when and when.tzinfo else when and when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter: its zone leads out of the years 1 to 9999
        return None


def clock(text: str, *, seconds: bool = False, date: bool = False) -> str:
    """Format an ISO time for a row (14:02), the header (14:02:31Z) or with its date."""
    when = parse_time(text)
    if when is None:
        return text
    if date:
        return when.strftime("%Y-%m-%d %H:%M:%SZ")
    return when.strftime("%H:%M:%S") if seconds else when.strftime("%H:%M")


def elapsed(since: str | None, now: str) -> float | None:
    """Return the seconds between two ISO times; None when either cannot be read."""
    start, end = parse_time(since), parse_time(now)
    return None if start is None or end is None else (end - start).total_seconds()
