"""Gradient boosted trees by xgboost."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.pipeline.fitting import Boosted, Config, Fitted, Pause, Rows


class XgBoost:
    """The family: stumps first, then deeper trees and more of them."""

    suffix = "ubj"
    ladder: tuple[tuple[Config, ...], ...] = (
        ({"rounds": 30, "max_depth": 1, "eta": 0.2, "lambda": 4.0},),
        (
            {"rounds": 60, "max_depth": 2, "eta": 0.15, "lambda": 2.0},
            {"rounds": 60, "max_depth": 2, "eta": 0.05, "lambda": 8.0},
        ),
        ({"rounds": 120, "max_depth": 4, "eta": 0.1, "lambda": 1.0},),
    )

    def library(self) -> str:
        """Import xgboost."""
        import xgboost

        return f"xgboost {xgboost.__version__}"

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
        """Boost from the chance log-odds."""
        import xgboost

        pause()
        x, labels, weights = rows.classified()
        data = xgboost.DMatrix(x, label=labels, weight=weights, base_margin=np.full(len(x), rows.base))
        settings = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "min_child_weight": 1e-3,
            "nthread": 1,
            "seed": seed,
            "base_score": 0.5,
            **{name: config[name] for name in ("max_depth", "eta", "lambda")},
        }
        return _wrap(xgboost.train(settings, data, num_boost_round=config["rounds"]))

    def load(self, data: bytes) -> Fitted:
        """Read the UBJSON."""
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray(data))
        return _wrap(booster)


def _wrap(booster: Any) -> Fitted:
    leaves = np.array([text.count("leaf=") for text in booster.get_dump()])
    splits = np.zeros(booster.num_features())
    for name, count in booster.get_score(importance_type="weight").items():
        splits[int(name[1:])] = count
    return Boosted(booster, _predict, lambda model: bytes(model.save_raw("ubj")), leaves, splits)


def _predict(model: Any, x: np.ndarray, rounds: int | None) -> np.ndarray:
    import xgboost

    data = xgboost.DMatrix(x, base_margin=np.zeros(len(x)))
    return np.asarray(model.predict(data, output_margin=True, iteration_range=(0, rounds or 0)))
