"""Lines that go on in the next one by their own word, such as the parts of a container's long line."""

from __future__ import annotations

import polars as pl

from deeplog_ops.errors import FormatError
from deeplog_ops.formats.engine import checked_pattern
from deeplog_ops.formats.spec import FormatSpec


class Unfinished:
    """Takes away the headers of lines that go on from an unfinished one, so that they are joined to it.

    Remembers the last line, so that a file read in many blocks gets the records it would get in one.
    """

    def __init__(self, spec: FormatSpec) -> None:
        self._pattern = spec.unfinished or ""
        what = f"`unfinished` of format {spec.name!r}"
        self._names = checked_pattern(self._pattern, what)
        if not self._names:
            raise FormatError(
                f"{what} needs a named group: a field that the line has in common with the next"
            )
        self._last: tuple[str | None, ...] = (None,) * len(self._names)  # the groups of the line before

    def continued(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Lines in their order (columns of joining.LINE_COLUMNS), `start` false where one goes on from the line before."""
        if not len(lines):
            return lines
        found = lines["raw"].str.extract_groups(self._pattern).struct.unnest().select(self._names)
        before = found.select(
            pl.col(name).shift(1, fill_value=pl.lit(self._last[place], pl.String))
            for place, name in enumerate(self._names)
        )
        self._last = found.row(-1)
        if all(before[name].null_count() == len(before) for name in self._names):
            return lines
        goes_on = lines["reason"].is_null()
        for name in self._names:
            goes_on &= (lines["fields"].str.json_path_match(f"$['{name}']") == before[name]).fill_null(False)
        return lines.with_columns(pl.col("start") & ~goes_on)
