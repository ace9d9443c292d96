"""Messages to keys: match against the run's catalogue, mine what matches nothing, extract parameters, name the session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import polars as pl
import pyarrow as pa

from deeplog_ops import schemas
from deeplog_ops.records import DayBounds, Template
from deeplog_ops.sequences.identify import session_ids
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.learning import learn
from deeplog_ops.templates.mining import mine
from deeplog_ops.templates.parsing import MessageParser


def assign_keys(place: Workplace, run_id: int) -> int:
    """Write the stages "events" and "catalogue" of a day; the number of its templates.

    The day's messages match the version's catalogue; what matches nothing is mined within the day, over its sorted
    distinct masked messages, so that the result does not depend on the order of lines or days.
    """
    opened = OpenRun.of(place, run_id)
    known = version_catalogue(opened)
    with stage(opened, "assign_keys") as record:
        parser = MessageParser(known, opened.source.templates)
        unmatched = _unmatched(opened, parser)
        mined = mine(unmatched, opened.source.templates, known)
        record.message = f"{len(known.templates)} templates known, {len(mined)} mined within the day"
        fresh = [Template(found.template_id, found.text, opened.run.day) for found in mined]
        return _write(opened, record.attempt, parser.with_templates(fresh))


def learn_keys(place: Workplace, run_id: int) -> int:
    """Write the stages "events" and "catalogue" of a training: its mined templates are merged into the known ones."""
    opened = OpenRun.of(place, run_id)
    known = version_catalogue(opened)
    with stage(opened, "learn_keys") as record:
        settings = opened.source.templates
        unmatched = _unmatched(opened, MessageParser(known, settings))
        catalogue = learn(known, mine(unmatched, settings, known), opened.run.day, settings)
        record.message = f"{len(known.templates)} templates known, {len(catalogue.templates)} after learning"
        return _write(opened, record.attempt, MessageParser(catalogue, settings))


def version_catalogue(opened: OpenRun) -> Catalogue:
    """The catalogue of the model version that the run pinned; empty where there is none yet."""
    return Catalogue(()) if opened.version is None else Catalogue.from_rows(opened.version.catalogue)


def _lines(opened: OpenRun) -> Iterator[pa.Table]:
    return opened.place.lake.read(opened.partition("lines"))


def _unmatched(opened: OpenRun, parser: MessageParser) -> list[str]:
    found: set[str] = set()
    for lines in opened.place.lake.read(opened.partition("lines"), columns=["message"]):
        found.update(parser.unmatched(_column(lines, "message")).to_list())
    return sorted(found)


def _column(table: pa.Table, name: str) -> pl.Series:
    return pl.from_arrow(table.select([name])).to_series()  # type: ignore[union-attr]


def _write(opened: OpenRun, attempt: int, parser: MessageParser) -> int:
    counts: Counter[str] = Counter()
    with writer(opened, "events", attempt) as events, writer(opened, "catalogue", attempt) as templates:
        for lines in _lines(opened):
            batch = keyed(lines, parser, opened)
            counts.update(_of_the_day(batch, opened.bounds))
            events.write_batch(batch)
        templates.write_batch(_catalogue_table(parser.templates, counts))
        events.close()
        templates.close()
        commit(opened, events, templates)
    return len(parser.templates)


def keyed(lines: pa.Table, parser: MessageParser, opened: OpenRun) -> pa.Table:
    """Lines to events: a row each, in the same order."""
    frame = pl.from_arrow(lines)
    assert isinstance(frame, pl.DataFrame)
    parsed = parser.parse(frame["message"])
    session = session_ids(frame, opened.source.sessions).rename("session").to_arrow()
    columns = {name: lines[name] for name in ("file_id", "line_no", "byte_offset", "time")}
    columns |= {name: parsed[name] for name in ("key", "parameters", "numbers")}
    columns["session"] = session
    return pa.table({name: columns[name] for name in schemas.EVENTS.names}).cast(schemas.EVENTS)


def _of_the_day(events: pa.Table, bounds: DayBounds) -> dict[str, int]:
    frame = pl.from_arrow(events.select(["time", "key"]))
    assert isinstance(frame, pl.DataFrame)
    day = frame.filter(pl.col("time").is_null() | (pl.col("time") >= bounds.start))
    return dict(day.group_by("key").len().iter_rows())


def _catalogue_table(templates: Iterable[Template], counts: Counter[str]) -> pa.Table:
    rows = [
        {
            "template_id": template.template_id,
            "text": template.text,
            "first_seen": template.first_seen,
            "alias_of": template.alias_of,
            "events": counts.get(template.template_id, 0),
        }
        for template in templates
    ]
    return pa.Table.from_pylist(rows, schemas.CATALOGUE)
