"""The day that a file's path names."""

from __future__ import annotations

import re
from datetime import date, datetime

import polars as pl


def day_in_path(path: str, pattern: str | None) -> date | None:
    """By the group `day` of the pattern, YYYY-MM-DD or YYYYMMDD; None where there is no such day. Linear in the path."""
    if not pattern:
        return None
    text = path.encode("utf-8", "replace").decode()  # a name need not be text
    found = pl.Series([text]).str.extract_groups(pattern).struct.field("day")[0]
    if found is None:
        return None
    try:
        return datetime.strptime(re.sub(r"\D", "", found), "%Y%m%d").date()
    except ValueError:
        return None
