"""`mimicry analyze`: one history to a verdict in this process, in a run directory of its own that a later call can resume."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from engine import asked, report
from engine.cautions import cautions
from engine.compute.cluster import Compute
from engine.errors import BadInput, EnvironmentFault, Exit, UsageError, first_fault
from engine.history.history import NO_TIME, History, encode
from engine.history.importers import read_history
from engine.history.samples import Sample
from engine.journals import opened
from engine.running import on_signal
from engine.runs import SPEC
from engine.search import ledger
from engine.search.analysis import Analysis
from engine.search.identify import Identification, Progress
from engine.search.question import Question
from engine.search.space import Space
from engine.version import VERSION
from hip_cuda_kernels.host import build_digest
from state.artifacts import ArtifactStore, Lineage
from state.files import make_folder, put_in_place, sync_directory, write_atomic, write_temporary
from state.journal import Journal

RESULT = "analysis.json"


@dataclass(frozen=True)
class Order:
    """What one call of `analyze` was asked to do; stored in the run directory so that `--resume` needs nothing else."""

    files: tuple[str, ...]
    space: Space
    reading: dict[str, Any]
    pipeline: bool
    workers: int | None
    ledger: int | None = None
    """Last event of the coverage ledger that this run builds on, so that a resumed run spares the same; None: not asked yet."""
    again: bool = False
    sample: Sample | None = None
    """What the rows of numbers are whose ranks are searched."""
    save_all_models: bool = False

    def dump(self) -> dict[str, Any]:
        """Return the order as JSON."""
        return {
            "schema": "run/1", "files": list(self.files), "space": self.space.model_dump(mode="json"),
            "reading": self.reading, "pipeline": self.pipeline, "workers": self.workers,
            "ledger": self.ledger, "again": self.again, "save_all_models": self.save_all_models,
            "sample": None if self.sample is None else asdict(self.sample),
        }  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> Order:
        """Read the order of an earlier run; raise UsageError if there is none."""
        try:
            return cls._of(json.loads(path.read_text()))
        except FileNotFoundError:
            raise UsageError(
                f"--resume: {path.parent} is no run directory ({path.name} is missing)"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadInput(
                f"{path}: not the order of a run ({first_fault(error)}); start a new run"
            ) from None

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Order:
        return cls(
            tuple(data["files"]),
            Space.model_validate(data["space"]),
            data["reading"],
            data["pipeline"],
            data["workers"],
            data.get("ledger", 0),
            data.get("again", False),
            None if data.get("sample") is None else Sample.load(data["sample"]),
            bool(data.get("save_all_models", False)),
        )

    def fitted(self, history: History) -> Order:
        """Return the order with the range and, unless some are asked, the mappings that a history of rows needs."""
        if history.sample is None:
            return self
        mappings = self.space.mappings or history.sample.mappings
        space = self.space.model_copy(update={"range": history.sample.range, "mappings": mappings})
        return replace(self, space=space, sample=history.sample)


@dataclass(frozen=True)
class Finished:
    """What the command line prints: the analysis, where its record lies, and the pipeline's outcomes if it ran."""

    analysis: Analysis
    directory: Path
    outcomes: tuple[Any, ...] = ()
    bias: str | None = None

    @property
    def exit_code(self) -> Exit:
        """Return 0 for a verdict, 4 where the run was halted or out of time and can go on."""
        return Exit.RESUMABLE if self.analysis.stopped_by in ("time", "halt") else Exit.OK


def new_run(state: Path, draws: str) -> Path:
    """Create and return a fresh run directory under `state`."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    for number in range(1000):
        directory = state / "runs" / f"{stamp}-{draws[:6]}{f'-{number}' if number else ''}"
        try:
            make_folder(directory.parent)
            directory.mkdir()
            sync_directory(directory.parent)
        except OSError as error:
            if directory.is_dir():
                continue
            raise EnvironmentFault(
                f"{directory}: cannot create the run directory ({error.strerror}); free space or choose another --state"
            ) from None
        return directory
    raise EnvironmentFault(f"{state / 'runs'}: a thousand runs in one second; wait and try again")


def open_history(order: Order, directory: Path | None) -> History:
    """Read the history from its file, or from the copy that an earlier run kept."""
    if directory is not None and (directory / asked.HISTORY).exists():
        return read_history(
            directory / asked.HISTORY,
            column="value",
            time_column="time",
            session_column="session",
            format="jsonl",
        )
    parts = [read_history("-" if name == "-" else Path(name), **order.reading) for name in order.files]
    return parts[0] if len(parts) == 1 else _joined(parts)


def considered(order: Order, shelf: ledger.Shelf) -> Question:
    """Return what an order asks, what the ledger excludes left out; nothing is started or written."""
    history = open_history(order, None)
    return Question(
        history, order.fitted(history).space, known=() if order.again else shelf.rows, kernel=build_digest()
    )


def _joined(parts: list[History]) -> History:
    """Join files into one history in the order given; draws without a session label get their file's name."""
    sources = ", ".join(part.source for part in parts)
    times = np.concatenate([part.times for part in parts])
    if (np.diff(times[times != NO_TIME]) < 0).any():
        raise BadInput(f"{sources}: times run backwards; give the files oldest first")
    samples = {part.sample for part in parts}
    if len(samples) > 1:
        raise BadInput(f"{sources}: the rows have different numbers of columns; give files of one form")
    labels = [part.label(code) or Path(part.source).name for part in parts for code in part.codes.tolist()]
    codes, names = encode(labels)
    values = np.concatenate([part.values for part in parts])
    return History(values, times, codes, names, sources, sample=samples.pop())


