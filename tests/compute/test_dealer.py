"""Dealing out work: short tasks in long lots, fast workers more, nothing waits behind a long one, deaths are charged to one alone."""

from __future__ import annotations

import random
from collections.abc import Iterator

from engine.compute.dealer import LEAD, LONGEST_LOT, Dealer
from engine.compute.load import Load


def loads(count: int, kind: str = "sieve", **rest: int) -> list[Load]:
    return [Load(number, kind, **rest) for number in range(1, count + 1)]


def dealt(dealer: Dealer, now: float = 0.0) -> dict[str, list[tuple[int, int]]]:
    """Deal and return (serial, number) by worker."""
    lots, _ = dealer.deal(now)
    dealer.validate()
    return {lot.member: [(serial, load.number) for serial, load in lot.tasks] for lot in lots}


def dealer_with(*names: str, waiting: list[Load]) -> Dealer:
    dealer = Dealer()
    for name in names:
        dealer.join(name)
    for load in waiting:
        dealer.add(load)
    return dealer


def test_unmeasured_work_is_handed_out_one_to_run_and_one_ahead() -> None:
    dealer = dealer_with("a", "b", waiting=loads(10))
    assert {name: [number for _, number in lot] for name, lot in dealt(dealer).items()} == {
        "a": [1, 3],
        "b": [2, 4],
    }


def test_a_lot_is_as_long_as_its_worker_is_fast() -> None:
    dealer = dealer_with("fast", "slow", waiting=loads(1000))
    for name, seconds in (("fast", 0.01), ("slow", 0.4)):
        dealer.members[name].pace["sieve"] = seconds
    lots = dealt(dealer)
    assert len(lots["fast"]) == round(LEAD / 0.01)
    assert len(lots["slow"]) == 5
    assert dealer.wanted("sieve") == 205


def test_a_lot_has_a_bound_and_is_refilled_when_half_is_done() -> None:
    dealer = dealer_with("a", waiting=loads(1000))
    dealer.members["a"].pace["sieve"] = 0.001
    first = dealt(dealer)["a"]
    assert len(first) == LONGEST_LOT
    dealer.members["a"].pace["sieve"] = LEAD / LONGEST_LOT
    assert dealt(dealer, 0.1) == {}
    for serial, _ in first[:130]:
        dealer.answer("a", serial, LEAD / LONGEST_LOT, 0.5)
    assert abs(len(dealt(dealer, 0.5)["a"]) - 130) <= 2


def test_priority_goes_first_then_age_and_what_comes_back_keeps_its_age() -> None:
    dealer = dealer_with("a", waiting=[*loads(3), Load(9, "sieve", priority=5)])
    assert [number for _, number in dealt(dealer)["a"]] == [9, 1]
    dealer.leave("a")
    dealer.join("b")
    assert [number for _, number in dealt(dealer)["b"]] == [9, 1]


def test_an_idle_worker_takes_what_waits_behind_a_long_task() -> None:
    first, second = loads(2)
    dealer = dealer_with("a", waiting=[first, second])
    (running, _), (waiting, _) = dealt(dealer)["a"]
    dealer.join("b")
    lots, back = dealer.deal(1.0)
    dealer.validate()
    assert back == [("a", waiting)]
    assert [(lot.member, [load for _, load in lot.tasks]) for lot in lots] == [("b", [second])]
    assert dealer.answer("a", waiting, 0.0, 2.0) is None, "the answer of the one it was taken from"
    assert dealer.answer("a", running, 1.0, 2.0) is first


def test_a_death_is_charged_to_the_running_task_alone() -> None:
    poison, innocent = loads(2)
    dealer = dealer_with("a", waiting=[poison, innocent])
    dealt(dealer)
    assert dealer.leave("a") is poison
    assert (poison.deaths, innocent.deaths) == (1, 0)
    dealer.join("b")
    assert len(dealt(dealer)["b"]) == 2
    assert dealer.leave("b", charge=False) is poison
    assert poison.deaths == 1


def test_a_death_is_charged_to_the_task_that_was_begun_where_the_answer_before_it_was_lost() -> None:
    done, poison = loads(2)
    dealer = dealer_with("a", waiting=[done, poison])
    (_, _), (begun, _) = dealt(dealer)["a"]
    assert dealer.leave("a", begun) is poison
    assert (done.deaths, poison.deaths) == (0, 1)


def test_a_death_between_two_tasks_is_charged_to_neither() -> None:
    first, second = loads(2)
    dealer = dealer_with("a", waiting=[first, second])
    (begun, _), (_, _) = dealt(dealer)["a"]
    dealer.answer("a", begun, 0.1, 0.1)
    assert dealer.leave("a", begun) is None
    assert (first.deaths, second.deaths) == (0, 0)


