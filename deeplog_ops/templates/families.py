"""Families: templates that are equal but for one piece, and whether that piece is a variable.

Masks find what looks variable. What is left are words: user names beside verbs and states. A word is variable
where many different ones stand, and structure where few do; how many are many depends on the place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from deeplog_ops.templates.masks import WILDCARD
from deeplog_ops.templates.pieces import Pieces, is_word, variable

MANY_VALUES = 4  # after `=`, `:`, a quote or an opening bracket, where values stand
MANY_WORDS = 5  # anywhere else in a sentence
_BEFORE_VALUES = frozenset("=:\"'[(/")


def generalise(rows: Iterable[Pieces]) -> dict[Pieces, Pieces]:
    """For each row the template that it becomes: itself, or wider by wildcards. Independent of the rows' order."""
    origin = {row: {row} for row in rows}
    while True:
        chosen = _variable_families(origin)
        if not chosen:
            break
        for general, members in chosen:
            if all(member in origin for member in members):
                merged = set().union(*(origin.pop(member) for member in members))
                origin[general] = origin.get(general, set()) | merged
    return {row: general for general, members in origin.items() for row in members}


def _variable_families(rows: Iterable[Pieces]) -> list[tuple[Pieces, list[Pieces]]]:
    """The families whose piece is variable, the largest first: (general template, its members)."""
    families: dict[Pieces, list[Pieces]] = defaultdict(list)
    for row in rows:
        for place, piece in enumerate(row):
            if variable(piece):
                families[(*row[:place], "", *row[place + 1 :])].append(row)
    chosen = []
    for family, members in families.items():
        place = family.index("")
        if len(members) > 1 and _is_variable(family, place, members):
            chosen.append(((*family[:place], WILDCARD, *family[place + 1 :]), sorted(members)))
    return sorted(chosen, key=lambda item: (-len(item[1]), item[0]))


def _is_variable(family: Pieces, place: int, members: list[Pieces]) -> bool:
    if not any(is_word(piece) for piece in family if piece):
        return False  # nothing else would be left of the message
    if any(member[place] == WILDCARD for member in members):
        return True  # a literal beside its wildcard sibling
    if place == 0:
        return False  # a sentence begins with what it is about
    return len(members) >= (MANY_VALUES if _value_place(family, place) else MANY_WORDS)


def _value_place(family: Pieces, place: int) -> bool:
    before = family[place - 1]
    if before == " " and place > 1:
        return family[place - 2] in ("=", ":")
    return before in _BEFORE_VALUES
