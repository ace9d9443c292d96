"""Parsing: messages to template keys and parameters, a column at a time.

A message's key depends on the message and the templates alone: not on its neighbours, the order of rows, or
where a batch ends.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from deeplog_ops import config
from deeplog_ops.records import Template, template_id
from deeplog_ops.templates import masks, parameters, pieces
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.lines import column, first_lines
from deeplog_ops.templates.matching import Matcher
from deeplog_ops.templates.shapes import joined, kept, places, shapes, starts

PARSED = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("parameters", pa.list_(pa.string()), nullable=False),
        pa.field("numbers", pa.list_(pa.float64()), nullable=False),
    ]
)
CATCH_ALL = Template(template_id(masks.WILDCARD), masks.WILDCARD)

_ROWS_AT_ONCE = 2**13  # what is made in between then fits the cache
_PLANS_KEPT = 2**16
_BYTES_AT_ONCE = 2**23
_Result = TypeVar("_Result")
_Shape = tuple[str, str]
_Plan = tuple[str, parameters.Cut]


class MessageParser:
    """Matches messages against a catalogue, and what it does not know against templates mined since."""

    def __init__(
        self, catalogue: Catalogue, settings: config.Templates, mined: tuple[Template, ...] = ()
    ) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.mined = mined
        self._masked: dict[str, str] = {}  # of shapes seen lately, bounded, as are these:
        self._plans: dict[_Shape, _Plan] = {}
        self._found: dict[str, tuple[str, str] | None] = {}  # of masked messages

    def with_templates(self, templates: Iterable[Template]) -> MessageParser:
        """A parser that also knows these, for messages that the catalogue does not match."""
        parser = MessageParser(self.catalogue, self.settings, (*self.mined, *templates))
        parser._masked = self._masked  # masks are the same whatever is known
        return parser

    @property
    def templates(self) -> tuple[Template, ...]:
        """All that a key of this parser can name."""
        named = {template.template_id: template for template in (*self.mined, CATCH_ALL)}
        return tuple({**named, **self.catalogue.by_id}.values())

    def unmatched(self, messages: pl.Series) -> pl.Series:
        """The distinct masked messages that match no template, sorted (strings)."""
        found = pl.concat(_in_slices(self._shapes, messages.cast(pl.String))).unique()
        masked = set(self._general(found.str.strip_suffix("\n").to_list()))
        missing = [text for text in masked if self._find(text) is None]
        return pl.Series("masked", missing, dtype=pl.String).sort()

    def _shapes(self, messages: pl.Series) -> pl.Series:
        text = self._own_masks(first_lines(messages))
        return pl.Series("shape", shapes(text).unique(), dtype=pl.String)

    def _own_masks(self, text: bytes) -> bytes:
        own = self.settings.masks
        return joined(masks.own_masks(column(text), own)) if own else text

    def parse(self, messages: pl.Series) -> pa.Table:
        """Columns key (string), parameters (list<string>) and numbers (list<double>): one row a message.

        `parameters[i]` is what stands at the i-th `<*>` of the template's text (Catalogue.text), on the
        message's first line, with runs of white space as one space. A message that matches nothing has the key
        of CATCH_ALL and its whole first line as parameter. Never fails; null is read as an empty message.
        """
        return pa.concat_tables(_in_slices(self._parse, messages.cast(pl.String)))

    def _parse(self, messages: pl.Series) -> pa.Table:
        text = first_lines(messages)
        keep = kept(text)
        shape = shapes(text, keep)
        codes, distinct = self._distinct(text, shape)
        plans = self._plan(distinct)
        key = pa.array([plans[shape][0] for shape in distinct], type=pa.string()).take(pa.array(codes))
        cuts = [plans[shape][1] for shape in distinct]
        values, numbers = parameters.extract(text, places(keep, len(text)), starts(shape), codes, cuts)
        return pa.table([key, values, numbers], schema=PARSED)

    def _distinct(self, text: bytes, shape: pa.StringArray) -> tuple[np.ndarray, list[_Shape]]:
        """For each line which of the distinct shapes is its. A shape is given after and before own masks."""
        codes, plain = _encoded(shape)
        if not self.settings.masks:
            return codes, [(shape, shape) for shape in plain]
        own_codes, own = _encoded(shapes(self._own_masks(text)))
        pairs, codes = np.unique(own_codes * len(plain) + codes, return_inverse=True)
        return codes, [(own[pair // len(plain)], plain[pair % len(plain)]) for pair in pairs.tolist()]

    def _plan(self, distinct: list[_Shape]) -> dict[_Shape, _Plan]:
        """For each distinct shape its key, and how its parameters are cut out."""
        kept = self._plans  # another thread may put a new one in its place
        plans = {shape: kept[shape] for shape in distinct if shape in kept}
        new = [shape for shape in distinct if shape not in plans]
        if not new:
            return plans
        for shape, masked_shape in zip(new, self._general([own for own, _ in new]), strict=True):
            key, text = self._find(masked_shape) or (CATCH_ALL.template_id, CATCH_ALL.text)
            plans[shape] = key, parameters.cut(text, shape[1])
        if len(kept) + len(new) > _PLANS_KEPT:
            kept = self._plans = {}
        kept.update({shape: plans[shape] for shape in new[:_PLANS_KEPT]})
        return plans

    def _general(self, shape: list[str]) -> list[str]:
        """The masked message of each shape."""
        kept = self._masked  # another thread may put a new one in its place
        new = list(dict.fromkeys(each for each in shape if each not in kept))
        masked = dict(
            zip(new, masks.general(pl.Series("shape", new, dtype=pl.String)).to_list(), strict=True)
        )
        found = [masked[each] if each in masked else kept[each] for each in shape]
        if len(kept) + len(new) > _PLANS_KEPT:
            kept = self._masked = {}
        kept.update(itertools.islice(masked.items(), _PLANS_KEPT))
        return found

    def _find(self, masked: str) -> tuple[str, str] | None:
        """The key of a masked message, and the text whose wildcards are its parameters."""
        found = self._found
        if masked in found:
            return found[masked]
        if len(found) >= self.settings.distinct_limit:
            found = self._found = {}
        found[masked] = answer = self._search(masked)
        return answer

    def _search(self, masked: str) -> tuple[str, str] | None:
        text = self._known.find(masked)
        if text is not None:
            key = self.catalogue.resolve(template_id(text))
            widest = self.catalogue.texts[key]
            fits = pieces.covers(pieces.split(widest), pieces.split(masked))
            return key, widest if fits else text
        text = self._new.find(masked)
        return None if text is None else (template_id(text), text)

    @cached_property
    def _known(self) -> Matcher:
        return Matcher(template.text for template in self.catalogue.templates)

    @cached_property
    def _new(self) -> Matcher:
        return Matcher(template.text for template in self.mined)


def _encoded(shape: pa.StringArray) -> tuple[np.ndarray, list[str]]:
    """The shape of each line as a number, and the shapes that the numbers stand for."""
    encoded = shape.dictionary_encode()
    distinct = [shape.removesuffix("\n") for shape in encoded.dictionary.to_pylist()]
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), distinct


def _in_slices(work: Callable[[pl.Series], _Result], messages: pl.Series) -> list[_Result]:
    """The results of `work` on slices of a column, in order; polars and numpy let the threads run at once.

    Slices bound the memory of what is made in between, and keep strings within Arrow's 2 GiB.
    """
    ends = messages.str.len_bytes().fill_null(0).cast(pl.Int64).cum_sum().to_numpy()
    full = np.searchsorted(ends, np.arange(_BYTES_AT_ONCE, int(ends[-1]) if len(ends) else 0, _BYTES_AT_ONCE))
    edges = sorted({*range(0, len(messages), _ROWS_AT_ONCE), *full.tolist(), len(messages)})
    slices = [messages.slice(start, end - start) for start, end in itertools.pairwise(edges)]
    if len(slices) < 2:
        return [work(messages)]
    with ThreadPoolExecutor(min(len(slices), os.cpu_count() or 1)) as threads:
        return list(threads.map(work, slices))
