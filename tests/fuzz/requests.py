"""What asks for work: request files of the inbox, requests on the socket, `--arg KEY=VALUE` of the command line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from engine.dispatch.forms import FORMS, parse_pairs, parse_request
from engine.dispatch.inbox import Inbox, _load
from engine.dispatch.queue import Queue
from engine.halt import Halt
from state.journal import Journal
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target

SEEDS = (
    b'{"type": "pipeline_rerun", "start_step": "2", "end_step": "5", "reason": "why", "priority": 40, "needs": ["gpu"]}',
    b'{"type": "learning_loop", "steps": ["3", "5"], "origin": "tool"}',
    b'{"type": "selfplay_retrain", "episodes": 8, "policy_conditioned": true}',
    b'{"type": "inject_draw", "value": 17}',
    b'{"type": "step_force", "step": "2.5"}',
)


def _file(data: bytes) -> object:
    """Read as the inbox does; a request that is taken says the same when it is written and read again."""
    request = parse_request(_load(scratch.file("request.json", data)))
    again = parse_request(json.loads(json.dumps(request.model_dump(mode="json"))))
    assert again == request, "a request is not the same after its way through the journal"
    return request.args()


def _pairs(data: bytes) -> object:
    kind, *pairs = data.decode("utf-8", "replace").split("\n")
    return parse_request({**parse_pairs(kind if kind in FORMS else "pipeline_rerun", pairs)})


class Box:
    """An inbox over a journal of its own, made anew now and then so that it does not grow."""

    def __init__(self) -> None:
        folder = scratch.folder() / "box"
        shutil.rmtree(folder, ignore_errors=True)
        self.journal = Journal.open(folder)
        self.now, self.used = 0.0, 0
        queue = Queue(self.journal, Halt(self.journal, self))
        self.inbox = Inbox(folder, self.journal, queue, clock=lambda: self.now)

    def bump(self) -> int:
        """Stand for the stop word."""
        return 0


_boxes: list[Box] = []


def dropped(data: bytes) -> object:
    """Drop a file (its name, a NUL, its content) and look twice: it is a request or a rejection by then, and nothing is left."""
    if not _boxes or _boxes[0].used > 200:
        for old in _boxes:
            old.journal.close()
        _boxes[:] = [Box()]
    box = _boxes[0]
    name, _, content = data.partition(b"\0")
    name = (name.replace(b"/", b"_").lstrip(b".")[-200:] or b"r") + b".json"
    path = Path(os.fsdecode(os.fsencode(box.inbox.folder) + b"/" + name))
    path.write_bytes(content)
    done = box.inbox.scan()
    box.now, box.used = box.now + 61, box.used + 1
    done = box.inbox.scan()
    assert len(done.queued) + len(done.rejected) == 1, "a file became no request and no rejection, or several"
    assert not path.exists(), "the file was not taken"
    return done


TARGET = Target(
    "requests",
    "request files, requests on the socket and the command line",
    (
        Reader("file", _file, SEEDS),
        Reader("pairs", _pairs, (b"learning_loop\nsteps=3,5\npriority=7", b"selfplay_retrain\nepisodes=3")),
        Reader("inbox", dropped, tuple(b"request\0" + seed for seed in SEEDS), ()),
    ),
)
