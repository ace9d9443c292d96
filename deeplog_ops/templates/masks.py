"""Masks: what is variable wherever it stands, as data.

A mask is a pattern and what takes its place. The patterns run on a linear-time engine (no look-around, no
back-references), so no message can make them hang. They are general by intent: each names a notation that
programs of any kind print (an address, a path, a size), none was written for one system. docs/decisions/
0010-templates.md has the evidence for each.

Masking has two steps, because a column of a million messages has few shapes:

1. NUMBER over the whole column: every run that begins with a digit and goes on in hexadecimal digits becomes `0`.
2. GENERAL, in order, over the distinct results alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from deeplog_ops import config
from deeplog_ops.templates.lines import column, first_lines

WILDCARD = "<*>"
LONGEST = 2000  # of a masked message: mining and matching take time by its length
NUMBER = r"[0-9][0-9A-Fa-f]*"
DIGIT = "0"  # what stands for a number between the two steps


@dataclass(frozen=True)
class Mask:
    """`pattern` is replaced by `replacement` (`${1}` is its first group), `rounds` times over.

    More than one round is for patterns whose matches may touch: a match cannot begin inside the one before it.
    """

    name: str
    pattern: str
    replacement: str = WILDCARD
    rounds: int = 1


_UNIT = (
    r"(?:[KMGTPE]i?B|[kKMGT]b?|B|[Bb]ytes?|bits?|[kKMG]?[Hh]z|percent|px|"
    r"ns|us|usecs?|ms|msecs?|sec|secs|s|m|h|d|hrs?|mins?|"
    r"(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|[KMGT]?[Bb]ytes?/s(?:ec)?|[KMG]?bps)"
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_ZONE = r"(?:UTC|GMT|Z|[A-Z]{1,3}[SD]T)"

GENERAL: tuple[Mask, ...] = (
    Mask("wildcard written in the message", r"<\*>"),
    Mask("URL", r"\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s\"'<>,;)\]}]*"),
    Mask("quoted value", r"([=:] ?)(?:\"[^\"]*\"|'[^']*')", "${1}<*>"),
    Mask("dotted name as value", r"=[A-Za-z_][A-Za-z0-9_$]*(?:\.[A-Za-z_][A-Za-z0-9_$]*){2,}", "=<*>"),
    Mask(
        "object as value",
        r"=[A-Za-z][A-Za-z0-9_.$]*(?:\{[^{}]*\}|\([^()]*\)|\[[^\[\]]*\])",
        "=<*>",
    ),
    Mask("user@host, object@address", r"[A-Za-z0-9._%+$\-]*[A-Za-z0-9]@[A-Za-z0-9][A-Za-z0-9.\-]*"),
    Mask("Windows path", r"\b[A-Za-z]:\\[^\s\"'<>,;)\]}|]*"),
    Mask("path", r"(^|[\s\"'=(\[{<,:;])(?:\.{1,2}|~)?/[^\s\"'<>,;:)\]}]*", "${1}<*>"),
    Mask("relative path", r"\b[A-Za-z0-9_.\-]+(?:/[A-Za-z0-9_.\-]+){2,}/?"),
    Mask("path in a host or package", r"\b[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)+/[A-Za-z0-9_./$\-]+"),
    Mask("hexadecimal number", r"[@#]?\b0[xX][0-9A-Fa-f]+"),
    Mask("IPv6 or hardware address", r"\b(?:[0-9A-Fa-f]{1,4}:){2,}[0-9A-Fa-f]{1,4}\b"),
    Mask(
        "IPv6 address, shortened",
        r"(^|[ \[(=/,])(?:[0-9A-Fa-f:]*0[0-9A-Fa-f:]*::[0-9A-Fa-f:]*[0-9A-Fa-f]|[0-9A-Fa-f:]*::[0-9A-Fa-f:]*0[A-Fa-f]*)\b",
        "${1}<*>",
    ),
    # As a number, so that an identifier is masked the same whether its hexadecimal part begins with a digit or not.
    Mask("long hexadecimal word", r"\b[0-9A-Fa-f]{8,}\b", DIGIT),
    Mask(
        "name that ends in a number",
        r"(^|[ =:,;()\[\]{}<>|\"'])([A-Za-z]*[G-Zg-z][A-Za-z]*)0([ =:,;()\[\]{}<>|\"']|$)",
        "${1}${2}<*>${3}",
        rounds=2,
    ),
    Mask(
        "word with a number",
        r"[+\-@#~]*(?:[A-Za-z_]+[._/\-#$+&*~!\\])*[A-Za-z_]*0[A-Za-z_]*(?:[._/\-#$+&*~!\\]+[A-Za-z_0-9]+|:0[A-Za-z_]*)*",
    ),
    Mask("host:port", r"\b(?:localhost|[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}):<\*>"),
    Mask("host name", r"\b[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.(?:com|org|net|edu|gov|io|local|lan)\b"),
    Mask("number with unit", rf"<?[+\-~]?<\*>(?: ?{_UNIT}\b|%)"),
    Mask("date in words", rf"\b(?:{_WEEKDAY},? )?{_MONTH}(?: <\*>){{1,3}}"),
    Mask("day and month", rf"<\*> {_MONTH}(?: <\*>){{0,2}}"),
    Mask("zone of a time", rf"<\*> ?{_ZONE}\b(?: <\*>)?"),
    Mask("truth value or nothing", r"\b(?:true|false|True|False|TRUE|FALSE|null|NULL|nil|NaN|undefined)\b"),
    Mask("what is left of numbers", r"[+\-]?0+"),
    Mask("rest of a word", r"<\*>(?:[._\-][A-Za-z0-9_]+)+"),
    Mask("wildcards that touch", r"<\*>(?:[:./\-+#,_]*<\*>)+"),
    Mask("empty brackets", r"\[ *\]", "[<*>]"),
    Mask("empty braces", r"\{ *\}", "{<*>}"),
    Mask("empty parentheses", r"(^| )\( *\)", "${1}(<*>)"),
    Mask("empty value", r"([A-Za-z_]=)([ ,;)\]}]|$)", "${1}<*>${2}"),
    Mask("missing readings among others", r"(?:\*{2,} )+<\*>|<\*>(?: \*{2,})+"),
)

# What one wildcard of the masks above may hold although there are spaces in it. Parameters are cut by it.
SPACED = "|".join(
    (
        rf"<?[+\-~]?[0-9][0-9A-Fa-f.]* {_UNIT}\b",
        rf"(?:{_WEEKDAY},? )?{_MONTH}(?: [0-9][0-9A-Fa-f:.]*){{1,3}}(?: {_ZONE}\b(?: [0-9]+)?)?",
        rf"[0-9]+ {_MONTH}(?: [0-9][0-9A-Fa-f:.]*){{0,2}}",
        rf"[0-9][0-9A-Fa-f:./\-]* {_ZONE}\b",
    )
)


def own_masks(lines: pl.Series, own: Sequence[config.Mask]) -> pl.Series:
    """A source's own masks, over the whole column of first lines."""
    for mask in own:
        lines = lines.str.replace_all(mask.pattern, WILDCARD)
    return lines


def general(shapes: pl.Series, masks: Sequence[Mask] = GENERAL) -> pl.Series:
    """Step 2, of distinct shapes: the general masks, in order. What follows LONGEST characters is one wildcard."""
    for mask in masks if len(shapes) else ():
        for _ in range(mask.rounds):
            shapes = shapes.str.replace_all(mask.pattern, mask.replacement)
    rows = (shapes.str.len_chars() > LONGEST).arg_true()
    if len(rows):
        head = shapes.gather(rows).str.slice(0, LONGEST).str.replace(r"[^ ]*$", WILDCARD)
        shapes = shapes.scatter(rows, head)
    return shapes


def mask(messages: pl.Series, masks: Sequence[Mask] = GENERAL, own: Sequence[config.Mask] = ()) -> pl.Series:
    """The masked message of each message: one row a row, variable parts as `<*>`."""
    lines = own_masks(column(first_lines(messages)), own)
    rows = lines.str.replace_all(NUMBER, DIGIT).to_frame("shape")
    distinct = rows.unique()
    distinct = distinct.with_columns(general(distinct["shape"], masks).alias("masked"))
    return rows.join(distinct, on="shape", how="left", maintain_order="left")["masked"].alias(messages.name)
