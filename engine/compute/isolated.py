"""The child of one isolated job: `python -m engine.compute.isolated`, started and leased by a worker."""

from __future__ import annotations

import os
from pathlib import Path

from engine.compute.inputs import Shelf
from engine.compute.job import decode_job
from engine.compute.lease import Lease
from engine.compute.perform import perform
from engine.compute.stop import Stop, StopWord


def main() -> None:
    """Read the job, perform it, write the answer."""
    lease = Lease()
    spec = lease.spec
    lease.watch(lambda _: None, lambda: os._exit(1))
    with os.fdopen(spec["question"], "rb") as question:
        question.seek(0)
        payload = question.read()
    stop = Stop(StopWord(Path(spec["word"])), spec["generation"])
    answer = perform(decode_job(payload), stop, spec["kinds"], spec["worker"], Shelf(Path(spec["inputs"])))
    with os.fdopen(spec["answer"], "wb") as out:
        out.write(answer)


if __name__ == "__main__":
    main()
