"""Which format a file has: every shipped format is tried on its head, then a header pattern derived from it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from deeplog_ops.formats import catalog, compression, csv_rows, derive, encodings, times
from deeplog_ops.formats.engine import COLUMNS, Headers, engine_of
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.times import Stamps
from deeplog_ops.formats.whole_rows import rows_of

SAMPLE_BYTES = 4 * 2**20  # of a file's uncompressed head, what guessing makes use of
_SAMPLE_LINES = 4000
_LAST_RESORT = "plain"
_GENERAL = ("iso", "epoch")
_OLDEST = 315_532_800_000_000  # 1980: an earlier time is a number mistaken for one
# formats whose shares of lines differ by less are told apart by how much of the line they name
_SAME_SHARE = 0.005
_CONTINUES = r"^(?:\s|at |Caused by|Suppressed|\.\.\. |Traceback|\}|\)|---|[\w.$]+(?:Exception|Error)\b)"


@dataclass(frozen=True)
class Guess:
    """A format and how sure it is. `share_understood`: lines that fit, or follow one that does as stack traces do."""

    spec: FormatSpec
    share_understood: float
    sure: bool
    notes: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Score:
    spec: FormatSpec
    share: float  # of the lines that are not blank
    named: float  # parts of the line that have a name, on average


def guess_format(samples: Sequence[tuple[str, bytes]]) -> Guess:
    """The format of files that begin so. The bytes may be compressed, and end anywhere. Always gives an answer."""
    lines = sample_lines([head for _, head in samples])
    if not len(lines):
        plain = catalog.resolve(_LAST_RESORT)
        return Guess(plain, 0.0, False, ("the files are empty: nothing could be guessed",))
    if (structured := _structured(lines)) is not None:
        return structured
    scores = [
        _score(spec, lines)
        for spec in catalog.shipped().values()
        if spec.kind in ("pattern", "logfmt") and spec.name != _LAST_RESORT
    ]
    best = _best(scores)
    if best is None or best.spec.name in _GENERAL or best.share < 0.9:
        derived = derive.derive(lines)
        if derived is not None:
            scores.append(_score(derived, lines))
            best = _best(scores)
    continuing = _continuing(lines, best.spec) if best is not None else 0.0
    if best is None or not (best.share >= 0.5 or (best.share >= 0.02 and continuing >= 0.7)):
        note = "no header with a time stamp was found: every line is an event without a time"
        return Guess(catalog.resolve(_LAST_RESORT), 1.0, False, (note,))
    return _said(best, continuing, scores)


def _said(best: _Score, continuing: float, scores: list[_Score]) -> Guess:
    notes = []
    understood = best.share + (1 - best.share) * continuing
    shipped = best.spec.name in catalog.shipped()
    if not shipped:
        notes.append(
            "the header is none of the shipped formats: its pattern was derived from the lines, look at it"
        )
    elif best.spec.name in _GENERAL:
        notes.append(
            "no shipped format says more than where the time stands (and the level): all after it is the message"
        )
    if best.share < 1:
        rest = f"{100 * (1 - best.share):.1f} % of the lines have no header; "
        notes.append(
            rest
            + (
                "they are joined to the record before them"
                if best.spec.multiline == "join"
                else "they are quarantined"
            )
        )
    others = sorted(
        (score for score in scores if score.share >= 0.5 and score is not best),
        key=lambda score: (-score.share, -score.named),
    )
    return Guess(
        best.spec,
        round(understood, 4),
        shipped and understood >= 0.95 and best.spec.name not in _GENERAL,
        tuple(notes),
        tuple(score.spec.name for score in others[:3]),
    )


def sample_lines(heads: Sequence[bytes]) -> pl.Series:
    """Some lines of every head, decoded; blank ones left out."""
    lines: list[str] = []
    for head in heads:
        texts = [line for line in lines_of(head) if line.strip()]
        lines += texts[: max(50, _SAMPLE_LINES // max(1, len(heads)))]
    return pl.Series(lines[: 2 * _SAMPLE_LINES], dtype=pl.String)


def plain_head(head: bytes) -> bytes:
    """A head's uncompressed bytes, bounded."""
    return compression.head_of(io.BytesIO(head), SAMPLE_BYTES)


def lines_of(head: bytes) -> list[str]:
    head = plain_head(head)
    encoding, mark = encodings.of_head(head[:65536], "auto")
    if encodings.is_binary(head[:65536], encoding):
        return []
    text = encodings.to_utf8(head[mark:], encoding).decode()
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if len(lines) > 20:
        lines.pop()  # it may be cut
    return [line[:4096] for line in lines]


