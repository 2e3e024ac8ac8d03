"""Runs on a rig: the ramdisk's store of staged files, named by their sha-256. Standard library only.

`store.py FOLDER` reads one JSON order from stdin and answers with one JSON line:

    {"op": "look", "want": [digest, …]}   which of them are there and whole, how much room is free; broken and partial ones go
    {"op": "keep", "digest": …}           the partial file becomes the file, if its sha-256 is its name
    {"op": "sweep", "keep": [digest, …]}  everything else goes; how many, and how much room is free then
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from typing import Any

PARTIAL = ".part"


def digest_of(path: str) -> str:
    """Return a file's sha-256."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def look(folder: str, want: list[str]) -> dict[str, Any]:
    """Say what is there; a file whose content is not its name is removed."""
    whole = []
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(PARTIAL):
            os.unlink(path)
        elif name in want:
            if digest_of(path) == name:
                whole.append(name)
            else:
                os.unlink(path)
    return {"whole": sorted(whole), "free": shutil.disk_usage(folder).free}


def keep(folder: str, digest: str) -> dict[str, Any]:
    """Put a partial file in place if it is what it says."""
    path = os.path.join(folder, digest)
    found = digest_of(path + PARTIAL)
    if found != digest:
        os.unlink(path + PARTIAL)
        return {"kept": False, "found": found}
    os.replace(path + PARTIAL, path)
    return {"kept": True, "found": found}


def sweep(folder: str, wanted: list[str]) -> dict[str, Any]:
    """Remove what is not wanted."""
    gone = [name for name in os.listdir(folder) if name not in wanted]
    for name in gone:
        os.unlink(os.path.join(folder, name))
    return {"removed": len(gone), "free": shutil.disk_usage(folder).free}


def main() -> None:
    """Obey one order."""
    folder = sys.argv[1]
    os.makedirs(folder, 0o700, exist_ok=True)
    if os.lstat(folder).st_uid != os.getuid() or os.path.islink(folder):
        raise SystemExit(f"{folder} is somebody else's; remove it")
    order = json.loads(sys.stdin.readline())
    actions = {
        "look": lambda: look(folder, order["want"]),
        "keep": lambda: keep(folder, order["digest"]),
        "sweep": lambda: sweep(folder, order["keep"]),
    }
    print(json.dumps(actions[order["op"]]()))


if __name__ == "__main__":
    main()
