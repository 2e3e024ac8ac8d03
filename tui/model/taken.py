"""Rows as text to take away: values with a separator between, under a line of names."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], separator: str = ",") -> str:
    """Return rows as separated values with a line of names; what a row lacks is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", delimiter=separator)
    writer.writerow(columns)
    writer.writerows([["" if row.get(name) is None else row[name] for name in columns] for row in rows])
    return out.getvalue()
