"""Where every thread and every asyncio task of this process stands; names of functions and files, never a value."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

SCHEMA = "stacks/1"
FRAMES, TASKS, THREADS = 40, 500, 200
"""Most innermost frames of one stack, and most tasks and threads of one answer; what is cut is counted."""
_ROOT = str(Path(__file__).parents[1])
_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, int]] = weakref.WeakKeyDictionary()


def name_loop(name: str) -> None:
    """Make the running loop known under a name; from its own thread."""
    _loops[asyncio.get_running_loop()] = (name, threading.get_ident())


def stacks() -> dict[str, Any]:
    """Return `stacks/1`: all threads, and all tasks of the named loops; from any thread, in some milliseconds."""
    loops = {loop: known for loop, known in list(_loops.items()) if not loop.is_closed()}
    threads = list(_threads({thread: name for name, thread in loops.values()}))
    tasks = [row for loop, (name, _) in loops.items() for row in _tasks(loop, name)]
    return {
        "schema": SCHEMA,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "pid": os.getpid(),
        "threads": threads[:THREADS],
        "tasks": tasks[:TASKS],
        "cut": max(0, len(threads) - THREADS) + max(0, len(tasks) - TASKS),
    }


def _threads(loops: dict[int, str]) -> Iterator[dict[str, Any]]:
    named = {thread.ident: thread for thread in threading.enumerate()}
    for ident, frame in reversed(sys._current_frames().items()):  # oldest first
        thread = named.get(ident)
        yield {
            "name": thread.name if thread else f"unnamed-{ident}",
            "native": thread.native_id if thread else None,
            "loop": loops.get(ident),
            "frames": of_frame(frame),
        }


def _tasks(loop: asyncio.AbstractEventLoop, name: str) -> Iterator[dict[str, Any]]:
    for task in sorted(asyncio.all_tasks(loop), key=lambda one: one.get_name()):
        coroutine: Any = task.get_coro()
        yield {
            "name": task.get_name(),
            "loop": name,
            "does": getattr(coroutine, "__qualname__", type(coroutine).__name__),
            "frames": _awaited(coroutine),
            "waits_on": _waited_for(getattr(task, "_fut_waiter", None)),
        }


def _waited_for(future: object) -> str:
    """Return what a task waits for: another task by its name, or a future; empty for one that is ready or runs."""
    if future is None:
        return ""
    return f"task {future.get_name()}" if isinstance(future, asyncio.Task) else type(future).__name__.lower()


def _awaited(coroutine: Any) -> list[str]:
    """Return the chain of awaits, outermost first."""
    frames: list[str] = []
    at = coroutine
    while at is not None and len(frames) < FRAMES:
        frame: FrameType | None = next(
            (found for kind in ("cr", "gi", "ag") if (found := getattr(at, f"{kind}_frame", None))), None
        )
        if frame is None:
            break  # a future, or an awaitable written in C
        frames.append(place(frame.f_code, frame.f_lineno))
        at = next(
            (
                found
                for name in ("cr_await", "gi_yieldfrom", "ag_await")
                if (found := getattr(at, name, None)) is not None
            ),
            None,
        )
    return frames


def of_frame(frame: FrameType | None) -> list[str]:
    """Return a running stack, outermost first, its `FRAMES` innermost frames at most."""
    found: list[str] = []
    while frame is not None and len(found) < FRAMES:
        found.append(place(frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return found[::-1]


def place(code: CodeType, line: int | None) -> str:
    """Return `engine/room.py:180 Room.live`; files by their place in the program or in a library, never by a home's."""
    roots = [root for root in (_ROOT, *sys.path) if root and code.co_filename.startswith(f"{root}/")]
    shown = code.co_filename[len(max(roots, key=len)) + 1 :] if roots else code.co_filename
    return f"{shown}:{line or 0} {code.co_qualname}"


def text(data: dict[str, Any]) -> str:
    """Return `stacks/1` for people: threads first, tasks that stand in the same place once, with how many there are."""
    lines = [f"pid {data['pid']} at {data['at']}: {len(data['threads'])} threads, {len(data['tasks'])} tasks"]
    if data["cut"]:
        lines[0] += f", {data['cut']} more not shown"
    for thread in data["threads"]:
        loop = f", loop {thread['loop']}" if thread["loop"] else ""
        lines += ["", f"thread {thread['name']}{loop}", *(f"    {frame}" for frame in thread["frames"])]
    alike = Counter(_alike(task) for task in data["tasks"])
    shown: set[tuple[object, ...]] = set()
    for task in data["tasks"]:
        key = _alike(task)
        if key in shown:
            continue
        shown.add(key)
        many = f" and {alike[key] - 1} more like it" if alike[key] > 1 else ""
        waits = f"    waits for a {task['waits_on']}" if task["waits_on"] else "    is ready, or runs"
        head = f"task {task['name']}{many}, loop {task['loop']}: {task['does']}"
        lines += ["", head, *(f"    {frame}" for frame in task["frames"]), waits]
    return "\n".join(lines)


def _alike(task: dict[str, Any]) -> tuple[object, ...]:
    """Return what tasks have in common that people need to read once; named tasks stand for themselves."""
    own = "" if task["name"].startswith("Task-") else task["name"]
    return (own, task["loop"], task["does"], tuple(task["frames"]), task["waits_on"])
