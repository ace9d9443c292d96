"""The shipped formats, one YAML file each in shipped/."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import yaml
from pydantic import ValidationError

from deeplog_ops.errors import FormatError
from deeplog_ops.formats.spec import FormatSpec


@lru_cache(maxsize=1)
def _shipped() -> dict[str, FormatSpec]:
    formats = {}
    for entry in sorted(
        files("deeplog_ops.formats").joinpath("shipped").iterdir(), key=lambda entry: entry.name
    ):
        if not entry.name.endswith(".yaml"):
            continue
        try:
            spec = FormatSpec.model_validate(yaml.safe_load(entry.read_text(encoding="utf-8")))
        except (ValidationError, yaml.YAMLError) as error:
            raise FormatError(f"shipped format {entry.name} is broken: {error}") from error
        formats[spec.name] = spec
    return formats


def shipped() -> dict[str, FormatSpec]:
    """All shipped formats by name."""
    return dict(_shipped())


def resolve(format: str | FormatSpec) -> FormatSpec:
    """A format by its shipped name, or one written out in a configuration."""
    if isinstance(format, FormatSpec):
        return format
    try:
        return _shipped()[format]
    except KeyError:
        import difflib

        near = difflib.get_close_matches(format, _shipped(), n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise FormatError(f"no such format: {format!r}{hint} Shipped are {', '.join(_shipped())}") from None
