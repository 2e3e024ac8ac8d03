"""The page of generators, written from the registry and the survey: python -m hip_cuda_kernels.page > docs/generators.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hip_cuda_kernels.family import STRUCTURES, Family
from hip_cuda_kernels.mappings import COMPOSED, FORMULAS, SPELLINGS, VIEWS
from hip_cuda_kernels.registry import FAMILIES, GROUPS
from hip_cuda_kernels.survey import RUNTIME_ROWS, SURVEY, distinct, served
from hip_cuda_kernels.wordings import WORDINGS

TITLES = {
    "c_libraries": "C libraries",
    "python": "Python",
    "java": "Java",
    "javascript": "JavaScript",
    "scripting": "Scripting languages and shells",
    "compiled": "Compiled and functional languages",
    "cpp": "C++ libraries and the GNU Scientific Library",
    "applications": "Applications",
    "published": "Known from papers and reference code",
}


def summary() -> str:
    """Return one sentence with the counts."""
    counted = distinct()
    runtimes = sum(row in RUNTIME_ROWS for row in counted)
    verified = sum(one.verified for one in FAMILIES)
    return (
        f"{len(FAMILIES)} families, {verified} of them verified against an implementation that is not ours. They serve "
        f"{len(served())} of the {len(SURVEY)} rows of the survey; counting each family and each row once, {len(counted)} rows, "
        f"{runtimes} of them language runtimes, C libraries and applications (rows 1 to {RUNTIME_ROWS[-1]})."
    )


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [
        "# Generators",
        "Written by `python -m hip_cuda_kernels.page` from the registry; do not edit.",
        summary(),
        *(_group(name, families) for name, families in GROUPS.items() if families),
        _words(),
        _mappings(),
        _structures(),
        _survey(),
    ]
    return "\n\n".join(parts) + "\n"


def _group(name: str, families: Iterable[Family]) -> str:
    head = ("family", "used by", "seed", "word", "structure", "routes", "native mappings", "oracle")
    return f"## {TITLES[name]}\n\n" + "\n".join(_table(head, (_entry(one) for one in families)))


def _entry(one: Family) -> tuple[str, ...]:
    steps = "".join(f", {word}" for word, has in (("inverse", one.inverse), ("jump", one.jump)) if has)
    mark = "" if one.verified else "unverified: "
    return (
        f"`{one.id}`",
        ", ".join(one.aliases),
        str(one.seed_bits),
        str(one.word_bits),
        f"{one.structure}{steps}",
        " ".join(one.routes),
        " ".join(f"`{mapping}`" for mapping in one.mappings),
        mark + one.oracle,
    )


def _words() -> str:
    rows = (
        (f"`{one.id}`", f"`{one.call}`", " ".join(f"`{name}`" for name in one.families), one.oracle)
        for one in WORDINGS.values()
    )
    head = (
        "## Words as seeds\n\nWhere a runtime hashes strings, `--seeds words:FILE` tries them. Words are UTF-8; Perl, Ruby, Lua, gawk and "
        "MySQL hash none.\n\n"
    )
    return head + "\n".join(_table(("way", "what a user writes", "families", "oracle"), rows))


def _mappings() -> str:
    same = ((name, f"the same as `{of}`") for name, of in SPELLINGS.items())
    views = ((f"{name}:MAPPING", f"MAPPING on {words}") for name, words in VIEWS.items())
    rows = ((f"`{name}`", text) for name, text in (*FORMULAS.items(), *same, *views, *COMPOSED.items()))
    head = "## Mappings\n\nA word x of w bits makes a draw of M values; the draw is LO plus it. 'Again' reads another word.\n\n"
    return head + "\n".join(_table(("mapping", "computes"), rows))


def _structures() -> str:
    rows = ((f"`{name}`", meaning) for name, meaning in STRUCTURES.items())
    return "## Structures\n\n" + "\n".join(_table(("structure", "means"), rows))


def _survey() -> str:
    families = served()
    rows = (
        (
            str(row),
            title.replace("|", "\\|"),
            " ".join(f"`{one}`" for one in families.get(row, ())) or "not served",
        )
        for row, title in SURVEY.items()
    )
    return "## The survey\n\n" + "\n".join(_table(("row", "what people use", "families"), rows))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    print(page(), end="")
