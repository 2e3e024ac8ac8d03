"""A small plotting module: series on two axes, or a table of squares, as accessible SVG without scripts or fonts of its own.

Series differ by colour (Okabe and Ito's palette, set by the page's style sheet) and by dash, so that neither colour nor screen is needed.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from engine.report import quantity

WIDTH, HEIGHT = 720, 270
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 34, 44
MOST_POINTS = 600
Value = float | None


def clean(text: str) -> str:
    """Return the text with control characters and broken surrogates replaced: it comes from names that users chose."""
    return "".join("\ufffd" if unicodedata.category(one) in ("Cc", "Cs") else one for one in text)


def safe(text: object) -> str:
    """Return a text for HTML and SVG."""
    return escape(clean(str(text)))


@dataclass(frozen=True)
class Axis:
    """One axis: its label with the unit, and the window that is shown."""

    label: str
    lo: float
    hi: float

    def share(self, value: float) -> float:
        """Return where a value lies between both ends, 0 to 1."""
        return (value - self.lo) / ((self.hi - self.lo) or 1.0)

    def ticks(self, most: int = 7) -> list[float]:
        """Return round values inside the window: steps of 1, 2 or 5 times a power of ten."""
        least = ((self.hi - self.lo) or 1.0) / most
        power = 10.0 ** math.floor(math.log10(least))
        step = next(power * lead for lead in (1, 2, 5, 10) if power * lead >= least * (1 - 1e-9))
        first, last = math.ceil(self.lo / step - 1e-9), math.floor(self.hi / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]


@dataclass(frozen=True)
class Series:
    """One named line; a y of None is a gap. `style` 0 to 5 chooses colour and dash; `step` holds each value until the next."""

    name: str
    points: Sequence[tuple[float, Value]]
    style: int
    step: bool = False


@dataclass(frozen=True)
class Level:
    """A horizontal line with its name, such as what a claim requires."""

    name: str
    y: float


@dataclass(frozen=True)
class Span:
    """A marked part of the x axis."""

    name: str
    lo: float
    hi: float


@dataclass(frozen=True)
class Ticks:
    """Upward ticks for hits and downward ones for misses: (x, share of hits among what the tick stands for)."""

    marks: Sequence[tuple[float, float]]


def thinned(points: Sequence[tuple[float, Value]], most: int = MOST_POINTS) -> list[tuple[float, Value]]:
    """Return at most about `most` points: of every stretch its first, lowest, highest and last; gaps stay."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) * 4 / most)
    kept: list[tuple[float, Value]] = []
    for at in range(0, len(points), size):
        kept += _extremes(points[at : at + size])
    return kept


def _extremes(part: Sequence[tuple[float, Value]]) -> list[tuple[float, Value]]:
    places = [place for place, (_, y) in enumerate(part) if y is not None]
    gaps = [place for place, (_, y) in enumerate(part) if y is None][:1]
    if not places:
        return [part[0]]
    by_value = sorted(places, key=lambda place: (part[place][1] or 0.0, place))
    return [part[place] for place in sorted({places[0], by_value[0], by_value[-1], places[-1], *gaps})]


