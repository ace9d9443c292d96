"""Families: templates that are equal but for one piece, and whether that piece is a variable.

Masks find what looks variable. What is left are words: user names beside verbs and states. A word is variable
where many different ones stand, and structure where few do; how many are many depends on the place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from deeplog_ops.templates.masks import WILDCARD
from deeplog_ops.templates.pieces import Pieces, collapse, is_word, join, split, variable

MANY_VALUES = 3  # after `=`, `:`, a quote or an opening bracket, where values stand
MANY_WORDS = 6  # anywhere else in a sentence
MANY_SHARED = 4  # over all sentences in which the same words follow the same word
LEAST_LIST = 3  # wildcards in a row that are a list, so that their number does not matter
_GAP = ""
_OPENING = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "<": ">"}


def generalise(rows: Iterable[Pieces]) -> dict[Pieces, Pieces]:
    """For each row the template that it becomes: itself, or wider by wildcards. Independent of the rows' order."""
    origin = {row: {row} for row in rows}
    while chosen := [*_lists_of_any_length(origin), *_variable_families(origin)]:
        for general, members in chosen:
            if all(member in origin for member in members):
                merged = set().union(*(origin.pop(member) for member in members))
                origin[general] = origin.get(general, set()) | merged
    return {row: general for general, members in origin.items() for row in members}


def _lists_of_any_length(rows: Iterable[Pieces]) -> list[tuple[Pieces, list[Pieces]]]:
    """Rows that differ only in how many wildcards follow one another: (template with one, its members).

    One beside two is rather another message; three or more make a list.
    """
    same: dict[str, list[Pieces]] = defaultdict(list)
    for row in rows:
        same[collapse(join(row))].append(row)
    lists = []
    for text, members in sorted(same.items()):
        general = split(text)
        longest = max(member.count(WILDCARD) for member in members) - general.count(WILDCARD) + 1
        if len(members) > 1 and longest >= LEAST_LIST and any(map(is_word, general)):
            lists.append((general, sorted(members)))
    return lists


def _variable_families(rows: Iterable[Pieces]) -> list[tuple[Pieces, list[Pieces]]]:
    """The families whose piece is variable, the largest first: (general template, its members)."""
    rows = list(rows)
    found = []
    for place in range(max(map(len, rows), default=0)):  # one place at a time: bounds memory
        families: dict[Pieces, list[Pieces]] = defaultdict(list)
        for row in rows:
            if place < len(row) and variable(row[place]):
                families[(*row[:place], _GAP, *row[place + 1 :])].append(row)
        found += [_Family(frame, members) for frame, members in families.items() if len(members) > 1]
    related: dict[str | None, list[_Family]] = defaultdict(list)
    for family in found:
        related[family.context].append(family)
    chosen = [
        (family.general, sorted(family.members))
        for family in found
        if family.is_variable(related[family.context])
    ]
    return sorted(chosen, key=lambda item: (-len(item[1]), item[0]))


class _Family:
    """Rows that are equal but for the piece where their frame has a gap."""

    def __init__(self, frame: Pieces, members: list[Pieces]) -> None:
        self.frame, self.members = frame, members
        self.place = frame.index(_GAP)
        self.values = {member[self.place] for member in members}
        self.context = frame[self.place - 2].lower() if self._after_a_word() else None

    @property
    def general(self) -> Pieces:
        return (*self.frame[: self.place], WILDCARD, *self.frame[self.place + 1 :])

    def is_variable(self, related: list[_Family]) -> bool:
        if not any(is_word(piece) for piece in self.frame if piece):
            return False  # nothing else would be left of the message
        if WILDCARD in self.values:
            return True  # a literal beside its wildcard sibling
        if all(value.endswith(WILDCARD) for value in self.values):
            return True  # names with a number, such as eth<*> and bond<*>
        if self.place == 0:
            return False  # a sentence begins with what it is about
        if len(self.values) >= (MANY_VALUES if self._where_values_stand() else MANY_WORDS):
            return True
        # The same words after the same word in another sentence (`closed for user root`, `opened for user root`)
        # are more likely names: then all of them together count.
        if self.context is None:
            return False
        others = [family.values for family in related if family is not self and family.values & self.values]
        return bool(others) and len(self.values.union(*others)) >= MANY_SHARED

    def _after_a_word(self) -> bool:
        return self.place > 1 and self.frame[self.place - 1] == " " and is_word(self.frame[self.place - 2])

    def _where_values_stand(self) -> bool:
        before, after = self.frame[self.place - 1], self.frame[self.place + 1 : self.place + 2]
        if before == " " and self.place > 1:
            return self.frame[self.place - 2] in ("=", ":")
        if before in _OPENING:
            return after in ((",",), (_OPENING[before],))
        return before in "=:/,"
