"""What a verdict is about: found by ids that people give short, named by what survives a re-run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.sources import source_of
from deeplog_ops.errors import DatabaseError

Scope = Literal["anomaly", "incident", "template", "session", "doubt"]
_SHORTEST = 4
_REGEX = "re:"
_PATIENCE = "2s"


@dataclass(frozen=True)
class Subject:
    """One anomaly of a day, all incidents of a fingerprint, all that is of a template, sessions by their name, or the
    training sessions of a doubt."""

    scope: Scope
    day: date | None = None
    anomaly_id: str | None = None
    fingerprint: str | None = None
    template_id: str | None = None
    session_like: str | None = None
    session_regex: str | None = None
    doubt_id: str | None = None
    doubt_kind: str | None = None

    @classmethod
    def anomaly(cls, day: date, anomaly_id: str) -> Subject:
        return cls("anomaly", day=day, anomaly_id=anomaly_id)

    @classmethod
    def incident(cls, fingerprint: str) -> Subject:
        return cls("incident", fingerprint=fingerprint)

    @classmethod
    def template(cls, template_id: str) -> Subject:
        return cls("template", template_id=template_id)

    @classmethod
    def session(cls, pattern: str) -> Subject:
        """Whole names of sessions: `*` stands for anything, `?` for one character; or `re:` and a regular expression.

        Back-references are refused: they can take for ever, and every reader would wait. Raises DatabaseError.
        """
        if not pattern.removeprefix(_REGEX).strip():
            raise DatabaseError(
                "the pattern of a session is empty: write a name such as job_17, job_* or re:job_[0-9]+"
            )
        if pattern.startswith(_REGEX):
            regex = pattern.removeprefix(_REGEX)
            if re.search(r"(?<!\\)(?:\\\\)*\\[1-9]", regex):
                raise DatabaseError(
                    f"{pattern!r} has a back-reference, which could take for ever: do without"
                )
            return cls("session", session_regex=f"^(?:{regex})$")
        special = {"*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"}
        return cls("session", session_like="".join(special.get(letter, letter) for letter in pattern))

    @classmethod
    def doubt(cls, doubt_id: str, kind: str) -> Subject:
        return cls("doubt", doubt_id=doubt_id, doubt_kind=kind)

    @property
    def named(self) -> str:
        """In words, as people read it."""
        if self.scope == "anomaly":
            return f"anomaly {self.anomaly_id} of {self.day}"
        if self.scope == "incident":
            return f"incidents with fingerprint {self.fingerprint}"
        if self.scope == "template":
            return f"template {self.template_id}"
        if self.scope == "doubt":
            return f"training doubt {self.doubt_id}"
        if self.session_regex is not None:
            return f"sessions like {_REGEX}{self.session_regex.removeprefix('^(?:').removesuffix(')$')}"
        return f"sessions like {_glob(self.session_like or '')}"

    def columns(self) -> dict[str, Any]:
        """Its columns in deeplog.verdicts."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def find_anomaly(engine: Engine, source_key: str, given: str) -> Subject:
    """The anomaly whose id is, or begins with, `given`. Raises DatabaseError that names the nearest."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        rows = _beginning(
            connection, source_id, given, "SELECT anomaly_id AS id, day FROM deeplog.anomalies", "anomaly_id"
        )
        if len(rows) == 1:
            return Subject.anomaly(rows[0].day, rows[0].id)
        raise DatabaseError(_not_one(connection, source_key, source_id, "anomaly", given, rows))


def find_incident(engine: Engine, source_key: str, given: str) -> Subject:
    """The fingerprint that `given` is or begins, or that of the incident whose id it is or begins."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        rows = _beginning(
            connection, source_id, given, "SELECT incident_id AS id, day, fingerprint FROM deeplog.incidents",
            "incident_id", "fingerprint",
        )  # fmt: skip
        if len({row.fingerprint for row in rows}) == 1:
            return Subject.incident(rows[0].fingerprint)
        raise DatabaseError(_not_one(connection, source_key, source_id, "incident", given, rows))


