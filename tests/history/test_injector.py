"""Planted draws repeat themselves exactly, survive crashes, and keep their truth to themselves."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import engine
from engine.errors import BadInput, EnvironmentFault, UsageError
from engine.history.injector import BLOCK, TRUTH, ChanceSource, Injector, Plant, choose_plant
from engine.history.store import DrawStore
from hip_cuda_kernels.errors import UnknownName

PLANT = Plant("fake/seed", "mod", 0, 999, seed=123456789, start=2, gap=3)


def call(seed: int, number: int, lo: int, hi: int) -> int:
    return lo + (seed * 2654435761 + number * number * 40503) % (hi - lo + 1)


def fake_values(
    family: str, mapping: str, seed: int, lo: int, hi: int, count: int, *, start: int = 0, gap: int = 0
) -> np.ndarray:
    if family != "fake/seed":
        raise UnknownName(f"family {family!r}: unknown")
    return np.array([call(seed, start + n * (gap + 1), lo, hi) for n in range(count)], dtype=np.int64)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the compiled kernels: any exact stream shows what the injector does with it."""
    monkeypatch.setattr("hip_cuda_kernels.host", SimpleNamespace(values=fake_values), raising=False)


def take(injector: Injector, count: int) -> list[int | None]:
    return [injector.next_draw().value for _ in range(count)]


@pytest.mark.usefixtures("kernels")
def test_draws_are_the_mapping_calls_of_the_plant(tmp_path: Path) -> None:
    injector = Injector.create(tmp_path, PLANT, np.random.default_rng(1))
    expected = [call(PLANT.seed, 2 + 4 * number, 0, 999) for number in range(BLOCK + 50)]
    assert take(injector, BLOCK + 50) == expected


@pytest.mark.usefixtures("kernels")
def test_noise_replaces_about_its_share_and_is_repeatable(tmp_path: Path) -> None:
    noisy = Plant("fake/seed", "mod", 0, 999, seed=5, noise=0.2)
    first = take(Injector.create(tmp_path, noisy, np.random.default_rng(1)), 400)
    wrong = sum(value != call(5, number, 0, 999) for number, value in enumerate(first))
    assert 50 < wrong < 110
    assert take(Injector.open(tmp_path, 100), 50) == first[100:150]


@pytest.mark.usefixtures("kernels")
def test_a_crash_between_source_and_store_loses_and_doubles_nothing(tmp_path: Path) -> None:
    injector = Injector.create(tmp_path / "synthetic", PLANT, np.random.default_rng(1))
    store = DrawStore.open(tmp_path / "history")
    store.append([injector.next_draw() for _ in range(5)])
    injector.next_draw()  # handed out, never stored
    injector = Injector.open(tmp_path / "synthetic", store.known(injector.prefix))
    store.append([injector.next_draw() for _ in range(5)])
    expected = [call(PLANT.seed, 2 + 4 * number, 0, 999) for number in range(10)]
    assert store.snapshot().values.tolist() == expected
    store.append([Injector.open(tmp_path / "synthetic", 3).next_draw()])
    assert store.last == 10
    store.close()


@pytest.mark.usefixtures("kernels")
def test_the_truth_is_private_and_nowhere_among_the_draws(tmp_path: Path) -> None:
    injector = Injector.create(tmp_path / "synthetic", PLANT, np.random.default_rng(1))
    assert (tmp_path / "synthetic" / TRUTH).stat().st_mode & 0o777 == 0o600
    store = DrawStore.open(tmp_path / "history")
    store.append([injector.next_draw() for _ in range(20)])
    text = store.path.read_text()
    assert "fake" not in text
    assert "mod" not in text
    assert str(PLANT.seed) not in text
    assert Injector.open(tmp_path / "synthetic").reveal() == PLANT
    store.close()


def test_only_soaks_may_look_at_the_truth() -> None:
    root = Path(engine.__file__).parent
    looking = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"synthetic_truth|\.reveal\(", path.read_text(encoding="utf-8"))
    }
    assert {path for path in looking if not path.startswith("soak/")} == {"history/injector.py"}


@pytest.mark.usefixtures("kernels")
def test_bad_plants_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(BadInput, match="wants 0 <= lo < hi"):
        Injector.create(tmp_path, Plant("fake/seed", "mod", 5, 5, 1), rng)
    with pytest.raises(UsageError, match="planted truth: family 'none': unknown"):
        Injector.create(tmp_path, Plant("none", "mod", 0, 9, 1), rng)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="no truth is planted here"):
        Injector.open(tmp_path)
    Injector.create(tmp_path, PLANT, rng)
    with pytest.raises(UsageError, match="planted here already"):
        Injector.create(tmp_path, PLANT, rng)
    (tmp_path / TRUTH).write_text("{}")
    with pytest.raises(EnvironmentFault, match="not a planted truth"):
        Injector.open(tmp_path)


def test_chance_keeps_its_range_and_names_every_draw() -> None:
    source = ChanceSource(1, 6)
    draws = [source.next_draw() for _ in range(300)]
    assert {draw.value for draw in draws} == set(range(1, 7))
    assert len({draw.id for draw in draws}) == 300
    with pytest.raises(UsageError, match="two values or more"):
        ChanceSource(3, 3)


def test_chosen_plants_are_registered_and_within_bounds() -> None:
    rng = np.random.default_rng(3)
    plants = [choose_plant(rng, seeds=2**20, starts=4, gaps=8, noise=0.1) for _ in range(60)]
    assert len({plant.family for plant in plants}) >= 3
    assert all(
        plant.seed < 2**20 and plant.start < 4 and plant.gap < 8 and plant.noise == 0.1 for plant in plants
    )
    assert len({plant.seed for plant in plants}) > 50
    with pytest.raises(UsageError, match="planted truth:"):
        choose_plant(rng, families=["no-such-family"])


def test_real_kernels_give_the_stream_in_blocks_as_in_one_piece(tmp_path: Path) -> None:
    host = pytest.importorskip("hip_cuda_kernels.host", exc_type=ImportError)
    if not hasattr(host, "values"):
        pytest.skip("the compiled kernels are not built")
    rng = np.random.default_rng(4)
    for number in range(6):
        plant = choose_plant(rng, starts=5, gaps=4)
        injector = Injector.create(tmp_path / str(number), plant, rng)
        whole = host.values(
            plant.family, plant.mapping, plant.seed, plant.lo, plant.hi, 600, start=plant.start, gap=plant.gap
        )
        assert take(injector, 600) == whole.tolist(), plant
