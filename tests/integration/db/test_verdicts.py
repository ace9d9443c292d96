"""What people say counts at once on all days, survives every run, and changes no scored row."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import models, readers, sources, verdicts
from deeplog_ops.db.engine import transaction
from deeplog_ops.db.maintenance import expire_results
from deeplog_ops.db.publish import publish_day
from deeplog_ops.db.verdict_subjects import Subject, find_anomaly, find_incident, find_template
from deeplog_ops.db.verdicts import KeptSession, VerdictKind
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import Template, stable_id, template_id
from tests.integration.db.day_results import DAY, MakeRun, grouped, published, register_model, result_of

FALSE, TRUE = VerdictKind.FALSE_POSITIVE, VerdictKind.TRUE_POSITIVE
EXPECTED, MUTE = VerdictKind.EXPECTED, VerdictKind.MUTE
NEXT = DAY + timedelta(days=1)
Say = Callable[..., int]


@pytest.fixture
def say(engine: Engine, source: str) -> Say:
    def call(kind: VerdictKind, subject: Subject, **more: Any) -> int:
        return verdicts.record_verdict(engine, source, kind, subject, **{"who": "ann", **more})

    return call


@pytest.fixture
def days(engine: Engine, begin: MakeRun) -> list[list[str]]:
    """Two published days of five anomalies; the anomaly ids of each, session-0 to session-4."""
    found = []
    for day in (DAY, NEXT):
        result = grouped(result_of(begin(day)), ["a", "b"])
        publish_day(engine, result)
        found.append([a.anomaly_id for a in sorted(result.anomalies, key=lambda a: a.locator)])
    return found


def hidden(engine: Engine) -> set[tuple[date, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT day, session FROM bi.anomalies WHERE NOT shown"))
        return {(row.day, row.session) for row in rows}


def said(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM deeplog.verdicts ORDER BY 1"))]


def test_a_false_positive_hides_at_once_survives_a_rerun_and_changes_no_scored_row(
    engine: Engine, begin: MakeRun, days: list[list[str]], say: Say
) -> None:
    scored = published(engine)
    say(FALSE, Subject.anomaly(DAY, days[0][2]), note="a nightly job")
    assert hidden(engine) == {(DAY, "session-2")}
    assert published(engine) == scored
    before = said(engine)
    for number in range(3):  # other runs, another version, other days: the ids are hashes and stay
        register_model(engine, f"v{number}")
        models.promote(engine, "web", f"v{number}", who="x", why="y")
        for day in (DAY, NEXT):
            publish_day(engine, grouped(result_of(begin(day, run_key=f"again {number}")), ["a", "b"]))
    assert hidden(engine) == {(DAY, "session-2")}
    assert said(engine) == before
    publish_day(engine, result_of(begin(run_key="finds nothing"), anomalies=0))
    assert hidden(engine) == set()
    publish_day(engine, result_of(begin(run_key="finds it again")))
    assert hidden(engine) == {(DAY, "session-2")}


def test_a_withdrawn_verdict_shows_again_and_stays_on_record(
    engine: Engine, days: list[list[str]], say: Say
) -> None:
    first = say(MUTE, Subject.session("session-1"))
    number = say(FALSE, Subject.anomaly(DAY, days[0][1]))
    assert hidden(engine) == {(DAY, "session-1"), (NEXT, "session-1")}
    verdicts.withdraw(engine, first, who="bob")
    assert hidden(engine) == {(DAY, "session-1")}
    assert verdicts.withdraw(engine, number, who="bob").kind == FALSE
    assert hidden(engine) == set()
    assert [(row.state, row.withdrawn_by) for row in verdicts.verdicts(engine, "web")] == [
        ("withdrawn", "bob")
    ] * 2
    assert verdicts.verdicts(engine, "web", withdrawn=False) == []
    with pytest.raises(DatabaseError, match=rf"verdict {number} was withdrawn already.*by bob"):
        verdicts.withdraw(engine, number, who="bob")
    with pytest.raises(DatabaseError, match="there is no verdict 99; the latest that hold: none"):
        verdicts.withdraw(engine, 99, who="bob")


def test_until_is_compared_with_the_day_of_the_anomaly(
    engine: Engine, days: list[list[str]], say: Say
) -> None:
    say(EXPECTED, Subject.session("session-1"), until=DAY)
    say(MUTE, Subject.session("session-2"), until=NEXT)
    say(MUTE, Subject.session("session-3"), until=DAY - timedelta(days=1))
    assert hidden(engine) == {(DAY, "session-1"), (DAY, "session-2"), (NEXT, "session-2")}
    assert {row.state for row in verdicts.verdicts(engine)} == {"over"}, "by the clock of whoever lists them"


def test_a_verdict_on_an_incident_holds_for_its_fingerprint_on_every_day(
    engine: Engine, begin: MakeRun, days: list[list[str]], say: Say
) -> None:
    say(FALSE, Subject.incident(stable_id("b")))
    of_b = {(day, f"session-{number}") for day in (DAY, NEXT) for number in (1, 3)}
    assert hidden(engine) == of_b
    later = DAY + timedelta(days=40)
    publish_day(engine, grouped(result_of(begin(later)), ["b", "c"]))
    assert hidden(engine) == of_b | {(later, f"session-{number}") for number in (0, 2, 4)}
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT day, title, shown, verdict FROM bi.incidents ORDER BY 1, 2"))
        assert [tuple(row) for row in rows] == [
            (DAY, "burst a", True, None),
            (DAY, "burst b", False, "false_positive"),
            (NEXT, "burst a", True, None),
            (NEXT, "burst b", False, "false_positive"),
            (later, "burst b", False, "false_positive"),
            (later, "burst c", True, None),
        ]


def test_an_incident_is_hidden_once_all_of_its_anomalies_are(
    engine: Engine, days: list[list[str]], say: Say
) -> None:
    say(FALSE, Subject.anomaly(DAY, days[0][1]))
    query = text(
        f"SELECT shown, verdict, anomalies_hidden FROM bi.incidents WHERE day = '{DAY}' AND title = 'burst b'"
    )
    with engine.connect() as connection:
        assert tuple(connection.execute(query).one()) == (True, None, 1)
    say(FALSE, Subject.anomaly(DAY, days[0][3]))
    with engine.connect() as connection:
        assert tuple(connection.execute(query).one()) == (False, "false_positive", 2)
    say(TRUE, Subject.incident(stable_id("b")))
    with engine.connect() as connection:
        assert tuple(connection.execute(query).one()) == (False, "true_positive", 2), "the nearer ones count"


def test_a_verdict_on_a_template_holds_for_all_that_were_merged_with_it_before_or_after(
    engine: Engine, begin: MakeRun, source: str, say: Say
) -> None:
    old, mine, other, far = (template_id(f"event {number} <*>") for number in range(4))
    result = result_of(begin(), anomalies=4)
    found = [
        replace(anomaly, template_id=key)
        for anomaly, key in zip(result.anomalies, (old, mine, other, far), strict=True)
    ]
    publish_day(engine, replace(result, anomalies=found))
    say(MUTE, Subject.template(mine))
    assert hidden(engine) == {(DAY, "session-1")}

    def alias(younger: str, older: str, words: str) -> None:
        with transaction(engine) as connection:
            key = {"younger": younger, "older": older}
            connection.execute(
                text("UPDATE deeplog.templates SET alias_of = :older WHERE template_id = :younger"), key
            )
        register_model(engine, words, templates=[Template(older, words)])

    alias(mine, old, "event 0 <*>")
    assert hidden(engine) == {(DAY, "session-0"), (DAY, "session-1")}
    alias(other, mine, "event 1 <*>")
    assert hidden(engine) == {(DAY, f"session-{number}") for number in range(3)}


def test_the_nearest_verdict_counts_and_of_two_as_near_the_later(
    engine: Engine, days: list[list[str]], say: Say
) -> None:
    say(MUTE, Subject.session("*"), until=NEXT)
    assert len(hidden(engine)) == 10
    say(TRUE, Subject.incident(stable_id("a")))
    assert {session for _, session in hidden(engine)} == {"session-1", "session-3"}
    say(TRUE, Subject.anomaly(DAY, days[0][1]))
    say(MUTE, Subject.session("session-1"))
    assert (DAY, "session-1") not in hidden(engine)
    assert (NEXT, "session-1") in hidden(engine)
    again = say(FALSE, Subject.anomaly(DAY, days[0][1]))
    assert (DAY, "session-1") in hidden(engine)
    verdicts.withdraw(engine, again, who="ann")
    assert (DAY, "session-1") not in hidden(engine)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("job_1*", ["job_1", "job_12", "job_1%"]),
        ("job_?", ["job_1"]),
        ("*1%", ["job_1%"]),
        ("JOB_1", []),
        ("re:job_[0-9]+", ["job_1", "job_12", "job_123456789"]),
        ("re:job_1|x", ["job_1", "x"]),
        (r"a\b", [r"a\b"]),
    ],
)
def test_a_pattern_is_for_whole_names_of_sessions(
    engine: Engine, begin: MakeRun, say: Say, pattern: str, names: list[str]
) -> None:
    sessions = ["job_1", "job_12", "job_1%", "job_123456789", "jobx1", "a job_1", "x", "xx", r"a\b"]
    names = [*names, "job_123456789"] if pattern == "job_1*" else names
    result = result_of(begin(), anomalies=len(sessions))
    found = [replace(anomaly, session=name) for anomaly, name in zip(result.anomalies, sessions, strict=True)]
    publish_day(engine, replace(result, anomalies=found))
    subject = Subject.session(pattern)
    say(MUTE, subject)
    assert {session for _, session in hidden(engine)} == set(names)
    assert subject.named == f"sessions like {pattern}"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("re:job_(", r"sessions like re:job_\(: invalid regular expression: parentheses"),
        (r"re:(a)\1", "has a back-reference, which could take for ever"),
        (" ", "the pattern of a session is empty"),
        ("re:", "the pattern of a session is empty"),
        ("*", "every session there is: name the last day"),
    ],
)
def test_a_pattern_that_every_reader_would_suffer_from_is_refused(
    engine: Engine, days: list[list[str]], say: Say, pattern: str, message: str
) -> None:
    with pytest.raises(DatabaseError, match=message):
        say(MUTE, Subject.session(pattern))
    assert said(engine) == []


def test_what_cannot_be_meant_is_refused(engine: Engine, days: list[list[str]], say: Say) -> None:
    subject = Subject.anomaly(DAY, days[0][0])
    with pytest.raises(DatabaseError, match="expected until when"):
        say(EXPECTED, subject)
    with pytest.raises(DatabaseError, match="a false positive is so for good"):
        say(FALSE, subject, until=NEXT)
    with pytest.raises(DatabaseError, match="no source with key 'nobody' is registered"):
        verdicts.record_verdict(engine, "nobody", MUTE, subject, who="ann")
    assert said(engine) == []


def test_ids_are_found_by_their_beginning_and_what_is_not_there_is_told_with_the_nearest(
    engine: Engine, days: list[list[str]]
) -> None:
    whole = days[0][0]
    assert find_anomaly(engine, "web", whole[:7].upper()) == Subject.anomaly(DAY, whole)
    wrong = whole[:5] + "".join("0" if letter != "0" else "1" for letter in whole[5:])
    with pytest.raises(
        DatabaseError, match=rf"no anomaly with id '{wrong}'; nearest: .*{whole}.*2024-03-02 \(5\)"
    ):
        find_anomaly(engine, "web", wrong)
    with pytest.raises(DatabaseError, match="give 4 characters of it at least"):
        find_anomaly(engine, "web", whole[:3])
    with engine.connect() as connection:
        incident = connection.execute(text("SELECT incident_id, fingerprint FROM deeplog.incidents")).first()
    assert incident is not None
    for given in (incident.incident_id[:8], incident.fingerprint[:8], incident.fingerprint):
        assert find_incident(engine, "web", given) == Subject.incident(incident.fingerprint)
    with pytest.raises(DatabaseError, match="It is an incident: use --incident"):
        find_anomaly(engine, "web", incident.incident_id)
    key = template_id("event 3 <*>")
    assert find_template(engine, "web", key[:9]) == Subject.template(key)
    with pytest.raises(DatabaseError, match=rf"no template has that id: {key} 'event 3 <\*>'"):
        find_template(engine, "web", "event 3")


def test_a_removed_source_takes_all_that_was_said_with_it(
    engine: Engine, days: list[list[str]], say: Say
) -> None:
    kept = KeptSession(DAY, "session-0", 0, ("k",), (None,), ((),), ((),))
    say(FALSE, Subject.anomaly(DAY, days[0][0]), sessions=[kept])
    deleted = sources.remove(engine, "web")
    assert (deleted["verdicts"], deleted["feedback_sessions"], deleted["incidents"]) == (1, 1, 4)
    with engine.connect() as connection:
        tables = connection.execute(
            text(
                "SELECT table_name FROM information_schema.columns WHERE table_schema = 'deeplog' "
                "AND column_name = 'source_id' AND table_name <> 'sources'"
            )
        ).scalars()
        for table in tables.all():
            assert connection.execute(text(f"SELECT count(*) FROM deeplog.{table}")).scalar() == 0, table


def test_nothing_is_said_of_a_source_that_is_being_removed(
    engine: Engine, days: list[list[str]], source: str, say: Say
) -> None:
    subject = Subject.anomaly(DAY, days[0][0])
    with ThreadPoolExecutor(1) as pool, engine.begin() as removing:
        removing.execute(text("SELECT FROM deeplog.sources FOR UPDATE"))
        saying = pool.submit(say, MUTE, subject)
        while not removing.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar():
            assert not saying.done()
        removing.execute(text("UPDATE deeplog.sources SET removed_at = now()"))
        removing.commit()
        with pytest.raises(DatabaseError, match="no source with key 'web' is registered"):
            saying.result()
    assert said(engine) == []


def test_what_was_said_outlives_the_results(engine: Engine, days: list[list[str]], say: Say) -> None:
    kept = KeptSession(DAY, "session-0", 0, ("k",), (None,), ((),), ((),))
    say(FALSE, Subject.anomaly(DAY, days[0][0]), sessions=[kept])
    assert expire_results(engine, "web", DAY + timedelta(days=90)) > 0
    assert [row.sessions_kept for row in verdicts.verdicts(engine, "web")] == [1]
    assert list(verdicts.normal_sessions(engine, "web")) == [kept]


def test_a_report_leaves_out_what_is_hidden_and_says_why(
    engine: Engine, days: list[list[str]], say: Say
) -> None:
    number = say(EXPECTED, Subject.session("session-?"), until=DAY, note="move")
    say(TRUE, Subject.anomaly(DAY, days[0][4]))
    report = readers.day_report(engine, "web", DAY)
    assert [anomaly.session for anomaly in report.anomalies] == ["session-4"]
    assert report.anomalies[0].verdict == "true_positive"
    assert report.status.anomalies == 5, "what was found stays what was found"
    (why,) = report.hidden
    assert (why.verdict_id, why.verdict, why.scope, why.note, why.until, why.anomalies) == (
        *(number, "expected", "session", "move", DAY, 4),
    )
    everything = readers.day_report(engine, "web", DAY, hidden=True)
    assert len(everything.anomalies) == 5
    assert sum(not anomaly.shown for anomaly in everything.anomalies) == 4


@pytest.mark.parametrize("seed", range(4))
def test_the_view_agrees_with_the_rule_applied_one_by_one(
    engine: Engine, begin: MakeRun, say: Say, seed: int
) -> None:
    draw = random.Random(seed)
    rows: list[tuple[Any, ...]] = []
    for day in (DAY, NEXT, DAY + timedelta(days=35)):
        result = grouped(result_of(begin(day), anomalies=12, seed=seed), ["a", "b", "c"])
        publish_day(engine, result)
        names = {incident.incident_id: incident.fingerprint for incident in result.incidents}
        rows += [
            (day, a.anomaly_id, names[str(a.incident_id)], a.session, a.template_id) for a in result.anomalies
        ]
    spoken: list[tuple[int, int, VerdictKind, date | None, Callable[..., bool]]] = []
    for _ in range(25):
        day, anomaly, fingerprint, session, template = draw.choice(rows)
        kind = draw.choice([FALSE, TRUE, EXPECTED, MUTE])
        until = draw.choice([DAY, NEXT, DAY + timedelta(days=50)]) if kind in (EXPECTED, MUTE) else None
        glob = draw.choice([session, session[:-1] + "?", "*" + session[-1]])
        distance, subject, matches = draw.choice(
            [
                (1, Subject.anomaly(day, anomaly), lambda row, key=anomaly: row[1] == key),
                (2, Subject.incident(fingerprint), lambda row, key=fingerprint: row[2] == key),
                (3, Subject.session(glob), lambda row, key=glob: fnmatchcase(row[3], key)),
                (4, Subject.template(template), lambda row, key=template: row[4] == key),
            ]
        )
        number = say(kind, subject, until=until)
        if draw.random() < 0.2:
            verdicts.withdraw(engine, number, who="ann")
        else:
            spoken.append((distance, -number, kind, until, matches))
    wanted = {}
    for row in rows:
        holding = [one for one in spoken if one[4](row) and (one[3] is None or row[0] <= one[3])]
        first = min(holding, key=lambda one: one[:2], default=None)
        wanted[row[1]] = (None, True, None) if first is None else (str(first[2]), first[2] == TRUE, -first[1])
    with engine.connect() as connection:
        found = connection.execute(text("SELECT anomaly_id, verdict, shown, verdict_id FROM bi.anomalies"))
        assert {row[0]: tuple(row[1:]) for row in found} == wanted
