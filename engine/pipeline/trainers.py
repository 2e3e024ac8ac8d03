"""The four model families by name."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import BadInput
from engine.pipeline.fitting import Trainer
from engine.pipeline.trainer_catboost import CatBoost
from engine.pipeline.trainer_lightgbm import LightGbm
from engine.pipeline.trainer_torch import TorchMlp
from engine.pipeline.trainer_xgboost import XgBoost

TRAINERS: Mapping[str, Trainer] = {
    "torch_mlp": TorchMlp(),
    "xgboost": XgBoost(),
    "lightgbm": LightGbm(),
    "catboost": CatBoost(),
}


def trainer(family: str) -> Trainer:
    """Return a model family by name."""
    if family not in TRAINERS:
        raise BadInput(f"unknown model family {family!r}; known are {', '.join(TRAINERS)}")
    return TRAINERS[family]
