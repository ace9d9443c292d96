"""Where a session left the workflow: what conformed last, what was expected, what came, what never came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeplog_ops.detection.explain import shortened
from deeplog_ops.workflows.blocks import Block, Choice, Leaf, Loop, inner
from deeplog_ops.workflows.edges import BEGIN, END
from deeplog_ops.workflows.graph import Workflow
from deeplog_ops.workflows.replay import replay


@dataclass(frozen=True)
class OffParameter:
    """A parameter that was off: at which event (index), its name, what it was and what is typical, as text."""

    place: int
    name: str
    actual: str
    typical: str


@dataclass(frozen=True)
class Expected:
    """A step that could have come, with its share of what training saw after the last step. Key "" is the end."""

    node: str
    key: str
    probability: float


@dataclass(frozen=True)
class Diagnosis:
    """Indices count the session's events from 0.

    `conformed` is the last event that fits, None where none does; `node` stands there. `came` is the key that does
    not fit, None where the session stopped too early (or fits); `place` its index. `known` says whether the workflow
    has that key anywhere. `expected` is likeliest first. `missing` are keys that every session has, or has once a
    step that this one took is done, and this one lacks.
    """

    fits: bool
    conformed: int | None
    node: str
    place: int | None
    came: str | None
    known: bool
    expected: tuple[Expected, ...]
    missing: tuple[str, ...]
    visited: tuple[str, ...]
    off: tuple[OffParameter, ...] = ()


def diagnose(
    workflow: Workflow,
    keys: Sequence[str],
    worst: int | None = None,
    off: Sequence[OffParameter] = (),
) -> Diagnosis:
    """The diagnosis of a session's keys.

    `worst` is the index that the detectors found worst: of a session that fits the workflow, it is the place told
    of. Never fails: a session may be empty, or have keys that the workflow does not know.
    """
    walk = replay(workflow, keys)
    place = walk.place if not walk.accepted else worst
    if place is not None:
        place = max(0, min(place, len(keys)))
    visited = walk.nodes[:place] if place is not None else walk.nodes
    node = visited[-1] if visited else BEGIN
    came = keys[place] if place is not None and place < len(keys) else None
    candidates = walk.expected
    if walk.accepted and place is not None:
        candidates = tuple(edge.target for edge in workflow.edges if edge.source == node)
    return Diagnosis(
        fits=walk.accepted,
        conformed=len(visited) - 1 if visited else None,
        node=node,
        place=place,
        came=came,
        known=came is None or came in set(workflow.keys.values()),
        expected=_expected(workflow, candidates, visited),
        missing=() if walk.accepted else _missing(workflow, keys, walk.nodes),
        visited=visited,
        off=tuple(sorted(off, key=lambda parameter: (parameter.place, parameter.name))),
    )


def _expected(workflow: Workflow, nodes: Sequence[str], visited: Sequence[str]) -> tuple[Expected, ...]:
    """Each with the share of the edge from the latest visited step that leads there."""
    recent = {node: place for place, node in enumerate(visited)} | {BEGIN: -1}
    best: dict[str, tuple[int, float]] = {}
    for edge in workflow.edges:
        if edge.source in recent:
            best[edge.target] = max(best.get(edge.target, (-2, 0.0)), (recent[edge.source], edge.probability))
    found = [
        Expected(node, workflow.key_of(node), round(min(1.0, best.get(node, (0, 0.0))[1]), 4))
        for node in nodes
    ]
    return tuple(sorted(found, key=lambda step: (-step.probability, step.node)))


def _missing(workflow: Workflow, keys: Sequence[str], visited: Sequence[str]) -> tuple[str, ...]:
    """Keys of steps that had to come, in the workflow's order, less those that came anywhere in the session."""
    needed = Counter(leaf.key for leaf in _needed(workflow.root, frozenset(visited), frozenset(keys)))
    needed.subtract(Counter(keys))
    return tuple(key for key, count in needed.items() if count > 0)


