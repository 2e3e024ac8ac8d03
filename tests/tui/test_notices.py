"""What is told without being looked for: each alert once, never those that stood at the start; a better best, never a worse one."""

from __future__ import annotations

from tui.model.notices import Notices


def alert(name, level="warn", acked=False):
    return {"at": "2026-11-23T14:00:00Z", "level": level, "text": f"about {name}", "id": name, "acked": acked}


def test_an_alert_is_told_once_and_not_when_it_stood_before_or_was_seen(recorded):
    notices = Notices()
    assert notices.take(recorded(alerts=[alert("a")])) == []
    came = notices.take(recorded(alerts=[alert("c", "fail"), alert("b"), alert("a"), alert("d", acked=True)]))
    assert [(each.title, each.severity, each.rings) for each in came] == [
        ("alert c", "error", True),
        ("alert b", "warning", True),
    ]
    assert notices.take(recorded(alerts=[alert("b")])) == []


def test_a_better_best_of_the_running_step_is_told_without_the_bell(recorded):
    notices = Notices()

    def best(value, run="run-7", null=1.0):
        steps = [step.model_dump() for step in recorded().pipeline.steps]
        next(step for step in steps if step["status"] == "running").update(best=value, null=null)
        return [
            (each.text, each.rings) for each in notices.take(recorded(pipeline={"run": run, "steps": steps}))
        ]

    assert [best(1.5), best(2.5), best(2.5), best(2.0)] == [[], [("2.5 after 1.5", False)], [], []]
    assert best(9.0, run="run-8") == []
    assert [best(9.5, "run-8", null=9.7), best(9.9, "run-8", null=9.7)] == [[], [("9.9 after 9.5", False)]]


def test_control_that_went_to_another_viewer_is_told_once_and_by_whom(recorded):
    notices, mine, other = Notices("pid 7)"), "ops (console, pid 7)", "ann (console, pid 9)"
    told = [notices.take(recorded(control=who)) for who in (other, mine, mine, other, other, mine, None)]
    assert [[each.text for each in found] for found in told] == [
        [], [], [], [f"{other} took it; `:control REASON` takes it back"], [], [], []
    ]  # fmt: skip
