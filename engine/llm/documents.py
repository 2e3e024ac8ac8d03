"""From what a step wrote to the parts of its kind of context: plain documents in, plain parts out. Pure; the kinds' fields do the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Document = Mapping[str, Any]
Parts = dict[str, Any]


def parts_of(step: str, documents: Mapping[str, Document], metrics: Document | None = None) -> Parts:
    """Return the parts that a step's documents (by file name as it writes them) and its metrics give; nothing where none is known."""
    file, make = SOURCES.get(step, ("", dict))
    measured = MEASURED.get(step)
    return {
        **(make(documents[file]) if file in documents else {}),
        **(measured(metrics) if measured and metrics else {}),
    }


def _window(document: Document) -> Parts:
    return {"window": document, "trials": _best_first(document)}


def _scorer(document: Document) -> Parts:
    return {"scorer": document, "trials": _best_first(document)}


def _scores(document: Document) -> Parts:
    head = document.get("scores", document)
    return {"scores": {**head, "rows": len(document.get("survivors", ()))} if "scores" in document else head}


def _capacity(document: Document) -> Parts:
    rungs = [{"family": family, **row} for family, rows in document.get("tried", {}).items() for row in rows]
    return {"capacity": document, "rungs": rungs}


def _training(document: Document) -> Parts:
    return {"training": document, "models": document.get("models", {})}


def pool_part(document: Document) -> Parts:
    """Return a pool without the values that it names: how many, how much they cover, what chance would."""
    heads = document.get("heads", ())
    lo, hi = document.get("range", (0, 0))
    named = {"named": len(heads), "covered": round(sum(chance for _, chance in heads), 6)}
    return {**document, **named, "chance": round(len(heads) / (hi - lo + 1), 6)}


def _pool(document: Document) -> Parts:
    return {"pool": pool_part(document)}


def _survivors(metrics: Document) -> Parts:
    return {"survivors": {name: metrics[key] for name, key in SURVIVORS.items() if key in metrics}}


def _features(metrics: Document) -> Parts:
    return {"features": metrics["columns"]} if "columns" in metrics else {}


def _best_first(document: Document) -> list[Any]:
    """Return the trials, best first, so that a cut loses the worst."""
    return sorted(document.get("trials", ()), key=lambda trial: -float(trial["value"]))


SOURCES: Mapping[str, tuple[str, Callable[[Document], Parts]]] = {
    "1": ("optimal_window_config.json", _window),
    "2.5": ("optimal_scorer_config.json", _scorer),
    "3": ("survivors_with_scores.json", _scores),
    "4": ("reinforcement_engine_config.json", _capacity),
    "5": ("best_model.meta.json", _training),
    "6": ("prediction_pool.json", _pool),
}
SURVIVORS = {
    "kept": "kept", "found": "found", "expected_by_chance": "expected_false", "null_hits": "null_hits", "pruned": "pruned",
    "best_bits": "best_evidence_bits", "required_bits": "required_bits", "backward": "backward",
}  # fmt: skip
MEASURED: Mapping[str, Callable[[Document], Parts]] = {"1": _survivors, "3": _features}
