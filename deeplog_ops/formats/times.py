"""Time stamps as text to microseconds, vectorised. What a stamp lacks (zone, year, date) is added later, in order.

A form is a strptime form (`%f` may follow any character and stands for a fraction of any length, with a comma or
a point), or one of iso8601, epoch_s, epoch_ms, epoch_us, epoch_ns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from deeplog_ops.errors import FormatError
from deeplog_ops.formats import stamp_columns

NONE, UTC, LOCAL, YEARLESS, CLOCK = 0, 1, 2, 3, 4  # how complete a stamp is; NONE could not be read
LEAP_YEAR = 2000  # where stamps without a year stand until they get theirs
EARLIEST, LATEST = 0, 7_258_118_400_000_000  # 1970 to 2200, in µs
_EPOCHS = {"epoch_s": 1_000_000.0, "epoch_ms": 1_000.0, "epoch_us": 1.0, "epoch_ns": 0.001}
_ISO = (
    r"^(?P<year>[0-9]{4})[-/.]?(?P<month>[0-9]{2})[-/.]?(?P<day>[0-9]{2})[T _,-]*(?P<hour>[0-9]{2})[:.]?"
    r"(?P<minute>[0-9]{2})(?:[:.]?(?P<second>[0-9]{2}))?(?:[.,:](?P<fraction>[0-9]{1,9}))?"
    r"\s*(?:(?P<utc>Z|z|UTC|GMT)|(?P<offset_h>[+-][0-9]{2}):?(?P<offset_m>[0-9]{2})?)?$"
)
_ISO_IN_PYTHON = re.compile(_ISO.removesuffix("$") + r"\Z")


@dataclass(frozen=True)
class Stamps:
    """One entry a line: `ticks` in µs since 1970 (in the stamp's own terms), and `kind`, how complete it is."""

    ticks: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True)
class TimeForm:
    """A strptime form, ready for the engine."""

    form: str
    kind: int
    prefix: str = ""
    weekday: bool = False
    fraction_after: str | None = None


def compile_form(form: str) -> TimeForm:
    """A FormatError names what a form lacks."""
    if form in _EPOCHS or form == "iso8601":
        return TimeForm(form, UTC)
    if not re.search(r"%[HIsTRcXr]", form):
        raise FormatError(
            f"time format {form!r} holds no time of day: accepted are strptime forms such as %Y-%m-%d %H:%M:%S, and iso8601, epoch_s, epoch_ms, epoch_us"
        )
    weekday = bool(re.match(r"%[aA],?\s*", form))
    body = re.sub(r"^%[aA],?\s*", "", form)
    fraction_after = None
    if found := re.search(r"(.?)%\.?[0-9]*f", body):
        fraction_after = found[1] if found[1] not in (".", "") else None
        body = body[: found.start()] + "%.f" + body[found.end() :]
    if "%z" in body:
        return TimeForm(body, UTC, "", weekday, fraction_after)
    if re.search(r"%[yYsCGcF]|%D|%x", body):
        return TimeForm(body, LOCAL, "", weekday, fraction_after)
    if re.search(r"%[mbBhj]", body):
        return TimeForm("%Y " + body, YEARLESS, f"{LEAP_YEAR} ", weekday, fraction_after)
    return TimeForm("%Y-%m-%d " + body, CLOCK, "1970-01-01 ", weekday, fraction_after)


def parse(texts: pl.Series, forms: tuple[TimeForm, ...]) -> Stamps:
    """Every text with the first form that reads it. A null, and what no form reads, is of kind NONE."""
    ticks, kind = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8)
    missing: np.ndarray | None = None
    for form in forms:
        part = texts if missing is None else texts.gather(missing)
        found, kinds = _parse_one(part, form)
        good = kinds != NONE
        if missing is None:
            ticks, kind = found, kinds
        else:
            ticks[missing[good]], kind[missing[good]] = found[good], kinds[good]
        missing = np.flatnonzero(kind == NONE)
        if not len(missing):
            break
    return Stamps(ticks, kind)


def _parse_one(texts: pl.Series, form: TimeForm) -> tuple[np.ndarray, np.ndarray]:
    if form.form in _EPOCHS:
        values = (texts.cast(pl.Float64, strict=False) * _EPOCHS[form.form]).round()
        values = values.set(~values.is_between(EARLIEST, LATEST), None).cast(pl.Int64, strict=False)
        return _ticks(values), _kinds(values, UTC)
    if form.form == "iso8601":
        return _parse_iso(texts)
    if form.weekday:
        texts = texts.str.replace(r"^[A-Za-z]{2,9}[.,]?\s+", "")
    if form.fraction_after is not None:
        after = re.escape(form.fraction_after)
        texts = texts.str.replace(rf"{after}([0-9]{{1,9}})([^0-9]*|\s*[+-][0-9:]+)$", ".${1}${2}")
    if form.prefix:
        texts = form.prefix + texts
    values = texts.str.to_datetime(form.form, time_unit="us", strict=False).cast(pl.Int64)
    return _ticks(values), _kinds(values, form.kind)


def _parse_iso(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    ticks, zoned, done = stamp_columns.of_one_form(texts, _ISO_IN_PYTHON)
    kinds = np.where(zoned, UTC, LOCAL).astype(np.uint8)
    if not done.all():
        rest = np.flatnonzero(~done)
        ticks[rest], kinds[rest] = _parse_each_iso(texts.gather(rest))
    return ticks, kinds


def _parse_each_iso(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    # the fraction's dot is added where there is one: formats without seconds and fractions are the same path
    part = texts.str.extract_groups(_ISO).struct.unnest()
    whole = part.select(
        pl.concat_str(
            "year", "month", "day", "hour", "minute", pl.col("second").fill_null("00"), pl.lit("."),
            pl.when(pl.col("year").is_not_null()).then(pl.col("fraction").fill_null("0")),
        )
    ).to_series()  # fmt: skip
    values = whole.str.to_datetime("%Y%m%d%H%M%S%.f", time_unit="us", strict=False).cast(pl.Int64)
    hours = part["offset_h"].cast(pl.Int64, strict=False)
    has_offset = hours.is_not_null()
    zoned = (has_offset | part["utc"].is_not_null()).to_numpy()
    ticks, kinds = _ticks(values), np.where(zoned, _kinds(values, UTC), _kinds(values, LOCAL))
    if has_offset.any():
        minutes = part["offset_m"].cast(pl.Int64, strict=False).fill_null(0).to_numpy()
        sign = np.where(part["offset_h"].str.starts_with("-").fill_null(False).to_numpy(), -1, 1)
        hour = hours.fill_null(0).to_numpy()
        ticks = ticks - np.where(has_offset.to_numpy(), (hour * 60 + sign * minutes) * 60_000_000, 0)
    return ticks, kinds


def _ticks(values: pl.Series) -> np.ndarray:
    return (
        values.fill_null(0).to_numpy(writable=True) if values.null_count() else values.to_numpy(writable=True)
    )


def _kinds(values: pl.Series, kind: int) -> np.ndarray:
    kinds = np.full(len(values), kind, np.uint8)
    if values.null_count():
        kinds[values.is_null().to_numpy()] = NONE
    return kinds