def _structured(lines: pl.Series) -> Guess | None:
    """JSON and CSV are known by their form alone."""
    if lines.str.starts_with("{").mean() > 0.8:  # type: ignore[operator]
        for name in ("journald", "ndjson"):
            score = _score(catalog.resolve(name), lines)
            if score.share > 0.8:
                return Guess(score.spec, round(score.share, 4), True)
        timeless = _without_time(catalog.resolve("ndjson"))
        score = _score(timeless, lines)
        if score.share > 0.8:
            return Guess(
                timeless,
                round(score.share, 4),
                False,
                ("no field of the objects is a time stamp: set columns: time",),
            )
        return None
    for candidate in [spec for spec in catalog.shipped().values() if spec.heading]:
        engine = csv_rows.CsvEngine(candidate)
        # few lines tell that no row is one of these; where quotes do not pair, putting rows together is slow
        if _good_rows(engine, lines[:200]).any() and (share := _share_of_rows(engine, lines)) > 0.9:
            return Guess(candidate, round(share, 4), True)
    timed = [catalog.resolve(name) for name in ("elastic-csv", "csv")]
    for candidate in [*timed, _without_time(timed[-1])]:
        engine = csv_rows.CsvEngine(candidate)
        engine.set_heading(lines[0])
        # a heading has names alone: no digit begins a cell
        if len(engine.names) < 2 or not engine.usable or any(cell[:1].isdigit() for cell in engine.names):
            continue
        share = _share_of_rows(engine, lines[1:])
        if share > 0.5:
            notes = () if candidate in timed else ("no column is a time stamp: set columns: time",)
            return Guess(candidate, round(share, 4), candidate in timed, notes)
    return None


def _share_of_rows(engine: csv_rows.CsvEngine, lines: pl.Series) -> float:
    rows = rows_of(lines.to_list())
    return float(_good_rows(engine, pl.Series(rows, dtype=pl.String)).mean()) if rows else 0.0


def _good_rows(engine: csv_rows.CsvEngine, rows: pl.Series) -> np.ndarray:
    """Without a heading the level must be a word, too: else any table that begins with a time would fit."""
    headers = engine.read(rows)
    good = _good(headers)
    if engine.has_heading:
        return good
    return good & headers.frame["level"].str.contains(r"^[A-Za-z]+[0-9]?$").fill_null(False).to_numpy()


def _without_time(spec: FormatSpec) -> FormatSpec:
    columns = {ours: theirs for ours, theirs in spec.columns.items() if ours != "time"}
    return spec.model_copy(update={"name": f"{spec.name}-timeless", "columns": columns, "time_formats": ()})


def _score(spec: FormatSpec, lines: pl.Series) -> _Score:
    lines = _beginning(spec, lines)
    headers = engine_of(spec).read(lines)
    good = _good(headers)
    if not good.any():
        return _Score(spec, 0.0, 0.0)
    frame = headers.frame.filter(pl.Series(good))
    fields = frame["fields"].str.count_matches('":"').fill_null(0).mean()
    named = sum(frame[name].is_not_null().mean() for name in COLUMNS) + 0.5 * float(fields or 0)  # type: ignore[arg-type,misc]
    return _Score(spec, float(good.mean()), named + (headers.stamps is not None))


def _beginning(spec: FormatSpec, lines: pl.Series) -> pl.Series:
    """The lines without those that go on from the one before by the format's own word."""
    return lines if spec.continues is None else lines.filter(~lines.str.contains(spec.continues))


def _good(headers: Headers) -> np.ndarray:
    good = headers.matched
    return good if headers.stamps is None else good & _sane(headers.stamps)


def _sane(stamps: Stamps) -> np.ndarray:
    latest = (datetime.now(UTC) + timedelta(days=366)).timestamp() * 1e6
    dated = (stamps.kind == times.UTC) | (stamps.kind == times.LOCAL)
    return (stamps.kind != times.NONE) & (~dated | ((stamps.ticks > _OLDEST) & (stamps.ticks < latest)))


def _best(scores: Sequence[_Score]) -> _Score | None:
    most = max((score.share for score in scores), default=0.0)
    near = [score for score in scores if score.share > 0 and score.share >= most * (1 - _SAME_SHARE)]
    return max(
        near, key=lambda score: (round(score.named, 2), score.share, -_groups(score.spec)), default=None
    )


def _groups(spec: FormatSpec) -> int:
    """Of two formats that name the same, the simpler is meant."""
    return (spec.pattern or "").count("(?P<")


def _continuing(lines: pl.Series, spec: FormatSpec) -> float:
    """Of the lines without a header, the share that looks as if it went on from the line before."""
    lines = _beginning(spec, lines)
    rest = lines.filter(pl.Series(~_good(engine_of(spec).read(lines))))
    return float(rest.str.contains(_CONTINUES).mean()) if len(rest) else 1.0  # type: ignore[arg-type]