@dataclass(frozen=True)
class Plot:
    """Lines over two axes. `name` is the figure's id on its page, `title` and `text` what a screen reader says."""

    name: str
    title: str
    text: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    levels: Sequence[Level] = ()
    spans: Sequence[Span] = ()
    ticks: Ticks | None = None

    def svg(self) -> str:
        """Return the figure as one SVG element."""
        strip = 30 if self.ticks else 0
        parts = [*self._spans(), *self._grid(strip), *self._ticks(strip)]
        parts += [f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>' for y in (self._y(one.y, strip) for one in self.levels)]  # fmt: skip
        parts += [f'<path class="s{one.style}" d="{self._path(one, strip)}"/>' for one in self.series]
        return framed(self.name, self.title, self.text, HEIGHT, [*parts, *self._legend()])

    def _x(self, value: float) -> str:
        return f"{LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT):.1f}"

    def _y(self, value: float, strip: int) -> str:
        top, bottom = TOP + strip, HEIGHT - BOTTOM
        return f"{bottom - self.y.share(value) * (bottom - top):.1f}"

    def _path(self, one: Series, strip: int) -> str:
        pen, path = "M", []
        for x, y in thinned(one.points):
            if y is None:
                pen = "M"
                continue
            path.append(f"H{self._x(x)}V{self._y(y, strip)}" if one.step and pen == "L" else f"{pen}{self._x(x)} {self._y(y, strip)}")  # fmt: skip
            pen = "L"
        return "".join(path)

    def _grid(self, strip: int) -> list[str]:
        bottom, parts = HEIGHT - BOTTOM, []
        for value in self.y.ticks(5):
            y = self._y(value, strip)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
            parts.append(f'<text class="num" x="{LEFT - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{number(value)}</text>')  # fmt: skip
        for value in self.x.ticks():
            x = self._x(value)
            parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 4}"/>')
            parts.append(f'<text class="num" x="{x}" y="{bottom + 16}" text-anchor="middle">{number(value)}</text>')  # fmt: skip
        middle = (TOP + strip + bottom) / 2
        parts += [
            f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>',
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{safe(self.x.label)}</text>',
            f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{safe(self.y.label)}</text>',
        ]
        return parts

    def _spans(self) -> list[str]:
        parts = []
        for place, one in enumerate(self.spans):
            x, end = self._x(one.lo), self._x(one.hi)
            parts.append(f'<rect class="span{place % 2}" x="{x}" y="{TOP}" width="{float(end) - float(x):.1f}" height="{HEIGHT - BOTTOM - TOP}"/>')  # fmt: skip
        return parts

    def _ticks(self, strip: int) -> list[str]:
        if self.ticks is None:
            return []
        middle, half = TOP + strip / 2, strip / 2 - 3
        up = "".join(
            f"M{self._x(x)} {middle - 1}v-{half * share:.1f}" for x, share in self.ticks.marks if share > 0
        )
        down = "".join(
            f"M{self._x(x)} {middle + 1}v{half * (1 - share):.1f}"
            for x, share in self.ticks.marks
            if share < 1
        )
        return [f'<path class="hit" d="{up}"/>', f'<path class="miss" d="{down}"/>']

    def _legend(self) -> list[str]:
        entries = [
            (f'<line class="s{one.style}" x1="{{x}}" x2="{{e}}" y1="12" y2="12"/>', one.name)
            for one in self.series
        ]
        entries += [
            ('<line class="level" x1="{x}" x2="{e}" y1="12" y2="12"/>', one.name) for one in self.levels
        ]
        entries += [
            (f'<rect class="span{at % 2} key" x="{{x}}" y="6" width="22" height="11"/>', one.name)
            for at, one in enumerate(self.spans)
        ]
        if self.ticks is not None:
            entries += [
                ('<path class="hit" d="M{x} 13v-8m3 8v-8m3 8v-8"/>', "hit"),
                ('<path class="miss" d="M{x} 8v8m3 -8v8m3 -8v8"/>', "miss"),
            ]
        parts, x = [], float(LEFT)
        for mark, name in entries:
            parts.append(mark.format(x=x, e=x + 22) + f'<text x="{x + 27}" y="16">{safe(name)}</text>')
            x += 27 + 6.6 * len(name) + 16
        return parts


@dataclass(frozen=True)
class Square:
    """One square of a table: its kind (a class of the style sheet), the few letters in it, and what a pointer reads."""

    kind: str
    letters: str
    tip: str


