"""Verbs: completion. A shell's completion script, made from the table of verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.commands.verb import Arguments, Verb
from engine.errors import Exit

SHARED = ("--state", "--help")


def completion(arguments: Arguments) -> int:
    """Print a completion script: `source <(mimicry completion bash)`, or put it where the shell looks."""
    words = {verb.name: _flags(verb) for group in arguments.groups for verb in group.verbs}
    summaries = {verb.name: verb.summary for group in arguments.groups for verb in group.verbs}
    print(SHELLS[arguments.shell](words, summaries), end="")
    return int(Exit.OK)


def _flags(verb: Verb) -> list[str]:
    return [flag for flags, _ in verb.options for flag in flags if flag.startswith("-")] + list(SHARED)


Words = Mapping[str, list[str]]
Summaries = Mapping[str, str]


def _bash(words: Words, _: Summaries) -> str:
    cases = "".join(f"    {verb}) flags={_quoted(' '.join(flags))} ;;\n" for verb, flags in words.items())
    return (
        "# bash completion of mimicry\n_mimicry() {\n"
        '  local word="${COMP_WORDS[COMP_CWORD]}" verb="" flags="" each\n'
        '  for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do\n'
        f'    case " {" ".join(words)} " in *" $each "*) verb="$each"; break ;; esac\n  done\n'
        f'  case "$verb" in\n    "") flags="{" ".join(words)} --state --config --no-ui --version" ;;\n{cases}  esac\n'
        '  COMPREPLY=($(compgen -W "$flags" -- "$word"))\n'
        '  [[ "$word" != -* && -n "$verb" ]] && COMPREPLY+=($(compgen -f -- "$word"))\n}\n'
        "complete -o filenames -F _mimicry mimicry\n"
    )


def _zsh(words: Words, summaries: Summaries) -> str:
    verbs = "".join(f"    {_quoted(f'{verb}:{summaries[verb]}')}\n" for verb in words)
    cases = "".join(f"    {verb}) compadd -- {' '.join(flags)}; _files ;;\n" for verb, flags in words.items())
    return (
        "#compdef mimicry\n_mimicry() {\n  local -a verbs\n  verbs=(\n"
        f"{verbs}  )\n  if (( CURRENT == 2 )); then _describe verb verbs; return; fi\n"
        f'  case "$words[2]" in\n{cases}  esac\n}}\ncompdef _mimicry mimicry\n'
    )


def _fish(words: Words, summaries: Summaries) -> str:
    lines = ["# fish completion of mimicry", "complete -c mimicry -n __fish_use_subcommand -f"]
    for verb, flags in words.items():
        lines.append(f"complete -c mimicry -n __fish_use_subcommand -a {verb} -d {_quoted(summaries[verb])}")
        lines += [
            f"complete -c mimicry -n '__fish_seen_subcommand_from {verb}' -l {flag[2:]}"
            for flag in flags
            if flag.startswith("--")
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: Mapping[str, Callable[[Words, Summaries], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
VERBS: tuple[Verb, ...] = (
    Verb("completion", completion, "a completion script for bash, zsh or fish", [(("shell",), {"choices": tuple(SHELLS), "help": "which shell"})]),
)  # fmt: skip
