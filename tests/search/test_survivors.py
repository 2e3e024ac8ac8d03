"""The survivors' table: 24 fields, every alignment comes back as it was, and a reader that refuses anything else."""

import io
import json

import numpy as np
import pytest

from engine.search.alignment import Alignment, Gap, Origin
from engine.search.survivors import (
    SURVIVOR_FIELDS,
    SurvivorError,
    SurvivorHeader,
    Survivors,
    TrialHeader,
)

SPAN = (0, 999)


def alignment(**changes):
    made = Alignment(
        family="lcg48/java", mapping="java_bounded", range=SPAN, origin=Origin.seed(4711, 48), start=3
    )
    return made.model_copy(update=changes)


ALIGNMENTS = [
    alignment(),
    alignment(origin=Origin(kind="state", bits=128, value=hex(2**127 + 5)), start=None),
    alignment(origin=Origin(kind="time", bits=64, value="0x18c", unit="ms"), session="evening"),
    alignment(gap=Gap(law="periodic", pattern=(3, 1, 4))),
    alignment(gap=Gap(law="range", lo=1, hi=9), direction="backward"),
    alignment(gap=Gap(law="unknown")),
    alignment(gap=Gap(law="constant", unit="word", value=7), start=-12),
]


def header(**changes):
    made = SurvivorHeader(
        range=SPAN,
        history="ab" * 32,
        draws=60,
        search=(0, 30),
        found=7,
        carried=7,
        trials=(TrialHeader(trial=0, sweep="trial 0", window=(0, 20)),),
    )
    return made.model_copy(update=changes)


@pytest.fixture
def table():
    counts = {
        "forward_matched": np.arange(len(ALIGNMENTS)),
        "forward_scored": 20,
        "evidence_bits": 1.5,
        "trial": 0,
    }
    return Survivors.from_alignments(ALIGNMENTS, header(), counts)


def repacked(table, change):
    with np.load(io.BytesIO(table.to_bytes())) as stored:
        arrays = {name: stored[name] for name in stored.files}
    change(arrays)
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def test_the_format_has_exactly_the_24_fields_of_the_definitions():
    assert len(SURVIVOR_FIELDS) == len(set(SURVIVOR_FIELDS)) == 24


def test_every_alignment_comes_back_through_the_file(table):
    back = Survivors.from_bytes(table.to_bytes())
    assert list(back) == ALIGNMENTS
    assert back.header == table.header
    assert all(np.array_equal(back[name], table[name]) for name in SURVIVOR_FIELDS)


def test_equal_content_gives_equal_bytes(table):
    again = Survivors.from_alignments(
        ALIGNMENTS, header(), {name: table[name] for name in SURVIVOR_FIELDS[12:23]}
    )
    assert again.to_bytes() == table.to_bytes()


def test_the_empty_table_survives_the_file():
    assert len(Survivors.from_bytes(Survivors.from_alignments([], header(), {}).to_bytes())) == 0


@pytest.mark.parametrize("field", SURVIVOR_FIELDS)
def test_a_missing_field_is_refused_by_name(table, field):
    with pytest.raises(SurvivorError, match=field):
        Survivors.from_bytes(repacked(table, lambda arrays: arrays.pop(field)))


def test_an_unknown_field_is_refused_by_name(table):
    with pytest.raises(SurvivorError, match="skip_mode"):
        Survivors.from_bytes(repacked(table, lambda arrays: arrays.update(skip_mode=np.zeros(7))))


def test_a_field_of_another_type_is_refused(table):
    with pytest.raises(SurvivorError, match="forward_matched"):
        Survivors.from_bytes(repacked(table, lambda arrays: arrays.update(forward_matched=np.zeros(7))))


def test_another_format_version_is_refused(table):
    def older(arrays):
        data = json.loads(arrays["header"].tobytes()) | {"format": 2}
        arrays["header"] = np.frombuffer(json.dumps(data).encode(), dtype=np.uint8)

    with pytest.raises(SurvivorError, match="format"):
        Survivors.from_bytes(repacked(table, older))


def test_a_truncated_file_is_refused(table):
    with pytest.raises(SurvivorError, match="not a survivors NPZ"):
        Survivors.from_bytes(table.to_bytes()[:200])


def test_an_origin_wider_than_the_format_is_refused():
    wide = alignment(origin=Origin(kind="state", bits=19937, value=hex(2**200)))
    with pytest.raises(SurvivorError, match="128 bits"):
        Survivors.from_alignments([wide], header(), {})


def test_an_alignment_over_another_range_is_refused():
    with pytest.raises(SurvivorError, match="maps to"):
        Survivors.from_alignments([alignment(range=(1, 6))], header(), {})


def test_a_column_that_is_no_field_is_refused():
    with pytest.raises(SurvivorError, match="score"):
        Survivors.from_alignments(ALIGNMENTS, header(), {"score": 1.0})


def test_join_and_take_keep_rows_whole(table):
    joined = Survivors.join(header(found=9), [table.take([6, 0]), table.take([2])])
    assert list(joined) == [ALIGNMENTS[6], ALIGNMENTS[0], ALIGNMENTS[2]]
    assert joined["forward_matched"].tolist() == [6, 0, 2]


def test_the_export_carries_every_row_with_its_alignment(table):
    rows = json.loads(json.dumps(table.export()))["survivors"]
    assert [Alignment.model_validate(row["alignment"]) for row in rows] == ALIGNMENTS
    assert rows[3]["forward_matched"] == 3