def test_a_lot_that_breaks_is_charged_to_its_first_missing_answer() -> None:
    one, two = loads(2)
    dealer = dealer_with("a", waiting=[one, two])
    serials = [serial for serial, _ in dealt(dealer)["a"]]
    dealer.answer("a", serials[0], 0.1, 0.1)
    assert dealer.unanswered("a", serials) is two
    assert (one.deaths, two.deaths) == (0, 1)
    assert [number for _, number in dealt(dealer, 0.2)["a"]] == [2]


def test_a_landed_task_is_called_back_and_never_dealt_again() -> None:
    out, waiting = loads(2)
    dealer = dealer_with("a", waiting=[out])
    ((serial, _),) = dealt(dealer)["a"]
    dealer.add(waiting)
    assert dealer.land(waiting) is None
    assert dealer.land(out) == ("a", serial)
    assert dealt(dealer) == {}
    assert dealer.members["a"].ahead, "the worker holds it until it says something"
    assert dealer.answer("a", serial, 0.0, 1.0) is None
    assert not dealer.members["a"].ahead


def test_memory_is_counted_by_host_and_what_fits_nowhere_is_named() -> None:
    dealer = Dealer()
    dealer.join("rig/gpu0", 3 << 30, "rig")
    dealer.join("rig/gpu1", 3 << 30, "rig")
    dealer.join("big", 60 << 30, "zeus")
    heavy, heavy2, huge = (
        Load(number, "fit", memory=size << 30) for number, size in ((1, 2), (2, 2), (3, 90))
    )
    dealer.members["big"].held = True
    for load in (heavy, heavy2, huge):
        dealer.add(load)
    assert dealt(dealer).popitem()[1][0][1] == 1
    assert dealt(dealer) == {}, "both cards of a rig share its memory"
    assert dealer.unfit() == [(huge, 60 << 30)]
    dealer.hold("big", held=False)
    assert [number for _, number in dealt(dealer)["big"]] == [2]


def test_what_only_this_machine_has_never_goes_to_a_rig() -> None:
    dealer = Dealer()
    dealer.join("rig/gpu0#1", host="rig")
    dealer.add(Load(1, "train", home=True))
    assert dealt(dealer) == {}
    dealer.join("worker-0#2")
    assert list(dealt(dealer)) == ["worker-0#2"]
    dealer.add(Load(2, "train", home=True))
    assert list(dealt(dealer)) == ["worker-0#2"]
    dealer.answer("worker-0#2", 1, 1.0, 1.0)
    assert dealt(dealer) == {}, "a rig that idles takes none of it over"


def test_a_hung_task_is_named_by_its_own_limit_the_kinds_or_its_pace() -> None:
    own, usual = Load(1, "sieve", limit=2.0), Load(2, "sieve")
    dealer = dealer_with("a", "b", waiting=[own, usual])
    dealt(dealer)
    assert dealer.overdue(1.9, {"sieve": 10.0}, 99.0) == []
    assert dealer.overdue(2.1, {"sieve": 10.0}, 99.0) == [("a", own, 2.0)]
    dealer.members["b"].pace["sieve"] = 1.0
    assert [late[0] for late in dealer.overdue(29.0, {"sieve": 10.0}, 99.0)] == ["a"]
    assert [late[2] for late in dealer.overdue(31.0, {"sieve": 10.0}, 99.0)] == [2.0, 30.0]


def test_any_order_of_events_loses_and_doubles_nothing() -> None:
    chance = random.Random(1)
    for _ in range(60):
        dealer, open_, done, serials = Dealer(), {}, [], {}
        for load in (Load(number, chance.choice("xy"), chance.randrange(3)) for number in range(40)):
            open_[load.number] = load
            dealer.add(load)
        names = names_of_workers()
        now = 0.0
        while open_:
            now += 0.1
            if len(dealer.members) < 2 or chance.random() < 0.1:
                dealer.join(next(names))
            elif chance.random() < 0.1:
                dealer.leave(chance.choice(list(dealer.members)), charge=False)
            lots, _ = dealer.deal(now)
            serials |= {serial: lot.member for lot in lots for serial, _ in lot.tasks}
            busy = [member for member in dealer.members.values() if member.ahead]
            if busy:
                member = chance.choice(busy)
                load = dealer.answer(member.name, next(iter(member.ahead)), chance.random(), now)
                if load is not None:
                    done.append(load.number)
                    del open_[load.number]
                    dealer.land(load)
            dealer.validate()
        assert sorted(done) == list(range(40))


def names_of_workers() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"w{number}"


def test_a_worker_cannot_claim_to_have_worked_longer_than_it_had_the_task() -> None:
    dealer = dealer_with("a", waiting=loads(2))
    (serial, _), _ = dealt(dealer, 10.0)["a"]
    dealer.answer("a", serial, 1e9, 11.0)
    assert dealer.members["a"].pace["sieve"] == 1.0
    assert [late[2] for late in dealer.overdue(200.0, {"sieve": 60.0}, 99.0)] == [60.0], (
        "or it would never hang"
    )
