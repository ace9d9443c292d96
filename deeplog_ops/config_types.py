"""What the stages' configuration models are made of: durations, sizes, and the frozen base."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {
    "b": 1,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
}


def _duration(value: object) -> object:
    if isinstance(value, str) and not value.startswith(
        "P"
    ):  # ISO 8601, as the ledger holds it, is pydantic's
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", value)
        if not match:
            raise ValueError(
                f"{value!r} is not a duration: write a number and s, m, h, d or w, such as 90m or 2d"
            )
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    return value


def _size(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)\s*", value.lower())
        if not match or match[2] not in _SIZES:
            raise ValueError(f"{value!r} is not a size: write a number and B, KiB, MiB or GiB, such as 64MiB")
        return int(float(match[1]) * _SIZES[match[2]])
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Size = Annotated[int, BeforeValidator(_size), Field(gt=0)]


class Stage(BaseModel):
    """One section of a source's configuration; an unknown setting is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
