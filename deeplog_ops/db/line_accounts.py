"""Line accounts: where every line of every file of a run went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import visible, visible_or_none
from deeplog_ops.errors import AccountingError
from deeplog_ops.records import FileAccount, LineAccount

_INSERT_ACCOUNT = text(
    "INSERT INTO deeplog.file_accounts (run_id, file_id, path, lines_read, events, joined, blank, quarantined, other_days, "
    "first_time, last_time, note) VALUES (:run_id, :file_id, :path, :lines_read, :events, :joined, :blank, :quarantined, "
    ":other_days, :first_time, :last_time, :note)"
)


def record_accounts(
    engine: Engine, run_id: int, accounts: Sequence[FileAccount], elsewhere: Sequence[FileAccount] = ()
) -> None:
    """Keep the line accounts of a run, in place of those recorded before. AccountingError when a line is missing.

    Of the files that were read `elsewhere` (wholly outside of the run's days, as it turned out) only what was learnt of
    them is kept, so that a run's accounts do not depend on which run came to read a file first.
    """
    for account in (*accounts, *elsewhere):
        if account.account.unaccounted:
            raise AccountingError(
                f"{account.path}: {account.account.unaccounted} lines are not accounted for ({account.account})"
            )
    rows = [_account(run_id, account) for account in accounts]
    learnt = rows + [_account(run_id, account) for account in elsewhere]
    with transaction(engine) as connection:
        connection.execute(
            text("SELECT 1 FROM deeplog.runs WHERE run_id = :run_id FOR UPDATE"), {"run_id": run_id}
        )
        connection.execute(
            text("DELETE FROM deeplog.file_accounts WHERE run_id = :run_id"), {"run_id": run_id}
        )
        if rows:
            connection.execute(_INSERT_ACCOUNT, rows)
        if not learnt:
            return
        connection.execute(
            text(
                "UPDATE deeplog.raw_files f SET lines = :lines_read, "
                "first_time = coalesce(:first_time, f.first_time), last_time = coalesce(:last_time, f.last_time) "
                "FROM deeplog.runs r JOIN deeplog.run_files g USING (run_id) WHERE r.run_id = :run_id "
                "AND f.source_id = r.source_id AND f.file_id = :file_id AND f.path = :path "
                "AND g.file_id = f.file_id AND g.path = f.path AND g.size = f.size"
            ),
            sorted(learnt, key=lambda row: (row["file_id"], row["path"])),
        )


def run_accounts(engine: Engine, run_id: int) -> list[FileAccount]:
    """The line accounts of a run, by path."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT file_id, path, lines_read, events, joined, blank, quarantined, other_days, note, first_time, "
                "last_time FROM deeplog.file_accounts WHERE run_id = :run_id ORDER BY path, file_id"
            ),
            {"run_id": run_id},
        )
        return [
            FileAccount(row[0], row[1], LineAccount(*row[2:8]), row.note, row.first_time, row.last_time)
            for row in rows
        ]


def _account(run_id: int, account: FileAccount) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "file_id": account.file_id,
        "path": visible(account.path),
        **vars(account.account),
        "first_time": account.first_time,
        "last_time": account.last_time,
        "note": visible_or_none(account.note),
    }
