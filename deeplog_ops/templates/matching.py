"""Matching: which template a masked message belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deeplog_ops.templates import pieces
from deeplog_ops.templates.masks import WILDCARD

_Node = dict[str, "_Node"]
_END = ""  # no piece is empty, so this key can hold the end of a template


class Matcher:
    """Finds, among template texts, the one with the fewest wildcards that covers a masked message.

    Ties go to the text that sorts first, so the answer depends on the set of texts alone.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = set(texts)
        self._root: _Node = {}
        for text in self._texts:
            node = self._root
            for piece in pieces.split(text):
                node = node.setdefault(piece, {})
            node[_END] = {}

    def find(self, masked: str) -> str | None:
        """The template text of a masked message, or None. Failing all, its lists of wildcards may have any length."""
        return self._find(masked) or self._find(pieces.collapse(masked))

    def _find(self, masked: str) -> str | None:
        if masked in self._texts:
            return masked
        found = list(_walk(self._root, pieces.split(masked)))
        if not found:
            return None
        return pieces.join(min(found, key=lambda path: (path.count(WILDCARD), path)))


def _walk(root: _Node, message: pieces.Pieces) -> Iterator[pieces.Pieces]:
    """All templates that cover a message."""
    ways: list[tuple[_Node, pieces.Pieces]] = [(root, ())]
    while ways:
        node, path = ways.pop()
        for piece in message[len(path) :]:
            wild = node.get(WILDCARD) if piece != WILDCARD and pieces.is_word(piece) else None
            if wild is not None:
                ways.append((wild, (*path, WILDCARD)))
            if piece not in node:
                break
            node, path = node[piece], (*path, piece)
        else:
            if _END in node:
                yield path
