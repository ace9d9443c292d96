"""Sources as files: proposed from raw logs, written, checked, renamed, removed. Tables and lake follow."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import polars as pl
import yaml

from deeplog_ops.config import NAME_PATTERN, SourceConfig, Templates
from deeplog_ops.config_files import load_source, load_sources, read_source
from deeplog_ops.db import sources
from deeplog_ops.errors import ConfigError, FormatError, InputError, MissingInput
from deeplog_ops.formats.catalog import resolve
from deeplog_ops.formats.day_in_path import day_in_path
from deeplog_ops.formats.guess import lines_of
from deeplog_ops.formats.guess_source import (
    Preview,
    SampleFile,
    SourceGuess,
    guess_source,
    preview_of,
    to_yaml,
)
from deeplog_ops.formats.years import STILL_AFTER, year_by_change, year_in_path
from deeplog_ops.steps.heads import modified_at
from deeplog_ops.steps.usable import require_usable
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage import manifest
from deeplog_ops.storage.paths import open_path
from deeplog_ops.templates.for_messages import parse_all

HEAD_BYTES = 4 * 2**20
_SAMPLES = 12
_LOOKED_AT = 50


@dataclass(frozen=True)
class Proposal:
    """A source that could be: its guess, and the text of its file."""

    guess: SourceGuess
    text: str
    files: int


@dataclass(frozen=True)
class Checked:
    """What a check of a source found: faults make it unusable, warnings are to be looked at."""

    name: str
    faults: list[str]
    warnings: list[str]
    files: int = 0
    preview: Preview | None = None


def propose(name: str, paths: Sequence[str], connection: str | None = None) -> Proposal:
    """Look at the files and guess a configuration. Raises ConfigError for a name, MissingInput for paths."""
    _check_name(name)
    absolute = [path if "://" in path else os.path.abspath(path) for path in paths]
    files = manifest.find(absolute, (), connection)
    samples = _samples([str(file) for file in files], connection)
    guess = guess_source(
        name, samples, absolute, last_change=_last_change([str(file) for file in files], connection)
    )
    if "binary" in guess.preview.quarantined and not guess.preview.account.events:
        raise FormatError(
            f"what was looked at holds no text, it is binary: {files[0]}. Give the paths of text logs"
        )
    return Proposal(guess, to_yaml(guess), len(files))


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN.strip("^$"), name):
        raise ConfigError(
            f"{name!r} is no name for a source: small letters, digits, - and _, a letter first, at most 48"
        )


def templates(preview: Preview, source: SourceConfig | None = None) -> list[tuple[str, int]]:
    """The templates of the lines that were looked at, the commonest first, with how many lines each has."""
    settings = source.templates if source else Templates()
    parsed, catalogue = parse_all(pl.Series("message", preview.sample, dtype=pl.String), settings)
    counts = Counter(map(catalogue.resolve, parsed["key"].to_pylist()))
    return [(catalogue.text(key) or key, count) for key, count in counts.most_common()]


def add(folder: Path, name: str, text: str, *, replace: bool = False) -> Path:
    """Write config/sources/NAME.yaml; it must load. A file that is there stays unless `replace`."""
    path = folder / f"{name}.yaml"
    if path.exists() and not replace:
        raise ConfigError(
            f"{path} exists already: choose another name, or add --replace to write it anew (its tables and lake stay)"
        )
    text = _with_own_key(folder, read_source(text, path), text)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.yaml.draft"
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def _with_own_key(folder: Path, source: SourceConfig, text: str) -> str:
    """A renamed source keeps the key that its first name gave it: a new one of that name gets another."""
    keys = {one.key for one in load_sources(folder)[0] if one.name != source.name}
    if source.key not in keys:
        return text
    key = next(f"{source.key}-{number}" for number in count(2) if f"{source.key}-{number}" not in keys)
    return _with_key(text, key)


def _with_key(text: str, key: str) -> str:
    line = f"key: {key}  # identity in tables and lake; stays when the source is renamed"
    return re.sub(r"(?m)^(name:.*)$", lambda found: f"{found[1]}\n{line}", text, count=1)


def check(folder: Path, name: str, now: datetime | None = None) -> Checked:
    """What is wrong with a source's configuration, with file and line, and how its files look under it."""
    path = folder / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.yaml"))) or "none"
        raise ConfigError(f"there is no source {name!r} in {folder}: known are {known}")
    try:
        source = load_source(path)
        require_usable(source, path)
    except ConfigError as error:
        return Checked(name, [str(error)], [])
    try:
        files = manifest.find(source.paths, source.exclude, source.connection)
    except (InputError, ConfigError) as error:
        return Checked(name, [], [f"{path}: {error}"])
    now = now or datetime.now(UTC)
    samples = _samples([str(file) for file in files], source.connection)
    preview = preview_of(source, samples, now)
    warnings = [*_warnings(path, source, preview), *_years_to_doubt(path, source, samples, now)]
    return Checked(name, [], warnings, len(files), preview)


