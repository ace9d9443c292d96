"""Does a workflow allow this sequence of steps? Decided by derivatives, so that forks interleave in every way.

After Brzozowski, "Derivatives of Regular Expressions" (1964), with the shuffle of branches added. A term is a tuple:
("step", name), ("seq", terms), ("any", terms), ("all", terms), ("loop", term, least, most).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from deeplog_ops.simulate.workflow import Choice, Fork, Loop, Node, Seq, Step

Term = tuple[Any, ...]
DONE: Term = ("seq", ())
NEVER: Term = ("any", ())


def allows(node: Node, names: Iterable[str]) -> bool:
    """Whether the workflow, run to its end, may write exactly these steps in this order."""
    term = term_of(node)
    for name in names:
        term = _after(term, name)
        if term == NEVER:
            return False
    return _may_end(term)


def term_of(node: Node) -> Term:
    match node:
        case Step():
            return ("step", node.name)
        case Seq():
            return _seq(term_of(inner) for inner in node.nodes)
        case Choice():
            return _any(term_of(inner) for _, inner in node.alternatives)
        case Fork():
            return _all(term_of(inner) for inner in node.branches)
        case Loop():
            return ("loop", term_of(node.body), node.least, node.most)


def _seq(terms: Iterable[Term]) -> Term:
    flat: list[Term] = []
    for term in terms:
        if term == NEVER:
            return NEVER
        flat.extend(term[1] if term[0] == "seq" else (term,))
    return flat[0] if len(flat) == 1 else ("seq", tuple(flat))


def _any(terms: Iterable[Term]) -> Term:
    flat: dict[Term, None] = {}
    for term in terms:
        flat.update(dict.fromkeys(term[1] if term[0] == "any" else (term,)))
    return next(iter(flat)) if len(flat) == 1 else ("any", tuple(flat))


def _all(terms: Iterable[Term]) -> Term:
    left = [term for term in terms if term != DONE]
    if NEVER in left:
        return NEVER
    if len(left) < 2:
        return left[0] if left else DONE
    return ("all", tuple(left))


def _loop(body: Term, least: int, most: int) -> Term:
    return ("loop", body, max(0, least), most) if most > 0 else DONE


@lru_cache(maxsize=200_000)
def _may_end(term: Term) -> bool:
    match term[0]:
        case "step":
            return False
        case "any":
            return any(_may_end(inner) for inner in term[1])
        case "loop":
            return term[2] == 0 or _may_end(term[1])
        case _:
            return all(_may_end(inner) for inner in term[1])


@lru_cache(maxsize=200_000)
def _after(term: Term, name: str) -> Term:
    """What may follow once `name` was written."""
    match term[0]:
        case "step":
            return DONE if term[1] == name else NEVER
        case "any":
            return _any(_after(inner, name) for inner in term[1])
        case "all":
            inner = term[1]
            return _any(
                _all((*inner[:i], _after(inner[i], name), *inner[i + 1 :])) for i in range(len(inner))
            )
        case "loop":
            return _seq((_after(term[1], name), _loop(term[1], term[2] - 1, term[3] - 1)))
        case _:
            options = []
            for i, first in enumerate(term[1]):
                options.append(_seq((_after(first, name), *term[1][i + 1 :])))
                if not _may_end(first):
                    break
            return _any(options)
