"""What each kind of context holds: its parts in the order of the prompt, each with its fields and its share of the room.

A part with fields takes these and no others, so that a prompt carries aggregates: no draw, seed, state or single survivor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Fields = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One section of a prompt. `share` is its weight when room is scarce; `fields` are all that is taken of its records."""

    name: str
    share: int
    fields: Fields = ()


@dataclass(frozen=True)
class Kind:
    """One kind of context: what it is about in one line, and its parts."""

    name: str
    about: str
    parts: tuple[Part, ...]

    def part(self, name: str) -> Part:
        """Return one part by name."""
        return next(part for part in self.parts if part.name == name)


POOL: Fields = (
    "for_draw",
    "range",
    "basis",
    "uniform",
    "covered",
    "chance",
    "named",
    "pools",
    "rest",
    "model",
    "sha256",
)
POLICY: Fields = ("version", "policy", "how", "why")
TRIALS: Fields = ("number", "params", "value", "detail", "state")

# What the watcher's questions have in common, whatever the step.
COMMON: tuple[Part, ...] = (
    Part("request", 4),
    Part("evidence", 18),
    Part("findings", 8),
    Part("code_decision", 3),
    Part("parameters", 6),
    Part("earlier_decisions", 10),
)


def _step(name: str, about: str, *parts: Part) -> Kind:
    return Kind(name, about, (*COMMON, *parts))


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        _step("step", "one step of the pipeline"),
        _step(
            "1", "step 1, window optimizer: which window, gaps and threshold select the survivors",
            Part("window", 8, ("range", "search", "confirm", "window", "identified", "required_bits", "session", "starts", "gaps", "threshold", "objective")),
            Part("survivors", 6, ("kept", "found", "expected_by_chance", "null_hits", "pruned", "best_bits", "required_bits", "backward")),
            Part("trials", 12, TRIALS),
        ),
        _step(
            "2.5", "step 2.5, scorer meta-optimizer: how survivors are scored",
            Part("scorer", 8, ("families", "names", "penalty", "bits", "bits_by_chance", "reciprocal_rank", "clip")),
            Part("trials", 12, TRIALS),
        ),
        _step(
            "3", "step 3, full scoring: features of every survivor and decoy",
            Part("scores", 8, ("rows", "decoys", "chance", "dev", "final", "embargo", "overlap", "families", "dropped")),
            Part("features", 12, ("name", "mean", "spread", "lowest", "highest", "correlation")),
        ),
        _step(
            "4", "step 4, capacity: how large each model may be",
            Part("capacity", 10, ("models", "draws")),
            Part("rungs", 10, ("family", "rung", "config", "size", "bits")),
        ),
        _step(
            "5", "step 5, training: the models, judged on a final block opened once",
            Part("training", 8, ("family", "selected", "verdict", "signal", "chance", "confidence", "overlap", "opened", "final", "decoys", "blocks")),
            Part("models", 12),
        ),
        _step(
            "6", "step 6, forecast: the pool for the next draw",
            Part("pool", 8, POOL),
            Part("calibration", 8, ("forecast", "hits", "hits_expected_by_chance", "hits_expected_by_pool", "brier", "brier_skill", "calibration_error")),
        ),
        Kind(
            "chapter13", "Chapter 13, live feedback: how the published pools do, and what should follow",
            (
                Part("health", 12, (
                    "last_draw", "forecast", "unforecast", "missing", "hits", "hits_expected_by_chance", "hits_expected_by_pool", "lift",
                    "recent_hits", "recent_draws", "recent_expected_by_chance", "recent_expected_by_pool", "recent_lift", "bits_over_chance",
                    "best_bits_over_chance", "brier", "brier_skill", "calibration_error", "survivor_drift", "pool_coverage",
                )),
                Part("trigger", 6, ("trigger", "request", "reason", "since", "bits", "required")),
                Part("pool", 6, POOL),
                Part("drift", 8, ("name", "shift")),
                Part("policy", 5, POLICY),
                Part("candidates", 8, ("id", "policy", "model", "fitness", "baseline", "null", "episodes", "outcome", "draws", "bits", "required")),
                Part("retrains", 6, ("trigger", "request", "outcome", "lift_before", "lift_since", "draws_since")),
                Part("parameters", 6),
                Part("earlier_decisions", 8),
            ),
        ),
        Kind(
            "selfplay", "selfplay: which transforms of the training data are worth more episodes",
            (
                Part("material", 6, ("rows", "columns", "blocks", "chance", "draws_seen")),
                Part("arms", 14, ("arm", "pulls", "mean", "spread")),
                Part("episodes", 14, ("number", "arm", "policy", "model", "fitness", "baseline", "null", "gain", "seconds")),
                Part("best", 6, ("arm", "policy", "model", "fitness", "baseline", "null", "gain")),
                Part("policy", 5, POLICY),
                Part("parameters", 4),
            ),
        ),
    )
}  # fmt: skip
