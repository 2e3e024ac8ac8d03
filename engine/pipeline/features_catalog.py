"""The catalogue of features: name, formula in words, range, the least number of values it needs. A column without a row is an error.

docs/features.md is written from it: python -m engine.pipeline.features_catalog > docs/features.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.pipeline.features_hits import LAGS, QUARTERS
from engine.pipeline.features_meta import PARTS
from engine.pipeline.features_values import DIGITS, LEAST_LEADING, MODULI

ANY, SHARE, COUNT, BITS, SIGNED = "any", "0..1", "0..", "bits, 0..", "-1..1"


class Feature(NamedTuple):
    """One column: `least` is how many values a draw must be able to take, else the column would always say the same."""

    name: str
    formula: str
    range: str
    least: int = 2


FAMILIES: dict[str, str] = {
    "match": "match rates over the whole past",
    "block": "match rates and lifts in disjoint quarters of the past",
    "run": "run structure of hits and misses",
    "wait": "gap statistics: draws from one hit to the next",
    "recency": "how lately hits came",
    "stretch": "where hits gather: what a generator seeded anew leaves",
    "order": "autocorrelation of the hits, and order of the values",
    "spectrum": "periods of the hit sequence",
    "residue": "residue coherence of predictions and draws that differ",
    "digit": "digit agreement of predictions and draws that differ",
    "distance": "how far predictions miss, on the circle of the range",
    "bits": "bits of the exclusive or of prediction and draw, where they differ",
    "record": "the survivor's own record: what the search counted, and its alignment",
    "score": "the scorer of step 2.5",
}

FEATURES: tuple[Feature, ...] = (
    Feature("match.rate", "hits / scored draws", SHARE),
    Feature("match.lift", "log2 of (hits + 1) / (chance hits + 1)", ANY),
    Feature("match.rarity", "-log2 P(chance hits at least as often)", BITS),
    Feature("match.evidence", "log2 of the e-value of the hits, mixed over shares of wrong draws", ANY),
    *(Feature(f"block.{name}", f"lift in the {name} quarter of the past", ANY) for name in QUARTERS),
    Feature("block.best", "match rate in the best quarter", SHARE),
    Feature("block.worst", "match rate in the worst quarter", SHARE),
    Feature("block.spread", "standard deviation of the quarters' lifts", COUNT),
    Feature("block.hit", "quarters with a hit", "0..4"),
    Feature("block.turn", "match rate of the last quarter less that of the first", SIGNED),
    Feature("run.longest", "longest run of hits", COUNT),
    Feature("run.count", "runs of hits", COUNT),
    Feature("run.mean", "mean length of the runs of hits", COUNT),
    Feature("run.open", "length of the run of hits that has not ended", COUNT),
    Feature("run.pairs", "hits that follow a hit", COUNT),
    Feature("run.rarity", "-log2 of the chance runs as long as the longest, by the union bound", BITS),
    Feature("run.drought", "longest run of misses / scored draws", SHARE),
    Feature("wait.mean", "mean draws from a hit to the next / draws; 1 without two hits", SHARE),
    Feature("wait.shortest", "shortest of them / draws", SHARE),
    Feature("wait.longest", "longest of them / draws", SHARE),
    Feature("wait.variation", "their standard deviation / their mean", COUNT),
    Feature("wait.common", "share of the most common of them", SHARE),
    Feature("recency.since", "draws since the last hit / draws", SHARE),
    Feature("recency.fast", "match rate, a draw's weight halved every 4 draws", SHARE),
    Feature("recency.slow", "match rate, a draw's weight halved every 16 draws", SHARE),
    Feature("recency.trend", "correlation of hits with time, for a given number of hits", SIGNED),
    Feature("stretch.steepest", "most hits above chance on any stretch of draws", COUNT),
    Feature("stretch.lasting", "most hits above chance on a stretch that ends now", COUNT),
    *(Feature(f"order.lag{lag}", f"autocorrelation of the hits at lag {lag}", SIGNED) for lag in LAGS),
    Feature("order.value", "correlation of predicted and drawn values on misses", SIGNED, 3),
    Feature("order.step", "share of steps in which both rise or both fall, on misses", SHARE, 3),
    Feature("spectrum.peak", "share of the power in the strongest frequency", SHARE),
    Feature("spectrum.frequency", "that frequency, in cycles a draw", "0..0.5"),
    Feature("spectrum.entropy", "entropy of the power over frequencies / its most", SHARE),
    Feature("spectrum.slow", "share of the power in periods of 8 draws and more", SHARE),
    Feature("spectrum.alternating", "share of the power in periods below 8/3 draws", SHARE),
    Feature("spectrum.mass", "mean frequency, weighed by power", "0..0.5"),
    *(
        Feature(f"residue.mod{small}", f"excess of equal residues modulo {small} on misses", ANY, small + 1)
        for small in MODULI
    ),
    Feature("residue.best", "largest excess over the moduli", ANY, 4),
    Feature("residue.power", "mean squared excess over the moduli", COUNT, 4),
    *(Feature(f"digit.{name}", f"excess of equal {name} on misses", ANY, 3) for name in DIGITS),
    Feature("digit.sum", "sum of the digits' excesses", ANY, 11),
    Feature("digit.leading", "excess of equal tenths of the range on misses", ANY, LEAST_LEADING),
    Feature("distance.mean", "mean circular distance on misses / range; 0.25 by chance", "0..0.5", 4),
    Feature("distance.tenth", "a tenth of the misses are nearer", "0..0.5", 17),
    Feature("distance.median", "half of the misses are nearer", "0..0.5", 5),
    Feature("distance.spread", "standard deviation of the distance", "0..0.5", 4),
    Feature("distance.near", "share of misses within 2 % of the range, or of one", SHARE, 6),
    Feature("distance.bias", "mean signed distance / range", "-0.5..0.5", 3),
    Feature("distance.coherence", "length of the mean direction of the misses on the circle", SHARE, 3),
    Feature("bits.equal", "share of equal bits", SHARE, 3),
    Feature("bits.low", "mean equal bits before the lowest that differs", COUNT, 3),
    Feature("bits.high", "mean equal bits before the highest that differs", COUNT, 3),
    Feature("bits.prefix", "most equal high bits on any miss", COUNT, 17),
    Feature("bits.parity", "share of misses in which an even number of bits differ", SHARE, 5),
    Feature("bits.top", "share of misses with an equal highest bit", SHARE, 5),
    *(
        feature
        for part in PARTS
        for feature in (
            Feature(f"record.{part}_rate", f"{part} matches / scored draws, as step 1 counted them", SHARE),
            Feature(f"record.{part}_lift", f"log2 of ({part} matches + 1) / (chance matches + 1)", ANY),
            Feature(f"record.{part}_rarity", f"-log2 P(chance matches at least as often {part})", BITS),
        )
    ),
    Feature("record.start", "log2(1 + calls discarded before the first draw)", BITS),
    Feature("record.gap", "log2(1 + calls discarded between draws)", BITS),
)
SCORED = Feature("score.scorer", "log-odds of true against chance by the tuned scorer", ANY)
BY_NAME: dict[str, Feature] = {one.name: one for one in FEATURES}


def family_of(column: str) -> str:
    """Return the family in a column's name."""
    return column.partition(".")[0]


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [
        "# Features",
        "Written by `python -m engine.pipeline.features_catalog` from the catalogue; do not edit.",
        f"{len(FEATURES) + 1} columns in {len(FAMILIES)} families. Each is computed from one survivor's predictions and the draws that its "
        "slot may know, at the survivor's own alignment; 'hits' are draws predicted exactly. Columns are left out where draws take "
        "fewer values than they need, and by the lint: constant, copied, trial-naming or too late a count.",
        *(_family(name, meaning) for name, meaning in FAMILIES.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _family(name: str, meaning: str) -> str:
    rows = [one for one in (*FEATURES, SCORED) if family_of(one.name) == name]
    return f"## {name}\n\n{meaning[0].upper()}{meaning[1:]}.\n\n" + "\n".join(_table(rows))


def _table(rows: Iterable[Feature]) -> Iterable[str]:
    yield "| column | formula | range | values needed |"
    yield "|---|---|---|---|"
    for one in rows:
        yield f"| `{one.name}` | {one.formula} | {one.range} | {one.least} |"


if __name__ == "__main__":
    print(page(), end="")
