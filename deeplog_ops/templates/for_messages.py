"""Templates for messages that come without a catalogue: mine, learn and parse in one go."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from deeplog_ops import config
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.learning import learn
from deeplog_ops.templates.mining import mine
from deeplog_ops.templates.parsing import MessageParser


def parse_all(
    messages: pl.Series, settings: config.Templates, catalogue: Catalogue | None = None
) -> tuple[pa.Table, Catalogue]:
    """Parse messages with a catalogue and what can be mined from them: (table of MessageParser.parse, catalogue)."""
    known = catalogue or Catalogue()
    missing = MessageParser(known, settings).unmatched(messages)
    learnt = learn(known, mine(missing.to_list(), settings, known), None, settings)
    return MessageParser(learnt, settings).parse(messages), learnt
