"""The final block: opened once a question, on the record, and every model judged on it."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from engine.compute.task import Task, TaskResult
from engine.pipeline.baselines import best_row
from engine.pipeline.calibrate import shrunk
from engine.pipeline.calls import call
from engine.pipeline.context import RunContext
from engine.pipeline.replay import Lines
from engine.pipeline.scored import Scored
from engine.pipeline.shelf import Shelf, code_digest, parameters_of
from engine.pipeline.training import Trained, trusted

OPENED = "final_block.opened"


def open_final(ctx: RunContext, scored: Scored, question: str) -> int:
    """Put the opening of the final block on the record; return how many questions were put to its draws, this one included.

    The same question put again (after a halt, say) has the same answer and is no second look.
    """
    cut, end, _ = scored.head.final
    looks = {
        str(event.data["question"])
        for event in ctx.journal.events(kinds=(OPENED,))
        if event.data["final"][0] < end and cut < event.data["final"][1]
    }
    if question not in looks:
        data = {"run": ctx.run, "history": ctx.history.digest, "final": [cut, end], "question": question}
        ctx.journal.append(OPENED, data)
    return len(looks | {question})


def question_of(shelf: Shelf, ctx: RunContext) -> str:
    """Return the digest of everything that decides what step 5 asks of the final block."""
    asked = [shelf.inputs, parameters_of(ctx, "5"), code_digest()]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def judge(ctx: RunContext, scored: Scored, trained: Trained) -> TaskResult:
    """Replay the final block and judge every model on it."""
    lines = Lines.of(ctx.history)
    params = {
        "job": "judge",
        "alignments": [one.model_dump(mode="json") for one in scored.alignments()],
        "range": list(scored.survivors.header.range),
        "labels": list(lines.labels),
        "final": [scored.head.final[0], scored.head.final[1]],
        "real": scored.real,
        "single": best_row(scored.targets, range(scored.targets.shape[1]), trusted(scored)),
        "rounds": ctx.parameters.permutations,
        "confidence": ctx.parameters.confidence,
        "seed": ctx.seeds.child("step5").integer("permutations"),
    }
    chance = scored.head.chance
    rates = np.stack(
        [
            shrunk(result.arrays["final"], trained.shares[family], chance)
            for family, result in trained.results.items()
        ]
    )
    return await call(ctx, Task("features", f"{ctx.run}/5/judge", params, {**lines.arrays(), "rates": rates}))
