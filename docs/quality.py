"""Writes the tables of docs/quality.md from the result files of the benchmarks.

    python docs/quality.py            write them
    python docs/quality.py --check    change nothing; exit code 1 when the page is not current

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; what is around it is written by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "quality.md"
RESULTS = PAGE.parent.parent / "benchmarks" / "results"

Row = Sequence[str]


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


_TRAINED_ON = {
    "clean": "normal sessions alone",
    "many": "the same, 60 halves",
    "two": "and two abnormal ones",
    "share": "and 2.9 % abnormal ones",
}


def hdfs() -> str:
    found = read("hdfs")
    rows = [_protocol(title, found[name]) for name, title in _TRAINED_ON.items()]
    rows.append(("flagging everything", _f1(found["flag_all"]), *[""] * 6))
    rows.append(("the best by the sequence alone", _f1(found["ceiling"]), *[""] * 6))
    told = (
        f"Nominal false alarms: {1000 * found['budget']:.2f} in 1,000. Of its own sessions, each as if it had not been there, the "
        f"training flags {1000 * found['training_alarms']:.2f}; of new ones {1000 * found['clean']['pooled']['false_alarm_rate'][0]:.2f}."
    )
    return f"{_table(_HEAD, rows)}\n\n{told} {_made(found)}"


_HEAD = (
    "training",
    "F1, mean",
    "least",
    "pooled",
    "95 % interval",
    "false alarms in 1,000",
    "recall",
    "seconds a split",
)


def _protocol(title: str, run: dict[str, Any], seconds: str = "seconds_a_split") -> Row:
    pooled = run["pooled"]
    return (
        title,
        _f1(run["mean"]),
        _f1(run["least"]),
        _f1(pooled["f1"][0]),
        f"{_f1(pooled['f1'][1])} to {_f1(pooled['f1'][2])}",
        f"{1000 * pooled['false_alarm_rate'][0]:.2f}",
        f"{pooled['recall'][0]:.4f}",
        f"{run[seconds]:.1f}",
    )


def doubts() -> str:
    found = read("doubts")
    rows = [
        (
            _TRAINED_ON[name],
            answers,
            _f1(run["mean"]),
            _f1(run["least"]),
            f"{_f1(run['pooled']['f1'][1])} to {_f1(run['pooled']['f1'][2])}",
            f"{1000 * run['pooled']['false_alarm_rate'][0]:.2f}",
            f"{run['pooled']['recall'][0]:.4f}",
            _percent(run["planted_found"] if name != "clean" else None),
            f"{run['mixed']:.1f}",
        )
        for name in ("share", "two", "clean")
        for answers, run in found[name].items()
    ]
    head = (
        "training",
        "answers",
        "F1, mean",
        "least",
        "95 % interval",
        "false alarms in 1,000",
        "recall",
        "abnormal sessions of the training left out",
        "groups with both",
    )
    generated = found["generated"]
    flows = _table(
        (
            "generated workflows",
            "answers given",
            "new ones of the kinds in training, found",
            "the worst workflow",
            "false alarms in 1,000",
        ),
        [
            (
                f"{answers} answers",
                f"{run['answers']:.1f}",
                _percent(run["recall"]),
                _percent(run["least_recall"]),
                f"{1000 * run['false_alarm_rate']:.2f}",
            )
            for answers, run in generated.items()
        ],
    )
    return f"{_table(head, rows)}\n\n{flows}\n\n{_made(found)}"


def splits() -> str:
    run = read("hdfs")["clean"]["splits"]
    return _table(
        ("split", "false alarms", "of normal sessions", "recall", "F1"),
        [
            (
                str(number),
                str(one["false_alarms"]),
                f"{one['normals']:,}",
                f"{one['recall']:.4f}",
                _f1(one["f1"]),
            )
            for number, one in enumerate(run)
        ],
    )


def key_lstm() -> str:
    rows, made = [], []
    for path in sorted(RESULTS.glob("key_lstm*.json"), key=lambda path: read(path.stem)["epochs"]):
        run = read(path.stem)
        count = f"{len(run['splits']) // run['seeds']} splits, {run['seeds']} seed" + "s" * (run["seeds"] > 1)
        title = f"{run['epochs']} epochs, {count}"
        rows.append((*_protocol(title, run, "seconds_a_fit_and_threshold"), f"{run['auc']:.4f}"))
        made.append(_made(run))
    return f"{_table((*_HEAD, 'AUC'), rows)}\n\n{made[-1]}"


def others() -> str:
    found = read("others")
    hadoop, stack = found["hadoop"], found["openstack"]
    rows = [
        _other("Hadoop as it is split", hadoop["as_split"]),
        _other("Hadoop, half of all normals, mean of ten", hadoop["half"]),
    ]
    first = _table(
        (
            "sessions",
            "training",
            "normal",
            "abnormal",
            "precision",
            "recall",
            "F1",
            "AUC",
            "flagging all",
            "best possible",
        ),
        rows,
    )
    facts = [
        ("VMs in the training file", f"{stack['training_sessions']:,}"),
        ("of these never built", f"{stack['training_not_built']:,}"),
        ("VMs to find; in both files", f"{stack['destroyed']:,}; {stack['in_both_files']:,}"),
        ("their sequence of keys is one of training", _percent(stack["same_as_training"])),
        ("found", _percent(stack["recall"])),
        ("found, of those not in the training file", _percent(stack["recall_not_in_training"])),
        ("AUC against built VMs that were held out", f"{stack['auc']:.4f}"),
        ("F1", _f1(stack["f1"])),
        ("built VMs flagged, held out in five folds", f"{_percent(stack['false_alarm_rate'])}"),
        ("found, trained without the VMs of both files", _percent(stack["recall_trained_without_them"])),
        ("F1 then, with the built VMs flagged above", _f1(stack["f1_trained_without_them"])),
        ("found, trained on built VMs alone", _percent(stack["recall_trained_on_built"])),
    ]
    return f"{first}\n\n{_table(('OpenStack', ''), facts)}\n\n{_made(found)}"


def _other(title: str, run: dict[str, Any]) -> Row:
    short = " (history too short)" if run["history_too_short"] else ""
    return (
        title,
        f"{run['training_sessions']:.0f}{short}",
        f"{run['normals']:.0f}",
        f"{run['abnormal']:.0f}",
        *(_f1(run[name]) for name in ("precision", "recall", "f1", "auc", "flag_all", "ceiling")),
    )


def short() -> str:
    found = read("others")
    rows = [
        (
            f"HDFS, {number} sessions",
            _f1(run["mean"]),
            _f1(run["least"]),
            f"{1000 * run['false_alarm_rate']:.1f}",
            f"{run['recall']:.4f}",
            f"{run['auc']:.4f}",
        )
        for number, run in found["short_hdfs"].items()
    ]
    flows = found["workflows"]
    recalls = ", ".join(f"{kind} {_percent(value)}" for kind, value in flows["recall"].items())
    told = (
        f"{flows['workflows']} workflows drawn at random with {flows['training_sessions']} training sessions each: "
        f"{1000 * flows['false_alarm_rate']:.1f} false alarms in 1,000 on average, {1000 * flows['most_false_alarms']:.0f} for the "
        f"worst of them. Recall: {recalls}. With as many normal as abnormal sessions and all kinds but swaps alike often, F1 is "
        f"{_f1(flows['balanced_f1'])} on average."
    )
    head = ("training", "F1, mean of ten", "least", "false alarms in 1,000", "recall", "AUC")
    return f"{_table(head, rows)}\n\n{told}"


def wandering() -> str:
    found = read("wandering")
    rows = [
        (
            name,
            str(run["trained"]),
            *(
                f"{1000 * run[f'false_alarms_{which}']:.0f}, {_percent(run[f'foreign_{which}'])}, {_percent(run[f'intruded_{which}'])}"
                for which in ("without", "with")
            ),
            _percent(run["least_foreign_with"]),
        )
        for name, run in found["settings"].items()
    ]
    head = (
        "programs and steps",
        "training sessions",
        "without strange stretches: false alarms in 1,000, foreign sessions, foreign parts found",
        "with them, the default",
        "worst machine: foreign sessions found",
    )
    return f"{_table(head, rows)}\n\n{found['machines']} machines each, {found['tested']} normal sessions on each. {_made(found)}"


def kinds() -> str:
    found = read("kinds")
    parts: list[str] = []
    rows: list[Row]
    pipe = found["pipeline"]
    rows = [
        (
            kind.replace("_", " "),
            str(run["made"]),
            _percent(run["recall"]),
            ", ".join(f"{name} {count}" for name, count in run["by"].items()),
        )
        for kind, run in pipe["kinds"].items()
    ]
    parts.append(_table(("hidden in raw logs", "times", "recall", "found by"), rows))
    parts.append(
        f"False alarms among {pipe['normal_sessions']:,} normal sessions of {pipe['days']} days: {pipe['false_alarms']}, that is "
        f"{pipe['false_alarms_in_1000']:.2f} in 1,000, by all evidence together; outside of sessions "
        f"{pipe['false_findings_outside_sessions']} in all. Training took {pipe['seconds']['train']:.0f} s, a day {pipe['seconds']['score_a_day']:.1f} s."
    )
    order = found["generated_order"]
    rows = [
        (kind.replace("_", " "), str(run["made"]), _percent(run["recall"]))
        for kind, run in order["kinds"].items()
    ]
    parts.append(_table(("the generator's keys alone", "times", "recall"), rows))
    parts.append(
        f"False alarms: {order['false_alarms_in_1000']:.2f} in 1,000 of {order['normals']:,} normal sessions."
    )
    changed = found["mutated_hdfs"]
    rows = [
        (
            kind,
            f"{run['made']:,}",
            _percent(run["same_sequence"]),
            _percent(run["recall_but_same_sequence"]),
            _percent(run["same_counts"]),
            _percent(run["recall_of_the_rest"]),
        )
        for kind, run in changed["kinds"].items()
    ]
    head = (
        "HDFS sessions, mutated",
        "times",
        "a normal session has the sequence",
        "recall of the others",
        "no state that normal ones have not",
        "recall of the rest",
    )
    parts.append(_table(head, rows))
    parts.append(
        f"False alarms: {changed['false_alarms_in_1000']:.2f} in 1,000 normal sessions. {_made(found)}"
    )
    return "\n\n".join(parts)


def rates() -> str:
    found = read("rates")
    runs = found["trained"]
    kinds = list(next(iter(runs.values()))["recall"])
    rows = [
        (
            days,
            f"{run['false_alarms_a_day']:.3f} ({run['false_alarms']} in {run['days']} days)",
            *(f"{value:.3f}" for value in run["of"].values()),
            f"{run['never_seen_a_day']:.3f}",
            *(_percent(run["recall"][kind]) for kind in kinds),
        )
        for days, run in runs.items()
    ]
    tempers = [f"{name} systems" for name in next(iter(runs.values()))["of"]]
    head = ("training days", "false alarms a day", *tempers, "of templates never seen", *kinds)
    made = next(iter(runs.values()))["made_of_each_kind"]
    told = f"{found['systems']} systems, a budget of {found['budget']} a day, {made} changes of each kind a row. {_made(found)}"
    return f"{_table(head, rows)}\n\n{told}"


def ablation() -> str:
    found = read("ablation")
    rows = [
        (
            name + (f" ({run['splits']} of the splits)" if run["splits"] < 10 else ""),
            _f1(run["f1"]),
            _f1(run["least_f1"]),
            f"{run['false_alarms_in_1000']:.2f}",
            f"{run['auc']:.4f}",
            _f1(run["f1_with_two"]),
            _percent(run["mutated"]),
            _percent(run["generated"]),
            "" if run["generated"] is None else f"{run['generated_false_alarms_in_1000']:.1f}",
            f"{run['seconds_a_split']:.1f}",
        )
        for name, run in found["rows"].items()
    ]
    head = (
        "verdict",
        "F1",
        "least",
        "false alarms in 1,000",
        "AUC",
        "F1 with two abnormal in training",
        "mutated found",
        "generated found",
        "false alarms there, in 1,000",
        "seconds a split",
    )
    return f"{_table(head, rows)}\n\n{_made(found)}"


def _f1(value: float) -> str:
    return f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _made(found: dict[str, Any]) -> str:
    return f"({found['seconds']:.0f} s, {found['cores']} cores that other programs used too.)"


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


PARTS: dict[str, Callable[[], str]] = {
    "hdfs": hdfs,
    "splits": splits,
    "doubts": doubts,
    "key_lstm": key_lstm,
    "others": others,
    "short": short,
    "wandering": wandering,
    "kinds": kinds,
    "rates": rates,
    "ablation": ablation,
}


def page() -> str:
    """The page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    for name, part in PARTS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin not in text or end not in text:
            raise SystemExit(f"{PAGE} has no place for {name}: write {begin} and {end} on lines of their own")
        head, rest = text.split(begin, 1)
        text = f"{head}{begin}\n\n{part()}\n\n{end}{rest.split(end, 1)[1]}"
    return text


def main() -> None:
    text = page()
    current = PAGE.read_text(encoding="utf-8") == text
    if not current and "--check" in sys.argv:
        print(f"{PAGE} is not current: python docs/quality.py")
    elif not current:
        PAGE.write_text(text, encoding="utf-8")
        print(f"written {PAGE}")
    sys.exit(1 if not current and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
