"""The neural net: a multilayer perceptron in torch (tanh, AdamW, full batches), run by numpy once it is trained."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import BadInput
from engine.pipeline.fitting import Anatomy, Config, Fitted, Pause, Rows
from state.npz import load_arrays

Layers = tuple[tuple[np.ndarray, np.ndarray], ...]
KEPT = 8  # snapshots of a training, evenly spaced
STILL = 1e-3  # a hidden unit that moves less over all rows does nothing
FAINT = 1e-2  # of the strongest feature's weight; below it a feature does nothing


@dataclass(frozen=True)
class Mlp:
    """A small tanh network; `stages` are earlier states of its training by round."""

    centre: np.ndarray
    scale: np.ndarray
    layers: Layers
    stages: tuple[tuple[int, Layers], ...] = ()
    gradient_decades: float | None = None

    @property
    def size(self) -> int:
        """Return the number of weights."""
        return sum(weight.size + bias.size for weight, bias in self.layers)

    def margin(self, x: np.ndarray, rounds: int | None = None) -> np.ndarray:
        """Return the log-odds above chance, as of the last snapshot at or before `rounds`."""
        layers = self.layers
        if rounds is not None:
            layers = next((one for at, one in reversed(self.stages) if at <= rounds), self.stages[0][1])
        weight, bias = layers[-1]
        return np.asarray((self._hidden(x, layers)[-1] @ weight.T + bias)[:, 0])

    def _hidden(self, x: np.ndarray, layers: Layers) -> list[np.ndarray]:
        z = [np.clip((x - self.centre) / self.scale, -8.0, 8.0)]
        for weight, bias in layers[:-1]:
            z.append(np.tanh(z[-1] @ weight.T + bias))
        return z

    def anatomy(self, x: np.ndarray) -> Anatomy:
        """Count hidden units that do not move, and features whose weights are next to nothing."""
        units = [z.std(axis=0) for z in self._hidden(x, self.layers)[1:]]
        moves = np.concatenate(units) if units else np.ones(1)
        pull = np.abs(self.layers[0][0]).max(axis=0)
        unused = pull < FAINT * max(float(pull.max()), 1e-300)
        return Anatomy(float(np.mean(moves < STILL)), float(np.mean(unused)), self.gradient_decades)

    def dump(self) -> bytes:
        """Return an NPZ."""
        arrays = {"centre": self.centre, "scale": self.scale}
        for at, (weight, bias) in enumerate(self.layers):
            arrays |= {f"weight{at}": weight, f"bias{at}": bias}
        target = io.BytesIO()
        np.savez(target, **arrays)  # type: ignore[arg-type]
        return target.getvalue()


class TorchMlp:
    """The family: linear and narrow first, then wider, then deeper."""

    suffix = "npz"
    ladder: tuple[tuple[Config, ...], ...] = (
        (
            {"hidden": [], "rounds": 120, "rate": 0.03, "decay": 0.1},
            {"hidden": [4], "rounds": 120, "rate": 0.03, "decay": 0.1},
        ),
        ({"hidden": [12], "rounds": 160, "rate": 0.02, "decay": 0.05},),
        ({"hidden": [24, 12], "rounds": 200, "rate": 0.01, "decay": 0.02},),
    )

    def library(self) -> str:
        """Import torch."""
        import torch

        return f"torch {torch.__version__}"

    def fit(self, rows: Rows, config: Config, seed: int, pause: Pause) -> Fitted:
        """Train by full batches; the loss weighs rows by draws."""
        import torch

        torch.set_num_threads(1)  # small matrices: more threads only wait for each other
        torch.manual_seed(seed)
        centre, scale = rows.x.mean(axis=0), np.maximum(rows.x.std(axis=0), 1e-9)
        x, labels, weights = rows.classified()
        inputs = torch.tensor(np.clip((x - centre) / scale, -8.0, 8.0), dtype=torch.float32)
        wanted, weight = (torch.tensor(one, dtype=torch.float32) for one in (labels, weights / weights.sum()))
        network = self._network(inputs.shape[1], config["hidden"])
        with (
            torch.no_grad()
        ):  # a column that never varied teaches nothing: its random first weights must not speak
            _linear(network)[0].weight[:, torch.tensor(np.ptp(rows.x, axis=0) == 0.0)] = 0.0
        optimiser = torch.optim.AdamW(network.parameters(), lr=config["rate"], weight_decay=config["decay"])
        # the mean over draws is dominated by misses near chance; this scale keeps hits visible to the optimiser
        loudness = min(100.0, 1.0 / max(rows.chance, float(rows.hits.sum() / max(1.0, rows.scored.sum()))))
        total, stages = config["rounds"], []
        for epoch in range(1, total + 1):
            if epoch % 20 == 1:
                pause()
            optimiser.zero_grad()
            margin = network(inputs)[:, 0] + rows.base
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                margin, wanted, weight, reduction="sum"
            )
            (loss * loudness).backward()
            if epoch % max(1, total // KEPT) == 0 or epoch == total:
                spread = _decades(network)
                optimiser.step()
                stages.append((epoch, _layers(network)))
            else:
                optimiser.step()
        return Mlp(centre, scale, stages[-1][1], tuple(stages), spread)

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
        """Read the NPZ; BadInput where it is no network: layers that fit each other, of finite numbers."""
        try:
            stored = load_arrays(io.BytesIO(data))
            count = sum(name.startswith("weight") for name in stored)
            layers = tuple((stored[f"weight{at}"], stored[f"bias{at}"]) for at in range(count))
            made = Mlp(stored["centre"], stored["scale"], layers, ((0, layers),))
            _check(made)
        except (KeyError, ValueError) as error:
            raise BadInput(f"the network is damaged ({error}); run step 5 again") from error
        return made


def _check(net: Mlp) -> None:
    """Raise ValueError unless the layers are finite floats that lead from the columns to one number."""
    arrays = (net.centre, net.scale, *(array for layer in net.layers for array in layer))
    if not net.layers or not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays):
        raise ValueError("it has no layers, or numbers that are not finite")
    width = net.centre.shape
    for weight, bias in net.layers:
        if weight.ndim != 2 or (weight.shape[1],) != width or bias.shape != weight.shape[:1]:
            raise ValueError("its layers do not fit each other")
        width = bias.shape
    if net.scale.shape != net.centre.shape or width != (1,):
        raise ValueError("its layers do not lead from the columns to one number")


def _linear(network: Any) -> list[Any]:
    import torch

    return [part for part in network if isinstance(part, torch.nn.Linear)]


def _layers(network: Any) -> Layers:
    return tuple(
        (part.weight.detach().numpy().astype(float), part.bias.detach().numpy().astype(float))
        for part in _linear(network)
    )


def _decades(network: Any) -> float:
    """Return how many powers of ten lie between the layers' largest and smallest gradient."""
    sizes = [max(float(part.weight.grad.norm()), 1e-30) for part in _linear(network)]
    return float(np.log10(max(sizes) / min(sizes)))
