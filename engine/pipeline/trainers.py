"""The four model families behind one face: each learns how far a row's hit odds lie from chance, and can be stored and loaded.

Every family gets the chance log-odds as its starting margin, so an untrained or a well-regularised model predicts a lift of 1.
A row with h hits in n draws stands twice, as a hit of weight h and a miss of weight n - h, after one draw's worth of chance.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.errors import BadInput

Config = dict[str, Any]
Pause = Callable[[], None]
PRIOR_DRAWS = 1.0


@dataclass(frozen=True)
class Rows:
    """Training rows: features (R, F) float, hits and scored draws (R,), and the chance of a hit."""

    x: np.ndarray
    hits: np.ndarray
    scored: np.ndarray
    chance: float

    @property
    def base(self) -> float:
        """Return the log-odds of chance."""
        return float(np.log(self.chance) - np.log1p(-self.chance))

    def classified(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return features, labels and weights with each row as a hit and as a miss."""
        hit = self.hits + PRIOR_DRAWS * self.chance
        miss = self.scored - self.hits + PRIOR_DRAWS * (1.0 - self.chance)
        rows = len(self.x)
        labels = np.concatenate([np.ones(rows), np.zeros(rows)])
        return np.vstack([self.x, self.x]), labels, np.concatenate([hit, miss])


class Fitted(Protocol):
    """A trained model."""

    @property
    def size(self) -> int:
        """Return the number of fitted numbers: its capacity."""

    def margin(self, x: np.ndarray) -> np.ndarray:
        """Return the log-odds above chance for rows (R, F)."""

    def dump(self) -> bytes:
        """Return the model in its library's own plain format, never a pickle."""


class Trainer(Protocol):
    """A model family; `ladder` lists its capacities, the smallest first."""

    suffix: str
    ladder: tuple[Config, ...]

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
        """Train one model; `pause` raises Halted when a halt came."""

    def load(self, data: bytes) -> Fitted:
        """Return a stored model."""


@dataclass(frozen=True)
class _Mlp:
    """A small tanh network, run by numpy; torch trains it."""

    centre: np.ndarray
    scale: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    @property
    def size(self) -> int:
        return sum(weight.size + bias.size for weight, bias in self.layers)

    def margin(self, x: np.ndarray) -> np.ndarray:
        z = np.clip((x - self.centre) / self.scale, -8.0, 8.0)
        for weight, bias in self.layers[:-1]:
            z = np.tanh(z @ weight.T + bias)
        weight, bias = self.layers[-1]
        return np.asarray((z @ weight.T + bias)[:, 0])

    def dump(self) -> bytes:
        arrays = {"centre": self.centre, "scale": self.scale}
        for at, (weight, bias) in enumerate(self.layers):
            arrays |= {f"weight{at}": weight, f"bias{at}": bias}
        target = io.BytesIO()
        np.savez(target, **arrays)  # type: ignore[arg-type]
        return target.getvalue()


class TorchMlp:
    """A multilayer perceptron in torch: tanh, AdamW, full batches."""

    suffix = "npz"
    ladder: tuple[Config, ...] = (
        {"hidden": [4], "epochs": 120, "rate": 0.03, "decay": 0.1},
        {"hidden": [12], "epochs": 160, "rate": 0.02, "decay": 0.05},
        {"hidden": [24, 12], "epochs": 200, "rate": 0.01, "decay": 0.02},
    )

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
        import torch

        torch.set_num_threads(1)  # small matrices: more threads only wait for each other
        torch.manual_seed(seed)
        centre, scale = rows.x.mean(axis=0), np.maximum(rows.x.std(axis=0), 1e-9)
        x, labels, weights = rows.classified()
        inputs = torch.tensor(np.clip((x - centre) / scale, -8.0, 8.0), dtype=torch.float32)
        wanted, weight = (torch.tensor(one, dtype=torch.float32) for one in (labels, weights / weights.sum()))
        network = self._network(inputs.shape[1], config["hidden"])
        optimiser = torch.optim.AdamW(network.parameters(), lr=config["rate"], weight_decay=config["decay"])
        # the mean over draws is dominated by misses near chance; this scale keeps hits visible to the optimiser
        loudness = 1.0 / max(rows.chance, float(rows.hits.sum() / max(1.0, rows.scored.sum())))
        for epoch in range(config["epochs"]):
            if epoch % 20 == 0:
                pause()
            optimiser.zero_grad()
            margin = network(inputs)[:, 0] + rows.base
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                margin, wanted, weight, reduction="sum"
            )
            (loss * min(loudness, 100.0)).backward()
            optimiser.step()
        linear = [part for part in network if isinstance(part, torch.nn.Linear)]
        with (
            torch.no_grad()
        ):  # a column that never varied taught nothing: its random first weights must not speak
            linear[0].weight[:, torch.tensor(np.ptp(rows.x, axis=0) == 0.0)] = 0.0
        return _Mlp(
            centre,
            scale,
            tuple(
                (part.weight.detach().numpy().astype(float), part.bias.detach().numpy().astype(float))
                for part in linear
            ),
        )

    @staticmethod
    def _network(inputs: int, hidden: list[int]) -> Any:
        import torch

        parts: list[Any] = []
        for width in hidden:
            parts += [torch.nn.Linear(inputs, width), torch.nn.Tanh()]
            inputs = width
        last = torch.nn.Linear(inputs, 1)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)  # training begins at a lift of exactly 1
        return torch.nn.Sequential(*parts, last)

    def load(self, data: bytes) -> Fitted:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            count = sum(name.startswith("weight") for name in stored.files)
            layers = tuple((stored[f"weight{at}"], stored[f"bias{at}"]) for at in range(count))
            return _Mlp(stored["centre"], stored["scale"], layers)


