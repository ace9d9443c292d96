"""Values that are names: which are known, and how likely it is that a new one comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

MOST_KNOWN = 2000  # different names: with more a place is no category
BLOCKS = 64  # pieces that all of the history is cut into, the same for every template
FADE = 3.0  # a name that came in so many more pieces speaks e times less for new ones
LEAST_NATS = 6.0  # where new names are likelier than this, nothing is watched
ADDRESS = r"(?:^|[^0-9.])([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9.]|$)"
OPAQUE = (
    r"\b(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{8,})\b"  # says nothing as such
)
MOSTLY = 0.9


def _network(octets: int) -> pl.Expr:
    found = pl.col("name").str.extract(ADDRESS, 1).str.split(".").list.head(octets).list.join(".")
    return found if octets == 4 else found + ".*"


# What a name is reduced to, the coarsest last. A new one is seen at each level at which none is new otherwise.
LEVELS: dict[str, pl.Expr] = {
    "value": pl.when(~pl.col("name").str.contains(OPAQUE)).then(pl.col("name")),
    "address": _network(4),
    "network of 24 bits": _network(3),
    "network of 16 bits": _network(2),
    "network of 8 bits": _network(1),
    "directory": pl.col("name").str.extract(r"^(.*/)", 1),
    # A random hexadecimal word may have no digit in it.
    "shape": pl.col("name")
    .str.replace_all(OPAQUE, "0")
    .str.replace_all(r"[A-Za-z]*(?:[0-9][0-9A-Za-z]*|[A-Fa-f]{6,}\b)", "0"),
}


@dataclass(frozen=True)
class Category:
    """The names known at one level of a place; `nats` is -ln of the chance that an event brings a new one."""

    level: str
    known: Mapping[str, int]  # events
    nats: float

    def unknown(self, names: pl.Series) -> pl.Series:
        """Which of the names (N,) are new at this level (Boolean); what the level says nothing of is not."""
        distinct = names.unique().drop_nulls()
        reduced = distinct.to_frame("name").select(LEVELS[self.level].alias("reduced")).to_series()
        new = reduced.is_not_null() & ~reduced.is_in(list(self.known))
        return names.is_in(distinct.filter(new).implode()).fill_null(False)

    def common(self, most: int = 3) -> list[str]:
        return sorted(self.known, key=lambda name: (-self.known[name], name))[:most]

    def to_dict(self) -> dict[str, Any]:
        return {"level": self.level, "known": dict(sorted(self.known.items())), "nats": self.nats}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Category:
        known = {str(name): int(events) for name, events in data["known"].items()}
        return cls(str(data["level"]), known, float(data["nats"]))


def find_categories(names: pl.Series, blocks: pl.Series) -> list[Category]:
    """The levels at which new names are rare, of the names (N,) at one place (nulls are skipped).

    `blocks` (N,) says in which of the BLOCKS pieces of the history each came.
    """
    found: list[Category] = []
    frame = pl.DataFrame({"name": names, "block": blocks}).drop_nulls("name")
    for level, reduce in LEVELS.items():
        reduced = frame.with_columns(reduce.alias("name"))
        if not len(reduced) or reduced["name"].null_count() > (1 - MOSTLY) * len(reduced):
            continue
        category = _category(level, reduced.drop_nulls("name"))
        if category is not None and not any(category.known == other.known for other in found):
            found.append(category)
    return found


def _category(level: str, frame: pl.DataFrame) -> Category | None:
    counts = frame.group_by("name").agg(pl.len(), pl.col("block").n_unique()).sort("name")
    if len(counts) > MOST_KNOWN:
        return None
    pieces = counts["block"].to_numpy().astype(float)
    nats = chance_nats(pieces)
    known = dict(counts.select("name", "len").iter_rows())
    return Category(level, known, nats) if nats >= LEAST_NATS else None


def chance_nats(pieces: np.ndarray) -> float:
    """-ln of the chance of a new name, from the number of pieces of the history that each known name came in.

    Good and Turing's estimate is the share of names seen once. A name seen twice speaks for unseen ones as well,
    only less so, and one that came in every piece hardly at all; pieces, not events, since a name that came a
    hundred times on one day is one of those that come and go.
    """
    weight = pieces * np.exp(-(pieces - 1.0) / FADE)
    return float(-np.log(weight.sum() / pieces.sum()))
