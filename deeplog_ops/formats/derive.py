"""A header pattern from lines of an unknown format: where the time stamp stands, and what follows it.

Only what nearly every line has is taken into the header: a level, a number, something in brackets, a name with
a colon, a word that is always the same. The rest is the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from deeplog_ops.formats.engine import PatternEngine
from deeplog_ops.formats.spec import FormatSpec

_NEARLY_ALL = 0.95
_SAMPLE = 1000
_LEVELS = (
    "TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|FATAL|ALERT|EMERG|SEVERE|FINE|FINER|"
    "FINEST|CONFIG|VERBOSE|PANIC|DBG|INF|WRN"
)
_CLOCK = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,:][0-9]{1,9})?"
_ZONE = r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"


@dataclass(frozen=True)
class _Shape:
    pattern: str
    forms: tuple[str, ...]


# the more a shape says the earlier it stands, so that a clock alone is the last choice
_SHAPES = (
    _Shape(rf"[0-9]{{4}}[-/.][0-9]{{2}}[-/.][0-9]{{2}}[T _-]{_CLOCK}{_ZONE}", ("iso8601",)),
    _Shape(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[-_ ][0-9]{2}[.][0-9]{2}[.][0-9]{2}(?:[.][0-9]+)?", ("%Y-%m-%d-%H.%M.%S.%f", "iso8601")),
    _Shape(r"[0-9]{8}[T _-]?[0-9]{6}(?:[.,][0-9]+)?", ("iso8601",)),
    _Shape(rf"[0-9]{{8}}[T _-]{_CLOCK}", ("%Y%m%d %H:%M:%S.%f", "%Y%m%d-%H:%M:%S:%f", "%Y%m%d-%H:%M:%S.%f", "%Y%m%dT%H:%M:%S.%f")),
    _Shape(rf"[0-9]{{1,2}}/[A-Z][a-z]{{2}}/[0-9]{{4}}:{_CLOCK} [+-][0-9]{{4}}", ("%d/%b/%Y:%H:%M:%S %z",)),
    _Shape(rf"[0-9]{{1,2}}[-/ ][A-Z][a-z]{{2}}[-/ ][0-9]{{4}}[ :]{_CLOCK}", ("%d-%b-%Y %H:%M:%S.%f", "%d/%b/%Y %H:%M:%S.%f", "%d/%b/%Y:%H:%M:%S.%f", "%d %b %Y %H:%M:%S.%f", "%d %b %Y %H:%M:%S,%f")),
    _Shape(rf"[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} +[0-9]{{1,2}} {_CLOCK} [0-9]{{4}}", ("%a %b %d %H:%M:%S.%f %Y", "%a %b %d %H:%M:%S %Y")),
    _Shape(rf"[A-Z][a-z]{{2}} +[0-9]{{1,2}},? [0-9]{{4}},? (?:@ )?{_CLOCK}(?: [AP]M)?", ("%b %d, %Y %I:%M:%S %p", "%b %d, %Y @ %H:%M:%S.%f", "%b %d, %Y %H:%M:%S.%f", "%b %d %Y %H:%M:%S.%f")),
    _Shape(rf"[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}},? {_CLOCK} [AP]M", ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y, %I:%M:%S %p")),
    _Shape(rf"[0-9]{{1,2}}[./-][0-9]{{1,2}}[./-][0-9]{{4}},? {_CLOCK}", ("%d.%m.%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S.%f", "%m-%d-%Y %H:%M:%S.%f", "%d-%m-%Y %H:%M:%S.%f")),
    _Shape(rf"[0-9]{{2}}[./-][0-9]{{2}}[./-][0-9]{{2}} {_CLOCK}", ("%y/%m/%d %H:%M:%S.%f", "%y-%m-%d %H:%M:%S.%f", "%m/%d/%y %H:%M:%S.%f", "%d/%m/%y %H:%M:%S.%f", "%d.%m.%y %H:%M:%S.%f")),
    _Shape(r"[0-9]{6} [0-9]{6}", ("%y%m%d %H%M%S",)),
    _Shape(rf"[A-Z][a-z]{{2}} +[0-9]{{1,2}} {_CLOCK}", ("%b %d %H:%M:%S.%f",)),
    _Shape(rf"[0-9]{{2}}[-./][0-9]{{2}} {_CLOCK}", ("%m-%d %H:%M:%S.%f", "%m.%d %H:%M:%S.%f", "%m/%d %H:%M:%S.%f")),
    _Shape(r"1[0-9]{12}", ("epoch_ms",)),
    _Shape(r"1?[0-9]{9}(?:\.[0-9]{1,6})?", ("epoch_s",)),
    _Shape(_CLOCK, ("%H:%M:%S.%f",)),
)  # fmt: skip


def derive(lines: pl.Series) -> FormatSpec | None:
    """A format for the lines, or None where no time stamp stands at one place in most of those that begin a record."""
    sample = lines[:_SAMPLE]
    for shape in _SHAPES:
        found = _stamped(sample, shape)
        if found is not None:
            before, rests = found
            header = before + f"(?P<time>{shape.pattern})"
            pattern = f"^{header}{_after(rests)}(?P<message>.*)$"
            forms = _fitting(shape, sample, pattern)
            if forms:
                return FormatSpec(
                    name="derived", title="derived from the lines", pattern=pattern, time_formats=forms
                )
    return None


def _stamped(lines: pl.Series, shape: _Shape) -> tuple[str, list[str]] | None:
    """What stands before the stamp, as a pattern, and the rests of the lines after it."""
    at = re.compile(rf"^(?P<before>(?:\S+[ \t]+){{0,4}}?)(?P<open>[\[(<\"']?){shape.pattern}(?![0-9:])")
    matches = [(match, line) for line in lines if (match := at.match(line))]
    if len(matches) < 0.5 * len(lines) and len(matches) < 0.05 * len(lines):
        return None
    counts = [len(match["before"].split()) for match, _ in matches]
    if not counts:
        return None
    usual = max(set(counts), key=counts.count)
    if counts.count(usual) < 0.9 * len(counts):
        return None
    chosen = [(match, line) for match, line in matches if len(match["before"].split()) == usual]
    opening = "".join(sorted({match["open"] for match, _ in chosen}))
    before = "".join(rf"(?P<before_{place + 1}>\S+)\s+" for place in range(usual))
    if opening:
        before += f"[{re.escape(opening)}]" + ("?" if any(not match["open"] for match, _ in chosen) else "")
    return before, [line[match.end() :] for match, line in chosen]


def _fitting(shape: _Shape, lines: pl.Series, pattern: str) -> tuple[str, ...]:
    """The time forms that read the stamps, the best alone where it reads all."""
    shares = []
    for form in shape.forms:
        stamps = PatternEngine(FormatSpec(name="derived", pattern=pattern, time_formats=(form,))).read(lines)
        read = (stamps.stamps.kind != 0) & stamps.matched if stamps.stamps is not None else stamps.matched
        shares.append((float(read.sum() / max(1, stamps.matched.sum())), form))
    best = max(share for share, _ in shares)
    return tuple(form for share, form in shares if share == best)[:1] if best > 0.9 else ()


def _after(rests: Sequence[str]) -> str:
    """A pattern for what nearly all rests begin with."""
    pattern, rests = "", list(rests)
    used: set[str] = set()
    for _ in range(8):
        for take in _STEPS:
            step = take(rests, used)
            if step is not None:
                break
        else:
            return pattern
        compiled = re.compile(step)
        cut = [(match, rest) for rest in rests if (match := compiled.match(rest))]
        pattern += step
        rests = [rest[match.end() :] for match, rest in cut]
    return pattern


def _share(rests: Sequence[str], pattern: str) -> float:
    compiled = re.compile(pattern)
    return sum(bool(compiled.match(rest)) for rest in rests) / max(1, len(rests))


def _separator(rests: Sequence[str], used: set[str]) -> str | None:
    step = r"[\])>\"',:;]*(?:\s+-)?\s+"
    return (
        step
        if _share(rests, step) >= _NEARLY_ALL and all(rest[:1] not in ("|",) for rest in rests[:5])
        else None
    )


def _bar(rests: Sequence[str], used: set[str]) -> str | None:
    step = r"\s*[|]\s*"
    return step if _share(rests, step) >= _NEARLY_ALL else None


def _level(rests: Sequence[str], used: set[str]) -> str | None:
    step = rf"[\[(<]?(?P<level>(?i:{_LEVELS}))\b[\])>]?:?"
    if "level" in used or _share(rests, step) < _NEARLY_ALL:
        return None
    used.add("level")
    return step


def _pid(rests: Sequence[str], used: set[str]) -> str | None:
    step = r"[\[(]?(?P<pid>[0-9]+)[\])]?(?:\s|[|:])"
    if "pid" in used or _share(rests, step) < _NEARLY_ALL:
        return None
    used.add("pid")
    return (
        step.replace(r"(?:\s|[|:])", r"\b[\])]?:?")
        if _share(rests, r"[\[(]?[0-9]+[\])]?[|]") < 0.5
        else step[: -len(r"(?:\s|[|:])")]
    )


def _bracketed(rests: Sequence[str], used: set[str]) -> str | None:
    free = next((name for name in ("thread", "bracket_1", "bracket_2") if name not in used), None)
    step = rf"\[(?P<{free}>[^\]]*)\]:?"
    if free is None or _share(rests, step) < _NEARLY_ALL:
        return None
    used.add(free)
    return step


def _component(rests: Sequence[str], used: set[str]) -> str | None:
    step = r"(?P<component>[A-Za-z_][\w.$/\-()]*)(?:\[(?P<process>[0-9]+)\])?:(?:\s+|$)"
    names = {match[1] for rest in rests if (match := re.match(step, rest))}
    if "component" in used or _share(rests, step) < _NEARLY_ALL or len(names) > max(20, len(rests) // 5):
        return None
    used.add("component")
    return step


def _constant(rests: Sequence[str], used: set[str]) -> str | None:
    """A word that stands in every line, such as the host's name; not if it is the message's first.

    After a level or a class that is what it is: a sample of few statements begins with one word.
    """
    words = {rest.split(None, 1)[0] for rest in rests if rest.strip()}
    if (
        not used.isdisjoint(("host", "level", "component"))
        or len(words) != 1
        or len(rests) < 50
        or not re.fullmatch(r"[\w.\-]+", next(iter(words)))
    ):
        return None
    if len({rest.split(None, 2)[1] for rest in rests if len(rest.split(None, 2)) > 1}) < 2:
        return None
    used.add("host")
    return r"(?P<host>[\w.\-]+)(?:\s+)"


_STEPS: tuple[Callable[[Sequence[str], set[str]], str | None], ...] = (
    _bar,
    _separator,
    _level,
    _pid,
    _bracketed,
    _component,
    _constant,
)
