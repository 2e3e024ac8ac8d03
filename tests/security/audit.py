"""`python tests/security/audit.py`: the dependencies that are installed here, held against what was agreed, and against known vulnerabilities.

Offline: every distribution stands in the lock, in that version; no requirement is broken; its licence is on the list; no new name
came in. Online: each (name, version) is looked up at OSV; where that does not answer, it says so and fails nothing.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import urllib.request
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK, AGREED = ROOT / "requirements.lock", Path(__file__).with_name("dependencies.toml")
SERVICE = "https://api.osv.dev/v1/querybatch"
TIMEOUT = 20.0
OURS = {"mimicry"}
INSTALLERS = {"pip", "setuptools", "wheel"}  # what `python -m venv` brings


def normal(name: str) -> str:
    """Return a distribution's name as packaging tools compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, metadata.Distribution]:
    """Return what this Python has, by name, without ourselves and the installers."""
    found = {normal(one.metadata["Name"]): one for one in metadata.distributions() if one.metadata["Name"]}
    return {name: one for name, one in sorted(found.items()) if name not in OURS | INSTALLERS}


def locked(text: str) -> dict[str, set[str]]:
    """Return the versions that the lock allows, by name (one for each stated condition)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.M):
        found.setdefault(normal(name), set()).add(version)
    return found


def unhashed(text: str) -> list[str]:
    """Return the pins of the lock that no hash holds to one file."""
    blocks = re.findall(r"^([A-Za-z0-9._-]+==(?:.*\\\n)*.*)", text, re.M)
    return [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


def licence(one: metadata.Distribution) -> str:
    """Return the licence that a distribution states: its expression, else its classifiers, else the first words of its text."""
    if expression := one.metadata.get("License-Expression"):
        return str(expression)
    classifiers = one.metadata.get_all("Classifier") or []
    named = [
        text.rpartition(" :: ")[2]
        for text in classifiers
        if text.startswith("License ::") and text.count("::") > 1
    ]
    return "; ".join(sorted(named)) or " ".join((one.metadata.get("License") or "not stated").split())[:60]


def offline(found: Mapping[str, metadata.Distribution], lock: str, agreed: Mapping[str, str]) -> list[str]:
    """Return one line for each thing that was not agreed."""
    versions, faults = locked(lock), [f"{pin}: no hash in the lock" for pin in unhashed(lock)]
    for name, one in found.items():
        if one.version.partition("+")[0] not in versions.get(
            name, set()
        ):  # a local build's mark does not count
            faults.append(
                f"{name} {one.version}: the lock says {', '.join(sorted(versions.get(name, {'nothing of it'})))}"
            )
        if name not in agreed:
            faults.append(f"{name}: new; enter it with its licence ({licence(one)}) in {AGREED.name}")
        elif licence(one) != agreed[name]:
            faults.append(f"{name}: its licence was {agreed[name]!r} and is {licence(one)!r}")
    return faults


def vulnerable(pins: Iterable[tuple[str, str]]) -> list[str]:
    """Return what OSV knows about these versions; OSError or ValueError where it does not answer."""
    asked = [(name, version) for name, version in pins]
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in asked
    ]
    request = urllib.request.Request(
        SERVICE,
        json.dumps({"queries": queries}).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        results: list[dict[str, Any]] = json.load(answer)["results"]
    return [
        f"{name} {version}: {', '.join(one['id'] for one in result['vulns'])}"
        for (name, version), result in zip(asked, results, strict=True) if result.get("vulns")
    ]  # fmt: skip


def agreed() -> dict[str, str]:
    """Return the licences that were agreed to, by name."""
    table: dict[str, str] = tomllib.loads(AGREED.read_text(encoding="utf-8"))["licences"]
    return table


def accepted() -> dict[str, str]:
    """Return vulnerabilities that do not touch us, by id, each with its reason."""
    table: dict[str, str] = tomllib.loads(AGREED.read_text(encoding="utf-8")).get("accepted", {})
    return table


def main() -> int:
    """Print every fault; 1 where there is one."""
    found = installed()
    faults = offline(found, LOCK.read_text(encoding="utf-8"), agreed())
    print(
        f"{len(found)} distributions are installed, pinned, hashed and of agreed licences"
        if not faults
        else ""
    )
    try:
        known = vulnerable((name, one.version) for name, one in found.items())
    except (OSError, ValueError, KeyError) as error:
        print(f"NOT CHECKED for vulnerabilities: {SERVICE.split('/')[2]} does not answer ({error})")
    else:
        faults += [line for line in known if not any(id in line for id in accepted())]
        print(f"{len(known)} of them have known vulnerabilities at OSV")
    for fault in faults:
        print(f"dependency: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
