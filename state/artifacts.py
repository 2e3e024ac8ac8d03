"""Artifacts: files that are whole or absent, known by their hash, and that say what they were made from.

`NAME` is the content, `NAME.lineage.json` its lineage; nothing without both is readable. One writer per name at a time.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from state.chain import canonical, digest
from state.clock import utc_now
from state.errors import ArtifactRefused, LedgerError
from state.files import disk_errors, make_folder, put_in_place, sweep_temporaries, write_temporary
from state.versions import refusal

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]

LINEAGE_SCHEMA = "lineage/1"
LINEAGE_SUFFIX = ".lineage.json"
HEADER = "__header__"
VOLATILE = ("at", "host", "run", "elapsed_s")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Model(Protocol):
    """A pydantic model, as far as this module knows one."""

    def model_dump(self, *, mode: str, by_alias: bool) -> dict[str, Any]:
        """Return the model as plain data."""


@dataclass(frozen=True)
class Lineage:
    """What made an artifact: content schema, inputs (artifact name -> sha-256), parameters, code revision, run."""

    schema: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    run: str | None = None


@dataclass(frozen=True)
class ArtifactRef:
    """One exact version of an artifact."""

    path: Path
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """Return the artifact's name in its store."""
        return self.path.name


@dataclass(frozen=True)
class Provenance:
    """A lineage as stored: with the hash of the file and of its content without time, host and run."""

    schema: str
    sha256: str
    content_sha256: str
    bytes: int
    inputs: dict[str, str]
    parameters: dict[str, Any]
    code: str
    run: str | None
    at: str


