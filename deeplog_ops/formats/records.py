"""Raw bytes of one file to rows: blocks of lines, their headers (in parallel), then times and records in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa

from deeplog_ops.config import Reading
from deeplog_ops.formats.calendar import Calendar
from deeplog_ops.formats.engine import COLUMNS, Engine, engine_of
from deeplog_ops.formats.going_on import GoingOn
from deeplog_ops.formats.joining import LINE_COLUMNS, Joiner
from deeplog_ops.formats.line_blocks import BlockReader, LineBlock
from deeplog_ops.formats.quarantine import Quarantine
from deeplog_ops.formats.reasons import reason_columns, with_reason
from deeplog_ops.formats.redaction import Redactor
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.times import Stamps
from deeplog_ops.formats.years import year_in_path
from deeplog_ops.records import DayBounds, LineAccount
from deeplog_ops.schemas import LINES

_WORKERS = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Chunk:
    """Some records of a file, in its order.

    `lines` has schemas.LINES, `quarantine` schemas.QUARANTINE. `first_time` and `last_time` are the earliest
    and latest of all records, those outside `keep` included. The accounts of all chunks add up to the file.
    """

    lines: pa.Table
    quarantine: pa.Table
    account: LineAccount
    bytes_read: int
    first_time: datetime | None
    last_time: datetime | None


def read_records(
    stream: BinaryIO,
    *,
    spec: FormatSpec,
    reading: Reading,
    file_id: str,
    path: str = "",
    modified: datetime | None = None,
    now: datetime,
    read_to: int | None = None,
    compressed_size: int | None = None,
    day_hint: date | None = None,
    keep: tuple[datetime, datetime] | None = None,
) -> Iterator[Chunk]:
    """The records of one file, as chunks of about `reading.chunk_bytes`.

    `stream` gives uncompressed bytes (compression.open_stream). `read_to` bounds a plain file that grows; a last
    line that goes on beyond it is not seen. `keep` = [from, to): records of other times are counted, not given;
    records without a time stand for `day_hint`, where there is one, and are kept where there is none.

    Whatever the bytes are, no exception comes of them: what cannot be read is in `quarantine`, with a reason of
    binary, truncated, damaged, bomb, file_too_large, no_match (no line of the file fits the format), no_header,
    bad_time, future_time, line_too_long, record_too_long, cut_off. A format that cannot be used raises FormatError.
    """
    reader = _FileReader(spec, reading, file_id, path, modified or now, now, day_hint, keep)
    blocks = BlockReader(stream, reading, read_to, compressed_size)
    yield from reader.chunks(blocks)


class _FileReader:
    """The state of reading one file."""

    def __init__(
        self,
        spec: FormatSpec,
        reading: Reading,
        file_id: str,
        path: str,
        modified: datetime,
        now: datetime,
        day_hint: date | None,
        keep: tuple[datetime, datetime] | None,
    ) -> None:
        self._spec = spec
        self._engine: Engine = engine_of(spec)
        self._redactor = Redactor(reading.redact)
        self._aside = (reading.multiline or spec.multiline) == "quarantine"
        self._reading = reading
        self._file_id = file_id
        self._path = path
        self._zone = spec.zone or reading.zone
        year = year_in_path(path, reading.year_from_path) or reading.year
        self._calendar = Calendar(self._zone, year, day_hint, modified)
        self._latest = _ticks(now + reading.future)
        self._keep = None if keep is None else (_ticks(keep[0]), _ticks(keep[1]))
        self._keep_timeless = self._day_is_kept(day_hint, keep)
        self._joiner = Joiner(reading.record_lines)
        self._going_on = GoingOn(spec, self._redactor)
        self._quarantine = Quarantine(file_id)

    def chunks(self, blocks: BlockReader) -> Iterator[Chunk]:
        if blocks.binary:
            count = blocks.count_lines()
            self._quarantine.add("binary", "the file is not text in any known encoding", lines=count)
            if blocks.fault is not None:
                self._quarantine.add(blocks.fault.reason, blocks.fault.detail)
            account = LineAccount(lines_read=count, quarantined=count)
            yield self._chunk(pl.DataFrame(schema=LINE_COLUMNS), account, 0)
            return
        source: Iterable[LineBlock] = blocks
        if self._spec.kind == "csv":
            from deeplog_ops.formats.csv_rows import CsvEngine
            from deeplog_ops.formats.whole_rows import whole_rows

            assert isinstance(self._engine, CsvEngine)
            source = whole_rows(blocks, self._engine, self._reading.record_lines)
        for block, lines, stamps in self._in_parallel(source):
            yield self._add(block, lines, stamps)
        yield self._finish(blocks)

    def _in_parallel(
        self, blocks: Iterable[LineBlock]
    ) -> Iterator[tuple[LineBlock, pl.DataFrame, Stamps | None]]:
        """Reads headers of the next block while this one is joined; the order stays."""
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="headers") as pool:
            waiting: deque[tuple[LineBlock, Future[tuple[pl.DataFrame, Stamps | None]]]] = deque()
            for block in blocks:
                waiting.append((block, pool.submit(self._headers, block)))
                if len(waiting) > _WORKERS:
                    block, future = waiting.popleft()
                    yield block, *future.result()
            while waiting:
                block, future = waiting.popleft()
                yield block, *future.result()

    def _headers(self, block: LineBlock) -> tuple[pl.DataFrame, Stamps | None]:
        """The block's lines that are not blank, as LINE_COLUMNS (times null as yet), and their stamps."""
        text = self._redactor.text(block.text)
        headers = self._engine.read(text)
        matched = headers.matched
        reasons: dict[int, tuple[str, str]] = {}
        for place, size in block.too_long.items():
            reasons[place] = (
                "line_too_long",
                f"{size} bytes; lines may have line_bytes = {self._reading.line_bytes}",
            )
        if block.cut_off:
            reasons[len(block) - 1] = "cut_off", "the reading of the file ended within this line"
        start = matched.copy()
        start[list(reasons)] = True
        frame = headers.frame.with_columns(
            raw=text,
            line_no=pl.Series(block.line_nos),
            byte_offset=pl.Series(block.offsets),
            count=pl.Series(block.counts),
            time=pl.lit(None, pl.Int64),
            **reason_columns(len(block), reasons),
        )
        stamps = headers.stamps
        if not start.all():
            empty = (text.str.len_bytes() == 0) | ~text.str.contains(r"\S")
            blank = ~start & empty.to_numpy()
            if self._aside:
                lost = ~start & ~blank
                start = ~blank
                frame = with_reason(frame, lost, "no_header", f"does not fit format {self._spec.name!r}")
            frame = frame.with_columns(start=pl.Series(start)).filter(pl.Series(~blank))
            if stamps is not None:
                stamps = Stamps(stamps.ticks[~blank], stamps.kind[~blank])
        else:
            frame = frame.with_columns(start=pl.Series(start))
        return frame.select(list(LINE_COLUMNS)), stamps

    def _add(self, block: LineBlock, lines: pl.DataFrame, stamps: Stamps | None) -> Chunk:
        held = self._joiner.held_lines
        lines = self._going_on.continued(lines)
        if stamps is not None and len(lines):
            lines = self._with_times(lines, stamps)
        blank = int(block.counts.sum()) - int(lines["count"].sum())
        records = self._joiner.add(lines)
        head = self._flushed_head()
        taken = block.headings + int(block.counts.sum()) + held - self._joiner.held_lines
        account = LineAccount(lines_read=taken, blank=blank + block.headings, quarantined=head)
        return self._chunk(records, account, block.bytes_read)

    def _finish(self, blocks: BlockReader) -> Chunk:
        held = self._joiner.held_lines
        records = self._joiner.finish()
        head = self._flushed_head(last=True)
        if blocks.fault is not None:
            self._quarantine.add(blocks.fault.reason, blocks.fault.detail)
        account = LineAccount(lines_read=held, quarantined=head)
        return self._chunk(records, account, 0, last=True)

    def _flushed_head(self, last: bool = False) -> int:
        """Lines of the head that no header followed, or too late, in one row; gives their number."""
        head = self._joiner.head
        if not head.lines or not (last or self._joiner.begun):
            return 0
        raw = "[redacted]" if self._redactor.by_field else head.raw
        if self._joiner.begun:
            detail = f"the file's first {head.lines} lines have no header of format {self._spec.name!r}"
            self._quarantine.add("no_header", detail, head.line_no, head.byte_offset, head.lines, raw)
        else:
            detail = (
                f"no line fits format {self._spec.name!r}; the first is shown. `source add` guesses a format"
            )
            self._quarantine.add("no_match", detail, 0, 0, head.lines, raw)
        lines, head.lines = head.lines, 0
        return lines

    def _with_times(self, lines: pl.DataFrame, stamps: Stamps) -> pl.DataFrame:
        timed = lines["start"].to_numpy() & lines["reason"].is_null().to_numpy()
        whole = bool(timed.all())
        ticks = self._calendar.resolve(stamps if whole else Stamps(stamps.ticks[timed], stamps.kind[timed]))
        instants = ticks
        if not whole:
            instants = np.full(len(lines), -1, np.int64)
            instants[timed] = ticks
        time = pl.Series("time", instants)
        bad, future = timed & (instants < 0), timed & (instants > self._latest)
        if bad.any() or not whole:
            time = time.set(time < 0, None)
            forms = ", ".join(self._spec.time_formats) or "iso8601"
            lines = with_reason(
                lines, bad, "bad_time", f"its time is none, or does not exist; accepted: {forms}"
            )
        if future.any():
            lines = with_reason(
                lines,
                future,
                "future_time",
                f"its time is later than now by more than {self._reading.future}",
            )
        return lines.with_columns(time)

    def _chunk(
        self, records: pl.DataFrame, account: LineAccount, bytes_read: int, last: bool = False
    ) -> Chunk:
        records = self._redacted(records)
        quarantined = other_days = 0
        if records["reason"].null_count() < len(records):
            faulty = records["reason"].is_not_null()
            quarantined = self._quarantine.add_records(records.filter(faulty))
            records = records.filter(~faulty)
        first, last_time = records["time"].min(), records["time"].max()
        if self._keep is not None and len(records):
            within = (records["time"] >= self._keep[0]) & (records["time"] < self._keep[1])
            within = within.fill_null(self._keep_timeless)
            if not within.all():
                other_days = int(records.filter(~within)["count"].sum())
                records = records.filter(within)
        if last:
            self._quarantine.close()
        placed = LineAccount(
            events=len(records),
            joined=int(records["count"].sum()) - len(records),
            quarantined=quarantined,
            other_days=other_days,
        )
        return Chunk(
            self._table(records),
            self._quarantine.take(),
            account + placed,
            bytes_read,
            _instant(first),
            _instant(last_time),
        )

    def _redacted(self, records: pl.DataFrame) -> pl.DataFrame:
        if not self._redactor or not len(records):
            return records
        several = records["count"] > 1
        if several.any():  # a pattern may reach over the lines of a record
            records = records.with_columns(
                pl.when(several).then(self._redactor.text(records[name])).otherwise(pl.col(name)).alias(name)
                for name in ("message", "raw")
            )
        records = self._redactor.records(records)
        if self._redactor.by_field:
            unread = pl.col("reason").is_not_null() & pl.col("message").is_null()
            records = records.with_columns(raw=pl.when(unread).then(pl.lit("[redacted]")).otherwise("raw"))
        return records

    def _table(self, records: pl.DataFrame) -> pa.Table:
        frame = records.select(
            pl.lit(self._file_id).alias("file_id"),
            "line_no",
            "byte_offset",
            pl.col("count").cast(pl.Int32).alias("line_count"),
            pl.col("time").cast(pl.Datetime("us", "UTC")),
            *COLUMNS,
            "fields",
            "message",
            "raw",
        )
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(LINES)

    def _day_is_kept(self, day: date | None, keep: tuple[datetime, datetime] | None) -> bool:
        if day is None or keep is None:
            return True
        bounds = DayBounds.of(day, self._zone, timedelta(0))
        return bounds.start < keep[1] and bounds.end > keep[0]


def _ticks(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _instant(ticks: object) -> datetime | None:
    return _EPOCH + timedelta(microseconds=ticks) if isinstance(ticks, int) else None
