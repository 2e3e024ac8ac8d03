"""Bytes between coordinator and worker: a JSON header and raw little-endian arrays in one fixed layout, never a pickle.

Layout: magic (8 bytes), header length (u32), CRC-32 of everything after the prefix (u32), total length (u64), header (canonical
UTF-8 JSON `{"arrays": [[name, dtype, shape], ...], "meta": {...}}`), then each array in C order at the next multiple of 64.
Offsets are computed, never read, so a hostile header cannot point anywhere.
"""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import BadInput

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

MAGIC = b"MIMICRY\x01"
ALIGN = 64
HEADER_LIMIT = 64 << 20
"""Bytes of header that a reader accepts; larger tables belong into arrays."""
_PREFIX = struct.Struct("<8sIIQ")
_SCALAR = re.compile(r"\|b1|\|[iu]1|<[iu][248]|<f[248]|\|S[1-9]\d{0,3}|<U[1-9]\d{0,3}")
_MAX_DIMENSIONS = 8


class CodecError(BadInput):
    """Bytes or values that this layout does not carry; the message names the place and the rule."""


def canonical(value: Any, where: str = "meta") -> bytes:
    """Return `value` as canonical JSON bytes; CodecError for NaN, non-string keys or anything that is no plain JSON."""
    check_json(value, where)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise CodecError(f"{where} holds half of a character (a lone surrogate), which is no text") from None


