"""The ledger of runs, under one name: runs, stages, partitions, raw files and their line accounts."""

from deeplog_ops.db.late_days import LateDay, late_days
from deeplog_ops.db.line_accounts import record_accounts, run_accounts
from deeplog_ops.db.raw_files import files_found_with, raw_files, record_files, run_files
from deeplog_ops.db.runs import Run, begin_run, finish_run, get_run, leave_unscored, mark_stale, note_unrun
from deeplog_ops.db.stages import (
    commit_partition,
    committed_stages,
    last_error,
    partition,
    stage_finished,
    stage_started,
)

__all__ = [
    "LateDay",
    "Run",
    "begin_run",
    "commit_partition",
    "committed_stages",
    "files_found_with",
    "finish_run",
    "get_run",
    "last_error",
    "late_days",
    "leave_unscored",
    "mark_stale",
    "note_unrun",
    "partition",
    "raw_files",
    "record_accounts",
    "record_files",
    "run_accounts",
    "run_files",
    "stage_finished",
    "stage_started",
]
