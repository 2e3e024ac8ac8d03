"""After a reseed: the same generator is found under its new seed within a few draws; chance is not taken for one."""

import numpy as np
import pytest

from engine.compute.stop import Stop, StopWord
from engine.history.history import Draw
from engine.pipeline.pool import Believer, make, reissue, seal
from engine.pipeline.reacquire import TRUSTED, begin, due, look, reacquired, run_task, task, trusted
from engine.pipeline.varying import walk as walked
from engine.search.alignment import Alignment, Gap, Origin
from hip_cuda_kernels import host

SPAN, SEEDS = (0, 999), (0, (1 << 14) - 1)
OLD, NEW, AT, GAP, START = 77, 4242, 60, 2, 1


def pattern(session=None):
    return Alignment(
        family="lcg48/java",
        mapping="java_bounded",
        range=SPAN,
        origin=Origin.seed(OLD, 48),
        start=START,
        gap=Gap.constant(GAP),
        session=session,
    )


def stream(seed, count):
    return host.values("lcg48/java", "java_bounded", seed, *SPAN, count, start=START, gap=GAP)


def pool_of(session=None, position=40, for_draw=40):
    believer = Believer(pattern(session), position, 0.999, 0.8, 30, 40)
    return make(
        [believer],
        history="h",
        for_draw=for_draw,
        session=session,
        span=SPAN,
        basis="model",
        model="m",
        heads=20,
    )


class Walk:
    """A walk over draws that judges, advances and searches like the live loop; `took` are the seeds that were put in force."""

    def __init__(self, path):
        self.word, self.took = StopWord(path), []

    def __call__(self, pool, draws):
        watch, named = begin(pool), []
        for draw in draws[pool.for_draw :]:
            named.append([value for value, _ in pool.heads[:20]])
            watch = look(watch, pool, draw)
            pool = reissue(pool, draw.index + 1, [draw])
            if due(watch):
                pool = self.searched(pool, watch, draws[: draw.index + 1])
        return pool, named

    def searched(self, pool, watch, recent):
        asked = task("again", watch, recent, SEEDS)
        found = run_task(asked.params, asked.arrays, Stop(self.word, self.word.generation()))[1]["found"]
        pool = reacquired(pool, watch, found, recent, SEEDS)
        assert pool.sha256 == seal(pool)
        assert pool.total() == pytest.approx(1.0)
        best = trusted(pool)
        if best is not None and best.pattern != watch.pattern:
            self.took.append(best.pattern.origin.number())
        return pool


@pytest.fixture
def walk(tmp_path):
    return Walk(tmp_path / "stop.word")


def noisy(values, share, seed):
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(values)) < share
    return [int(value) for value in np.where(wrong, (values + 1) % 1000, values)]


@pytest.mark.parametrize("seed", range(2))
def test_a_reseeded_stream_is_named_again_within_a_few_draws(walk, seed):
    right = np.concatenate([stream(OLD, AT), stream(NEW, 60)])
    draws = [Draw(at, value) for at, value in enumerate(noisy(right, 0.2, seed))]
    pool, named = walk(pool_of(), draws)
    again = next(at for at, value in enumerate(named[AT - 40 :]) if value[:1] == [right[AT + at]])
    assert again <= 12
    best = max(pool.components, key=lambda one: one.weight)
    assert best.weight > 0.99
    assert best.alignment.origin.number() == NEW
    assert (best.alignment.start, best.position) == (START, len(draws) - AT)


def test_a_second_reseed_is_found_as_the_first_was(walk):
    right = np.concatenate([stream(OLD, AT), stream(NEW, 40), stream(9000, 40)])
    draws = [Draw(at, int(value)) for at, value in enumerate(right)]
    pool, named = walk(pool_of(), draws)
    assert sum(a[:1] == [b] for a, b in zip(named, right[40:], strict=True)) > 85
    assert pool.components[0].alignment.origin.number() == 9000


def varying(seed, count, rng):
    """Return draws of a stream under gaps of 0 to 3 calls that vary from draw to draw."""
    calls = START + np.concatenate([[0], np.cumsum(rng.integers(1, 5, size=count - 1))])
    return host.values("lcg48/java", "java_bounded", seed, *SPAN, int(calls[-1]) + 1)[calls]


def varying_pool(draws):
    """Return the pool of a stream under varying gaps after its first 40 draws."""
    one = pattern().model_copy(update={"gap": Gap(law="range", lo=0, hi=3, pattern=())})
    gone = walked(one, np.array([draw.value for draw in draws[:40]]))
    ways = [Believer(fork, 40, 0.99 * share, 0.8, 30, 40) for fork, share in gone.forks()]
    return make(ways, history="h", for_draw=40, session=None, span=SPAN, basis="model", model="m", heads=20)


