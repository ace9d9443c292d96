"""What was found in the sample, held against what was hidden there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from deeplog_ops.db import sql_files
from deeplog_ops.simulate.files import Label

MISSED = timedelta(hours=1)  # rates are counted by the hour


@dataclass(frozen=True)
class Kind:
    """One kind of hidden anomaly: how many there were, and how many of them were found."""

    name: str
    shows_in: str
    hidden: int
    found: int


@dataclass(frozen=True)
class Comparison:
    """`flagged` sessions and anomalies without one, of which `right` hold a hidden anomaly; recall by kind."""

    flagged: int
    right: int
    kinds: tuple[Kind, ...]

    @property
    def precision(self) -> float | None:
        """Share of what was flagged that holds an anomaly; None when nothing was flagged."""
        return self.right / self.flagged if self.flagged else None

    def recall(self, *shows_in: str) -> float | None:
        """Share of the hidden anomalies of these ways of showing that were found; None when there were none."""
        kinds = [kind for kind in self.kinds if kind.shows_in in shows_in]
        hidden = sum(kind.hidden for kind in kinds)
        return sum(kind.found for kind in kinds) / hidden if hidden else None


def anomalies(engine: Engine, source: str, first: date, last: date) -> list[dict[str, Any]]:
    """Rows of sql/reports/anomalies_of_days.sql, worst first."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(sql_files.report("anomalies_of_days")), {"source": source, "first": first, "last": last}
        )
        return [dict(row) for row in rows.mappings()]


def compare(found: Sequence[dict[str, Any]], labels: Sequence[Label], first: date, last: date) -> Comparison:
    """Hidden anomalies of days from `first` to `last` count; a label of another day still makes a find right.

    In a session an anomaly is found when the session is flagged. In lines without a session (bursts and silences of
    background lines) it is found when an anomaly without a session, of the same day, is not further away than MISSED.
    """
    sessions = {row["session"] for row in found if row["session"]}
    others = [row for row in found if not row["session"]]
    hidden = [label for label in labels if first <= label.day <= last]
    hit = Counter(label.kind for label in hidden if _is_found(label, sessions, others))
    shows_in = {label.kind: label.shows_in for label in hidden}
    of_kind = Counter(label.kind for label in hidden)
    kinds = [Kind(name, shows_in[name], of_kind[name], hit[name]) for name in sorted(of_kind)]
    right = len(sessions & {label.session for label in labels if label.session})
    right += sum(any(_near(label, row) for label in labels if not label.session) for row in others)
    return Comparison(
        len(sessions) + len(others), right, tuple(sorted(kinds, key=lambda kind: (kind.shows_in, kind.name)))
    )


def _is_found(label: Label, sessions: set[str], others: Sequence[dict[str, Any]]) -> bool:
    if label.session:
        return label.session in sessions
    return any(_near(label, row) for row in others)


def _near(label: Label, row: dict[str, Any]) -> bool:
    if row["day"] != label.day or row["first_time"] is None:
        return False
    at = datetime.fromisoformat(label.time).replace(tzinfo=UTC)
    begin, end = row["first_time"], row["last_time"] or row["first_time"]
    return bool(begin - MISSED <= at <= end + MISSED)
