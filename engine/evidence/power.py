"""The power that planted truths prove: exact lower confidence bounds."""

from __future__ import annotations

from scipy.special import betaincinv


def clopper_pearson_lower(found: int, planted: int, *, confidence: float = 0.95) -> float:
    """Return the one-sided lower bound of the detection rate after `found` of `planted` truths were found."""
    _check(found, planted, confidence)
    return 0.0 if found == 0 else float(betaincinv(found, planted - found + 1, 1.0 - confidence))


def clopper_pearson_upper(found: int, planted: int, *, confidence: float = 0.95) -> float:
    """Return the one-sided upper bound of the rate behind `found` of `planted`."""
    _check(found, planted, confidence)
    return 1.0 if found == planted else float(betaincinv(found + 1, planted - found, confidence))


def _check(found: int, planted: int, confidence: float) -> None:
    if not 0 <= found <= planted or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"{found} of {planted} at {confidence}: counts must nest, confidence lie inside (0, 1)"
        )
