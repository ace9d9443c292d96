"""One file to a table of events with template ids: no database, no lake, no model."""

from __future__ import annotations

import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from deeplog_ops import schemas
from deeplog_ops.config import Reading, Templates
from deeplog_ops.errors import FormatError, InputError, MissingInput
from deeplog_ops.formats import catalog, compression, fingerprint
from deeplog_ops.formats.records import read_records
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.records import LineAccount, Template
from deeplog_ops.steps.heads import PEEK_BYTES, plain_head
from deeplog_ops.storage.paths import open_path
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.learning import learn
from deeplog_ops.templates.mining import mine
from deeplog_ops.templates.parsing import MessageParser

_KEYED = [
    pa.field("key", pa.string(), nullable=False),
    pa.field("template", pa.string(), nullable=False),
    pa.field("parameters", pa.list_(pa.string()), nullable=False),
    pa.field("numbers", pa.list_(pa.float64()), nullable=False),
]
HELD = pa.schema([field for field in schemas.LINES if field.name != "raw"])
PARSED = pa.schema([*HELD, *_KEYED])
# Columns whose values repeat: looking for repetitions in the others would cost more than it saves.
_REPEATING = ["file_id", "level", "host", "component", "thread", "key", "template"]


@dataclass(frozen=True)
class ParsedFile:
    """What a parse did. `sure` is False where the format was guessed and others fit about as well."""

    file: str
    out: str
    format: str
    sure: bool
    account: LineAccount
    templates: list[tuple[Template, int]]
    quarantined: list[dict[str, object]]
    notes: list[str]


def parse_file(
    file: str,
    out: Path,
    *,
    format_name: str | None = None,
    reading: Reading | None = None,
    settings: Templates | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ParsedFile:
    """Write the events of `file` to the Parquet file `out`, in the order of the lines.

    Two passes: the lines are read into a temporary file while their distinct masked messages are gathered; these are
    mined; then every line gets its key. Without a `reading` the encoding is found by looking. `progress` is told the
    bytes read and the file's size. Raises InputError where no line can be read.
    """
    path = open_path(file)
    if not path.is_file():
        raise MissingInput(
            f"{file} is not a file: give the path of one raw log file, plain or .gz .bz2 .xz .zst"
        )
    head = plain_head(path)
    spec, sure, notes = _format(str(path), head, format_name)
    settings = settings or Templates()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".deeplog-parse-", dir=out.parent) as folder:
        lines = Path(folder) / "lines.arrow"
        reader = _Reader(path, head, spec, reading or Reading(encoding="auto"), lines, progress)
        parser = MessageParser(Catalogue(()), settings)
        distinct = reader.run(parser)
        if reader.quarantined and not reader.account.events:
            first = reader.quarantined[0]
            raise InputError(f"{file}: nothing could be read: {first['reason']}: {first['detail']}")
        catalogue = learn(Catalogue(()), mine(distinct, settings, Catalogue(())), None, settings)
        parser = MessageParser(catalogue, settings)
        counts = _write(lines, out, parser, catalogue)
    own = {template.template_id: template for template in parser.templates}
    templates = [
        (Template(key, catalogue.text(key) or own[key].text), count) for key, count in counts.most_common()
    ]
    return ParsedFile(
        file, str(out), spec.name, sure, reader.account, templates, reader.quarantined[:100], notes
    )


def _format(path: str, head: bytes, name: str | None) -> tuple[FormatSpec, bool, list[str]]:
    if name is not None:
        return catalog.resolve(name), True, []
    if not head:
        raise FormatError(f"{path} is empty: there is nothing to guess a format from")
    from deeplog_ops.formats.guess import guess_format

    guess = guess_format([(path, head)])
    return guess.spec, guess.sure, list(guess.notes)


class _Reader:
    """The first pass: lines to a temporary file, accounted for."""

    def __init__(
        self,
        path: UPath,
        head: bytes,
        spec: FormatSpec,
        reading: Reading,
        lines: Path,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._path, self._spec, self._reading, self._lines = path, spec, reading, lines
        self._head, self._progress = head, progress
        self.account = LineAccount()
        self.quarantined: list[dict[str, object]] = []

    def run(self, parser: MessageParser) -> list[str]:
        """Read the file; its distinct masked messages, sorted."""
        found: set[str] = set()
        status = self._path.stat()
        with (
            self._path.open("rb") as raw,
            pa.OSFile(str(self._lines), "wb") as sink,
            pa.ipc.new_file(sink, HELD) as out,
        ):
            packed = compression.detect(raw.read(PEEK_BYTES), str(self._path))
            raw.seek(0)
            for chunk in read_records(
                compression.open_stream(raw, packed),
                spec=self._spec,
                reading=self._reading,
                file_id=fingerprint.of_head(self._head),
                path=str(self._path),
                modified=datetime.fromtimestamp(getattr(status, "st_mtime", 0) or 0, UTC),
                now=datetime.now(UTC),
                read_to=None,
                compressed_size=status.st_size if packed else None,
                day_hint=None,
            ):
                self.account += chunk.account
                self.quarantined += chunk.quarantine.to_pylist() if len(self.quarantined) < 100 else []
                found.update(parser.unmatched(_messages(chunk.lines)).to_list())
                out.write_table(chunk.lines.select(HELD.names))
                if self._progress:
                    self._progress(raw.tell(), status.st_size)
        return sorted(found)


def _messages(lines: pa.Table) -> pl.Series:
    return pl.from_arrow(lines.select(["message"])).to_series()  # type: ignore[union-attr]


def _write(lines: Path, out: Path, parser: MessageParser, catalogue: Catalogue) -> Counter[str]:
    counts: Counter[str] = Counter()
    named = parser.templates
    texts = pl.DataFrame(
        {
            "key": [template.template_id for template in named],
            "now": [catalogue.resolve(template.template_id) for template in named],
            "template": [catalogue.text(template.template_id) or template.text for template in named],
        },
        schema={"key": pl.String, "now": pl.String, "template": pl.String},
    )
    with (
        pq.ParquetWriter(out, PARSED, compression="zstd", use_dictionary=_REPEATING) as writer,
        ThreadPoolExecutor(1, thread_name_prefix="write") as behind,
    ):
        waiting: deque[Future[None]] = deque()
        for batch in _batches(lines):
            parsed = parser.parse(_messages(batch))
            keys = pl.DataFrame({"key": pl.from_arrow(parsed["key"])}).join(
                texts, on="key", how="left", maintain_order="left"
            )
            counts.update(dict(keys.group_by("now").len().iter_rows()))
            columns = {name: batch[name] for name in HELD.names}
            columns |= {"key": keys["now"].to_arrow(), "template": keys["template"].to_arrow()}
            columns |= {"parameters": parsed["parameters"], "numbers": parsed["numbers"]}
            table = pa.table({name: columns[name] for name in PARSED.names}).cast(PARSED)
            while len(waiting) > 1:  # one batch is written while the next is parsed: memory stays bounded
                waiting.popleft().result()
            waiting.append(behind.submit(writer.write_table, table))
        for written in waiting:
            written.result()
    return counts


def _batches(lines: Path) -> Iterator[pa.Table]:
    with pa.OSFile(str(lines)) as source, pa.ipc.open_file(source) as file:
        for number in range(file.num_record_batches):
            yield pa.Table.from_batches([file.get_batch(number)])
