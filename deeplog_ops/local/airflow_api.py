"""The few requests that a local Airflow is asked: trigger a DAG, backfill days, wait, and tell what failed."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from deeplog_ops.errors import SetupError
from deeplog_ops.local import ports
from deeplog_ops.local.state import State

_PAUSE = 0.5
_ENDED = ("success", "failed")


class AirflowApi:
    """A client with a token of the admin. Errors are SetupErrors that carry Airflow's own words."""

    def __init__(self, state: State) -> None:
        # Straight, whatever proxy the environment names: the server is on this machine.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        self._address = f"http://{ports.HOST}:{state.ports.airflow}"
        self._token: str | None = None
        login = {"username": "admin", "password": state.secrets.admin}
        self._token = self._request("POST", "/auth/token", login)["access_token"]

    def wait_for_dags(self, dag_ids: list[str], seconds: float) -> None:
        """Until the DAG processor has read them. Raises SetupError with the import errors when it does not."""
        until = time.monotonic() + seconds
        missing = dag_ids
        while missing := [dag_id for dag_id in missing if not self._has(dag_id)]:
            if time.monotonic() > until:
                told = (
                    "; ".join(f"{file}: {words}" for file, words in self.import_errors())
                    or "no import errors"
                )
                raise SetupError(f"Airflow knows no DAG {', '.join(missing)} after {seconds:.0f} s ({told})")
            time.sleep(_PAUSE)

    def import_errors(self) -> list[tuple[str, str]]:
        """File and last line of the traceback."""
        found = self._request("GET", "/api/v2/importErrors")["import_errors"]
        return [(error["filename"], error["stack_trace"].strip().splitlines()[-1]) for error in found]

    def unpause(self, dag_id: str) -> None:
        self._request("PATCH", f"/api/v2/dags/{dag_id}?update_mask=is_paused", {"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run by hand, as the form does, also of a DAG that was paused; gives the run's id."""
        body = {"logical_date": None, "conf": conf}
        run_id: str = self._request("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"]
        self.unpause(dag_id)
        return run_id

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float, say: Callable[[str], None]) -> None:
        """Until the run has ended. Raises SetupError when it failed, or takes longer."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        until = time.monotonic() + seconds
        while (run := self._request("GET", path))["state"] not in _ENDED:
            self._check_time(until, seconds, f"{dag_id}, run {run_id}")
            running = [task["task_id"] for task in self._tasks(path) if task["state"] == "running"]
            say(", ".join(running) or run["state"])
            time.sleep(_PAUSE)
        if run["state"] == "failed":
            raise SetupError(self._told(dag_id, [run]))

    def backfill(
        self,
        dag_id: str,
        first: date,
        last: date,
        *,
        max_active_runs: int,
        seconds: float,
        say: Callable[[str], None],
    ) -> None:
        """Let the scheduler run the days from `first` to `last`, again where they ran before, and wait for all.

        The DAG is unpaused after that: before, the scheduler would start the newest day by itself as well.

        Raises SetupError when a day fails, or it takes longer.
        """
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T23:59:59Z",
            "reprocess_behavior": "completed",
            "max_active_runs": max_active_runs,
        }
        until = time.monotonic() + seconds
        while self._backfills_under_way(
            dag_id
        ):  # Airflow takes one at a time, and closes it some time after its end
            self._check_time(until, seconds, f"the backfill of {dag_id} before this one")
            time.sleep(_PAUSE)
        backfill = self._request("POST", "/api/v2/backfills", body)["id"]
        self.unpause(dag_id)
        wanted = (last - first).days + 1
        while True:
            runs = self._runs_of_days(dag_id, first, last)
            ended = [run for run in runs if run["state"] in _ENDED]
            running = sum(run["state"] == "running" for run in runs)
            say(f"{len(ended)} of {wanted} days done, {running} running")
            over = self._request("GET", f"/api/v2/backfills/{backfill}")["completed_at"] is not None
            if len(ended) == wanted or (over and len(ended) == len(runs)):
                break
            self._check_time(until, seconds, f"the backfill of {dag_id}")
            time.sleep(_PAUSE)
        failed = [run for run in runs if run["state"] == "failed"]
        if failed:
            raise SetupError(self._told(dag_id, failed))
        if len(ended) < wanted:
            raise SetupError(f"the backfill of {dag_id} ran {len(ended)} of {wanted} days")

    def _backfills_under_way(self, dag_id: str) -> bool:
        found = self._request("GET", f"/api/v2/backfills?{urlencode({'dag_id': dag_id, 'limit': 100})}")
        return any(each["completed_at"] is None for each in found["backfills"])

    def _runs_of_days(self, dag_id: str, first: date, last: date) -> list[dict[str, Any]]:
        query = urlencode(
            {"logical_date_gte": f"{first}T00:00:00Z", "logical_date_lte": f"{last}T23:59:59Z", "limit": 1000}
        )
        runs: list[dict[str, Any]] = self._request("GET", f"/api/v2/dags/{dag_id}/dagRuns?{query}")[
            "dag_runs"
        ]
        return runs

    def _told(self, dag_id: str, runs: list[dict[str, Any]]) -> str:
        words = []
        for run in runs:
            path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run['dag_run_id'], safe='')}"
            for task in self._tasks(path):
                if task["state"] == "failed":
                    words.append(f"{run['dag_run_id']}, {task['task_id']}: {self._last_words(path, task)}")
        return f"{dag_id} failed: " + ("; ".join(words[:3]) or f"{len(runs)} runs, without a failed task")

    def _last_words(self, path: str, task: dict[str, Any]) -> str:
        """The error in a failed task's log."""
        log = f"{path}/taskInstances/{task['task_id']}/logs/{task['try_number']}?full_content=true"
        try:
            content = self._request("GET", log)["content"]
        except SetupError as error:
            return str(error)
        errors = [
            line for line in content if isinstance(line, dict) and line.get("level") in ("error", "critical")
        ]
        details = [fault for line in errors for fault in line.get("error_detail") or []]
        if details:
            return f"{details[-1]['exc_type']}: {details[-1]['exc_value']}"
        return str(errors[-1].get("event")) if errors else "its log names no error"

    def _tasks(self, path: str) -> list[dict[str, Any]]:
        tasks: list[dict[str, Any]] = self._request("GET", f"{path}/taskInstances")["task_instances"]
        return tasks

    def _has(self, dag_id: str) -> bool:
        try:
            self._request("GET", f"/api/v2/dags/{dag_id}")
        except SetupError:
            return False
        return True

    @staticmethod
    def _check_time(until: float, seconds: float, what: str) -> None:
        if time.monotonic() > until:
            raise SetupError(
                f"{what} did not end within {seconds:.0f} s: Airflow's pages show where it stands"
            )

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, headers, method=method)
        try:
            with self._open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            told = error.read().decode(errors="replace")
            raise SetupError(f"Airflow refused {method} {path}: {error.code} {told[:500]}") from error
        except (OSError, ValueError) as error:
            raise SetupError(f"Airflow does not answer on {self._address}: {error}") from error
