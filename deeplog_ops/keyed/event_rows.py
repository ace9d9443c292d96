"""CSV with one event a row, through pandas."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from deeplog_ops.errors import InputError
from deeplog_ops.keyed.forms import EVENT_COLUMNS, delimiter_of, header_of, split_header
from deeplog_ops.keyed.text_lines import TextLines
from deeplog_ops.keyed.values import key_of, label_of, name_of, time_of

_MORE = "more than the header"


def read_event_rows(lines: TextLines, nrows: int | None) -> pd.DataFrame:
    """Columns timestamp (seconds), event, machine and, where the file has it, label. Other columns are left out.

    InputError names the line of the first row that cannot be used.
    """
    header = header_of(lines)
    first = lines.number + 1  # line of the first row
    delimiter = delimiter_of(header, EVENT_COLUMNS, lines.path, lines.number)
    columns = split_header(header, delimiter)
    try:
        # All as text: 007 stays 007, and NA is a key like any other. One column more catches rows too long.
        rows = pd.read_csv(
            lines,  # type: ignore[call-overload]
            sep=delimiter,
            header=None,
            names=[*(f"{place}:{name}" for place, name in enumerate(columns)), _MORE],
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=False,
            nrows=nrows,
        )
    except pd.errors.EmptyDataError:
        rows = pd.DataFrame(
            {f"{place}:{name}": [] for place, name in enumerate(columns)} | {_MORE: []}, dtype=str
        )
    except pd.errors.ParserError as error:
        raise _broken(str(error), lines, len(columns), first) from error
    blank = (rows.iloc[:, 1:] == "").all(axis=1).to_numpy(bool, copy=True)
    blank[blank] = [not cell.strip() for cell in rows.iloc[blank, 0]]
    cells = {name: rows[f"{columns.index(name)}:{name}"].to_numpy(object) for name in EVENT_COLUMNS}
    if "label" in columns:
        cells["label"] = rows[f"{columns.index('label')}:label"].to_numpy(object)

    def line_of(row: int) -> int:
        """Rows before it may have line feeds in quoted cells."""
        return first + row + int(sum(rows[name].iloc[:row].str.count("\n").sum() for name in rows))

    def each(name: str, read: Callable[[object], object]) -> list[object]:
        known: dict[object, object] = {}  # few values are distinct, but for times
        for row, cell in enumerate(cells[name].tolist()):
            if cell not in known and not blank[row]:
                try:
                    known[cell] = read(cell)
                except ValueError as error:
                    raise lines.fault(str(error), line_of(row)) from error
        return [known[cell] for cell, empty in zip(cells[name].tolist(), blank, strict=True) if not empty]

    too_long = np.flatnonzero((rows[_MORE] != "").to_numpy(bool))
    if len(too_long):
        raise lines.fault(f"more cells than the {len(columns)} of the header", line_of(int(too_long[0])))
    read: dict[str, object] = {
        "timestamp": np.array(each("timestamp", time_of), float),
        "event": pd.Series(each("event", key_of), dtype=object),
        "machine": pd.Series(each("machine", name_of), dtype=object),
    }
    if "label" in cells:
        read["label"] = np.array(each("label", label_of), np.int64)
    return pd.DataFrame(read)


def _broken(said: str, lines: TextLines, columns: int, first: int) -> InputError:
    """pandas counts from below the header, lines from 1 and rows from 0, and the column more as one expected."""
    if found := re.search(r"in line (\d+), saw (\d+)", said):
        return lines.fault(f"{found[2]} cells where the header has {columns}", int(found[1]) + first - 1)
    if found := re.search(r"EOF inside string starting at row (\d+)", said):
        return lines.fault("a quote that is never closed", int(found[1]) + first)
    return InputError(f"{lines.path}: no CSV: {said}")
