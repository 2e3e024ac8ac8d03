"""Content checks: each step's output is looked at for what once meant a silent fault, before a later step may read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.pipeline.artifacts import Pool
from engine.pipeline.scored import Scored
from engine.search.survivors import Survivors
from engine.watcher import anomaly
from engine.watcher.evaluation import Finding

BYTES_PER_SURVIVOR = 40.0
SUM_TOLERANCE = 1e-9
MANY, SLACK = (
    4.0,
    30.0,
)  # survivors of one stream come in clusters: their number varies more than a count of its own
SAME_DIGITS = 12
LABEL = "hit rate"


def window_search(trials: Sequence[float], kept: Survivors, size: int) -> list[Finding]:
    """Check step 1: trials that differ, directions that differ, a file as large as its rows."""
    forward, backward = kept["forward_matched"], kept["backward_matched"]
    tried = [
        anomaly.equal_trials(trials),
        anomaly.too_small("survivors", size, len(kept), BYTES_PER_SURVIVOR),
        anomaly.equal_directions(forward.tolist(), backward.tolist()),
    ]
    return [finding for finding in tried if finding is not None] + _duplicates(kept)


def null_counts(null: float, expected: float) -> list[Finding]:
    """Check step 1: the null twins met about as many survivors as chance leaves; else the threshold is not the stated one."""
    if null > MANY * expected + SLACK:
        return [
            _fail(
                "twins.many",
                f"a null twin met {null:.0f} survivors, chance leaves {expected:.1f}: the count threshold is not met by chance alone",
            )
        ]
    if MANY * (null + SLACK) < expected:
        return [
            _fail(
                "twins.few",
                f"a null twin met {null:.0f} survivors, chance leaves {expected:.1f}: the sieve may not have run",
            )
        ]
    return []


def scorer_search(trials: Sequence[float], weights: Sequence[float]) -> list[Finding]:
    """Check step 2.5: trials that differ, weights that are not all zero."""
    found = [one for one in (anomaly.equal_trials(trials),) if one is not None]
    if not np.any(np.asarray(weights)):
        found.append(_fail("scorer.empty", "every weight of the scorer is 0: it ranks nothing"))
    return found


def scored(table: Scored, size: int) -> list[Finding]:
    """Check step 3: finite numbers, no constant column, no copy, no column that is the label, a file as large as its rows."""
    flat = table.x.reshape(-1, table.x.shape[2])
    if not np.isfinite(flat).all():
        bad = [
            name for name, ok in zip(table.head.names, np.isfinite(flat).all(axis=0), strict=True) if not ok
        ]
        return [_fail("column.infinite", f"columns {', '.join(bad)} hold numbers that are not finite")]
    spread = {
        name: (float(flat[:, at].min()), float(flat[:, at].max())) for at, name in enumerate(table.head.names)
    }
    found = anomaly.constant_columns(spread, len(flat))
    small = anomaly.too_small("scores", size, len(table.alignments()), 8.0 * table.x.shape[2] * len(table.x))
    return found + _correlated(table) + ([small] if small else [])


def _correlated(table: Scored) -> list[Finding]:
    """Look for columns that are another one in all rows, or the hit rate that they are to foretell, up to scale."""
    hits, seen = table.targets
    rate = np.divide(hits, seen, out=np.zeros(hits.shape), where=seen > 0).ravel()
    known = {**_columns(table, len(hits)), LABEL: rate.tolist()}
    leaks = [one for one in anomaly.perfect_correlation(known, LABEL) if one.code == "column.leak"]
    return leaks + anomaly.perfect_correlation(_columns(table, len(table.x)))


def _columns(table: Scored, blocks: int) -> dict[str, list[float]]:
    rows = table.x[:blocks].reshape(-1, table.x.shape[2])
    return {name: rows[:, at].tolist() for at, name in enumerate(table.head.names)}


def architectures(tried: Mapping[str, Sequence[float]]) -> list[Finding]:
    """Check step 4: families that all score the same to the last digit did not train."""
    firsts = [round(scores[0], SAME_DIGITS) for scores in tried.values() if scores]
    return _identical(
        "models.equal", firsts, "model families score exactly the same: they may not have trained"
    )


def training(rates: Mapping[str, np.ndarray], seconds: Sequence[float]) -> list[Finding]:
    """Check step 5: models that differ from each other and took different times."""
    found = _identical(
        "models.equal",
        [round(float(rate.sum()), SAME_DIGITS) for rate in rates.values()],
        "models state exactly the same hit rates: they may not have trained",
    )
    return found + anomaly.repeated_episodes(list(seconds), [])


def pool(made: Pool) -> list[Finding]:
    """Check step 6: probabilities in 0..1 that sum to 1, heads in order, uniform if and only if nothing is named."""
    found = []
    if abs(made.total() - 1.0) > SUM_TOLERANCE:
        found.append(_fail("pool.sum", f"probabilities sum to {made.total():.12f}"))
    if min([made.rest, *(chance for _, chance in made.heads)]) < 0.0:
        found.append(_fail("pool.negative", "a probability is negative"))
    if made.uniform != (not made.heads):
        found.append(_fail("pool.uniform", f"says uniform={made.uniform} and names {len(made.heads)} values"))
    return found


def _identical(code: str, values: Sequence[float], text: str) -> list[Finding]:
    return [_fail(code, text)] if len(values) > 1 and len(set(values)) == 1 else []


def _duplicates(kept: Survivors) -> list[Finding]:
    twice = len(kept) - len(np.unique(kept["digest"]))
    return [_fail("survivors.twice", f"{twice} survivors stand more than once")] if twice else []


def _fail(code: str, text: str) -> Finding:
    return Finding(code=code, level="fail", text=text)