def keep_history(history: History, directory: Path) -> None:
    """Keep a copy of the draws with the run, so that it can be resumed and replayed without the file."""
    path = directory / asked.HISTORY
    put_in_place(
        write_temporary(path, lambda handle: handle.writelines(map(str.encode, history.records()))), path
    )


async def analyze(
    order: Order,
    state: Path,
    *,
    resume: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Finished:
    """Run one analysis to its verdict and record it; Ctrl-C or SIGTERM stops cleanly and leaves it resumable."""
    history = open_history(order, resume)
    order = order.fitted(history)
    shelf = ledger.read(state, until=order.ledger)
    order = replace(order, ledger=shelf.seq if order.ledger is None else order.ledger)
    question = Question(history, order.space, known=() if order.again else shelf.rows, kernel=build_digest())
    directory = resume or new_run(state, history.digest)
    identification = Identification(question, run=directory.name, progress=progress)
    with opened(directory) as journal:
        if resume is not None:
            asked.must_hold(directory, history.digest, journal)
        write_atomic(directory / SPEC, json.dumps(order.dump(), indent=1).encode())
        if resume is None:
            keep_history(history, directory)
        asked.note(directory, history.digest, journal)
        note(f"run {directory.name}: {len(history)} draws from {history.source}")
        for caution in cautions(history, order.space):
            note(caution)
        if question.known:
            note(report.spared_line(question.spared, [row.run for row in question.known.values()]))
        compute = await Compute.start(directory, workers=order.workers)
        with on_signal(compute.stop_now):  # running kernels return at once, finished chunks are recorded
            try:
                analysis = _with_rows(await identification.run(compute, journal), order.sample)
                for slipped in identification.slips:
                    note(f"{history.source}: {slipped}")
                _record(directory, journal, history, analysis, identification)
                ledger.record(state, identification.coverage())
                outcomes = await _pipeline(order, directory, history, analysis, compute, journal, note)
            finally:
                compute.stop_now()
                await compute.close()
    return Finished(analysis, directory, outcomes, question.bias)


def _with_rows(analysis: Analysis, sample: Sample | None) -> Analysis:
    """Return the analysis with the next draws as rows of numbers, where its draws are ranks of such rows."""
    if sample is None or analysis.next_draws is None:
        return analysis
    return analysis.model_copy(update={"next_rows": [sample.row(rank) for rank in analysis.next_draws]})


def _record(
    directory: Path, journal: Journal, history: History, analysis: Analysis, made: Identification,
) -> None:  # fmt: skip
    """Write the verdict as an artifact, and a journal record that names it by its digest and says by which build it was reached."""
    record = analysis.model_dump(mode="json")
    lineage = Lineage(
        schema=analysis.schema_, inputs={"history": history.digest}, parameters={}, run=directory.name
    )
    written = ArtifactStore(directory).write_json(RESULT, record, lineage)
    told = {key: record[key] for key in ("verdict", "evidence_bits", "stopped_by", "run")}
    told |= {"sha256": written.sha256, "bias": made.question.bias, "slips": made.slips}
    journal.append("analysis", {**told, "kernel": build_digest(), "versions": versions()})


def versions() -> dict[str, str]:
    """Return what a verdict rests on besides the kernels: this program, Python, numpy, scipy."""
    return {
        "mimicry": VERSION, "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
    }  # fmt: skip


async def _pipeline(
    order: Order,
    directory: Path,
    history: History,
    analysis: Analysis,
    compute: Compute,
    journal: Journal,
    note: Callable[[str], None],
) -> tuple[Any, ...]:
    """Go on through steps 2.5 to 6 where it was asked for and the search was not cut off by a halt."""
    if not order.pipeline or analysis.stopped_by == "halt":
        return ()
    from engine.pipeline.follow import follow_analysis
    from engine.pipeline.parameters import PipelineParameters

    parameters, artifacts = (
        PipelineParameters(save_all_models=order.save_all_models),
        ArtifactStore(directory),
    )
    return tuple(
        await follow_analysis(
            analysis, history, order.space, compute, journal, artifacts, parameters=parameters, note=note
        )
    )