class ArtifactStore:
    """Artifacts of one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with disk_errors(directory, "creating the artifact directory"):
            make_folder(directory)
        sweep_temporaries(directory)

    # -- writing ------------------------------------------------------------------------------------------------------

    def write_json(
        self,
        name: str,
        value: Model | Mapping[str, Any],
        lineage: Lineage,
        *,
        volatile: Collection[str] = VOLATILE,
    ) -> ArtifactRef:
        """Write a record as JSON; `volatile` top-level keys do not count for content_sha256."""
        data = dict(value) if isinstance(value, Mapping) else value.model_dump(mode="json", by_alias=True)
        content = digest({key: item for key, item in data.items() if key not in volatile})
        text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        return self._write(
            name, lambda handle: _put(handle, text.encode("utf-8", "surrogatepass")), lineage, content
        )

    def write_bytes(
        self, name: str, content: bytes, lineage: Lineage, *, content_sha256: str | None = None
    ) -> ArtifactRef:
        """Write bytes as they are; `content_sha256` where a part of them varies from run to run."""
        own = content_sha256 or hashlib.sha256(content).hexdigest()
        return self._write(name, lambda handle: _put(handle, content), lineage, own)

    def write_npz(
        self,
        name: str,
        arrays: Arrays,
        header: Mapping[str, Any],
        lineage: Lineage,
        *,
        volatile: Collection[str] = VOLATILE,
    ) -> ArtifactRef:
        """Write plain arrays (no objects) and a JSON header as one uncompressed NPZ."""
        import numpy as np

        if HEADER in arrays:
            raise LedgerError(f"{name}: {HEADER} is the header's own name; rename that array")
        if bad := [key for key, array in arrays.items() if array.dtype.hasobject]:
            raise LedgerError(
                f"{name}: arrays of Python objects are not written ({', '.join(bad)}); use a fixed dtype"
            )
        head = np.frombuffer(canonical(dict(header)).encode("ascii"), dtype=np.uint8)
        content = _content_of(arrays, {key: item for key, item in header.items() if key not in volatile})

        def fill(handle: BinaryIO) -> None:
            with zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as archive:
                for key, array in {HEADER: head, **arrays}.items():
                    with archive.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, array, allow_pickle=False)

        return self._write(name, fill, lineage, content)

    def _write(
        self, name: str, fill: Callable[[BinaryIO], None], lineage: Lineage, content: str
    ) -> ArtifactRef:
        path = self._path(name)
        for one in (path, _sidecar(path)):
            _refuse_symlink(one)
        temporary = write_temporary(path, fill)
        try:
            sha, size = _hash(temporary), temporary.stat().st_size
            note = Provenance(
                schema=lineage.schema,
                sha256=sha,
                content_sha256=content,
                bytes=size,
                inputs=dict(lineage.inputs),
                parameters=dict(lineage.parameters),
                code=lineage.code,
                run=lineage.run,
                at=utc_now(),
            )
            pending = self._note(path, note)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        put_in_place(temporary, path)
        put_in_place(pending, _sidecar(path))
        return ArtifactRef(path, sha, size)

    @staticmethod
    def _note(path: Path, note: Provenance) -> Path:
        """Put the new lineage beside the old one, durably: whoever finds the new content finds its lineage too."""
        canonical(note.parameters)
        text = json.dumps({"lineage": LINEAGE_SCHEMA, **asdict(note)}, indent=1) + "\n"
        made = write_temporary(_pending(path), lambda handle: _put(handle, text.encode("ascii")))
        put_in_place(made, _pending(path))
        return _pending(path)

    # -- reading ------------------------------------------------------------------------------------------------------

    def read_json(
        self, what: str | ArtifactRef, *, schema: str | None = None, verify: bool = True
    ) -> dict[str, Any]:
        """Return a JSON artifact; refused unless it is the file that its lineage (and the ref) names."""
        content = self.read_bytes(what, schema=schema, verify=verify)
        try:
            data = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ArtifactRefused(
                f"{self._path(what)}: is not JSON ({error}); run the step that writes it again"
            ) from error
        if not isinstance(data, dict):
            raise ArtifactRefused(
                f"{self._path(what)}: is not a JSON object; run the step that writes it again"
            )
        return data

    def read_bytes(self, what: str | ArtifactRef, *, schema: str | None = None, verify: bool = True) -> bytes:
        """Return an artifact's bytes, checked as in `read_json`."""
        path = self._path(what)
        note = self._checked(what, schema)
        content = _load(path)
        if verify:
            _same_hash(path, hashlib.sha256(content).hexdigest(), note, what)
        return content

    def read_npz(
        self, what: str | ArtifactRef, *, schema: str | None = None, verify: bool = True
    ) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
        """Return the arrays and the header of an NPZ artifact, checked as in `read_json`."""
        from state.npz import load_arrays

        path = self._path(what)
        note = self._checked(what, schema)
        try:
            with disk_errors(path, "reading"), path.open("rb") as handle:
                if verify:
                    _same_hash(path, hashlib.file_digest(handle, "sha256").hexdigest(), note, what)
                arrays = load_arrays(handle)
            header = json.loads(arrays.pop(HEADER).tobytes())
            if not isinstance(header, dict):
                raise ValueError("its header is no object")
        except (ValueError, KeyError, RecursionError) as error:
            raise ArtifactRefused(
                f"{path}: is not an NPZ of this program ({error}); run its step again"
            ) from error
        return arrays, header

    def ref(self, name: str) -> ArtifactRef:
        """Return a reference to the artifact as it is now, its hash checked."""
        path = self._path(name)
        note = self._checked(name, None)
        _same_hash(path, _hash(path), note, name)
        return ArtifactRef(path, note.sha256, note.bytes)

    def lineage(self, what: str | ArtifactRef) -> Provenance:
        """Return what is recorded about how an artifact was made."""
        return self._checked(what, None)

    def exists(self, name: str) -> bool:
        """Tell whether an artifact of this name was written; says nothing about its content."""
        path = self._path(name)
        return path.is_file() and (_sidecar(path).is_file() or _pending(path).is_file())

    def stale(self, name: str) -> dict[str, str]:
        """Return the inputs in this store that are no longer the ones this artifact was made from, with the reason."""
        inputs = self.lineage(name).inputs
        return {key: why for key, sha in inputs.items() if (why := self._drift(key, sha)) is not None}

    def _drift(self, name: str, sha: str) -> str | None:
        if not _NAME.fullmatch(name) or not self.exists(name):
            return None
        now = self.lineage(name).sha256
        return None if now == sha else f"made from {sha[:12]}, the input is now {now[:12]}"

    def must_be_fresh(self, name: str) -> None:
        """Raise when an input changed after this artifact was made from it."""
        if stale := self.stale(name):
            told = "; ".join(f"{key}: {why}" for key, why in stale.items())
            raise ArtifactRefused(
                f"{self._path(name)}: is older than its inputs ({told}); run its step again"
            )

    def _checked(self, what: str | ArtifactRef, schema: str | None) -> Provenance:
        path = self._path(what)
        for one in (path, _sidecar(path)):
            _refuse_symlink(one)
        if not path.is_file():
            raise ArtifactRefused(f"{path}: does not exist; run the step that writes it")
        note = _current_note(path)
        if schema is not None and (why := refusal(note.schema, schema)) is not None:
            raise ArtifactRefused(f"{path}: {why}")
        return note

    def _path(self, what: str | ArtifactRef) -> Path:
        if isinstance(what, ArtifactRef):
            return what.path
        if not _NAME.fullmatch(what) or what.endswith(LINEAGE_SUFFIX):
            raise ArtifactRefused(
                f"artifact name {what!r}: letters, digits, dot, dash and underscore only, no folders"
            )
        return self.directory / what


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + LINEAGE_SUFFIX)


