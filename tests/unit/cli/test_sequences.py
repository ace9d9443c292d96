"""`deeplog-ops sequences` on small files."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deeplog_ops.cli.main import cli
from deeplog_ops.detection.session_detector import SessionDetector
from deeplog_ops.errors import InputError, MissingInput, ModelError
from deeplog_ops.models.classic.model import ClassicModel

SMALL = ["--epochs", "15", "--hidden", "24", "--input", "12", "--device", "cpu"]


def jobs(count: int, seed: int) -> list[list[str]]:
    """A job starts, writes a few blocks, of which one may be tried again, and is done."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        keys = ["start"]
        for _ in range(rng.randint(1, 3)):
            keys += ["write"] + ["retry"] * (rng.random() < 0.1) + ["written"]
        made.append([*keys, "done"])
    return made


BROKEN = [
    ["start", "write", "write"],
    ["start", "done", "write", "written"],
    ["start", "write", "burnt", "done"],
]


def written(path: Path, sequences: list[list[str]], labels: list[int] | None = None) -> Path:
    header = "session,keys" + (",label" if labels else "")
    rows = [
        f"s{number},{' '.join(keys)}" + (f",{labels[number]}" if labels else "")
        for number, keys in enumerate(sequences)
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["sequences", *map(str, arguments)], catch_exceptions=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    done = run("train", written(folder / "train.csv", jobs(150, 1)), "--save", folder / "saved", *SMALL)
    assert done.exit_code == 0, done.output
    assert "150 sessions with " in done.output
    return folder / "saved"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    normal = jobs(40, 2)
    path = tmp_path_factory.mktemp("labelled") / "test.csv"
    return written(path, [*normal, *BROKEN], [0] * len(normal) + [1] * len(BROKEN))


def test_a_trained_detector_finds_what_is_broken_and_says_why(trained: Path, labelled: Path) -> None:
    done = run("predict", labelled, "--load", trained)
    assert done.exit_code == 0, done.output
    assert 'came "burnt", which training never saw' in done.output
    assert "verdict: precision 1.0000, recall 1.0000, F1 1.0000" in done.output


def test_rows_for_programs_come_alone_on_standard_output(
    trained: Path, labelled: Path, tmp_path: Path
) -> None:
    done = run(
        "predict", labelled, "--load", trained, "--format", "ndjson", "--report", tmp_path / "report.json"
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["session"] for row in rows if row["label"]] == [row["session"] for row in rows]
    assert {row["session"] for row in rows} == {"s40", "s41", "s42"}
    assert [row["p_value"] for row in rows] == sorted(row["p_value"] for row in rows)
    burnt = next(row for row in rows if row["session"] == "s42")
    assert (burnt["worst"], burnt["came"], burnt["events"]) == (3, "burnt", 4)
    assert {expected["key"] for expected in burnt["expected"]} > {"written", "retry"}

    again = run("predict", labelled, "--load", trained, "--format", "csv", "--out", tmp_path / "rows.csv")
    assert again.stdout.startswith("3 of 43 sessions anomalous")
    table = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert [row["session"] for row in table] == [row["session"] for row in rows]

    report = json.loads((tmp_path / "report.json").read_text())
    assert report["verdict"]["f1"] == 1.0
    assert {key["key"]: key["hits"] for key in report["keys"]}["burnt"] == 0
    assert sum(key["events"] for key in report["keys"]) == sum(
        len(keys) + 1 for keys in [*jobs(40, 2), *BROKEN]
    )


def test_a_budget_of_predict_replaces_that_of_the_training(
    trained: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []
    flag = SessionDetector.flag

    def recorded(detector: SessionDetector, sequences: Any, budget: float | None = None) -> Any:
        asked.append(budget)
        return flag(detector, sequences, budget)

    monkeypatch.setattr(SessionDetector, "flag", recorded)
    few = run("predict", labelled, "--load", trained, "--format", "ndjson", "--budget", "1e-9").stdout
    many = run("predict", labelled, "--load", trained, "--format", "ndjson", "--budget", "0.5").stdout
    run("predict", labelled, "--load", trained)
    assert asked == [1e-9, 0.5, None]
    assert len(few.splitlines()) <= len(many.splitlines())


def test_training_twice_writes_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    run("train", written(tmp_path / "train.csv", jobs(150, 1)), "--save", tmp_path / "again", *SMALL)
    for file in trained.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_sessions_labelled_anomalous_are_kept_out_of_training(tmp_path: Path) -> None:
    sequences = [*jobs(30, 3), ["start", "burnt", "done"]]
    path = written(tmp_path / "train.csv", sequences, [0] * 30 + [1])
    done = run("train", path, "--save", tmp_path / "saved", *SMALL)
    assert "30 sessions" in done.output
    assert "1 labelled anomalous kept out" in done.output
    assert "burnt" not in (tmp_path / "saved" / "detector.json").read_text()


def test_events_with_times_are_cut_as_in_training(tmp_path: Path) -> None:
    """Two jobs of one machine, an hour apart: with the timeout of the training they are two sessions."""
    rows, time = [], 0
    for keys in jobs(40, 4):
        time += 3600
        rows += [f"{time + place},{key},host" for place, key in enumerate(keys)]
    path = tmp_path / "events.csv"
    path.write_text("timestamp,event,machine\n" + "\n".join(rows) + "\n")
    done = run("train", path, "--save", tmp_path / "saved", "--timeout", "10m", *SMALL)
    assert "40 sessions" in done.output
    assert "of 40 sessions anomalous" in run("predict", path, "--load", tmp_path / "saved").output
    assert (
        "of 1 session anomalous"
        in run("predict", path, "--load", tmp_path / "saved", "--timeout", "2h").output
    )
    windows = run("train", path, "--save", tmp_path / "windows", "--window", "24h", "--step", "12h", *SMALL)
    assert "5 sessions" in windows.output
    assert "history too short" in windows.output


def evaluation(folder: Path, *more: object) -> list[object]:
    return [
        "evaluate", "--train", written(folder / "train.csv", jobs(100, 5)),
        "--normal", written(folder / "normal.csv", jobs(50, 6)), "--abnormal", folder / "abnormal.csv", *SMALL, *more,
    ]  # fmt: skip


def test_the_abnormal_file_need_not_exist_before_every_threshold_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = evaluation(tmp_path, "--detectors", "pca,invariants", "--json")
    fits, fit = [], ClassicModel.fit.__func__  # type: ignore[attr-defined]

    def counted(*given: Any) -> ClassicModel:
        fits.append(1)
        if len(fits) == 8:  # three folds and the whole, of two detectors, after the default verdict's
            written(tmp_path / "abnormal.csv", [*BROKEN, [], ["start"]])
        model: ClassicModel = fit(*given)
        return model

    monkeypatch.setattr(ClassicModel, "fit", classmethod(counted))
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert set(told) == {"default", "detectors", "ceiling", "flag_all", "seconds"}
    assert set(told["detectors"]) == {"pca", "invariants"}
    for found in [told["default"], *told["detectors"].values()]:
        assert (found["tp"] + found["fn"], found["fp"] + found["tn"]) == (5, 50)
    assert told["default"]["recall"] >= 0.8
    assert told["flag_all"] == pytest.approx(10 / 60)
    assert told["ceiling"] == 1.0
    assert told["default"]["history_too_short"] is False


def test_the_table_names_every_detector_the_ceiling_and_a_short_history(tmp_path: Path) -> None:
    arguments = evaluation(tmp_path, "--detectors", "pca,lof", "--seeds", "2", "--nrows", "12")
    written(tmp_path / "abnormal.csv", BROKEN)
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    for said in (
        "default",
        "pca",
        "lof",
        "ceiling",
        "flagging everything",
        "history too short: 12 training sessions",
    ):
        assert said in done.output


def test_labels_that_contradict_their_file_are_told(tmp_path: Path) -> None:
    arguments = evaluation(tmp_path, "--detectors", "none", "--json")
    written(tmp_path / "normal.csv", [*jobs(9, 6), *BROKEN], [0] * 9 + [1] * 3)
    written(tmp_path / "abnormal.csv", BROKEN, [1, 0, 1])
    done = run(*arguments)
    assert "normal.csv: 3 of 12 sessions labelled anomalous; here all count as normal" in done.stderr
    assert "abnormal.csv: 1 of 3 sessions labelled normal; here all count as abnormal" in done.stderr
    told = json.loads(done.stdout)["default"]
    assert (told["fp"] + told["tn"], told["tp"] + told["fn"]) == (12, 3)


def test_several_files_of_a_kind_are_all_read(tmp_path: Path) -> None:
    arguments = evaluation(tmp_path, "--detectors", "none", "--json")
    written(tmp_path / "abnormal.csv", BROKEN)
    more = ["--train", tmp_path / "normal.csv", "-n", tmp_path / "train.csv", "-a", tmp_path / "abnormal.csv"]
    told = json.loads(run(*arguments, *more).stdout)["default"]
    assert told["training_sessions"] == 150
    assert (told["fp"] + told["tn"], told["tp"] + told["fn"]) == (150, 6)


def test_the_thresholds_do_not_hang_on_the_abnormal_file(tmp_path: Path) -> None:
    arguments = evaluation(tmp_path, "--detectors", "pca,count_distance", "--json")
    alarms = []
    for abnormal in (BROKEN, [["x"]] * 40, [*jobs(50, 6), ["start"]]):
        written(tmp_path / "abnormal.csv", abnormal)
        told = json.loads(run(*arguments).stdout)
        alarms.append([told["default"]["fp"], *(found["fp"] for found in told["detectors"].values())])
    assert alarms[0] == alarms[1] == alarms[2]


def test_sessions_that_mostly_differ_are_said_to_be_too_varied(tmp_path: Path) -> None:
    same = jobs(60, 1)
    varied = [[f"key_{(37 * number + place) % 300}" for place in range(9)] for number in range(60)]
    for training, said in (
        (varied, "many of these sessions are like no other"),
        (
            [*same, *varied[:20]],
            "25.0% of these sessions would be flagged if they were new, though the budget is 0.10%",
        ),
        ([*same, *same, *varied[:20]], "many of these sessions are like no other"),
        (same, ""),
    ):
        done = run(
            "train", written(tmp_path / "past.csv", training), "--save", tmp_path / "d", "--epochs", "1"
        )
        assert said in done.stderr if said else "these sessions" not in done.stderr


def test_verdicts_in_the_training_file_teach_detectors_of_their_own(tmp_path: Path) -> None:
    arguments = evaluation(tmp_path, "--detectors", "none", "--json")
    written(tmp_path / "train.csv", [*jobs(60, 5), *BROKEN], [0] * 60 + [1] * 3)
    written(tmp_path / "abnormal.csv", BROKEN)
    told = json.loads(run(*arguments).stdout)
    assert set(told["detectors"]) == {"logistic_regression", "decision_tree", "linear_svm"}


def test_what_is_wrong_is_said(tmp_path: Path, trained: Path) -> None:
    good = written(tmp_path / "good.csv", jobs(3, 1))
    assert isinstance(run("train", tmp_path / "no", "--save", tmp_path / "x").exception, MissingInput)
    assert isinstance(run("predict", good, "--load", tmp_path / "no").exception, ModelError)
    (tmp_path / "bad.csv").write_text("session,keys\na,1,2\n")
    refused = run("predict", tmp_path / "bad.csv", "--load", trained)
    assert isinstance(refused.exception, InputError)
    assert "bad.csv:2: 3 cells" in str(refused.exception)
    unknown = run("evaluate", "-t", good, "-n", good, "-a", good, "--detectors", "oracle")
    assert unknown.exit_code == 2
    assert "known are key_lstm" in unknown.output
    assert run("train", good, "--save", tmp_path / "x", "--timeout", "soon").exit_code == 2
    nothing = written(tmp_path / "nothing.csv", [])
    refused = run("train", nothing, "--save", tmp_path / "x")
    assert isinstance(refused.exception, InputError)
    assert "nothing.csv: nothing to learn from: normal sessions are expected" in str(refused.exception)
    odd = written(tmp_path / "odd.csv", jobs(3, 1), [1, 2, 1])
    refused = run("evaluate", "-t", odd, "-n", good, "-a", good, "--detectors", "none")
    assert "nothing to learn from but 3 sessions labelled anomalous" in str(refused.exception)
    for files, said in (
        ((nothing, good), "normal ones are expected"),
        ((good, nothing), "abnormal ones are expected"),
    ):
        refused = run("evaluate", "-t", good, "-n", files[0], "-a", files[1], "--detectors", "none")
        assert isinstance(refused.exception, InputError)
        assert f"nothing.csv: no session to test on: {said}" in str(refused.exception)


def test_where_nothing_can_be_written_is_said_before_the_work(tmp_path: Path, trained: Path) -> None:
    good = written(tmp_path / "good.csv", jobs(3, 1))
    refused = run("train", good, "--save", tmp_path)
    assert isinstance(refused.exception, ModelError)
    assert "holds something else" in str(refused.exception)
    for option in ("--out", "--report"):
        refused = run("predict", good, "--load", trained, option, tmp_path / "nowhere" / "file")
        assert refused.exit_code == 2
        assert "nowhere is no folder" in refused.output


def test_a_detector_of_another_version_is_said_to_be_one(tmp_path: Path, trained: Path) -> None:
    old = shutil.copytree(trained, tmp_path / "old")
    description = json.loads((old / "detector.json").read_text())
    del description["detector"]["evidence"]["counts"]["broken_relation"]
    (old / "detector.json").write_text(json.dumps(description))
    refused = run("predict", written(tmp_path / "good.csv", jobs(3, 1)), "--load", old)
    assert isinstance(refused.exception, ModelError)
    assert "old cannot be used" in str(refused.exception)
    assert "trained anew" in str(refused.exception)


def test_a_key_never_seen_and_a_broken_relation_are_named(tmp_path: Path, trained: Path) -> None:
    """However likely the network takes a new key for, and wherever else the session is odd."""
    odd = [["done", "burnt", "start"], ["start", "write", "write", "written", "written", "written", "done"]]
    rows = run("predict", written(tmp_path / "odd.csv", odd), "--load", trained, "-f", "ndjson").stdout
    new, twice = sorted(map(json.loads, rows.splitlines()), key=lambda found: found["session"])
    assert (new["worst"], new["came"]) == (2, "burnt")
    assert 'After "done" came "burnt", which training never saw' in new["reason"]
    assert 'Normal sessions have as many of "write" as of "written"; here it is 2 and 3.' in twice["reason"]


def test_raw_lines_given_as_keys_are_noticed(tmp_path: Path, trained: Path) -> None:
    raw = tmp_path / "raw.log"
    raw.write_text("".join(f"10:{n} served /page/{n} in {n} ms\n" for n in range(900)))
    assert "look like raw log lines" in run("predict", raw, "--load", trained).stderr
    assert (
        "raw log lines"
        not in run("predict", written(tmp_path / "good", jobs(900, 1)), "--load", trained).stderr
    )


def test_as_a_program_of_its_own(trained: Path, labelled: Path) -> None:
    program = [sys.executable, "-c", "from deeplog_ops.cli.main import main; main()"]
    command = [*program, "sequences", "predict", str(labelled), "--load", str(trained)]
    done = subprocess.run([*command, "--format", "ndjson"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    assert "3 of 43 sessions anomalous" in done.stderr
    (odd := trained.parent / "odd.csv").write_text("session,keys\na,start ключ done\n")
    shown = subprocess.run(
        [*command[:-3], str(odd), *command[-2:]],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert shown.returncode == 0, shown.stderr
    assert r"\u043a\u043b\u044e\u0447" in shown.stdout
    failed = subprocess.run([*command[:-2], "--load", str(trained.parent)], capture_output=True, text=True)
    assert failed.returncode == ModelError.exit_code
    assert "cannot be read" in failed.stderr
