"""One step's view of the artifact store: what it reads becomes its lineage, what it writes carries that lineage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import BadInput
from engine.pipeline.artifacts import Contract, SchemaRefused
from engine.pipeline.context import RunContext
from engine.pipeline.scored import Scored
from engine.search.survivors import Survivors
from hip_cuda_kernels import host
from state.artifacts import ArtifactRef, Lineage
from state.errors import ArtifactRefused

C = TypeVar("C", bound=Contract)
SOURCES = ("pipeline", "search", "evidence")


@cache
def code_digest() -> str:
    """Return the sha-256 over the sources that decide a step's numbers, kernels included."""
    digest = hashlib.sha256(host.build_digest().encode())
    root = Path(__file__).parent.parent
    for path in sorted(path for part in SOURCES for path in (root / part).glob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def parameters_of(ctx: RunContext, step: str) -> dict[str, Any]:
    """Return everything outside of inputs and code that a step's numbers depend on."""
    space = ctx.space.model_dump(mode="json", exclude={"time_limit"})
    return {"seed": ctx.seeds.seed, "space": space, **ctx.parameters.of(step)}


class Shelf:
    """Reads and writes for one run of one step."""

    def __init__(self, ctx: RunContext, step: str) -> None:
        self.ctx, self.step = ctx, step
        self.inputs: dict[str, str] = {"history": ctx.history.digest}
        self.written: list[ArtifactRef] = []

    def read(self, name: str, contract: type[C]) -> C:
        """Read a JSON artifact under its contract; refuse one made from another history."""
        made = contract.parse(self._json(name, contract), name, self._looked(name))
        self._same_history(name, getattr(made, "history", None))
        self._current(name)
        return made

    def survivors(self, name: str) -> Survivors:
        """Read a survivors table."""
        made = Survivors.from_bytes(self._bytes(name), name)
        self._same_history(name, made.header.history)
        self._current(name)
        return made

    def scored(self, name: str) -> Scored:
        """Read the scored survivors."""
        made = Scored.from_bytes(self._bytes(name), name, self._looked(name))
        self._same_history(name, made.head.history)
        self._current(name)
        return made

    def raw(self, name: str) -> bytes:
        """Read an artifact as it is."""
        data = self._bytes(name)
        self._current(name)
        return data

    def decided(self, name: str) -> bytes:
        """Read what acceptance decided: no step's code made it, so no code can make it stale."""
        return self._bytes(name)

    def sha(self, name: str) -> str:
        """Return the hash of an artifact that was read."""
        return self.inputs[name]

    def write(self, name: str, contract: Contract) -> ArtifactRef:
        """Write a contract."""
        lineage = self._lineage(contract.schema_name())
        return self._keep(self.ctx.artifacts.write_json(name, contract.model_dump(mode="json"), lineage))

    def write_export(self, name: str, data: Mapping[str, Any], schema: str) -> ArtifactRef:
        """Write plain JSON that is meant for people."""
        return self._keep(self.ctx.artifacts.write_json(name, data, self._lineage(schema)))

    def write_bytes(self, name: str, content: bytes, schema: str) -> ArtifactRef:
        """Write bytes."""
        return self._keep(self.ctx.artifacts.write_bytes(name, content, self._lineage(schema)))

    def _looked(self, name: str) -> set[str]:
        return self.ctx.looked.setdefault(name, set())

    def _same_history(self, name: str, digest: str | None) -> None:
        if digest != self.ctx.history.digest:
            raise BadInput(
                f"{name}: made from history {str(digest)[:12]}, this run is over {self.ctx.history.digest[:12]}; "
                "run the steps before this one again"
            )

    def _current(self, name: str) -> None:
        """Refuse what other code made, and what was made from inputs that are no longer these."""
        with _translated():
            note = self.ctx.artifacts.lineage(name)
            self.ctx.artifacts.must_be_fresh(name)
        if note.code != code_digest():
            raise SchemaRefused(
                f"{name}: made by code {note.code[:12] or 'unknown'}, this is {code_digest()[:12]}; "
                "run the pipeline from the step that writes it again"
            )

    def _json(self, name: str, contract: type[Contract]) -> dict[str, Any]:
        with _translated():
            ref = self.ctx.artifacts.ref(name)
            data = self.ctx.artifacts.read_json(ref, schema=contract.schema_name())
        self.inputs[name] = ref.sha256
        return data

    def _bytes(self, name: str) -> bytes:
        with _translated():
            ref = self.ctx.artifacts.ref(name)
            data = self.ctx.artifacts.read_bytes(ref)
        self.inputs[name] = ref.sha256
        return data

    def _lineage(self, schema: str) -> Lineage:
        return Lineage(
            schema=schema,
            inputs=dict(self.inputs),
            parameters=parameters_of(self.ctx, self.step),
            code=code_digest(),
            run=self.ctx.run,
        )

    def _keep(self, ref: ArtifactRef) -> ArtifactRef:
        self.written.append(ref)
        return ref


class _translated:
    """Turn the store's refusal into the engine's error at the rim."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, ArtifactRefused):
            raise SchemaRefused(str(error)) from error
