"""Run one job in this process: resolve the kind, call it, and turn whatever happens into an answer."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping

from engine.compute.codec import CodecError
from engine.compute.inputs import MissingInput, Shelf
from engine.compute.job import Job, encode_answer, one_line
from engine.compute.kinds import resolve
from engine.compute.stop import Stop
from engine.errors import Halted

logger = logging.getLogger(__name__)


def perform(job: Job, stop: Stop, extra: Mapping[str, str], worker: str, shelf: Shelf) -> bytes:
    """Return the answer of `job`; a kind's exception becomes a one-line error and its traceback goes to the log.

    A kind that returns after a halt was asked counts as stopped even if it says nothing: a kernel may have ended early, and a
    partial chunk that passes for a whole one would be a hole in the coverage.
    """
    echo = job.echo()
    begun = time.monotonic()
    try:
        given = {**shelf.arrays(job.inputs), **job.arrays}
        meta, arrays = resolve(job.kind, extra)(job.params, given, stop)
        halted = stop.asked()
    except MissingInput as gap:
        return encode_answer(echo, worker, 0.0, error=str(gap), missing=[gap.digest])
    except Halted:
        return encode_answer(echo, worker, time.monotonic() - begun, stopped=True)
    except (Exception, SystemExit) as error:
        logger.exception("%s %s failed", job.kind, job.key)
        return encode_answer(echo, worker, time.monotonic() - begun, error=describe(error))
    seconds = time.monotonic() - begun
    try:
        return encode_answer(echo, worker, seconds, meta=meta, arrays=arrays, stopped=halted)
    except (CodecError, TypeError, ValueError, AttributeError) as error:
        return encode_answer(
            echo, worker, seconds, error=f"{job.kind} returned what does not travel: {describe(error)}"
        )


def describe(error: BaseException) -> str:
    """Return the exception as one line: type, text, and the innermost place."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return one_line(f"{type(error).__name__}: {error}{place}")
