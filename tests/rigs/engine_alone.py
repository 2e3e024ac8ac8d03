"""An engine in a process of its own, to be killed, stopped or cut off: one rig, small workers, its news as JSON lines.

Run as `engine_alone.py CONFIG.json`; the config names sshd, staging, cards, terms.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from rigside import SmallCrew, quick

from engine.config import RigSettings
from engine.rigs.life import Life
from engine.rigs.machine import Machine
from engine.rigs.quarantine import Quarantine
from state.journal import Journal


def say(**news: object) -> None:
    print(json.dumps({"at": time.time(), **news}), flush=True)


async def main() -> None:
    config = json.loads(Path(sys.argv[1]).read_text())
    import engine.rigs.life
    import engine.rigs.worker

    engine.rigs.life.FIRST_RETRY = engine.rigs.worker.FIRST_DELAY = 0.3
    settings = RigSettings.model_validate(
        {
            **config["settings"],
            "key": Path(config["settings"]["key"]),
            "gpus": tuple(config["settings"]["gpus"]),
        }
    )
    with tempfile.TemporaryDirectory() as folder, Journal.open(Path(folder)) as journal:
        machine = Machine(settings, Quarantine(journal))
        crew = SmallCrew(Path(config["log"]), work=config.get("work", {}))
        life = Life(
            machine, crew=crew, told=lambda changes: None,
            ended=lambda attempt: say(event="ended", **attempt.record()),
            terms=quick(settings, Path(settings.staging), **config.get("terms", {})),
            roots=(config["sys"], "/proc", "false"),
        )  # fmt: skip
        task = asyncio.create_task(life.run())
        seen = None
        while not task.done():
            now = (machine.link, sorted(w.pid for w in life.workers.values() if w.state == "ready" and w.pid))
            if now != seen:
                seen = now
                guard = life.link.pid if life.link else None
                say(event="state", link=machine.link, ready=now[1], guard=guard, error=machine.error)
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main())
