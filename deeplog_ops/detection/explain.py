"""Why a session is anomalous, in a sentence for the person on duty."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 90  # characters of a template in a sentence
NAMED = 3  # expected templates named at most,
WORTH_NAMING = 0.05  # and only when this likely, but for the first


def reason(
    came: str | None,
    before: str | None,
    expected: Sequence[tuple[str | None, float]],
    *,
    probability: float,
    rank: int,
    known: bool = True,
) -> str:
    """One sentence: what came, after what, and what was expected instead, likeliest first.

    Texts are of templates. `came` None is the end of the session, `before` None its beginning; None among
    `expected` is the end, too. `rank` counts from 0, so it is how many others were likelier.
    """
    instead = _alternatives(expected)
    if came is None:
        where = f"after {quoted(before)}" if before is not None else "before its first event"
        return f"The session ended {where} ({_chance(probability)}); expected {instead}."
    where = f"After {quoted(before)} came" if before is not None else "The session began with"
    if not known:
        return f"{where} {quoted(came)}, which training never saw; expected {instead}."
    others = f"{rank} other{'s' if rank != 1 else ''} likelier"
    return f"{where} {quoted(came)} ({_chance(probability)}, {others}); expected {instead}."


def counts_reason(differences: Sequence[tuple[str, int, int]]) -> str:
    """One sentence on counts: (text, how often it came, how often in the most similar normal session), "" without any."""
    told = [_difference(quoted(text), came, usual) for text, came, usual in differences[:NAMED]]
    left = len(differences) - NAMED
    more = f"; {left} more {'templates differ' if left > 1 else 'template differs'}" if left > 0 else ""
    return f"Compared with the most similar normal session, {'; '.join(told)}{more}." if told else ""


def relation_reason(first: str, came: int, second: str, other: int, usual: int) -> str:
    """One sentence on a broken relation: what normal sessions have, and what came. `usual` is how much oftener the first
    of the two texts comes than the second."""
    one, two = quoted(first), quoted(second)
    if usual < 0:
        one, two, came, other, usual = two, one, other, came, -usual
    often = f"as many of {one} as of {two}" if not usual else f"{usual:,} more of {one} than of {two}"
    return f"Normal sessions have {often}; here it is {came:,} and {other:,}."


def stretch_reason(first: int, strange: int, steps: int) -> str:
    """One sentence on a stretch of so many steps from the place `first` on, with so many different strange ones (see
    `strange_stretch`). People count steps from 1."""
    return (
        f"In {steps} steps from step {first + 1:,} on, {strange} different ones never came after the one before them "
        "in training."
    )


def _difference(text: str, came: int, usual: int) -> str:
    if not came:
        return f"{text} is missing" if usual == 1 else f"{text} never came, there {_times(usual)}"
    if not usual:
        return f"{text} came {_times(came)}, there never"
    return f"{text} came {_times(came)}, there {_times(usual)}"


def _times(count: int) -> str:
    return ("never", "once", "twice")[count] if count < 3 else f"{count:,} times"


def _alternatives(expected: Sequence[tuple[str | None, float]]) -> str:
    named = [
        f"{quoted(text) if text is not None else 'the end of the session'} ({chance:.2f})"
        for place, (text, chance) in enumerate(expected[:NAMED])
        if place == 0 or chance >= WORTH_NAMING
    ]
    if len(named) > 2:
        named = [", ".join(named[:-1]), named[-1]]
    return " or ".join(named) or "something else"


def _chance(probability: float) -> str:
    return "probability under 0.0001" if probability < 0.0001 else f"probability {probability:.2g}"


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text on one line; of a long one, its beginning and its end, cut between words where there are any."""
    words = " ".join(text.split())
    if len(words) <= longest:
        return words
    head, tail = words[: longest * 2 // 3], words[-longest // 3 :]
    head = head.rsplit(" ", 1)[0] if " " in head[longest // 3 :] else head
    tail = tail.split(" ", 1)[1] if " " in tail[: longest // 6] else tail
    return f"{head} … {tail}"


def quoted(text: str) -> str:
    """The text as it stands in a sentence."""
    return f'"{shortened(text)}"'
