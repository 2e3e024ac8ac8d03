"""Gradient boosted symmetric trees by catboost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.pipeline.fitting import Boosted, Config, Fitted, Pause, Rows

ONE_TRAINING = ("train_finish_time", "model_guid")


class CatBoost:
    """The family: depth one first, then deeper trees and more of them."""

    suffix = "cbm"
    ladder: tuple[tuple[Config, ...], ...] = (
        ({"rounds": 30, "depth": 1, "learning_rate": 0.3, "l2_leaf_reg": 4.0},),
        (
            {"rounds": 60, "depth": 2, "learning_rate": 0.2, "l2_leaf_reg": 2.0},
            {"rounds": 60, "depth": 2, "learning_rate": 0.07, "l2_leaf_reg": 8.0},
        ),
        ({"rounds": 100, "depth": 4, "learning_rate": 0.1, "l2_leaf_reg": 1.0},),
    )

    def library(self) -> str:
        """Import catboost."""
        import catboost

        return f"catboost {catboost.__version__}"

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
        """Boost from the chance log-odds."""
        import catboost

        pause()
        x, labels, weights = rows.classified()
        pool = catboost.Pool(x, label=labels, weight=weights, baseline=np.full(len(x), rows.base))
        model = catboost.CatBoost(
            {
                "loss_function": "Logloss",
                "boost_from_average": False,
                "random_seed": seed,
                "thread_count": 1,
                "allow_writing_files": False,
                "verbose": False,
                "iterations": config["rounds"],
                **{name: config[name] for name in ("depth", "learning_rate", "l2_leaf_reg")},
            }
        )
        return _wrap(model.fit(pool))

    def load(self, data: bytes) -> Fitted:
        """Read catboost's own binary format."""
        import catboost

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            path.write_bytes(data)
            return _wrap(catboost.CatBoost().load_model(str(path)))


def _wrap(model: Any) -> Fitted:
    splits = np.asarray(model.get_feature_importance(type="PredictionValuesChange"), dtype=float)
    return Boosted(model, _predict, _store, np.asarray(model.get_tree_leaf_counts()), splits)


def _predict(model: Any, x: np.ndarray, rounds: int | None) -> np.ndarray:
    return np.asarray(model.predict(x, prediction_type="RawFormulaVal", ntree_end=rounds or 0))


def _store(model: Any) -> bytes:
    """Return the file without what names one training: equal models are equal bytes, so that a resumed run repeats an unbroken one."""
    told = model.get_metadata()
    for name in ONE_TRAINING:
        told[name] = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        model.save_model(str(path))
        return path.read_bytes()
