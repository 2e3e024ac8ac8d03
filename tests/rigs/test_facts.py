"""Facts of a rig: true ones from a real sshd, and a refusal of every answer that is not exactly in form."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from engine.errors import BadInput
from engine.rigs.connection import Rig
from engine.rigs.facts import COMMAND, Facts, parse_facts, read_facts

if TYPE_CHECKING:
    Server = Any

GOOD = "hostname=rig-6600\ncores=4\nram_total_kib=7700000\nram_free_kib=5000000\nload=0.42\ndisk_free_kib=90000000\npython=3.11\n"


async def test_the_facts_of_this_machine_are_true(server: Server) -> None:
    async with Rig(server.address) as rig:
        facts = await read_facts(rig)
    assert facts.hostname == platform.node()
    assert facts.cores == os.sysconf("SC_NPROCESSORS_ONLN")
    assert facts.ram_total == psutil.virtual_memory().total
    assert facts.ram_free == pytest.approx(psutil.virtual_memory().available, rel=0.3)
    assert facts.load == pytest.approx(os.getloadavg()[0], abs=3)
    assert facts.disk_free == pytest.approx(psutil.disk_usage("/").free, rel=0.2)
    assert facts.python is None or facts.python >= (3, 0)


def test_a_good_answer_is_read_in_bytes() -> None:
    facts = parse_facts(GOOD)
    assert facts == Facts("rig-6600", 4, 7700000 << 10, 5000000 << 10, 0.42, 90000000 << 10, (3, 11))
    assert parse_facts(GOOD.replace("3.11", "none")).python is None


@pytest.mark.parametrize(
    "change",
    [
        ("cores=4", "cores=0"),
        ("cores=4", "cores=-4"),
        ("cores=4", "cores=four"),
        ("cores=4", "cores=4 "),
        ("cores=4", "cores=٤"),
        ("cores=4\n", ""),
        ("cores=4", "cores=4\ncores=4"),
        ("load=0.42", "load=nan"),
        ("load=0.42", "load=0,42"),
        ("hostname=rig-6600", "hostname=rig\x1b[31m"),
        ("hostname=rig-6600", "hostname="),
        ("hostname=rig-6600", "Welcome to rig-6600!\nhostname=rig-6600"),
        ("python=3.11", "python=3.11\nroot=yes"),
        ("ram_free_kib=5000000", "ram_free_kib=" + "9" * 30),
    ],
)
def test_an_answer_out_of_form_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(BadInput, match="facts of a rig"):
        parse_facts(GOOD.replace(*change))


def test_the_command_asks_no_gpu_tool() -> None:
    assert not any(tool in COMMAND for tool in ("smi", "rocm", "nvidia"))


def test_ssh_is_loaded_by_nobody_who_does_not_need_it() -> None:
    import subprocess

    code = "import sys, engine.rigs; print('asyncssh' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
