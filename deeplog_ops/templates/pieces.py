"""Pieces of a masked message: words, wildcards, and every other character by itself.

Templates are mined and matched over pieces, not over words between spaces, so that `user=root,tty=ssh` has the
places where values stand. Joining the pieces gives the text again.
"""

from __future__ import annotations

import re

from deeplog_ops.templates.masks import WILDCARD

Pieces = tuple[str, ...]

_PIECE = re.compile(r"\w*<\*>|\w+(?:[.\-/\\@#$+&*~]+\w+)*|.", re.DOTALL)
_LIST = re.compile(r"<\*>(?:[ ,;|]+<\*>)+")


def split(text: str) -> Pieces:
    """The pieces of a masked message or template."""
    return tuple(_PIECE.findall(text))


def join(pieces: Pieces) -> str:
    """The text of pieces."""
    return "".join(pieces)


def collapse(text: str) -> str:
    """The text with every list of wildcards as one: lists of different length become equal."""
    return _LIST.sub(WILDCARD, text)


def is_word(piece: str) -> bool:
    """Whether a piece is a word, which a wildcard can stand for; punctuation and spaces are structure."""
    return piece != WILDCARD and (piece[0].isalnum() or piece[0] == "_")


def variable(piece: str) -> bool:
    """Whether a wildcard in a template can stand for this piece."""
    return piece == WILDCARD or is_word(piece)


def covers(general: Pieces, special: Pieces) -> bool:
    """Whether every message of `special` is one of `general`."""
    return _covers(general, special) or _covers(general, split(collapse(join(special))))


def _covers(general: Pieces, special: Pieces) -> bool:
    return len(general) == len(special) and all(
        left == right or (left == WILDCARD and variable(right))
        for left, right in zip(general, special, strict=True)
    )
