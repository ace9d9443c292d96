"""The lake: day partitions of Parquet files, each written under a path of its own attempt.

    {stage}/source={key}/day={YYYY-MM-DD}/run={run id}-{attempt token}/part-00000.parquet

Nothing is renamed and nothing is overwritten: a partition is live when the ledger names it. What a killed attempt left
is garbage, and so is what no ledger row names any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from deeplog_ops.errors import LakeError
from deeplog_ops.records import PartitionRef
from deeplog_ops.schemas import STAGES
from deeplog_ops.storage.partition_writer import PartitionWriter

READ_ROWS = 2**16
READ_BYTES = 2**24  # of a table as Parquet encodes it; rows of long sessions come fewer at a time


class Lake:
    """All partitions below one root folder."""

    def __init__(self, root: UPath) -> None:
        self.root = root

    def attempt(self, source_key: str, day: date, stage: str, run_id: int, attempt: int) -> PartitionWriter:
        """A writer for one attempt at a stage. Its path has a random part: no other attempt ever has the same."""
        path = f"{stage}/source={source_key}/day={day.isoformat()}/run={run_id}-{attempt:03d}-{secrets.token_hex(4)}"
        return PartitionWriter(self.root / path, path, stage, run_id)

    def read(
        self, ref: PartitionRef, columns: Sequence[str] | None = None, rows: int = READ_ROWS
    ) -> Iterator[pa.Table]:
        """The rows of a partition in the order they were written, in tables of at most `rows` and, where rows are large,
        about READ_BYTES; one at least.

        Raises LakeError when files are missing or damaged, or hold another number of rows than the ledger says.
        """
        schema = STAGES[ref.stage]
        chosen = schema if columns is None else pa.schema([schema.field(name) for name in columns])
        count, empty = 0, True
        try:
            for file in self._parts(ref):
                with file.open("rb") as stream, pq.ParquetFile(stream) as parquet:
                    most = min(rows, _affordable(parquet, chosen))
                    for batch in parquet.iter_batches(batch_size=most, columns=chosen.names):
                        count, empty = count + batch.num_rows, False
                        yield pa.Table.from_batches([batch]).select(chosen.names).cast(chosen)
        except (OSError, pa.ArrowException) as error:
            raise LakeError(
                f"partition {ref.path} cannot be read: {error}. Run stage {ref.stage!r} again"
            ) from error
        if count != ref.rows:
            raise LakeError(
                f"partition {ref.path} holds {count} rows, but the ledger says {ref.rows}: run stage {ref.stage!r} again"
            )
        if empty:
            yield chosen.empty_table()

    def delete(self, path: str) -> None:
        """Delete a partition by its path below the root; one that is gone already is no error."""
        remove_folder(self.root / path)

    def delete_source(self, source_key: str) -> int:
        """Delete all partitions of a source; returns how many."""
        found = list(self._partitions(source_key))
        for path in found:
            self.delete(path)
        return len(found)

    def collect_garbage(self, source_key: str, live: Collection[str], older_than: datetime) -> int:
        """Delete partitions of a source that `live` does not name and whose files are older; returns how many.

        The age keeps attempts under way safe: they are not in the ledger yet.
        """
        deleted = 0
        for path in list(self._partitions(source_key)):
            if path not in live and youngest(self.root / path) < older_than:
                self.delete(path)
                deleted += 1
        return deleted

    def _parts(self, ref: PartitionRef) -> list[UPath]:
        folder = self.root / ref.path
        parts = sorted(
            (path for path in folder.iterdir() if path.name.endswith(".parquet")), key=lambda path: path.name
        )
        if not parts:
            raise FileNotFoundError(f"no files in {folder}")
        return parts

    def _partitions(self, source_key: str) -> Iterator[str]:
        for stage in sorted(path.name for path in self.root.iterdir()) if self.root.is_dir() else ():
            top = self.root / stage / f"source={source_key}"
            if not top.is_dir():
                continue
            for day in sorted(path.name for path in top.iterdir() if path.is_dir()):
                for run in sorted(path.name for path in (top / day).iterdir() if path.is_dir()):
                    yield f"{stage}/source={source_key}/{day}/{run}"


def _affordable(parquet: pq.ParquetFile, chosen: pa.Schema) -> int:
    """How many rows of the chosen columns make up READ_BYTES, 1 at least."""
    names = set(chosen.names)
    size = 0
    for number in range(parquet.metadata.num_row_groups):
        group = parquet.metadata.row_group(number)
        columns = (group.column(at) for at in range(group.num_columns))
        size += sum(
            column.total_uncompressed_size
            for column in columns
            if column.path_in_schema.split(".", 1)[0] in names
        )
    return max(1, READ_BYTES * parquet.metadata.num_rows // max(size, 1))


def remove_folder(folder: UPath) -> None:
    """Delete a folder and all in it; one that is gone already is no error."""
    folder.fs.invalidate_cache()
    if folder.exists():
        folder.fs.rm(folder.path, recursive=True)


def youngest(folder: UPath) -> datetime:
    """When the newest file in a folder was written; the folder itself, where it is empty."""
    files = [path for path in folder.iterdir() if path.is_file()] or [folder]
    times = [getattr(path.stat(), "st_mtime", 0.0) for path in files]
    return datetime.fromtimestamp(max(times) or 0.0, UTC)