def _pending(path: Path) -> Path:
    return path.with_name(f".{path.name}{LINEAGE_SUFFIX}.new")


def _refuse_symlink(path: Path) -> None:
    if path.is_symlink():
        raise ArtifactRefused(
            f"{path}: is a symlink; an artifact is a file of its own: remove the link and run the step again"
        )


def _put(handle: BinaryIO, content: bytes) -> None:
    handle.write(content)


def _hash(path: Path) -> str:
    with disk_errors(path, "reading"), path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _load(path: Path) -> bytes:
    with disk_errors(path, "reading"):
        return path.read_bytes()


def _current_note(path: Path) -> Provenance:
    """Read the lineage; after a crash between a write's two renames the new one still has its pending name."""
    pending = _pending(path)
    try:
        waiting = _read_note(path, pending) if pending.exists() else None
    except ArtifactRefused:
        waiting = None  # its writer renamed it just now
    if waiting is not None and waiting.sha256 == _hash(path):
        return waiting
    return _read_note(path, _sidecar(path))


def _read_note(path: Path, note: Path) -> Provenance:
    if not note.is_file():
        raise ArtifactRefused(
            f"{path}: has no lineage ({note.name} is missing), so nobody knows what made it; run its step again"
        )
    try:
        data = json.loads(_load(note))
        if (why := refusal(data.pop("lineage"), LINEAGE_SCHEMA)) is not None:
            raise ArtifactRefused(f"{note}: {why}")
        return Provenance(**data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactRefused(
            f"{note}: is not a lineage record ({error}); run the step that writes {path.name} again"
        ) from error


def _same_hash(path: Path, found: str, note: Provenance, what: str | ArtifactRef) -> None:
    wanted = what.sha256 if isinstance(what, ArtifactRef) else note.sha256
    if found != wanted or found != note.sha256:
        raise ArtifactRefused(
            f"{path}: its sha-256 is {found[:12]}, expected {wanted[:12]}: it was changed; run its step again"
        )


def _content_of(arrays: Arrays, header: Mapping[str, Any]) -> str:
    own = hashlib.sha256(canonical(dict(header)).encode("ascii"))
    for key in sorted(arrays):
        array = arrays[key]
        own.update(f"\n{key} {array.dtype.str} {array.shape}\n".encode())
        own.update(array.tobytes())
    return own.hexdigest()
