"""Verbs: the journal, this machine and the registry. Each imports what it needs inside itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.commands.options import JSON
from engine.commands.talk import call, show, table
from engine.commands.verb import Arguments, Verb
from engine.errors import Exit


def verify(arguments: Arguments) -> int:
    """Recompute the hash chains of the journal and of the coverage ledger."""
    from engine.search.ledger import FOLDER
    from state.errors import NoJournal

    ledger = arguments.state / FOLDER
    data: dict[str, Any] = {"coverage": _chain(ledger)} if ledger.is_dir() else {}
    try:
        data = {**_chain(arguments.state), **data}
    except NoJournal:
        if not data:
            raise
    return show(arguments, data, lambda: _chains_text(data))


def doctor(arguments: Arguments) -> int:
    """Check this machine and every rig of room.toml; one fix per line."""
    from dataclasses import asdict

    from engine.commands.settings import room_settings
    from engine.doctor import examine, failed, fleet, render

    findings = [*examine(arguments.state), *fleet(room_settings(arguments))]
    show(arguments, {"findings": [asdict(one) for one in findings]}, lambda: render(findings))
    return int(Exit.ENVIRONMENT if failed(findings) else Exit.OK)


def generators(arguments: Arguments) -> int:
    """Print the registry of generators."""
    from dataclasses import asdict

    from hip_cuda_kernels.registry import FAMILIES

    rows = [asdict(one) for one in FAMILIES]
    shown = [
        {"family": one.id, "seed": one.seed_bits, "word": one.word_bits, "mappings": " ".join(one.mappings),
         "aliases": " ".join(one.aliases), "oracle": "verified" if one.verified else "unverified"}
        for one in FAMILIES
    ]  # fmt: skip
    return show(
        arguments,
        {"generators": rows},
        lambda: table(shown, ("family", "seed", "word", "oracle", "mappings", "aliases")),
    )


def stacks(arguments: Arguments) -> int:
    """Print where every thread and asyncio task of the running engine stands; also while its loop is stuck."""
    from engine.stacks import text

    data = call(arguments, "stacks")
    return show(arguments, data, lambda: text(data))


def dump(arguments: Arguments) -> int:
    """Write what a bug report needs into one .tar.gz, secrets masked; with or without a running engine."""
    from engine.errors import UsageError
    from engine.observe.dump import Job, default_name, write

    target = Path(arguments.file or default_name())
    if target.exists():
        raise UsageError(f"dump: {target} is there already; give another file, or move it away")
    manifest = write(Job(arguments.state, arguments.config, arguments.full), target)
    return show(arguments, {"file": str(target), **manifest}, lambda: _dump_text(target, manifest))


def _dump_text(target: Path, manifest: dict[str, Any]) -> str:
    faults = [f"not in it: {part}: {why}" for part, why in manifest["faults"].items()]
    head = f"{target}: {len(manifest['parts'])} parts, {target.stat().st_size / 1e3:.0f} kB; secrets are masked, read it before you send it"
    return "\n".join([head, *faults])


def _chain(directory: Path) -> dict[str, Any]:
    """Recompute the chain of a directory's journal; StateError names the first bad record."""
    from state.journal import Journal

    with Journal.read_only(directory) as journal:
        told: dict[str, Any] = {"records": journal.verify(), "head": journal.head}
        found = journal.archived()
        if found.records:
            told["archived"] = {
                "records": found.records,
                "archives": found.archives,
                "missing": list(found.missing),
            }
        return told


def _chains_text(data: dict[str, Any]) -> str:
    chains = [("", data)] if "head" in data else []
    chains += [("coverage: ", data["coverage"])] if "coverage" in data else []
    return "\n".join(
        f"{name}{chain['records']} records, chain intact, head {chain['head']}{_archived_text(chain)}"
        for name, chain in chains
    )


def _archived_text(chain: dict[str, Any]) -> str:
    if "archived" not in chain:
        return ""
    found = chain["archived"]
    lost = (
        f", {len(found['missing'])} of them missing: {found['missing'][0]}"
        if found["missing"]
        else ", all read"
    )
    return f"; content of {found['records']} in {found['archives']} archives{lost}"


VERBS: tuple[Verb, ...] = (
    Verb("verify", verify, "recompute the hash chains of journal and coverage ledger", [JSON]),
    Verb("doctor", doctor, "check this machine and its rigs; one fix per line", [JSON]),
    Verb("stacks", stacks, "threads and asyncio tasks of the running engine", [JSON]),
    Verb("dump", dump, "one .tar.gz for a bug report, secrets masked", [
        (("file",), {"nargs": "?", "default": None, "metavar": "FILE", "help": "default: mimicry-dump-TIME.tar.gz here"}),
        (("--full",), {"action": "store_true", "help": "recompute the journal's whole hash chain"}),
        JSON,
    ]),
    Verb("generators", generators, "the registry of generator families", [JSON]),
)  # fmt: skip
