"""A guessed configuration as YAML for people: what was found, and beside it what else can be set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_ABOUT = {
    "name": "rename with: deeplog-ops source rename",
    "paths": "files, folders or patterns (**/*.log.gz), local or s3://bucket/...",
    "format": "a shipped format's name, or one written out here (name, pattern, time_formats)",
    "reading.zone": "the zone of stamps that name none, and where a day begins: Europe/Berlin, UTC, ...",
    "reading.encoding": "utf-8, latin-1, utf-16, ..., or auto (each file is looked at)",
    "reading.year": "the year of every file's first line; empty: the latest that does not lie after a file's last change",
    "reading.year_from_path": "where the year of a file's first line stands in its path",
    "reading.day_from_path": "where the day stands in a file's path",
    "sessions.by": "identifier (in the message), field (a column), window, or stream",
    "sessions.pattern": "group 1 of this pattern, searched in the message, names the session",
    "sessions.fields": "columns (host, pid, thread, component) or the format's other fields",
    "sessions.width": "a stream is cut at fixed clock times so far apart",
    "sessions.idle_timeout": "a session without events for so long is over",
    "sessions.longest": "a longer session is cut at fixed clock times",
}
_MORE = {
    "": ("exclude: ['*.tmp']    # paths to leave out", "owner: platform    # shown in Airflow, as are tags"),
    "reading": (
        "multiline: join    # or quarantine: what becomes of lines without a header",
        "redact: [{pattern: 'password=\\S+'}]    # blotted out before anything is stored; or {field: host}",
    ),
}


def written(config: Mapping[str, Any], comments: Mapping[str, str], notes: Sequence[str]) -> str:
    """YAML that config_files.load_source reads. `notes` come first: what a person should look at."""
    lines = [
        "# Guessed by `deeplog-ops source add`. Change what is wrong; `deeplog-ops source check` says whether it can be used."
    ]
    lines += [f"# Unsure: {note}" for note in notes]
    lines.append("")
    for name, value in config.items():
        if name in ("reading", "sessions"):
            lines += ["", f"{name}:"]
            for inner, inner_value in value.items():
                lines += _setting(inner, inner_value, f"{name}.{inner}", comments, "  ")
            lines += [f"  # {more}" for more in _MORE.get(name, ())]
        else:
            lines += _setting(name, value, name, comments, "")
    lines += ["", *(f"# {more}" for more in _MORE[""])]
    return "\n".join(lines) + "\n"


def _setting(name: str, value: Any, path: str, comments: Mapping[str, str], indent: str) -> list[str]:
    about = [text for text in (_ABOUT.get(path), comments.get(path)) if text]
    lines = [f"{indent}# {text}" for text in about]
    if value is None:
        return [*lines, f"{indent}# {name}:"]
    text = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=10_000)
    return lines + [indent + line for line in text.rstrip("\n").split("\n")]
