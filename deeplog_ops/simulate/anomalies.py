"""What goes wrong in a session: each kind makes its lines from a normal walk, marks the place and says what was done.

A change of order counts only if the workflow does not allow the result: a swap of two branches' lines is no anomaly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from deeplog_ops.simulate.language import allows
from deeplog_ops.simulate.session import Edit, Line, Walk
from deeplog_ops.simulate.workflow import Node, Step, steps


@dataclass(frozen=True)
class Mark:
    """An anomaly at a line. `shows_in` says what can tell it: order, values, or rate. `session` is empty for chatter."""

    kind: str
    shows_in: str
    what: str
    session: str


Walker = Callable[[Edit | None], Walk]
Change = tuple[list[Line], int, str]  # the session's lines, the place that shows it, what was done


def _skipped(walk: Walk, again: Walker, rng: Random) -> Change | None:
    place = rng.randrange(1, len(walk.lines) - 1)
    lines = [*walk.lines[:place], *walk.lines[place + 1 :]]
    return lines, place, f"step {walk.lines[place].step} left out before this line"


def _swapped(walk: Walk, again: Walker, rng: Random) -> Change | None:
    lines = list(walk.lines)
    place = rng.randrange(len(lines) - 1)
    first, second = lines[place], lines[place + 1]
    if first.step == second.step:
        return None
    lines[place : place + 2] = second._replace(ms=first.ms), first._replace(ms=second.ms)
    return lines, place, f"{second.step} came before {first.step}"


def _repeated(walk: Walk, again: Walker, rng: Random) -> Change | None:
    place = rng.randrange(len(walk.lines))
    line = walk.lines[place]
    again_ms = line.ms + 1
    lines = [*walk.lines[: place + 1], line._replace(ms=again_ms)]
    lines += [later._replace(ms=max(later.ms, again_ms)) for later in walk.lines[place + 1 :]]
    return lines, place + 1, f"step {line.step} repeated"


def _missing_end(walk: Walk, again: Walker, rng: Random) -> Change | None:
    kept = rng.randrange(max(1, len(walk.lines) // 3), len(walk.lines) - 1)
    return (
        walk.lines[:kept],
        kept - 1,
        f"nothing after this line; {len(walk.lines) - kept} more belong to the task",
    )


UNKNOWN = (
    ("store.ChunkServer", "{id} disk /dev/sd{letter} returned an I/O error at sector {number}",
     ("java.io.IOException: Input/output error", "\tat java.base/sun.nio.ch.FileDispatcherImpl.pwrite0(Native Method)",
      "\tat store.chunk.BlockFile.write(BlockFile.java:211)")),
    ("meta.Catalog", "{id} lost lease on shard {number}, stepping down",
     ("meta.LeaseLostException: lease held by another node", "\tat meta.raft.Lease.check(Lease.java:77)",
      "\tat meta.Catalog.commit(Catalog.java:402)")),
    ("gateway.Frontend", "{id} header X-Debug with {number} bytes let through", ()),
    ("auth.TokenService", "{id} falling back to unsigned token, key {number} unreadable",
     ("java.security.KeyException: no such key", "\tat auth.KeyRing.load(KeyRing.java:55)")),
    ("jvm.Runtime", "{id} allocation of {number} pages failed, compressing old generation", ()),
)  # fmt: skip


def _unknown(walk: Walk, again: Walker, rng: Random) -> Change | None:
    component, text, trace = rng.choice(UNKNOWN)
    place = rng.randrange(1, len(walk.lines))
    ms = walk.lines[place - 1].ms
    message = text.format(id=walk.id, letter=rng.choice("abcd"), number=rng.randrange(1000, 9_999_999))
    head = f"ERROR [{component.partition('.')[0]}-{walk.worker}] {component}: "
    line = Line(ms, "unknown", "\n".join((head + message, *trace)))
    return (
        [*walk.lines[:place], line, *walk.lines[place:]],
        place,
        f"a message of {component} that never came before",
    )


def _wrong_branch(walk: Walk, again: Walker, rng: Random) -> Change | None:
    if not walk.choices:
        return None
    wrong = again(Edit(choice=rng.randrange(walk.choices)))
    changed = [line.step for line in wrong.lines]
    usual = [line.step for line in walk.lines]
    place = next(
        (i for i, pair in enumerate(zip(changed, usual, strict=False)) if pair[0] != pair[1]),
        len(changed) - 1,
    )
    return wrong.lines, place, f"{changed[place]} belongs to another branch than the line before it"


def _of_step(walk: Walk, by_name: dict[str, Step], placeholder: str, rng: Random) -> int | None:
    """A line, as written, whose text shows this value."""
    places = [i for i, line in enumerate(walk.written) if placeholder in by_name[line.step].text]
    return rng.choice(places) if places else None


def _slow(walk: Walk, again: Walker, rng: Random) -> Change | None:
    return _with_value(walk, again, rng, "{ms}", None, "took ten times as long")


def _odd_size(walk: Walk, again: Walker, rng: Random) -> Change | None:
    size = rng.choice((0, 7, 9_000_000_000_000))
    return _with_value(walk, again, rng, "{size}", ("size", size), f"wrote a size of {size}")


def _odd_address(walk: Walk, again: Walker, rng: Random) -> Change | None:
    address = f"203.0.113.{rng.randrange(1, 255)}:{rng.randrange(1024, 65_535)}"
    return _with_value(walk, again, rng, "{client}", ("client", address), f"came from {address}")


def _with_value(
    walk: Walk, again: Walker, rng: Random, placeholder: str, value: tuple[str, object] | None, what: str
) -> Change | None:
    by_name = {step.name: step for step in steps(walk.task.flow)}
    at = _of_step(walk, by_name, placeholder, rng)
    if at is None:
        return None
    changed = again(Edit(at, slower=10) if value is None else Edit(at, dict([value])))
    step = changed.written[at].step
    return changed.lines, changed.lines.index(changed.written[at]), f"step {step} {what}"


ORDER: dict[str, Callable[[Walk, Walker, Random], Change | None]] = {
    "skipped_step": _skipped,
    "swapped_order": _swapped,
    "repeated_step": _repeated,
    "unknown_message": _unknown,
    "missing_end": _missing_end,
    "wrong_branch": _wrong_branch,
}
VALUES: dict[str, Callable[[Walk, Walker, Random], Change | None]] = {
    "slow_step": _slow,
    "odd_size": _odd_size,
    "unknown_address": _odd_address,
}


def change(kind: str, flow: Node, again: Walker, rng: Random) -> list[Line] | None:
    """The lines of a session in which `kind` happens, one of them marked; None if it cannot happen there.

    `again` runs the session's walk, as it is or with an edit.
    """
    walk = again(None)
    make = ORDER.get(kind) or VALUES[kind]
    changed = make(walk, again, rng) if len(walk.lines) > 3 else None
    if changed is None:
        return None
    lines, place, what = changed
    if kind in ORDER and allows(flow, (line.step for line in lines)):
        return None
    shows_in = "order" if kind in ORDER else "values"
    lines = list(lines)
    lines[place] = lines[place]._replace(mark=Mark(kind, shows_in, f"{walk.task.name}: {what}", walk.id))
    return lines