@dataclass(frozen=True)
class _Boosted:
    """A booster of any of the three libraries behind one face."""

    booster: Any
    predict: Callable[[Any, np.ndarray], np.ndarray]
    store: Callable[[Any], bytes]
    size: int

    def margin(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.predict(self.booster, x), dtype=float)

    def dump(self) -> bytes:
        return self.store(self.booster)


class XgBoost:
    """Gradient boosted trees by xgboost."""

    suffix = "ubj"
    ladder: tuple[Config, ...] = (
        {"rounds": 30, "max_depth": 1, "eta": 0.2, "lambda": 4.0},
        {"rounds": 60, "max_depth": 2, "eta": 0.15, "lambda": 2.0},
        {"rounds": 120, "max_depth": 4, "eta": 0.1, "lambda": 1.0},
    )

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
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
        return self._wrap(xgboost.train(settings, data, num_boost_round=config["rounds"]))

    def load(self, data: bytes) -> Fitted:
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray(data))
        return self._wrap(booster)

    @staticmethod
    def _wrap(booster: Any) -> Fitted:
        import xgboost

        def predict(model: Any, x: np.ndarray) -> np.ndarray:
            data = xgboost.DMatrix(x, base_margin=np.zeros(len(x)))
            return np.asarray(model.predict(data, output_margin=True))

        leaves = sum(text.count("leaf=") for text in booster.get_dump())
        return _Boosted(booster, predict, lambda model: bytes(model.save_raw("ubj")), leaves)


class LightGbm:
    """Gradient boosted trees by lightgbm."""

    suffix = "txt"
    ladder: tuple[Config, ...] = (
        {"rounds": 30, "num_leaves": 2, "learning_rate": 0.2, "lambda_l2": 4.0},
        {"rounds": 60, "num_leaves": 4, "learning_rate": 0.15, "lambda_l2": 2.0},
        {"rounds": 120, "num_leaves": 12, "learning_rate": 0.1, "lambda_l2": 1.0},
    )

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
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
        return self._wrap(lightgbm.train(settings, data, num_boost_round=config["rounds"]))

    def load(self, data: bytes) -> Fitted:
        import lightgbm

        return self._wrap(lightgbm.Booster(model_str=data.decode()))

    @staticmethod
    def _wrap(booster: Any) -> Fitted:
        text = booster.model_to_string()
        leaves = sum(
            int(line.partition("=")[2]) for line in text.splitlines() if line.startswith("num_leaves=")
        )
        return _Boosted(
            booster, lambda model, x: model.predict(x, raw_score=True), lambda _: text.encode(), leaves
        )


class CatBoost:
    """Gradient boosted symmetric trees by catboost."""

    suffix = "cbm"
    ladder: tuple[Config, ...] = (
        {"iterations": 30, "depth": 1, "learning_rate": 0.3, "l2_leaf_reg": 4.0},
        {"iterations": 60, "depth": 2, "learning_rate": 0.2, "l2_leaf_reg": 2.0},
        {"iterations": 100, "depth": 4, "learning_rate": 0.1, "l2_leaf_reg": 1.0},
    )

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
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
                **config,
            }
        )
        return self._wrap(model.fit(pool))

    def load(self, data: bytes) -> Fitted:
        import catboost

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            path.write_bytes(data)
            return self._wrap(catboost.CatBoost().load_model(str(path)))

    @staticmethod
    def _wrap(model: Any) -> Fitted:
        def predict(made: Any, x: np.ndarray) -> np.ndarray:
            return np.asarray(made.predict(x, prediction_type="RawFormulaVal"))

        return _Boosted(model, predict, _store_catboost, int(np.sum(model.get_tree_leaf_counts())))


def _store_catboost(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        model.save_model(str(path))
        return path.read_bytes()


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