def find_template(engine: Engine, source_key: str, given: str) -> Subject:
    """The template whose id is, or begins with, `given`. Raises DatabaseError that shows templates with such words."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        rows = _beginning(
            connection, source_id, given, "SELECT template_id AS id, text FROM deeplog.templates", "template_id"
        )  # fmt: skip
        if len(rows) == 1:
            return Subject.template(rows[0].id)
        worded = connection.execute(
            text(
                "SELECT template_id AS id, text FROM deeplog.templates WHERE source_id = :source_id "
                "AND strpos(lower(text), lower(:given)) > 0 ORDER BY template_id LIMIT 6"
            ),
            {"source_id": source_id, "given": given},
        ).all()
        shown = [f"{row.id} {row.text[:80]!r}" for row in (rows or worded)[:6]]
        problem = "several templates begin with it" if rows else "no template has that id"
        nearest = f": {'; '.join(shown)}" if shown else ". The view bi.templates has them all"
        raise DatabaseError(f"{given!r} is no template of {source_key}: {problem}{nearest}")


def find_doubt(engine: Engine, source_key: str, given: str) -> Subject:
    """The doubt of a training whose id is, or begins with, `given`. Raises DatabaseError that lists the latest ones."""
    select = "SELECT id, kind FROM (SELECT DISTINCT source_id, doubt_id AS id, doubt_id, kind FROM deeplog.training_doubts) d"
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        rows = _beginning(connection, source_id, given, select, "doubt_id")
        if len(rows) == 1:
            return Subject.doubt(rows[0].id, rows[0].kind)
        if rows:
            shown = ", ".join(row.id for row in rows)
            raise DatabaseError(f"{given!r} begins several doubts of {source_key}: {shown}. Give more of it")
        asked = connection.execute(
            text(
                "SELECT doubt_id FROM bi.training_doubts WHERE source_key = :source_key AND champion "
                "ORDER BY rank LIMIT 5"
            ),
            {"source_key": source_key},
        ).scalars()
        raise DatabaseError(
            f"{source_key} has no doubt with id {given!r}; those of the champion, the most telling first: "
            f"{', '.join(asked) or 'none'}. `deeplog-ops doubts` lists them"
        )


def check_session_pattern(engine: Engine, source_key: str, subject: Subject) -> None:
    """Raise DatabaseError unless PostgreSQL reads the pattern, and quickly, on the sessions that there are.

    The views run it for every reader, so it is tried once with a short patience before it is kept.
    """
    if subject.session_regex is None:
        return
    try:
        with transaction(engine) as connection:
            source_id = source_of(connection, source_key, lock="")
            connection.execute(text(f"SET LOCAL statement_timeout = '{_PATIENCE}'"))
            connection.execute(
                text(
                    "SELECT count(*) FROM (SELECT session FROM deeplog.anomalies WHERE source_id = :source_id "
                    "UNION SELECT repeat('aB1_', 64)) AS names WHERE session ~ :regex"
                ),
                {"source_id": source_id, "regex": subject.session_regex},
            )
    except DatabaseError as error:
        if "regular expression" in str(error):
            raise DatabaseError(f"{subject.named}: {str(error).split('refused: ', 1)[-1]}") from None
        if "statement timeout" in str(error):
            raise DatabaseError(
                f"{subject.named}: the pattern takes longer than {_PATIENCE} on the sessions that there are"
            ) from None
        raise


def _beginning(connection: Connection, source_id: int, given: str, select: str, *columns: str) -> list[Any]:
    """At most 6 rows, by id, of which one of the columns is or begins with what was given; the whole id wins."""
    clean = given.strip().lower()
    if len(clean) < _SHORTEST or not re.fullmatch("[0-9a-f]+", clean):
        return []
    where = " OR ".join(f"{column} LIKE :beginning" for column in columns)
    rows = connection.execute(
        text(f"{select} WHERE source_id = :source_id AND ({where}) ORDER BY 1 LIMIT 6"),
        {"source_id": source_id, "beginning": f"{clean}%"},
    ).all()
    whole = [row for row in rows if row.id == clean]
    return whole or list(rows)


def _not_one(
    connection: Connection, source_key: str, source_id: int, noun: str, given: str, rows: list[Any]
) -> str:
    if rows:
        shown = ", ".join(f"{row.id} of {row.day}" for row in rows)
        return f"{given!r} begins several ids of {source_key}: {shown}. Give more of it"
    table, column = {
        "anomaly": ("anomalies", "anomaly_id"),
        "incident": ("incidents", "incident_id"),
    }[noun]
    said = f"{source_key} has no {noun} with id {given!r}"
    if len(given.strip()) < _SHORTEST:
        said += f": give {_SHORTEST} characters of it at least"
    nearest = connection.execute(
        text(
            f"SELECT {column} AS id, day FROM deeplog.{table} WHERE source_id = :source_id "
            f"AND left({column}, 3) = left(lower(:given), 3) ORDER BY 1 LIMIT 3"
        ),
        {"source_id": source_id, "given": given.strip()},
    ).all()
    if nearest:
        said += "; nearest: " + ", ".join(f"{row.id} of {row.day}" for row in nearest)
    other_table, other_column, other_noun = {
        "anomaly": ("incidents", "incident_id", "incident"),
        "incident": ("anomalies", "anomaly_id", "anomaly"),
    }[noun]
    other = _beginning(
        connection, source_id, given, f"SELECT {other_column} AS id FROM deeplog.{other_table}", other_column
    )
    if other:
        said += f". It is an {other_noun}: use --{other_noun}"
    days = connection.execute(
        text(
            f"SELECT day, count(*) AS number FROM deeplog.{table} WHERE source_id = :source_id "
            "GROUP BY day ORDER BY day DESC LIMIT 5"
        ),
        {"source_id": source_id},
    ).all()
    listed = ", ".join(f"{row.day} ({row.number})" for row in days)
    return f"{said}. Days that have {'any' if days else 'them'}, the latest first: {listed or 'none'}"


def _glob(like: str) -> str:
    """The pattern that `Subject.session` made this of."""
    back = {"%": "*", "_": "?"}
    return re.sub(r"\\(.)|([%_])", lambda found: found[1] or back[found[2]], like)
