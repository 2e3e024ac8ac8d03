"""What every list on the command line shares: the options, the table as text, the filter, `--watch`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from engine.commands.options import JSON, LIMIT
from engine.commands.talk import call, table
from engine.commands.verb import Arguments, Option
from engine.errors import Exit, UsageError
from engine.terminal import plain

DAY = 86_400.0
LISTING: list[Option] = [
    (("--filter",), {"default": "", "metavar": "EXPR", "help": "rows to show, as in 'state=queued & why~gpu'; & and |, = != < <= > >= ~ !~"}),
    (("--sort",), {"default": "", "metavar": "COLUMN", "help": "by this column; -COLUMN falling"}),
    (("--watch",), {"type": float, "nargs": "?", "const": 2.0, "metavar": "S", "help": "again every S seconds (2) until Ctrl-C"}),
    LIMIT,
    JSON,
]  # fmt: skip


def listing(arguments: Arguments, name: str, *, nothing: str = "") -> int:
    """Print one table of the room, once or again and again; `nothing` is said where no row passes."""
    if arguments.watch is not None and not 0.2 <= arguments.watch <= DAY:
        raise UsageError(f"--watch {arguments.watch:g}: 0.2 seconds to a day")
    while True:
        data = call(
            arguments, "table", name=name, filter=arguments.filter, sort=arguments.sort, limit=arguments.limit
        )
        if arguments.watch is not None and sys.stdout.isatty():
            print("\x1b[H\x1b[2J", end="")
        print(plain(json.dumps(data) if arguments.json else as_text(data, nothing)), flush=True)
        if arguments.watch is None:
            return int(Exit.OK)
        time.sleep(arguments.watch)


def as_text(data: dict[str, Any], nothing: str = "") -> str:
    """Return a `table/1` as aligned columns; columns that are empty in every row are left out."""
    rows = data["rows"]
    if not rows and nothing:
        return nothing
    if not rows:
        return str(data["empty"]) if not data["total"] else f"of {data['total']} rows none passes the filter"
    columns = [
        column for column in data["columns"] if any(row.get(column["name"]) is not None for row in rows)
    ]
    shown = [{column["title"]: _cell(row.get(column["name"])) for column in columns} for row in rows]
    text = table(shown, [column["title"] for column in columns])
    hidden = data["matched"] - len(rows)
    return text + (f"\n… {hidden} more; --limit {data['matched']} shows them" if hidden else "")


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
