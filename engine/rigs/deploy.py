"""`mimicry rig deploy`: a folder of wheels becomes one version on a rig; checked by digest, switched at once, the one before kept."""

from __future__ import annotations

import hashlib
import json
import secrets
import shlex
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.config import RigSettings
from engine.errors import BadInput, EnvironmentFault
from engine.rigs.faults import LinkFault
from engine.rigs.guardlink import SCRIPTS
from engine.rigs.heard import answer_of
from engine.rigs.life import reach_of
from engine.rigs.reach import Reach
from engine.rigs.staging import blocks

INSTALL_LIMIT = 300.0
WORKER_MODULES = ("numpy", "distributed", "hip_cuda_kernels.host", "engine.compute.worker")
"""What a worker imports first; a bundle that lacks one is rolled back."""


@dataclass(frozen=True)
class Bundle:
    """The wheels of one version, and the digest that names it."""

    wheels: tuple[Path, ...]
    manifest: dict[str, str]
    """Digest of each wheel by its name."""
    digest: str

    @classmethod
    def of(cls, folder: Path) -> Bundle:
        """Return the wheels of a folder (or the one that is named); BadInput where there is none."""
        found = [folder] if folder.suffix == ".whl" and folder.is_file() else sorted(folder.glob("*.whl"))
        if not found:
            raise BadInput(
                f"{folder}: no wheels there; `pip wheel . -w {folder}` makes them, for the rig's Python"
            )
        manifest = {path.name: _digest(path) for path in found}
        digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
        return cls(tuple(found), manifest, digest)


@dataclass(frozen=True)
class Deployed:
    """What is on the rig now."""

    rig: str
    current: str
    previous: str | None
    sent: int
    """Bytes that went over the wire."""

    def record(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return asdict(self)

    def text(self) -> str:
        """Return it as one line."""
        before = "none before" if self.previous is None else f"before: {self.previous[:12]}, kept"
        return f"rig {self.rig}: version {self.current[:12]} in place, {self.sent / 1e6:.1f} MB sent ({before}); running workers keep theirs until their next start"


async def deploy(
    settings: RigSettings, bundle: Bundle, *, modules: Sequence[str] = WORKER_MODULES
) -> Deployed:
    """Make a bundle a rig's current version; one that cannot be imported there is rolled back."""
    async with _entered(settings) as rig:
        before = await _ask(rig, settings, "show")
        sent = 0
        if before["current"] != bundle.digest or not before["whole"]:
            sent = await _send(rig, settings, bundle)
        answer = await _ask(rig, settings, "install", bundle.digest) if sent else before
        fault = await _import_fault(rig, settings, modules)
        if fault:
            back = before["current"] is not None and before["current"] != bundle.digest
            if back:
                await _ask(rig, settings, "rollback")
            raise BadInput(
                f"rig {settings.name}: {fault}; {'the version before is back; ' if back else ''}build the bundle with all that it "
                "needs, for this rig's Python"
            )
    return Deployed(settings.name, answer["current"], answer["previous"], sent)


async def rollback(settings: RigSettings) -> Deployed:
    """Go back to the version before."""
    async with _entered(settings) as rig:
        answer = await _ask(rig, settings, "rollback")
    return Deployed(settings.name, answer["current"], answer["previous"], 0)


async def installed(rig: Reach, settings: RigSettings) -> dict[str, Any]:
    """Return what is on a connected rig: current, previous, whether every file is whole."""
    return await _ask(rig, settings, "show")


def library(settings: RigSettings) -> str:
    """Return the path of the current version's code on the rig, as a shell word that knows the home."""
    return f"{_home(settings)}/current/lib"


class _entered:
    """A connected rig for the length of a block."""

    def __init__(self, settings: RigSettings) -> None:
        self._rig = reach_of(settings)

    async def __aenter__(self) -> Reach:
        await self._rig.connect()
        return self._rig

    async def __aexit__(self, *exc: object) -> None:
        await self._rig.close()


def _home(settings: RigSettings) -> str:
    folder = settings.deploy_to
    return folder if folder.startswith("/") else f'"$HOME"/{folder}'


async def _ask(rig: Reach, settings: RigSettings, *words: str) -> dict[str, Any]:
    """Run the installer on the rig; EnvironmentFault where it refuses."""
    folder = f"{settings.staging}/mimicry-install-{secrets.token_hex(6)}"
    await rig.push(folder, {"installer.py": (SCRIPTS / "installer.py").read_bytes()})
    command = f"{shlex.quote(settings.python)} -I {folder}/installer.py {_home(settings)} {shlex.join(words)}"
    done = await rig.run(f"{command}; code=$?; rm -rf {folder}; exit $code", within=INSTALL_LIMIT)
    if done.code:
        raise EnvironmentFault(
            f"rig {settings.name}: {settings.python} cannot run the installer: {done.stderr.strip()[-200:]}; check `python` in room.toml"
        )
    try:
        answer = answer_of(done.stdout, "installer")
    except BadInput as error:
        raise EnvironmentFault(
            f"rig {settings.name}: the installer answers out of form: {error}; check its python and login scripts"
        ) from error
    if "why" in answer:
        raise EnvironmentFault(f"rig {settings.name}: nothing was switched: {answer['why']}; deploy again")
    return answer


async def _send(rig: Reach, settings: RigSettings, bundle: Bundle) -> int:
    """Send wheels and manifest into the incoming folder; return the bytes sent."""
    done = await rig.run(
        f"umask 077; mkdir -p {_home(settings)}/incoming-{bundle.digest} && cd {_home(settings)} && pwd -P"
    )
    if done.code:
        raise EnvironmentFault(
            f"rig {settings.name}: cannot make {settings.deploy_to}: {done.stderr.strip()}; check its rights and space"
        )
    incoming = f"{done.stdout.strip()}/incoming-{bundle.digest}"
    for path in bundle.wheels:
        await rig.upload(f"{incoming}/{path.name}", blocks(path))
    await rig.upload(f"{incoming}/manifest.json", _one(json.dumps(bundle.manifest).encode()))
    return sum(path.stat().st_size for path in bundle.wheels)


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _import_fault(rig: Reach, settings: RigSettings, modules: Sequence[str]) -> str:
    """Return why the current version cannot be imported on the rig, empty if it can."""
    code = "; ".join(f"import {name}" for name in modules)
    try:
        done = await rig.run(
            f"PYTHONPATH={library(settings)} {shlex.quote(settings.python)} -c {shlex.quote(code)}", within=60
        )
    except LinkFault as error:
        return str(error)
    return "" if done.code == 0 else (done.stderr.strip().splitlines() or ["it does not import"])[-1]


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