@pytest.mark.slow
def test_what_chance_finds_sooner_or_later_takes_nothing_over(walk):
    """Half a minute: eight streams of varying gaps, each given up to chance and looked for after 57 draws."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        values = [*varying(OLD, AT, rng), *rng.integers(0, 1000, 70)]
        draws = [Draw(at, int(value)) for at, value in enumerate(values)]
        walk(varying_pool(draws), draws)
    assert walk.took == []


def test_a_reseeded_stream_of_varying_gaps_is_named_again(walk):
    rng = np.random.default_rng(0)
    right = np.concatenate([varying(OLD, AT, rng), varying(NEW, 50, rng)])
    draws = [Draw(at, value) for at, value in enumerate(noisy(right, 0.2, 0))]
    pool, named = walk(varying_pool(draws), draws)
    hits = [draw.value in values for draw, values in zip(draws[40:], named, strict=True)]
    assert sum(hits[:20]) > 12, "the old one, four draws of five right"
    assert sum(hits[-35:]) > 22, "and the new one from fifteen draws after the reseed on"
    best = trusted(pool)
    assert best.pattern.origin.number() == NEW
    assert best.weight > 0.99
    assert best.parts[0].position == 50


@pytest.mark.parametrize(("top", "hides"), [(9, False), (999, True)])
def test_among_few_values_one_hit_after_three_misses_is_no_sign_that_the_stream_lasts(top, hides):
    one = pattern().model_copy(update={"range": (0, top)})
    pool = make(
        [Believer(one, 40, 0.999, 0.8, 30, 40)], history="h", for_draw=40, session=None, span=(0, top), basis="model", model="m", heads=20
    )  # fmt: skip
    right, watch = pool.components[0].predicted, begin(pool)
    for value in (right + 1, right + 1, right + 1, right):
        watch = look(watch, pool, Draw(40, value))
    assert (watch.misses, watch.lost > 0.0) == ((0, False) if hides else (4, True))


def test_a_stream_that_gives_way_to_chance_is_let_go_and_nothing_takes_its_place(walk):
    rng = np.random.default_rng(4)
    draws = [Draw(at, int(value)) for at, value in enumerate([*stream(OLD, AT), *rng.integers(0, 1000, 70)])]
    pool, _ = walk(pool_of(), draws)
    assert walk.took == []
    assert all(one.weight < TRUSTED for one in pool.components)
    assert pool.heads == () or pool.heads[0][1] < 0.05


def test_a_stream_that_only_misses_for_a_while_is_kept(walk):
    right = stream(OLD, 120)
    values = [int(value) for value in right]
    for at in (50, 51, 52, 53):
        values[at] = (values[at] + 1) % 1000
    pool, _ = walk(pool_of(), [Draw(at, value) for at, value in enumerate(values)])
    assert pool.components[0].alignment.origin.number() == OLD


def test_a_chance_find_does_not_take_over_from_a_stream_that_missed_three_times():
    pool, watch = pool_of(), begin(pool_of())
    draws = [Draw(40 + at, int(value + 1) % 1000) for at, value in enumerate(stream(OLD, 43)[40:])]
    for draw in draws:
        watch = look(watch, pool, draw)
        pool = reissue(pool, draw.index + 1, [draw])
    assert due(watch)
    judged = reacquired(pool, watch, np.array([[123, 0], [456, 0]]), draws, SEEDS)
    assert judged.components[0].alignment == pattern()
    assert judged.components[0].weight > 0.8
    nothing = reacquired(pool, watch, np.zeros((0, 2), dtype=np.int64), draws, SEEDS)
    assert nothing.components[0].weight == pytest.approx(judged.components[0].weight, abs=0.01)


def test_a_stream_that_goes_on_missing_is_let_go_although_nothing_is_found_in_its_place():
    pool, watch, nothing = pool_of(), begin(pool_of()), np.zeros((0, 2), dtype=np.int64)
    draws = [Draw(40 + at, int(value + 1) % 1000) for at, value in enumerate(stream(OLD, 46)[40:])]
    weights = []
    for draw in draws:
        watch = look(watch, pool, draw)
        pool = reissue(pool, draw.index + 1, [draw])
        if due(watch):
            pool = reacquired(pool, watch, nothing, draws[: draw.index - 39], SEEDS)
            weights.append(pool.components[0].weight)
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.8
    assert weights[-1] < 0.2


def test_a_session_is_watched_in_its_own_draws(walk):
    right, other = np.concatenate([stream(OLD, 30), stream(NEW, 30)]), np.random.default_rng(1)
    draws = []
    for value in right:
        draws += [Draw(len(draws), int(value), None, "a")]
        draws += [Draw(len(draws), int(other.integers(1000)), None, "b")]
    pool, _ = walk(pool_of("a", position=10, for_draw=20), draws)
    best = max(pool.components, key=lambda one: one.weight)
    assert best.alignment.origin.number() == NEW
    assert (best.alignment.start, best.position) == (START, 30)


def test_a_pool_that_trusts_nothing_is_not_watched():
    empty = make([], history="h", for_draw=1, session=None, span=SPAN, basis="model", model="", heads=1)
    assert begin(empty) is None
    assert not due(begin(empty))
    assert look(None, empty, Draw(1, 5)) is None
