"""Runs on a rig: puts a bundle of wheels in place as one version, switches to it at once or not at all, keeps the one before.

Standard library only. `installer.py HOME install DIGEST | rollback | show`, one JSON line as answer. Layout below HOME:

    incoming-DIGEST/      what was sent: wheels and manifest.json ({name: sha256})
    versions/DIGEST/lib/  the wheels unpacked, beside files.json (a sha-256 of every file)
    current, previous     links to two versions; a switch is one rename
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import struct
import sys
import zipfile
import zlib
from typing import Any

Answer = dict[str, Any]
UNPACKED = 4 << 30
"""Bytes that one wheel may unpack to: above every GPU library's."""
BROKEN = (
    OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, IndexError, KeyError, AttributeError,
    TypeError, struct.error,
)  # fmt: skip
"""What a damaged bundle may raise: zipfile's errors are not one family."""


def digest_of(path: str) -> str:
    """Return a file's sha-256."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def bundle_digest(manifest: dict[str, str]) -> str:
    """Return the name of a bundle: a digest over its wheels' names and digests."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def install(home: str, digest: str) -> Answer:
    """Check what was sent, unpack it, switch to it; anything wrong leaves what was there."""
    incoming = os.path.join(home, f"incoming-{digest}")
    try:
        with open(os.path.join(incoming, "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        if bundle_digest(manifest) != digest:
            return {"ok": False, "why": "the manifest is not the one that was sent"}
        for name, wanted in manifest.items():
            if os.path.basename(name) != name:
                return {"ok": False, "why": f"{name!r} is no name of a file"}
            if digest_of(os.path.join(incoming, name)) != wanted:
                return {"ok": False, "why": f"{name} arrived damaged"}
        if not whole(home, digest):
            unpack(home, incoming, sorted(manifest), digest)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    switch(home, digest)
    return {"ok": True, **show(home)}


def unpack(home: str, incoming: str, names: list[str], digest: str) -> None:
    """Unpack all wheels into a version beside the others; it gets its name when it is whole."""
    part = version(home, digest) + ".part"
    shutil.rmtree(part, ignore_errors=True)
    lib = os.path.join(part, "lib")
    os.makedirs(lib, 0o700)
    for name in names:
        with zipfile.ZipFile(os.path.join(incoming, name)) as wheel:
            check(wheel, name)
            wheel.extractall(lib)
    for data in [name for name in os.listdir(lib) if name.endswith(".data")]:
        for kind in ("purelib", "platlib"):
            inner = os.path.join(lib, data, kind)
            if os.path.isdir(inner):
                shutil.copytree(inner, lib, dirs_exist_ok=True)
        shutil.rmtree(os.path.join(lib, data))
    with open(os.path.join(part, "files.json"), "w", encoding="utf-8") as file:
        json.dump(files(lib), file)
    there = version(home, digest)
    if os.path.isdir(there):  # its files were changed
        shutil.rmtree(there + ".changed", ignore_errors=True)
        os.replace(there, there + ".changed")
    os.replace(part, there)


def check(wheel: zipfile.ZipFile, name: str) -> None:
    """Refuse a wheel that would write outside of its folder, make links, or fill the disk; what it states is what it may unpack."""
    size = 0
    for one in wheel.infolist():
        parts = one.filename.replace("\\", "/").split("/")
        if (
            not one.filename
            or one.filename.startswith("/")
            or ".." in parts
            or stat.S_ISLNK(one.external_attr >> 16)
        ):
            raise ValueError(f"{name}: member {one.filename[:80]!r} is a link or leads out of its folder")
        size += one.file_size
    if size > UNPACKED:
        raise ValueError(f"{name}: unpacks to {size} bytes, {UNPACKED} are the limit")


def files(lib: str) -> dict[str, str]:
    """Return the sha-256 of every file below a folder, what Python itself writes left out."""
    found = {}
    for folder, folders, names in os.walk(lib):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, lib)] = digest_of(path)
    return found


def version(home: str, digest: str) -> str:
    """Return a version's folder."""
    return os.path.join(home, "versions", digest)


def pointed(home: str, link: str) -> str | None:
    """Return the digest that a link names."""
    try:
        return os.path.basename(os.readlink(os.path.join(home, link)))
    except OSError:
        return None


def point(home: str, link: str, digest: str) -> None:
    """Let a link name a version, in one step."""
    new = os.path.join(home, link + ".new")
    if os.path.lexists(new):
        os.unlink(new)
    os.symlink(os.path.join("versions", digest), new)
    os.replace(new, os.path.join(home, link))


def switch(home: str, digest: str) -> None:
    """Make a version the current one; remove all but it and the one before."""
    old = pointed(home, "current")
    if old is not None and old != digest:
        point(home, "previous", old)
    point(home, "current", digest)
    keep = {digest, pointed(home, "previous")}
    for name in os.listdir(os.path.join(home, "versions")):
        if name not in keep:
            shutil.rmtree(version(home, name), ignore_errors=True)


def rollback(home: str) -> Answer:
    """Go back to the version before; a second time comes back again."""
    old, now = pointed(home, "previous"), pointed(home, "current")
    if old is None or not os.path.isdir(version(home, old)):
        return {"ok": False, "why": "there is no version before this one"}
    point(home, "current", old)
    if now is not None:
        point(home, "previous", now)
    return {"ok": True, **show(home)}


def show(home: str) -> Answer:
    """Return what is there, and whether every file of the current version is as it was unpacked."""
    current = pointed(home, "current")
    sound = None if current is None else whole(home, current)
    return {"current": current, "previous": pointed(home, "previous"), "whole": sound}


def whole(home: str, digest: str) -> bool:
    """Tell whether a version is there, every file as it was unpacked."""
    try:
        with open(os.path.join(version(home, digest), "files.json"), encoding="utf-8") as file:
            return bool(json.load(file) == files(os.path.join(version(home, digest), "lib")))
    except (OSError, ValueError):
        return False


def main() -> None:
    """Obey one order."""
    home = os.path.abspath(os.path.expanduser(sys.argv[1]))
    os.makedirs(os.path.join(home, "versions"), 0o700, exist_ok=True)
    actions = {
        "install": lambda: install(home, sys.argv[3]),
        "rollback": lambda: rollback(home),
        "show": lambda: show(home),
    }
    try:
        answer = actions[sys.argv[2]]()
    except BROKEN as error:
        answer = {"ok": False, "why": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
