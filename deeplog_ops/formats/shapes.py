"""Lines with the same fields in the same order, read column by column: each such shape is a pattern, found by looking.

A program writes its lines in few shapes. What one line of a shape shows makes a pattern whose groups are the fields'
values, and the pattern reads all others like it at the speed of formats that are patterns. Lines of no shape, or of one
that is too rare, are left to who asked; so what is read does not depend on the shapes, only how fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from deeplog_ops.errors import FormatError
from deeplog_ops.formats.engine import checked_pattern
from deeplog_ops.formats.values import Seen, Values

LEAST = (
    256  # lines that are worth a pattern: to make it ready takes as long as to read about so many one by one
)
_GROUPS = 15  # the engine is several times as fast with patterns of up to 16 groups
_MOST_SLOTS = 300
_LONGEST = 100_000  # characters of the patterns: what is longer takes more memory than it is worth
_REMEMBERED = 1000
_USUAL = 2


@dataclass(frozen=True)
class Slot:
    """One field of a shape: its name, the pattern of its value with one group, and what the group holds."""

    name: str
    pattern: str
    kind: type[Values]


@dataclass(frozen=True)
class Shape:
    """Patterns, each of which goes on where the one before ended, and the fields in the order of their groups."""

    patterns: tuple[str, ...]
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, parts: list[str | Slot]) -> Shape | None:
        """Literal patterns and slots in their order; None where no shape should be made of them.

        A name that comes twice is a matter of which one holds, and no matter of columns.
        """
        slots = tuple(part for part in parts if isinstance(part, Slot))
        if not slots or len(slots) > _MOST_SLOTS or len({slot.name for slot in slots}) < len(slots):
            return None
        patterns, pattern, groups = [], "^", 0
        for part in parts:
            if isinstance(part, Slot) and groups == _GROUPS:
                patterns.append(pattern + "((?s:.*))$")
                pattern, groups = "^", 0
            pattern += part.pattern if isinstance(part, Slot) else part
            groups += isinstance(part, Slot)
        patterns.append(pattern + "$")
        return cls(tuple(patterns), slots) if _accepted(patterns) else None

    def values(self, lines: pl.Series) -> tuple[np.ndarray, dict[str, Values]]:
        """Which of the lines have this shape, and the fields of these."""
        found: list[pl.Series] = []
        rest = lines
        for pattern in self.patterns:
            if found:
                rest = found.pop()
            found += rest.str.extract_groups(pattern).struct.unnest().get_columns()
        fits = found[-1].is_not_null()
        if not fits.all():
            found = (
                pl.DataFrame([group.alias(str(n)) for n, group in enumerate(found)])
                .filter(fits)
                .get_columns()
            )
        pairs = zip(self.slots, found, strict=True)
        seen = Seen.of(lines)
        return fits.to_numpy(), {slot.name: slot.kind(group, seen) for slot, group in pairs}


def _accepted(patterns: list[str]) -> bool:
    """Whether the engine takes them: names may be as long as a line is, and it has its bounds."""
    if sum(len(pattern) for pattern in patterns) > _LONGEST:
        return False
    try:
        for pattern in patterns:
            checked_pattern(pattern, "a shape")
    except FormatError:
        return False
    return True


@dataclass(frozen=True)
class Alike:
    """Lines of one shape: their places among all lines that were read, and their fields."""

    places: np.ndarray
    values: dict[str, Values]


class Shapes:
    """The shapes of a file, as they come up.

    `marks` is a pattern for what tells shapes apart in a line, such as its names; `shape_of` makes a shape of a line.
    Lines of more bytes than `longest` are of none. What is remembered changes how fast lines are read and nothing else,
    so that threads may share it.
    """

    def __init__(
        self, marks: str | None, shape_of: Callable[[str], Shape | None], longest: int | None = None
    ) -> None:
        self._marks = marks
        self._shape_of = shape_of
        self._longest = longest
        self._known: dict[int, Shape] = {}
        self._usual: list[Shape] = []

    def read(self, lines: pl.Series) -> tuple[list[Alike], np.ndarray]:
        """Lines of the same shapes, and the places of all others."""
        found: list[Alike] = []
        taken: list[tuple[int, Shape]] = []
        places, others = np.arange(len(lines)), []
        if self._longest is not None and (long := (lines.str.len_bytes() > self._longest).to_numpy()).any():
            places, others = np.flatnonzero(~long), [np.flatnonzero(long)]
        for shape in self._usual:
            if len(places) >= LEAST:
                places = self._take(shape, lines, places, found, taken)
        groups = self._groups(lines, places) if len(places) >= LEAST else [(0, places)]
        for mark, group in groups:
            others.append(self._read_group(mark, group, lines, found, taken))
        self._usual = [
            shape
            for count, shape in sorted(taken, key=lambda one: -one[0])[:_USUAL]
            if count * 4 > len(lines)
        ]
        return found, np.sort(np.concatenate(others))

    def _groups(self, lines: pl.Series, places: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Places of lines that look alike, with a number that stands for the look."""
        if self._marks is None:
            yield 0, places
            return
        marks = _at(lines, places).str.extract_all(self._marks).list.join("").hash().to_numpy()
        order = np.argsort(marks, kind="stable")
        cuts = np.flatnonzero(np.diff(marks[order])) + 1
        for group in np.split(order, cuts):
            yield int(marks[group[0]]), places[group]

    def _read_group(
        self,
        mark: int,
        places: np.ndarray,
        lines: pl.Series,
        found: list[Alike],
        taken: list[tuple[int, Shape]],
    ) -> np.ndarray:
        """What is left of a group. Its first line may be an odd one, so others are looked at as well."""
        if len(places) < LEAST:
            return places
        if shape := self._known.get(mark):
            places = self._take(shape, lines, places, found, taken)
        for at in (0.0, 0.5, 1.0):
            if len(places) < LEAST:
                break
            shape = self._shape_of(lines[int(places[int(at * (len(places) - 1))])])
            if shape is None:
                continue
            before = len(places)
            places = self._take(shape, lines, places, found, taken)
            if len(places) < before:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[mark] = shape
        return places

    @staticmethod
    def _take(
        shape: Shape, lines: pl.Series, places: np.ndarray, found: list[Alike], taken: list[tuple[int, Shape]]
    ) -> np.ndarray:
        fits, values = shape.values(_at(lines, places))
        if not fits.any():
            return places
        found.append(Alike(places[fits], values))
        taken.append((int(fits.sum()), shape))
        return places[~fits]


def _at(lines: pl.Series, places: np.ndarray) -> pl.Series:
    return lines if len(places) == len(lines) else lines.gather(places)
