"""Errors that reach a person: one line that says what, where, which rule and what to do, and the exit code."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every verb (documented in the README)."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    BAD_INPUT = 3
    RESUMABLE = 4
    ENVIRONMENT = 5
    UNREACHABLE = 6


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM. A plain KeyboardInterrupt that met an import's generated code makes Python kill itself after our exit code."""


def first_fault(error: Exception) -> str:
    """Return what is wrong in one line: of a broken contract its first broken field, of anything else its first line."""
    if callable(told := getattr(error, "errors", None)):  # of pydantic, which this module does not load
        first = told()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    return next(iter(str(error).splitlines()), type(error).__name__)


class MimicryError(Exception):
    """Base of every error a caller may show as one line; subclasses set the exit code."""

    exit_code: Exit = Exit.INTERNAL


class UsageError(MimicryError):
    """The request itself is wrong: unknown family, reversed range, unknown key."""

    exit_code = Exit.USAGE


class BadInput(MimicryError):
    """A file, a peer or a record breaks a stated rule."""

    exit_code = Exit.BAD_INPUT


class EnvironmentFault(MimicryError):
    """The machine lacks something: disk space, a compiler, a device, a lock."""

    exit_code = Exit.ENVIRONMENT


class DiskFault(EnvironmentFault):
    """The disk takes or gives nothing at this moment; the work is not at fault and goes on later."""


class NotFree(EnvironmentFault):
    """The memory of a GPU is held, as measured; the work is not at fault and goes on once it is free."""


class Unreachable(MimicryError):
    """No daemon answers on the control socket."""

    exit_code = Exit.UNREACHABLE


class Halted(MimicryError):
    """Work stopped because a halt was asked for; everything finished is recorded and resumable."""

    exit_code = Exit.RESUMABLE


class Skipped(Halted):
    """A step stopped because a person skips it; the run goes on with what an earlier run made."""
