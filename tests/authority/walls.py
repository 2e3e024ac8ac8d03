"""The import contracts of pyproject.toml, and what becomes of them when somebody adds one import."""

from __future__ import annotations

import copy
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import grimp
from importlinter import configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.protected import ProtectedContract

configuration.configure()
ROOT = Path(__file__).parents[2]
KINDS: dict[str, Any] = {"forbidden": ForbiddenContract, "protected": ProtectedContract}


@cache
def settings() -> dict[str, Any]:
    """Return the settings of the import linter."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return found


@cache
def graph() -> grimp.ImportGraph:
    """Return who imports whom."""
    return grimp.build_graph(*settings()["root_packages"], include_external_packages=True, cache_dir=None)


@cache
def contract(start: str) -> Any:
    """Return the one contract whose name starts so."""
    (one,) = [found for found in settings()["contracts"] if found["name"].startswith(start)]
    options = {key: value for key, value in one.items() if key not in ("name", "type")}
    return KINDS[one["type"]](one["name"], settings(), options)


def kept(start: str) -> bool:
    """Say whether the contract holds today."""
    return bool(contract(start).check(copy.deepcopy(graph()), verbose=False).kept)


def held_off(start: str, importer: str, imported: str) -> bool:
    """Say whether the contract breaks, and so the build, once `importer` imports `imported`."""
    changed = copy.deepcopy(graph())
    for module in (importer, imported):
        if module not in changed.modules:
            changed.add_module(module, is_squashed="." not in module)
    changed.add_import(importer=importer, imported=imported)
    return not contract(start).check(changed, verbose=False).kept
