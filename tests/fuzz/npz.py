"""Arrays in zip files: survivors, scored survivors, artifacts of the store, the network's model. A bomb is refused before it opens."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Any
from unittest import mock

import numpy as np

from engine.errors import BadInput
from engine.pipeline.scored import Scored
from engine.pipeline.trainer_torch import Mlp, TorchMlp
from engine.search.alignment import Alignment, Gap, Origin
from engine.search.survivors import SurvivorHeader, Survivors
from state.artifacts import HEADER, LINEAGE_SCHEMA, ArtifactStore, Provenance
from state.npz import NpzRefused, load_arrays
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target

# Mutation never hits the checksum, and behind it lies what is worth reaching.
unchecked = mock.patch.object(zipfile.ZipExtFile, "_update_crc", return_value=None)


def without_checksums(read: Callable[[bytes], object]) -> Callable[[bytes], object]:
    def run(data: bytes) -> object:
        with unchecked:
            return read(data)

    return run


def plain(data: bytes) -> object:
    return {name: (array.dtype.str, array.shape) for name, array in load_arrays(io.BytesIO(data)).items()}


def survivors(data: bytes) -> object:
    """Read the table and every hypothesis in it; one that is taken is the same after its way through the file."""
    table = Survivors.from_bytes(data)
    lines = [alignment.line() for alignment in table]
    again = Survivors.from_bytes(table.to_bytes())
    assert again.header == table.header, "the header is not the same after its way through the file"
    return lines, table.export()


def network(data: bytes) -> object:
    net = TorchMlp().load(data)
    assert isinstance(net, Mlp)
    return net.margin(np.zeros((2, len(net.centre)))).tolist()


def artifact(data: bytes) -> object:
    store = ArtifactStore(scratch.folder())
    note = Provenance("x/1", hashlib.sha256(data).hexdigest(), "", len(data), {}, {}, "", None, "")
    scratch.file("table.npz", data)
    scratch.file("table.npz.lineage.json", json.dumps({"lineage": LINEAGE_SCHEMA, **asdict(note)}).encode())
    arrays, header = store.read_npz("table.npz", schema="x/1")
    return sorted(arrays), header


def scored(data: bytes) -> object:
    return Scored.from_bytes(data).head.names


@cache
def table() -> bytes:
    """Return a small table of survivors."""
    header = SurvivorHeader(
        range=(0, 999), history="h", draws=60, search=(0, 40), confirm=(40, 60), found=2, carried=2
    )
    rows = [
        Alignment(family="lcg48/java", mapping="mod", range=(0, 999), origin=Origin.seed(7, 48)),
        Alignment(
            family="mt19937/php", mapping="mod", range=(0, 999), origin=Origin(kind="time", bits=64, value="0xff", unit="ms"),
            start=None, gap=Gap(law="periodic", pattern=(3, 1)), session="a",
        ),
    ]  # fmt: skip
    return Survivors.from_alignments(rows, header, {}).to_bytes()


def zipped(arrays: dict[str, Any], compression: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, array in arrays.items():
            member_info = zipfile.ZipInfo(f"{name}.npy")
            member_info.compress_type = compression
            with archive.open(member_info, "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return made.getvalue()


def small() -> bytes:
    return zipped(
        {HEADER: np.frombuffer(b'{"a": 1}', np.uint8), "x": np.zeros((2, 3)), "y": np.array(["a", "bc"])}
    )


def net() -> bytes:
    layers = ((np.ones((4, 3)), np.zeros(4)), (np.ones((1, 4)), np.zeros(1)))
    return Mlp(np.zeros(3), np.ones(3), layers, ((0, layers),)).dump()


def header_of(
    template: Callable[[], bytes], member: str, data: bytes, read: Callable[[bytes], object]
) -> object:
    """Put foreign bytes in the place of one member of a sound file."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template())) as old, zipfile.ZipFile(made, "w") as new:
        for one in old.infolist():
            content = old.read(one)
            if one.filename == member:
                content = data if member.endswith("!") else _array(data)
            new.writestr(one.filename, content)
    return read(made.getvalue())


def _array(data: bytes) -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array(made, np.frombuffer(data, np.uint8), allow_pickle=False)
    return made.getvalue()


def head() -> bytes:
    with zipfile.ZipFile(io.BytesIO(table())) as archive, archive.open("header.npy") as member:
        return np.lib.format.read_array(member).tobytes()  # type: ignore[no-any-return]


def one_member(data: bytes) -> object:
    """Read a zip whose only member are these bytes: the header of an array, written by anybody."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("x.npy", data)
    return plain(made.getvalue())


MEMBER = (
    b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }".ljust(117)
    + b"\n"
    + bytes(48)
)
REFUSED = (BadInput, NpzRefused)
TARGET = Target(
    "npz",
    "survivors, scored survivors, artifacts and the network's model in NPZ",
    (
        Reader("survivors", without_checksums(survivors), (table(),)),
        Reader(
            "any npz",
            without_checksums(plain),
            (small(), zipped({"x": np.zeros(9)}, zipfile.ZIP_DEFLATED)),
            REFUSED,
        ),
        Reader("one member", one_member, (MEMBER,), REFUSED),
        Reader("network", without_checksums(network), (net(),)),
        Reader("artifact", without_checksums(artifact), (small(),)),
        Reader("survivors' header", lambda data: header_of(table, "header.npy", data, survivors), (head(),)),
        Reader("scored", without_checksums(scored), (small(), table())),
    ),
)
