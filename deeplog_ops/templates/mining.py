"""Mining: new templates from masked messages that no template matches.

drain3 clusters the messages; each cluster's places are then judged by how many different words stand there,
and so are the places at which whole templates differ (families.py). docs/decisions/0010-templates.md
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from drain3.drain import Drain

from deeplog_ops import config
from deeplog_ops.records import Template, template_id
from deeplog_ops.templates import families, pieces
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.masks import WILDCARD

MANY_IN_CLUSTER = (
    2 * families.MANY_WORDS
)  # of different words at one place of messages that vary elsewhere too


def mine(masked: Sequence[str], settings: config.Templates, known: Catalogue | None = None) -> list[Template]:
    """The templates of masked messages: sorted by text, each with the hash of its text as id.

    Every message given is matched by one of them, unless there are more than `settings.distinct_limit`: then the
    kinds of message with the most different texts stay out, and MessageParser gives them its catch-all key
    (within_limit). The templates of `known` are looked at too, so that a message
    beside three known siblings can make the fourth value of a variable; they are not changed by it.
    """
    rows = clustered(sorted(map(pieces.split, within_limit(masked, settings.distinct_limit))), settings)
    old = {pieces.split(text) for text in known.texts.values()} if known else set()
    wider = families.generalise({*rows, *old})
    texts = {pieces.join(wider[row]) for row in rows}
    return [Template(template_id(text), text) for text in sorted(texts)]


def within_limit(masked: Sequence[str], limit: int) -> list[str]:
    """At most `limit` of the messages: all of those whose punctuation few share, then of those that many share.

    Free text and identifiers that no mask knows are what makes too many, and they look alike but for their
    words; what has a form of its own is kept.
    """
    distinct = sorted(set(masked))
    if len(distinct) <= limit:
        return distinct
    kinds: dict[str, list[str]] = defaultdict(list)
    for text in distinct:
        form = (WILDCARD if pieces.is_word(piece) else piece for piece in pieces.split(text))
        kinds[pieces.collapse("".join(form))].append(text)
    fewest_first = sorted(kinds.items(), key=lambda kind: (len(kind[1]), kind[0]))
    return [text for _, texts in fewest_first for text in texts][:limit]


def clustered(rows: Iterable[pieces.Pieces], settings: config.Templates) -> set[pieces.Pieces]:
    """Rows with a wildcard where the rows of their drain3 cluster have many different words."""
    drain = Drain(depth=settings.depth, sim_th=settings.similarity, parametrize_numeric_tokens=False)
    clusters: dict[tuple[int, int], list[pieces.Pieces]] = defaultdict(list)
    for row in rows:
        cluster, _ = drain.add_log_message(" ".join(piece for piece in row if not piece.isspace()))
        clusters[cluster.cluster_id, len(row)].append(row)
    found = set()
    for members in clusters.values():
        wild = [place for place, values in enumerate(zip(*members, strict=True)) if _many(values)]
        for row in members:
            found.add(tuple(WILDCARD if place in wild else piece for place, piece in enumerate(row)))
    return found


def _many(values: Sequence[str]) -> bool:
    different = set(values)
    return len(different) >= MANY_IN_CLUSTER and all(map(pieces.variable, different))
