"""The NPZ reader: what the program writes comes back, bombs and pickles are refused before anything is taken or run."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from state import npz
from state.npz import NpzRefused, load_arrays


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def npy(array: Any) -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array(made, array, allow_pickle=True)
    return made.getvalue()


def header(text: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n" + content


def refused(data: bytes, match: str, most: int = 4 << 20) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(NpzRefused, match=match):
            load_arrays(io.BytesIO(data))
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
        arrays.arrays(st.sampled_from(["<i8", "<f4", "<u2", "|b1", "<U3", "<c16"]), arrays.array_shapes(min_dims=0, min_side=0)),
        max_size=3,
    )
)  # fmt: skip
def test_what_numpy_writes_comes_back(given_arrays: dict[str, Any]) -> None:
    made = io.BytesIO()
    np.savez(made, **given_arrays)
    found = load_arrays(io.BytesIO(made.getvalue()))
    assert set(found) == set(given_arrays)
    for name, array in given_arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_columns_first_and_records_come_back_writable() -> None:
    turned = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    record = np.zeros(3, [("a", "<u8"), ("b", "<U2")])
    found = load_arrays(io.BytesIO(zipped({"t.npy": npy(turned), "r.npy": npy(record)})))
    np.testing.assert_array_equal(found["t"], turned)
    found["r"]["a"] = 7
    assert found["r"].dtype == record.dtype


def test_a_compressed_bomb_is_refused_by_its_table_of_contents() -> None:
    bomb = zipped({"x.npy": npy(np.zeros(32 << 20, np.uint8))}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 64 << 10
    refused(bomb, "compressed")


def test_a_header_cannot_state_more_than_its_member_has() -> None:
    refused(
        zipped({"x.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,)}")}),
        "states",
    )
    refused(
        zipped({"x.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8)}", bytes(64))}),
        "states",
    )


def test_members_that_overlap_are_refused() -> None:
    data = bytearray(zipped({"a.npy": npy(np.zeros(4000)), "b.npy": npy(np.zeros(1))}))
    first = data.find(b"PK\x01\x02")
    second = data.find(b"PK\x01\x02", first + 4)
    data[second + 20 : second + 28] = data[first + 20 : first + 28]  # b states a's sizes
    data[second + 42 : second + 46] = data[first + 42 : first + 46]  # and lies where a lies
    refused(bytes(data), "more bytes than the file|differ|overlap")


@pytest.mark.parametrize("name", ["../x.npy", "/etc/x.npy", "a/b.npy", "x.txt", "a\\b.npy"])
def test_a_member_is_an_array_and_no_path(name: str) -> None:
    refused(zipped({name: npy(np.zeros(1))}), "is no array")


def test_a_pickle_inside_is_neither_opened_nor_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    refused(zipped({"x.npy": npy(np.array([Evil()], dtype=object))}), "Python objects")
    assert not (tmp_path / "ran").exists()


def test_too_large_too_many_twice_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    one = npy(np.zeros(1))
    with pytest.raises(NpzRefused, match="are the limit"):
        load_arrays(io.BytesIO(zipped({"x.npy": one})), limit=100)
    monkeypatch.setattr(npz, "MEMBERS", 2)
    refused(zipped({f"{number}.npy": one for number in range(3)}), "members")
    refused(zipped({"x.npy": one, "y.npy": one}).replace(b"y.npy", b"x.npy"), "twice")
    refused(zipped({"x.npy": one})[:-30], "BadZipFile")
    refused(b"", "BadZipFile")
