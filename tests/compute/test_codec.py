"""The layout between coordinator and worker: exact round trips, and a clear refusal of everything else."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.compute.codec import MAGIC, CodecError, canonical, pack, unpack

HIT = np.dtype([("vector", "<u2"), ("matched", "<u2"), ("start", "<u4"), ("seed", "<u8")])
ARRAYS: dict[str, np.ndarray] = {
    "records": np.array([(1, 2, 3, 1 << 63)], HIT),
    "scalar": np.array(2.5),
    "none": np.zeros((0, 4), "<i8"),
    "big endian, strided": np.arange(12, dtype=">i4").reshape(3, 4)[::2, ::-1].T,
    "flags": np.array([True, False]),
    "text": np.array(["mt19937/init_genrand", "ä"]),
    "bytes": np.array([b"ab", b"c"]),
    "half": np.array([1.5, np.nan], "<f2"),
}


def forge(header: Any, body: bytes = b"") -> bytes:
    """Return a payload with a right prefix around any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    crc = zlib.crc32(text + body)
    return struct.pack("<8sIIQ", MAGIC, len(text), crc, 24 + len(text) + len(body)) + text + body


def table(*entries: Any) -> dict[str, Any]:
    return {"arrays": list(entries), "meta": {}}


def test_meta_and_arrays_come_back_equal_writable_and_little_endian() -> None:
    meta, arrays = unpack(pack({"x": [1, None, "ä", {"y": 0.1}]}, ARRAYS))
    assert meta == {"x": [1, None, "ä", {"y": 0.1}]}
    assert list(arrays) == list(ARRAYS)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.shape == ARRAYS[name].shape
        assert array.dtype == ARRAYS[name].dtype.newbyteorder("<")
        assert array.flags.writeable
        assert array.flags.owndata or array.base.flags.owndata


def test_the_bytes_are_the_documented_ones() -> None:
    payload = pack({"a": 1}, {"v": np.array([1, 2], ">u2")})
    header = b'{"arrays":[["v","<u2",[2]]],"meta":{"a":1}}'
    body = header + bytes(-(24 + len(header)) % 64) + b"\1\0\2\0"
    assert (
        payload == struct.pack("<8sIIQ", b"MIMICRY\1", len(header), zlib.crc32(body), 24 + len(body)) + body
    )


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(
        dtype=st.sampled_from(["<u8", ">i4", "|b1", "<f8", "|i1"]),
        shape=hnp.array_shapes(min_dims=0, min_side=0),
    )
)
def test_any_plain_array_survives(array: np.ndarray) -> None:
    back = unpack(pack({}, {"a": array}))[1]["a"]
    np.testing.assert_array_equal(back, array)
    assert back.shape == array.shape


@pytest.mark.parametrize("cut", [0, 1, 23, 24, 40, 100, -1])
def test_truncation_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(CodecError, match="truncated"):
        unpack(pack({"a": 1}, ARRAYS)[:cut])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    payload = bytearray(pack({"a": 1}, ARRAYS))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CodecError):
        unpack(bytes(payload))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_noise_under_a_right_prefix_is_refused_or_empty(noise: bytes) -> None:
    with pytest.raises(CodecError):
        unpack(forge(noise))


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda x: st.lists(x) | st.dictionaries(st.text(max_size=5), x),
    )
)
def test_a_hostile_table_is_refused_by_a_codec_error(entry: Any) -> None:
    with pytest.raises(CodecError):
        unpack(forge(table(entry), bytes(100)))


def test_pickles_and_trailing_bytes_are_refused() -> None:
    with pytest.raises(CodecError, match="pickles and foreign formats are refused"):
        unpack(pickle.dumps({"a": list(range(100))}))
    with pytest.raises(CodecError, match="its header explains"):
        unpack(forge(table(), b"more"))


@pytest.mark.parametrize("dtype", ["|O", "O", "<M8[s]", "<c16", ">u4", "<V8", "<u3", "<f16", "|S0", "<U99999", [], [["a"]], [["a", "|O"]], [["a", "<u2"], ["a", "<u2"]], [["a", [["b", "<u2"]]]], 5, None])  # fmt: skip
def test_a_dtype_outside_the_list_is_refused(dtype: Any) -> None:
    with pytest.raises(CodecError, match="has the dtype"):
        unpack(forge(table(["v", dtype, [1]]), bytes(200)))


@pytest.mark.parametrize("shape", [[-1], [1.0], [True], "3", None, [1] * 9, [1 << 48], [[2]]])
def test_a_shape_that_is_no_list_of_sizes_is_refused(shape: Any) -> None:
    with pytest.raises(CodecError, match="has the shape"):
        unpack(forge(table(["v", "<u2", shape]), bytes(200)))


def test_an_array_beyond_the_end_is_refused_before_it_is_made() -> None:
    with pytest.raises(CodecError, match="truncated"):
        unpack(forge(table(["v", "<u8", [1 << 40, 1 << 40]]), bytes(200)))


def test_a_name_that_stands_twice_and_unknown_header_keys_are_refused() -> None:
    with pytest.raises(CodecError, match="stands twice"):
        unpack(forge(table(["v", "|u1", [0]], ["v", "|u1", [0]]), bytes(200)))
    with pytest.raises(CodecError, match="exactly arrays and meta"):
        unpack(forge({**table(), "code": "x"}))
    with pytest.raises(CodecError, match="an object meta"):
        unpack(forge({"arrays": [], "meta": []}))


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array([{"a": 1}]),
        np.array(["2026-01-01"], "M8[D]"),
        np.zeros(2, [("a", "u1"), ("b", "O")]),
        np.zeros(2, np.dtype([("a", "u1"), ("b", "u4")], align=True)),
        [1, 2],
    ],
)
def test_what_does_not_fit_is_refused_when_packed(array: Any) -> None:
    with pytest.raises(CodecError, match="array v"):
        pack({}, {"v": array})


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, float("nan")]}, r"meta\.a\[1\] is nan"),
        ({"a": float("inf")}, r"meta\.a is inf"),
        ({"a": {1: 2}}, r"meta\.a has the key 1"),
        ({"a": np.int64(3)}, r"meta\.a is a int64"),
        ({"a": b"x"}, r"meta\.a is a bytes"),
    ],
)
def test_what_json_would_change_is_named(value: Any, where: str) -> None:
    with pytest.raises(CodecError, match=where):
        canonical(value)


def test_canonical_json_does_not_depend_on_order() -> None:
    assert canonical({"b": 1, "a": (1, 2)}) == canonical({"a": [1, 2], "b": 1}) == b'{"a":[1,2],"b":1}'