@dataclass(frozen=True)
class Squares:
    """A table of squares, its columns lettered and named below; None is an empty place."""

    name: str
    title: str
    text: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Square | None]]]
    legend: Sequence[tuple[str, str]]

    def svg(self) -> str:
        """Return the figure as one SVG element."""
        left, row, head = 280, 17, 40
        wide = min(80.0, (WIDTH - left - RIGHT) / max(1, len(self.columns)))
        parts = [
            _small(left + (at + 0.5) * wide, head, letter(at), "middle") for at in range(len(self.columns))
        ]
        for line, (name, squares) in enumerate(self.rows):
            y = head + 6 + line * row
            parts.append(_small(left - 8, y + 12, shortened(name, 46), "end"))
            parts += [
                _square(one, left + at * wide, y, wide, row)
                for at, one in enumerate(squares)
                if one is not None
            ]
        bottom = head + 26 + row * len(self.rows)
        parts += [
            _small(left, bottom + 15 * at, f"{letter(at)}: {name}") for at, name in enumerate(self.columns)
        ]
        return framed(
            self.name, self.title, self.text, bottom + 15 * len(self.columns), [*parts, *self._legend()]
        )

    def _legend(self) -> list[str]:
        parts, x = [], 8.0
        for kind, meaning in self.legend:
            parts.append(
                f'<rect class="{kind} key" x="{x}" y="3" width="22" height="12"/>{_small(x + 27, 13, meaning)}'
            )
            x += 27 + 6.0 * len(meaning) + 14
        return parts


def letter(place: int) -> str:
    """Return a column's letter: A to Z, then AA, AB and so on."""
    return (letter(place // 26 - 1) if place >= 26 else "") + chr(65 + place % 26)


def _small(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text class="small" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{safe(text)}</text>'


def _square(one: Square, x: float, y: float, wide: float, high: int) -> str:
    return (
        f'<g><title>{safe(one.tip)}</title><rect class="{one.kind}" x="{x + 1:.1f}" y="{y + 1}" width="{wide - 2:.1f}" height="{high - 2}"/>'
        f'<text class="small in {one.kind}" x="{x + wide / 2:.1f}" y="{y + 12}" text-anchor="middle">{safe(one.letters)}</text></g>'
    )


@dataclass(frozen=True)
class Rate:
    """One row of measured rates: found of planted, and the lower end of the interval."""

    name: str
    share: float
    lower: float
    counts: str


@dataclass(frozen=True)
class Rates:
    """Rates with their lower confidence bounds, one row each."""

    name: str
    title: str
    text: str
    axis: Axis
    rows: Sequence[Rate]

    def svg(self) -> str:
        """Return the figure as one SVG element: a point for the rate, a line down to its bound."""
        left, right, row, head = 280, 110, 20, 12
        scale = WIDTH - left - right
        bottom = head + row * len(self.rows) + 4
        parts = []
        for value in self.axis.ticks(5):
            x = f"{left + self.axis.share(value) * scale:.1f}"
            parts.append(
                f'<line class="grid" x1="{x}" x2="{x}" y1="{head}" y2="{bottom}"/><text class="num" x="{x}" y="{bottom + 15}" text-anchor="middle">{number(value)}</text>'
            )
        for line, one in enumerate(self.rows):
            y = head + line * row + row / 2
            low, at = (left + self.axis.share(value) * scale for value in (one.lower, one.share))
            parts.append(
                f'<text class="small" x="{left - 8}" y="{y + 4}" text-anchor="end">{safe(shortened(one.name, 46))}</text>'
                f'<path class="s0" d="M{low:.1f} {y - 5}v10M{low:.1f} {y}H{at:.1f}"/><circle class="dot" cx="{at:.1f}" cy="{y}" r="4"/>'
                f'<text class="small" x="{WIDTH - right + 12}" y="{y + 4}">{safe(one.counts)}</text>'
            )
        parts.append(
            f'<text x="{left + scale / 2}" y="{bottom + 33}" text-anchor="middle">{safe(self.axis.label)}</text>'
        )
        return framed(self.name, self.title, self.text, bottom + 40, parts)


Picture = Plot | Squares | Rates


def framed(name: str, title: str, text: str, height: float, parts: Sequence[str]) -> str:
    """Return an SVG element with a title and a description that screen readers find."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{safe(title)}</title><desc id="{name}-d">{safe(text)}</desc>{"".join(parts)}</svg>'
    )


def number(value: float) -> str:
    """Return a tick's label: short, and whole where the value is."""
    return quantity(value) if abs(value) >= 10_000 else f"{value:g}".replace("-", "\u2212")


def shortened(text: str, most: int) -> str:
    """Return the text, cut in its end where it is longer."""
    return text if len(text) <= most else text[: most - 1] + "…"
