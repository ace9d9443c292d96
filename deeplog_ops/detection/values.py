"""Rare values to anomalies: the worst of each session, template and place, with what is typical there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from deeplog_ops.config_detection import Values
from deeplog_ops.detection import value_words as words
from deeplog_ops.detection.value_calibration import ValueCalibration
from deeplog_ops.records import Anomaly, LineRef

if TYPE_CHECKING:
    from deeplog_ops.models.value_keys import KeyValues
    from deeplog_ops.models.value_scoring import Family, Found

DETECTOR = "values"
PARAMETER_VALUE = "parameter_value"  # a number far from what is typical there
ELAPSED_TIME = "elapsed_time"  # too long since the event before it
NEW_VALUE = "new_value"  # a name that training never saw there

ELAPSED = -1  # the place of the seconds since the event before


@dataclass
class _Finding:
    """A rare value of one event, and how many such its session has at that place."""

    family: Family
    place: int
    nats: float
    row: Mapping[str, Any]
    found: Found
    index: int  # among the found
    count: int = 1
    first: datetime | None = field(default=None)
    last: datetime | None = field(default=None)

    @property
    def order(self) -> tuple[Any, ...]:
        """The worse before the less so; of equals the event that came first, a value before an elapsed time."""
        time = self.row["time"]
        return (
            -self.nats,
            time is None,
            time,
            self.row["file_id"],
            self.row["line_no"],
            self.place == ELAPSED,
            self.place,
            -self.found.level,
        )


def value_anomalies(
    found: Iterable[Found],
    keys: Mapping[str, KeyValues],
    calibration: ValueCalibration,
    settings: Values,
    *,
    source_key: str,
    day: date,
    model_version: str,
    texts: Mapping[str, str],
) -> list[Anomaly]:
    """The anomalies among what DayScores found, the worst first.

    One a session, template and place: its worst event, with the number of the others. Those of one event are one
    anomaly, of the kind of its worst, whose `details` have a row a place. `texts` gives a template's text by its id.
    """
    worst: dict[tuple[Any, ...], _Finding] = {}
    for each in sorted(_findings(found), key=lambda each: each.order):
        row = each.row
        whose = (
            (row["session"], row["piece"]) if row["session"] is not None else (row["file_id"], row["line_no"])
        )
        kept = worst.setdefault((*whose, row["key"], each.place), each)
        if kept is not each:
            kept.count += (row["file_id"], row["line_no"]) != (kept.row["file_id"], kept.row["line_no"])
        times = [time for time in (kept.first, kept.last, row["time"]) if time is not None]
        kept.first, kept.last = min(times, default=None), max(times, default=None)
    events: dict[tuple[str, int], list[_Finding]] = {}
    for each in worst.values():
        events.setdefault((each.row["file_id"], each.row["line_no"]), []).append(each)
    teller = _Teller(keys, calibration, settings, texts)
    anomalies = [teller.anomaly(group, source_key, day, model_version) for group in events.values()]
    return sorted(anomalies, key=lambda anomaly: (-anomaly.score, anomaly.locator))


def _findings(found: Iterable[Found]) -> Iterator[_Finding]:
    for some in found:
        for index, row in enumerate(some.rows.iter_rows(named=True)):
            yield _Finding(some.family, some.place, float(some.nats[index]), row, some, index)


class _Teller:
    """Puts findings into words and plain data."""

    def __init__(
        self,
        keys: Mapping[str, KeyValues],
        calibration: ValueCalibration,
        settings: Values,
        texts: Mapping[str, str],
    ) -> None:
        self._keys = keys
        self._calibration = calibration
        self._least = calibration.least(settings)
        self._texts = texts

    def anomaly(self, group: list[_Finding], source_key: str, day: date, model_version: str) -> Anomaly:
        """One event's findings, the worst first."""
        worst, row = group[0], group[0].row
        inside = row["session"] is not None
        told = [self._told(each) for each in group]
        return Anomaly(
            source_key=source_key,
            day=day,
            detector=DETECTOR,
            kind=_kind(worst),
            locator=f"{row['file_id']}:{row['line_no']}:{worst.place}",
            session=row["session"],
            score=worst.nats,
            threshold=self._least[worst.family, inside],
            first_time=worst.first,
            last_time=worst.last,
            where=LineRef(row["file_id"], row["line_no"], row["byte_offset"]),
            event_count=worst.count,
            template_id=row["key"],
            rank=None,
            probability=None,
            p_value=self._calibration.p_value(worst.family, inside, worst.nats),
            reason=told[0][0],
            model_version=model_version,
            details={
                "fields": [
                    {"kind": _kind(each), **fields} for each, (_, fields) in zip(group, told, strict=True)
                ]
            },
        )

    def _told(self, each: _Finding) -> tuple[str, dict[str, Any]]:
        text = self._text(each.row["key"])
        place = {
            "place": each.place,
            "name": "" if each.place == ELAPSED else words.place_name(text, each.place),
        }
        reason, more = self._name(each, text) if each.family == "name" else self._number(each, text)
        return reason, {**place, **more, "score": each.nats, "count": each.count}

    def _number(self, each: _Finding, text: str) -> tuple[str, dict[str, Any]]:
        found, series = each.found, each.found.series
        assert series is not None
        assert found.actual is not None
        actual = float(found.actual[each.index])
        amount = None if found.amount is None else float(found.amount[each.index])
        expected = 0.0 if found.expected is None else float(found.expected[each.index])
        inside = each.row["session"] is not None
        low, typical, high = series.interval(self._least["number", inside], amount, expected)
        given = None
        if series.law is not None and amount is not None and math.isfinite(amount):
            of = next(
                (other for other in self._keys[series.law.key].numbers if other.place == series.law.place),
                None,
            )
            given = words.number(amount, of.unit if of else "")
        details = {
            "actual": _plain(actual),
            "typical": _plain(typical),
            "low": None if series.duration else _plain(low),
            "high": _plain(high),
            "unit": series.unit,
            "model": "lstm" if found.expected is not None else "quantile",
            "interval": series.upper.kind if actual > typical else series.lower.kind,
            "events": series.events,
            "given": given,
        }
        if each.place == ELAPSED:
            details["after"] = each.row["previous"]
            before = self._text(each.row["previous"])
            return words.elapsed_reason(text, before, actual, typical, high, given), details
        least = None if series.duration else low
        return words.number_reason(
            text, each.place, series.unit, actual, least, typical, high, given
        ), details

    def _name(self, each: _Finding, text: str) -> tuple[str, dict[str, Any]]:
        assert each.found.names is not None
        category = self._keys[each.row["key"]].names[each.place][each.found.level]
        actual, events = str(each.found.names[each.index]), sum(category.known.values())
        details = {
            "actual": actual,
            "typical": category.common(),
            "level": category.level,
            "known": len(category.known),
            "events": events,
        }
        return words.name_reason(text, each.place, actual, category.level, category.common(), events), details

    def _text(self, key: str) -> str:
        return self._texts.get(key, key)


def _kind(each: _Finding) -> str:
    if each.family == "name":
        return NEW_VALUE
    return ELAPSED_TIME if each.place == ELAPSED else PARAMETER_VALUE


def _plain(value: float) -> float | None:
    """Plain JSON: six digits are enough, and there is no infinity."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