def _warnings(path: Path, source: SourceConfig, preview: Preview) -> list[str]:
    found = []
    if preview.share_understood < 0.9:
        found.append(
            f"{path}: only {preview.share_understood:.0%} of the lines looked at fit format "
            f"{source.format if isinstance(source.format, str) else source.format.name}: "
            "`deeplog-ops source add` guesses it anew"
        )
    if source.sessions.by in ("identifier", "field") and not preview.sessions:
        found.append(
            f"{path}: no line names a session by sessions.{source.sessions.by}: nothing would be judged"
        )
    for reason, lines in preview.quarantined.items():
        found.append(f"{path}: {lines} of the lines looked at would go to the quarantine: {reason}")
    return found


def _years_to_doubt(
    path: Path, source: SourceConfig, samples: Sequence[SampleFile], now: datetime
) -> Iterator[str]:
    """A year for all files is right for an archive, and wrong by a year for logs that go on after New Year."""
    if source.reading.year is None:
        return
    spec = resolve(source.format)
    for sample in samples:
        named = day_in_path(sample.path, source.reading.day_from_path) or year_in_path(
            sample.path, source.reading.year_from_path
        )
        if named or sample.modified is None or now - sample.modified > STILL_AFTER:
            continue
        begins = year_by_change(spec, lines_of(sample.head), sample.modified)
        if begins not in (None, source.reading.year):
            yield (
                f"{path}: reading.year = {source.reading.year} holds for every file, and {sample.path}, changed on "
                f"{sample.modified:%Y-%m-%d}, would begin in {begins}: take reading.year out, unless it is a copy that "
                "lost its times"
            )
            return


def _samples(files: Sequence[str], connection: str | None) -> list[SampleFile]:
    """The heads of some files, spread over all of them in the order of their names."""
    step = max(1, len(files) // _SAMPLES)
    samples = []
    for file in list(files)[::step][:_SAMPLES]:
        path = open_path(file, connection)
        modified = modified_at(path.stat())
        with path.open("rb") as raw:
            samples.append(SampleFile(file, raw.read(HEAD_BYTES // min(len(files), _SAMPLES)), modified))
    if not any(sample.head for sample in samples):
        raise MissingInput(f"all {len(files)} files are empty: nothing can be guessed from {files[0]}")
    return samples


def _last_change(files: Sequence[str], connection: str | None) -> datetime:
    """When any file was changed last, by a bounded number of them: the first and last of their names are among these."""
    step = max(1, len(files) // _LOOKED_AT)
    return max(modified_at(open_path(file, connection).stat()) for file in [*list(files)[::step], files[-1]])


def rename(place: Workplace, old: str, new: str) -> Path:
    """Give a source another name. Its key, and so its rows, lake and models, stay as they are."""
    _check_name(new)
    source = place.source(old)
    path, target = place.sources / f"{old}.yaml", place.sources / f"{new}.yaml"
    if target.exists():
        raise ConfigError(f"{target} exists already: choose another name")
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^name:.*$", f"name: {new}", text, count=1)
    if not re.search(r"(?m)^key:", text):
        text = _with_key(text, source.key)
    if yaml.safe_load(text).get("key") != source.key:
        raise ConfigError(
            f"write `key: {source.key}` below the name, so that the source keeps its rows", path
        )
    target.write_text(text, encoding="utf-8")
    try:
        load_source(target)
        if any(known.key == source.key for known in sources.registered(place.engine)):
            sources.rename(place.engine, old, new)
    except BaseException:
        target.unlink()
        raise
    path.unlink()
    return target


@dataclass(frozen=True)
class Removed:
    rows: int
    partitions: int
    versions: int


def remove(place: Workplace, name: str) -> Removed:
    """Delete a source: its rows, partitions, model versions, and last its configuration. Raw files are not touched."""
    path = place.sources / f"{name}.yaml"
    key = place.source(name).key
    rows = 0
    if any(known.key == key for known in sources.registered(place.engine)):
        rows = sum(sources.remove(place.engine, key).values())
    done = Removed(rows, place.lake.delete_source(key), place.registry.delete_source(key))
    path.unlink()
    return done
