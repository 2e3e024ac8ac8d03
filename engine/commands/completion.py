"""Verbs: completion. A shell's completion script, made from the table of verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.commands.topics import TOPICS
from engine.commands.verb import Arguments, Group, Verb
from engine.errors import Exit

SHARED = ("--state", "--help")


class Told(NamedTuple):
    """What one verb takes: its options, the words in its first place, and what may follow an option (nothing: a file or a value)."""

    name: str
    summary: str
    flags: Sequence[str]
    words: Sequence[str]
    values: Mapping[str, Sequence[str]]


def completion(arguments: Arguments) -> int:
    """Print a completion script: `source <(mimicry completion bash)`, or put it where the shell looks."""
    told = [_told(verb, arguments.groups) for group in arguments.groups for verb in group.verbs]
    print(SHELLS[arguments.shell](told), end="")
    return int(Exit.OK)


def _told(verb: Verb, groups: Sequence[Group]) -> Told:
    values: dict[str, Sequence[str]] = {"--state": ()}
    words: list[str] = [*(group.name for group in groups), *TOPICS] if verb.name == "help" else []
    for flags, settings in verb.options:
        if not flags[0].startswith("-"):
            words += settings.get("choices", ())
        elif "action" not in settings or settings["action"] == "append":
            values |= {flag: tuple(settings.get("choices", ())) for flag in flags}
    given = [flag for flags, _ in verb.options for flag in flags if flag.startswith("-")]
    return Told(verb.name, verb.summary, (*given, *SHARED), words, values)


START = Told("", "", ("--state", "--config", "--no-ui", "--version", "--help"), (), {"--state": (), "--config": ()})  # fmt: skip


def _values(told: Sequence[Told], listed: Callable[[Sequence[str]], str]) -> Iterator[str]:
    """Yield a branch of `case "$verb $before"` for every option that is followed by a value."""
    for one in told:
        for flag, choices in one.values.items():
            yield f'    "{one.name} {flag}") names={listed(choices)} ;;\n'


def _bash(told: Sequence[Told]) -> str:
    def listed(words: Sequence[str]) -> str:
        return _quoted(" ".join(words))

    names = [one.name for one in told]
    verbs = [START._replace(words=names), *told]
    cases = "".join(f'    "{one.name}") flags={listed(one.flags)} names={listed(one.words)} ;;\n' for one in verbs)  # fmt: skip
    return (
        "# bash completion of mimicry\n_mimicry() {\n"
        '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="" flags="" names="" each\n'
        '  for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do\n'
        f'    case " {" ".join(names)} " in *" $each "*) verb="$each"; break ;; esac\n  done\n'
        f'  case "$verb" in\n{cases}  esac\n'
        f'  case "$verb $before" in\n{"".join(_values(verbs, listed))}  esac\n'
        '  [[ "$word" == -* ]] && names="$flags"\n'
        '  COMPREPLY=($(compgen -W "$names" -- "$word"))\n}\n'
        "complete -o bashdefault -o default -F _mimicry mimicry\n"  # without a word of ours: files, spaces and all
    )


def _zsh(told: Sequence[Told]) -> str:
    def listed(words: Sequence[str]) -> str:
        return f"({' '.join(words)})"

    verbs = "".join(f"    {_quoted(f'{one.name}:{one.summary}')}\n" for one in told)
    cases = "".join(f'    "{one.name}") flags={listed(one.flags)} names={listed(one.words)} ;;\n' for one in (START, *told))  # fmt: skip
    return (
        "#compdef mimicry\n_mimicry() {\n"
        '  local word="$words[CURRENT]" before="$words[CURRENT-1]" verb="" each\n  local -a flags names verbs\n'
        f"  verbs=(\n{verbs}  )\n"
        '  for each in "${(@)words[2,CURRENT-1]}"; do\n'
        f'    case "$each" in {"|".join(one.name for one in told)}) verb="$each"; break ;; esac\n  done\n'
        f'  case "$verb" in\n{cases}  esac\n'
        f'  case "$verb $before" in\n{"".join(_values((START, *told), listed))}  esac\n'
        '  if [[ "$word" == -* ]]; then compadd -- $flags\n'
        "  elif (( $#names )); then compadd -- $names\n"
        '  elif [[ -z "$verb" && "$before" != --(state|config) ]]; then _describe verb verbs\n'
        "  else _files; fi\n}\n"
        'if [[ "$funcstack[1]" == _mimicry ]]; then _mimicry "$@"; else compdef _mimicry mimicry; fi\n'
    )


def _fish(told: Sequence[Told]) -> str:
    lines = ["# fish completion of mimicry", "complete -c mimicry -n __fish_use_subcommand -f"]
    for one in told:
        seen = f"complete -c mimicry -n '__fish_seen_subcommand_from {one.name}'"
        lines.append(f"complete -c mimicry -n __fish_use_subcommand -a {one.name} -d {_quoted(one.summary)}")
        lines += [f"{seen} -a {_quoted(' '.join(one.words))}"] if one.words else []
        for flag in (each for each in one.flags if each.startswith("--")):
            choices = one.values.get(flag)
            taken = "" if choices is None else f" -xa {_quoted(' '.join(choices))}" if choices else " -r"
            lines.append(f"{seen} -l {flag[2:]}{taken}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: Mapping[str, Callable[[Sequence[Told]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
VERBS: tuple[Verb, ...] = (
    Verb("completion", completion, "a completion script for bash, zsh or fish", [(("shell",), {"choices": tuple(SHELLS), "help": "which shell"})]),
)  # fmt: skip
