"""The console's own records: the same fields, defaults and order of trust as the protocol's; what cannot be read is one line."""

from __future__ import annotations

import json

import pytest
from pydantic_core import PydanticUndefined

from engine import protocol
from tui import wire

RECORDS = [
    name
    for name in vars(wire)
    if hasattr(protocol, name) and hasattr(getattr(wire, name), "__dataclass_fields__")
]


def test_every_record_of_a_snapshot_and_the_reply_are_mirrored():
    assert {"Snapshot", "Reply", "Host", "Engine", "Alert", "Decision", "Request"} <= set(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_has_the_fields_of_the_protocol(name):
    ours, theirs = wire._shape(getattr(wire, name)), getattr(protocol, name).model_fields
    assert set(ours) == {field.alias or each for each, field in theirs.items()}
    needed = {
        field.alias or each
        for each, field in theirs.items()
        if field.default is PydanticUndefined and field.default_factory is None
    }
    assert {each for each, (_, must) in ours.items() if must} == needed


def test_a_snapshot_reads_as_the_protocol_reads_it(recorded):
    shot = recorded(alerts=[{"at": "2026-11-23T14:03:00Z", "level": "fail", "text": "x"}])
    ours = wire.snapshot(shot.model_dump_json(by_alias=True))
    assert ours.fleet[0].name == shot.fleet[0].name
    assert ours.engine.memory.values == shot.engine.memory.values
    assert (ours.alerts[0].id, ours.alerts[0].acked) == ("", False)
    assert ours.halt is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lag": 1}, "'lag', unknown here: upgrade the console"),
        ({"fleet": [{"name": "a", "devices": [], "kind": "gpu"}]}, "host: the engine does not tell 'age': upgrade the engine"),
        ({"seq": "x"}, "seq cannot be 'x'"),
        ({"seq": True}, "seq cannot be 'True'"),
        ({"fleet": None}, "fleet cannot be 'None'"),
        ({"halt": 3}, "halt: '3' is no record"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_read_says_what_and_which_side_to_upgrade(change, words, recorded):
    line = {**json.loads(recorded().model_dump_json(by_alias=True)), **change}
    with pytest.raises(wire.Unreadable, match=words.replace("(", "\\(")):
        wire.snapshot(json.dumps(line))