def check_json(value: Any, where: str) -> None:
    """Raise CodecError that names the first part of `value` which JSON would refuse, or silently change."""
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CodecError(f"{where} is {value}; only finite numbers travel, use null for a missing one")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise CodecError(f"{where} has the key {key!r}; keys are strings, JSON would change this one")
            check_json(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_json(item, f"{where}[{index}]")
    else:
        raise CodecError(
            f"{where} is a {type(value).__name__}; plain JSON or an array is the rule, convert it first"
        )


def pack(meta: Mapping[str, Any], arrays: Arrays | None = None) -> bytes:
    """Return the bytes of `meta` and `arrays`; CodecError for what the layout does not carry."""
    plain = {_checked_name(name): _little(name, array) for name, array in (arrays or {}).items()}
    table = [[name, _describe(name, array.dtype), list(array.shape)] for name, array in plain.items()]
    header = canonical({"arrays": table, "meta": dict(meta)}, "payload")
    if len(header) > HEADER_LIMIT:
        raise CodecError(
            f"the header has {len(header)} bytes, {HEADER_LIMIT} is the limit; move tables into arrays"
        )
    out = bytearray(_PREFIX.size) + header
    for array in plain.values():
        out += bytes(-len(out) % ALIGN)
        out += array.tobytes()
    crc = zlib.crc32(memoryview(out)[_PREFIX.size :])
    _PREFIX.pack_into(out, 0, MAGIC, len(header), crc, len(out))
    return bytes(out)


def unpack(payload: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return meta and arrays (owned, writable copies) of `payload`; CodecError if a single bound or rule is broken."""
    header, cursor = _header(payload)
    arrays: dict[str, Array] = {}
    for entry in header["arrays"]:
        name, dtype, shape = _entry(entry, arrays)
        cursor += -cursor % ALIGN
        count = math.prod(shape)
        end = cursor + count * dtype.itemsize
        if end > len(payload):
            raise CodecError(
                f"array {name} needs bytes {cursor}:{end}, the payload has {len(payload)}; it is truncated"
            )
        arrays[name] = (
            np.frombuffer(payload, dtype, count, cursor).reshape(shape).copy()
            if count
            else np.empty(shape, dtype)
        )
        cursor = end
    if cursor != len(payload):
        raise CodecError(f"the payload has {len(payload)} bytes, its header explains {cursor}; refuse it")
    return header["meta"], arrays


def _header(payload: bytes) -> tuple[dict[str, Any], int]:
    """Return the checked header and the offset behind it."""
    if len(payload) < _PREFIX.size:
        raise CodecError(
            f"payload of {len(payload)} bytes, the prefix alone has {_PREFIX.size}; it is truncated"
        )
    magic, length, crc, total = _PREFIX.unpack_from(payload)
    if magic != MAGIC:
        raise CodecError(
            f"payload begins with {magic!r}, the rule is {MAGIC!r}; pickles and foreign formats are refused"
        )
    if total != len(payload) or length > min(HEADER_LIMIT, len(payload) - _PREFIX.size):
        raise CodecError(
            f"payload states {total} bytes and a header of {length}, {len(payload)} arrived; it is truncated"
        )
    if zlib.crc32(memoryview(payload)[_PREFIX.size :]) != crc:
        raise CodecError("payload checksum differs; it was damaged on the way, send it again")
    end = _PREFIX.size + length
    try:
        text = payload[_PREFIX.size : end].decode()
        header = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if "\\ud" in text.lower():  # half a character, written as an escape
            canonical(header, "header")
    except (ValueError, RecursionError) as error:
        raise CodecError(f"payload header is no JSON: {error}") from error
    if not isinstance(header, dict) or set(header) != {"arrays", "meta"}:
        raise CodecError("payload header must hold exactly arrays and meta")
    if not isinstance(header["arrays"], list) or not isinstance(header["meta"], dict):
        raise CodecError("payload header must hold a list of arrays and an object meta")
    return header, end


def _finite(text: str) -> float:
    """Return a number as JSON has them; Python's own reader takes NaN and 1e999 too."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def _entry(entry: Any, seen: Mapping[str, Array]) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    """Return name, dtype and shape of one table entry after checking each."""
    if not isinstance(entry, list) or len(entry) != 3:
        raise CodecError(f"array entry {entry!r} is not [name, dtype, shape]")
    name, described, shape = entry
    if not isinstance(name, str) or name in seen:
        raise CodecError(f"array name {name!r} is no text or stands twice")
    sized = isinstance(shape, list) and len(shape) <= _MAX_DIMENSIONS
    if not sized or any(type(n) is not int or not 0 <= n < 1 << 48 for n in shape):
        raise CodecError(
            f"array {name} has the shape {shape!r}; up to {_MAX_DIMENSIONS} sizes from 0 are the rule"
        )
    return name, _dtype(name, described), tuple(shape)


def _dtype(name: str, described: Any) -> np.dtype[Any]:
    """Return the dtype of a description; only plain numbers, fixed text and packed records of them."""
    if isinstance(described, str) and _SCALAR.fullmatch(described):
        return np.dtype(described)
    if isinstance(described, list) and 0 < len(described) <= 256:
        fields = [tuple(field) for field in described if isinstance(field, list) and len(field) == 2]
        names = {field for field, _ in fields if isinstance(field, str) and field}
        scalar = all(isinstance(kind, str) and _SCALAR.fullmatch(kind) for _, kind in fields)
        if len(fields) == len(names) == len(described) and scalar:
            return np.dtype(fields)
    raise CodecError(
        f"array {name} has the dtype {described!r}; numbers, fixed text and flat records are the rule"
    )


def _describe(name: str, dtype: np.dtype[Any]) -> str | list[list[str]]:
    """Return the description of a little-endian dtype; CodecError for objects, dates, nesting and padding."""
    described: str | list[list[str]] = dtype.str
    if dtype.names is not None:
        described = [[field, dtype[field].str] for field in dtype.names]
    if _dtype(name, described) != dtype:
        raise CodecError(f"array {name} has the dtype {dtype}; padded or nested records do not travel")
    return described


def _little(name: str, array: Array) -> Array:
    """Return `array` little-endian; object arrays are refused before anything touches them."""
    if not isinstance(array, np.ndarray) or array.dtype.hasobject:
        raise CodecError(
            f"array {name} is a {type(array).__name__} of objects or no array; pickles are refused"
        )
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise CodecError(f"array name {name!r} is no text")
    return name
