"""What asks for work: request files of the inbox, requests on the socket, `--arg KEY=VALUE` of the command line."""

from __future__ import annotations

import json

from engine.dispatch.forms import FORMS, parse_pairs, parse_request
from engine.dispatch.inbox import _load
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


TARGET = Target(
    "requests",
    "request files, requests on the socket and the command line",
    (
        Reader("file", _file, SEEDS),
        Reader("pairs", _pairs, (b"learning_loop\nsteps=3,5\npriority=7", b"selfplay_retrain\nepisodes=3")),
    ),
)
