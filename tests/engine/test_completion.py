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


TYPED = [
    ("mimicry hal", "halt"), ("mimicry --state x hal", "halt"), ("mimicry halt --fin", "--finish"), ("mimicry requests --fil", "--filter"),
    ("mimicry soak com", "compare"), ("mimicry help rec", "recordings"), ("mimicry plan --gap-law re", "reseed"), ("mimicry analyze dr", "FILES"),
    ("mimicry analyze --families ", "FILES"), ("mimicry --state ", "FILES"),
]  # fmt: skip
ASK = {
    "bash": 'COMP_WORDS=({words}); COMP_CWORD={last}; _mimicry; echo "${{COMPREPLY[@]-FILES}}"; COMPREPLY=()',
    "zsh": "words=({words}); CURRENT={last}+1; _mimicry",
}
STAND_IN = 'compdef() {}; compadd() { shift; print -l -- $@ | grep -e "^$words[CURRENT]"; }; _describe() { compadd -- ${verbs%%:*}; }; _files() { print FILES; }\n'


@pytest.mark.parametrize("shell", [each for each in ASK if shutil.which(each)])
def test_the_shell_completes_verbs_options_and_their_words_and_files_where_there_are_none(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["completion", shell])
    script = (STAND_IN if shell == "zsh" else "") + capsys.readouterr().out
    for typed, _ in TYPED:
        words = [each or "''" for each in typed.split(" ")]
        script += ASK[shell].format(words=" ".join(words), last=len(words) - 1) + "\n"
    done = subprocess.run([shell], input=script, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [offered for _, offered in TYPED], done.stderr