def _needed(block: Block, visited: frozenset[str], came: frozenset[str]) -> list[Leaf]:
    """Steps that no session of this way can do without: of choices, those in the alternative that was taken. `came` are
    the keys of the whole session."""
    match block:
        case Leaf():
            return [block]
        case Choice():
            leaves = [_all(part) for part in block.parts]
            taken = [bool(visited.intersection(leaf.node for leaf in part)) for part in leaves]
            if not any(taken):
                return []
            # Where alternatives begin alike, the walk took one of them: what came later says which it was.
            present = [len(came.intersection(leaf.key for leaf in part)) for part in leaves]
            likely = [number for number, count in enumerate(present) if count == max(present)]
            if len(likely) > 1:
                likely = [number for number in likely if taken[number]]
            return _needed(block.parts[likely[0]], visited, came) if len(likely) == 1 else []
        case Loop():
            return _needed(block.body, visited, came)
        case _:
            return [leaf for part in block.parts for leaf in _needed(part, visited, came)]


def _all(block: Block) -> list[Leaf]:
    return [block] if isinstance(block, Leaf) else [leaf for part in inner(block) for leaf in _all(part)]


NAMED = 3  # expected or missing steps named at most
WORTH_NAMING = 0.05  # and only when this likely, but for the first
OFF_NAMED = 5  # parameters named at most
END_TEXT = "the end of the session"


def words(diagnosis: Diagnosis, texts: Mapping[str, str]) -> tuple[str, ...]:
    """The diagnosis in sentences for the person on duty; `texts` are the templates' by id.

    Lines are counted from 1. A template without a text is named by its id.
    """
    said = [_what_came(diagnosis, texts)]
    if not diagnosis.fits and diagnosis.expected:
        said.append(_what_was_due(diagnosis, texts))
    if diagnosis.missing:
        said.append(_what_never_came(diagnosis, texts))
    said += [
        f"Line {parameter.place + 1}: {parameter.name} was {parameter.actual}; typical is {parameter.typical}."
        for parameter in diagnosis.off[:OFF_NAMED]
    ]
    left = len(diagnosis.off) - OFF_NAMED
    if left > 0:
        said.append(f"{left:,} more value{'s were' if left > 1 else ' was'} off.")
    return tuple(said)


def _what_came(diagnosis: Diagnosis, texts: Mapping[str, str]) -> str:
    last = diagnosis.visited and diagnosis.conformed is not None
    conformed = f"line {(diagnosis.conformed or 0) + 1}" if last else ""
    if diagnosis.fits:
        if diagnosis.came is None:
            return "Every line follows the usual workflow to its end."
        where = f"line {(diagnosis.place or 0) + 1}, {_quoted(diagnosis.came, texts)}, stands out"
        return f"Every line follows the usual workflow; {where}."
    if diagnosis.came is None:
        if not last:
            return "The session has no lines at all."
        return f"The session stopped early: all its lines follow the usual workflow, up to {conformed}."
    came = f"{_quoted(diagnosis.came, texts)} came"
    unknown = "" if diagnosis.known else ", which the workflow does not know"
    if not last:
        return f"The session began wrongly: {came} first{unknown}."
    return f"The session follows the usual workflow up to {conformed}; then {came}{unknown}."


def _what_was_due(diagnosis: Diagnosis, texts: Mapping[str, str]) -> str:
    chances = [step for step in diagnosis.expected if step.probability >= WORTH_NAMING]
    named = list((chances or list(diagnosis.expected[:1]))[:NAMED])
    any_order = sum(step.probability for step in diagnosis.expected) > 1.01  # a fork: all of them come
    steps = [
        (_quoted(step.key, texts) if step.node != END else END_TEXT)
        + ("" if any_order else f" ({step.probability:.2f})")
        for step in named
    ]
    return f"Expected there: {_listed(steps, 'or')}."


def _what_never_came(diagnosis: Diagnosis, texts: Mapping[str, str]) -> str:
    named = [_quoted(key, texts) for key in diagnosis.missing[:NAMED]]
    left = len(diagnosis.missing) - len(named)
    if left:
        named.append(f"{left} other step{'s' if left > 1 else ''}")
    return f"Never came: {_listed(named, 'and')}."


def _listed(parts: Sequence[str], last: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _quoted(key: str, texts: Mapping[str, str]) -> str:
    return f'"{shortened(texts.get(key, key))}"'
