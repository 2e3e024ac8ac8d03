"""Completion scripts name every verb and its options, and the shells accept them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from engine.cli import main
from engine.commands.table import verbs


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_verb_is_in_the_script_and_the_shell_reads_it(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(verb.name in script for verb in verbs())
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("mimicry hal", "halt"), ("mimicry halt --fin", "--finish"), ("mimicry requests --fil", "--filter")],
)
def test_bash_completes_verbs_and_options(
    typed: str, offered: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["completion", "bash"])
    words = typed.split(" ")
    ask = f'COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _mimicry; echo "${{COMPREPLY[@]}}"'
    script = capsys.readouterr().out + ask
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=True)
    assert offered in done.stdout.split()
