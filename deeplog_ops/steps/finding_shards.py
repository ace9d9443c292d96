"""What was said of sequences, brought to the sessions that have them: shard by shard, on local disk.

Findings are by sequence, sessions by name: they meet in shards of sequences, and part again in shards of sessions, so that
all of a name stand together, which may come more than once a day. What nothing flags costs nothing here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from deeplog_ops.detection.session_findings import Finding
from deeplog_ops.detection.verdicts import READ, scored_sessions
from deeplog_ops.records import ExpectedKey
from deeplog_ops.schemas import SESSIONS
from deeplog_ops.steps.shards import Shards

_SESSIONS = pa.schema([SESSIONS.field(name) for name in READ])
_SCHEMA = {"sequence_id": pl.String, "detector": pl.String, "finding": pl.String}


@dataclass(frozen=True)
class Said:
    """Sessions (columns READ of schemas.SESSIONS) that a detector has findings of, and these by the sequence's id.

    `named` counts how often each name came before, as verdicts.anomalies does.
    """

    detector: str
    sessions: pa.Table
    found: Mapping[str, Finding]
    named: Counter[tuple[str, int]]


class FindingShards:
    """First all findings, then all sessions, then what is said of the sessions."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self._findings = Shards(folder / "findings", buckets, by="sequence_id")
        self._sessions = Shards(folder / "sessions", buckets, by="sequence_id")
        self._met = Shards(folder / "met", buckets, by="session")
        self._flagged: list[pl.Series] = []

    def add(self, detector: str, found: Mapping[str, Finding]) -> None:
        """What a detector says of sequences, by id; of each once."""
        if found:
            columns = [list(found), [detector] * len(found), [_text(each) for each in found.values()]]
            rows = pl.DataFrame(dict(zip(_SCHEMA, columns, strict=True)), schema=_SCHEMA)
            self._findings.add(rows)
            self._flagged.append(rows["sequence_id"])

    def add_sessions(self, tables: Iterator[pa.Table], scored: pa.Array) -> None:
        """Of a day's sessions those that something was said of. LakeError for one whose sequence was not scored."""
        flagged = pl.concat(self._flagged).unique() if self._flagged else pl.Series([], dtype=pl.String)
        self._flagged = []
        for table in tables:
            rows = pl.from_arrow(scored_sessions(table, scored))
            assert isinstance(rows, pl.DataFrame)
            some = rows.filter(pl.col("sequence_id").is_in(flagged.implode()))
            if len(some):
                self._sessions.add(some)

    def read(self, rows: int) -> Iterator[Said]:
        """So many sessions at a time; those of one name one after the other, by their first lines."""
        self._meet(rows)
        for shard in self._met.read():
            ordered = shard.sort(
                "session",
                pl.col("file_ids").list.first(),
                pl.col("line_nos").list.first(),
                maintain_order=True,
            )
            for (detector,), own in ordered.group_by("detector", maintain_order=True):
                named: Counter[tuple[str, int]] = Counter()
                for some in own.iter_slices(rows):
                    told = some.select("sequence_id", "finding").unique("sequence_id").iter_rows()
                    table = some.select(_SESSIONS.names).to_arrow().cast(_SESSIONS)
                    yield Said(str(detector), table, {name: _finding(text) for name, text in told}, named)

    def _meet(self, rows: int) -> None:
        for number in self._sessions.numbers:
            findings = self._findings.take(number)
            for some in self._sessions.take(number).iter_slices(rows):
                self._met.add(some.join(findings, on="sequence_id"))


def _text(finding: Finding) -> str:
    expected = [[each.key, each.probability] for each in finding.expected]
    return json.dumps({**vars(finding), "expected": expected}, ensure_ascii=False)


def _finding(text: str) -> Finding:
    data: dict[str, Any] = json.loads(text)
    expected = tuple(ExpectedKey(key, probability) for key, probability in data.pop("expected"))
    return Finding(**data, expected=expected)
