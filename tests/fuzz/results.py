"""What workers send and are sent: packed payloads, jobs, answers of chunks, reports, lines of their lease. Checksums are mended after mutation."""

from __future__ import annotations

import struct
import zlib
from functools import cache

import numpy as np

from engine.compute.child import said
from engine.compute.codec import MAGIC, pack, unpack
from engine.compute.host import HostReport
from engine.compute.job import decode_answer, decode_job, encode_answer, encode_job
from engine.compute.task import Task
from engine.search.answered import fault
from hip_cuda_kernels import host
from tests.fuzz.target import Reader, Target

TASK = Task("sieve", "k", {"seed_lo": 0, "count": 9}, {"draws": np.zeros((3, 4), np.int64)})
PREFIX = struct.Struct("<8sIIQ")
"""The layout of engine.compute.codec: magic, header length, checksum, total length."""


def mended(data: bytes) -> bytes:
    """Return a payload whose prefix is right for what follows: two bytes give the length of the header."""
    if len(data) < 2:
        return data
    length, rest = int.from_bytes(data[:2], "little"), data[2:]
    return PREFIX.pack(MAGIC, min(length, len(rest)), zlib.crc32(rest), PREFIX.size + len(rest)) + rest


def seed(payload: bytes) -> bytes:
    """Return what `mended` makes this payload of."""
    length = PREFIX.unpack_from(payload)[1]
    return int(length).to_bytes(2, "little") + payload[PREFIX.size :]


def payload(data: bytes) -> object:
    meta, arrays = unpack(mended(data))
    again = unpack(pack(meta, arrays))
    assert again[0] == meta, "meta is not the same after its way"
    assert all(one.tobytes() == again[1][name].tobytes() for name, one in arrays.items())
    return sorted(arrays)


def raw(data: bytes) -> object:
    return unpack(data)[0]


def job(data: bytes) -> object:
    return decode_job(mended(data)).echo()


def answer(data: bytes) -> object:
    """Take an answer as the coordinator does: out of form is a failed result, never an exception."""
    result = decode_answer(TASK, mended(data), TASK.digest())
    if not result.ok:
        return result.error
    return [fault(result.meta, result.arrays, (0, 8), states=states) for states in (False, True)]


def report(data: bytes) -> object:
    event = said(data)
    return None if event is None else HostReport.load(event).against(HostReport("avx2", "d", ()))


@cache
def answered() -> bytes:
    meta = {
        "seeds_done": 9, "hypotheses": 9, "stopped": False, "overflow": False, "planted": 1, "found": 1, "canary": [3, 0, 0, True],
    }  # fmt: skip
    echo = {"kind": TASK.kind, "key": TASK.key, "digest": TASK.digest()}
    return seed(encode_answer(echo, "w", 0.5, meta=meta, arrays={"hits": np.zeros(2, host.HIT)}))


TARGET = Target(
    "results",
    "payloads between coordinator and workers, reports, lease lines",
    (
        Reader(
            "payload", payload, (seed(pack({"a": 1}, {"x": np.zeros((2, 3)), "t": np.array(["a", "bc"])})),)
        ),
        Reader("raw payload", raw, (pack({}, {"x": np.zeros(3, np.uint8)}),)),
        Reader("job", job, (seed(encode_job(TASK, 3)),)),
        Reader("answer", answer, (answered(),)),
        Reader(
            "report",
            report,
            (b'{"event":"report","isa":"avx2","digest":"d","failed":[],"device":"CPU"}',),
            (KeyError, TypeError, ValueError),
        ),
    ),
)
