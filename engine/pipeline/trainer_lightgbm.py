"""Gradient boosted trees by lightgbm."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.pipeline.fitting import Boosted, Config, Fitted, Pause, Rows

COUNTS = "num_leaves="


class LightGbm:
    """The family: two leaves a tree first, then more leaves and more trees."""

    suffix = "txt"
    ladder: tuple[tuple[Config, ...], ...] = (
        ({"rounds": 30, "num_leaves": 2, "learning_rate": 0.2, "lambda_l2": 4.0},),
        (
            {"rounds": 60, "num_leaves": 4, "learning_rate": 0.15, "lambda_l2": 2.0},
            {"rounds": 60, "num_leaves": 4, "learning_rate": 0.05, "lambda_l2": 8.0},
        ),
        ({"rounds": 120, "num_leaves": 12, "learning_rate": 0.1, "lambda_l2": 1.0},),
    )

    def library(self) -> str:
        """Import lightgbm."""
        import lightgbm

        return f"lightgbm {lightgbm.__version__}"

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
        """Boost from the chance log-odds."""
        import lightgbm

        pause()
        x, labels, weights = rows.classified()
        settings = {
            "objective": "binary",
            "boost_from_average": False,
            "min_data_in_leaf": 1,
            "min_data_in_bin": 1,
            "min_sum_hessian_in_leaf": 1e-3,
            "feature_pre_filter": False,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "seed": seed,
            "verbose": -1,
            **{name: config[name] for name in ("num_leaves", "learning_rate", "lambda_l2")},
        }
        base = np.full(len(x), rows.base)
        data = lightgbm.Dataset(x, label=labels, weight=weights, init_score=base, params=settings)
        return _wrap(lightgbm.train(settings, data, num_boost_round=config["rounds"]))

    def load(self, data: bytes) -> Fitted:
        """Read the text."""
        import lightgbm

        return _wrap(lightgbm.Booster(model_str=data.decode()))


def _wrap(booster: Any) -> Fitted:
    text = booster.model_to_string()
    counts = [int(line[len(COUNTS) :]) for line in text.splitlines() if line.startswith(COUNTS)]
    return Boosted(
        booster, _predict, lambda _: text.encode(), np.array(counts), booster.feature_importance("split")
    )


def _predict(model: Any, x: np.ndarray, rounds: int | None) -> np.ndarray:
    return np.asarray(model.predict(x, raw_score=True, num_iteration=-1 if rounds is None else rounds))
