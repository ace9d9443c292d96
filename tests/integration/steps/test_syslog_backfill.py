"""Weekly syslog files without a year, run day by day: all days together hold all lines of the files."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from deeplog_ops.db import readers
from deeplog_ops.records import DayState
from deeplog_ops.steps import source_files
from deeplog_ops.steps.whole_runs import run_day
from tests.integration.steps.conftest import workplace
from tests.integration.steps.shared_data import shared_data


def test_the_days_of_the_weekly_files_add_up_to_the_files_lines(fresh_database: str, tmp_path: Path) -> None:
    messages = shared_data("linux", "messages")
    proposal = source_files.propose("messages", [str(messages)])
    place = workplace(fresh_database, tmp_path)
    place.sources.mkdir()
    dated = re.sub(r"(?m)^  (?:# )?year:.*$", "  year: 2005", proposal.text)
    source_files.add(place.sources, "messages", dated)

    # The files begin on 21 April and end on 10 October; a day more on either side has no lines.
    first, days = date(2005, 4, 20), 175
    states = Counter(
        run_day(place, "messages", first + timedelta(days=number), run_key=f"backfill-{number}").state
        for number in range(days)
    )

    raw = {path.name: gzip.decompress(path.read_bytes()).count(b"\n") for path in messages.iterdir()}
    of_days, of_files = _lines(place.engine)
    assert sum(raw.values()) > 15_000
    assert {name: lines for name, (lines, _) in of_files.items()} == raw
    assert of_days + sum(apart for _, apart in of_files.values()) == sum(raw.values())

    assert set(states) == {DayState.WARMING_UP, DayState.NOT_SCORED}
    covered = readers.coverage(place.engine, "messages")
    assert sum(day.events or 0 for day in covered) == of_days
    assert {day.state for day in covered} == set(states)
    place.engine.dispose()


def _lines(engine: Engine) -> tuple[int, dict[str, tuple[int, int]]]:
    """Lines in events of all days, and by file its lines and those that are blank or in the quarantine."""
    with engine.connect() as connection:
        of_days = connection.execute(
            text(
                "SELECT sum(a.events + a.joined) FROM deeplog.file_accounts a JOIN deeplog.days USING (run_id)"
            )
        ).scalar_one()
        rows = connection.execute(
            text(
                "SELECT path, max(lines_read), max(blank + quarantined) FROM deeplog.file_accounts GROUP BY path"
            )
        )
        return int(of_days), {path.rsplit("/", 1)[-1]: (lines, apart) for path, lines, apart in rows}
