"""Stack traces in logs that give each line a header: a trace is one event with all its lines."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from deeplog_ops.formats.spec import FormatSpec

JAVA = """\
2024-05-01 10:00:01,000 ERROR shop.Orders: order 17 failed
java.lang.IllegalStateException: no stock
\tat shop.Stock.take(Stock.java:17)
\tat shop.Orders.run(Orders.java:7)
Caused by: java.io.IOException: connection reset
\t... 12 more"""
PYTHON = """\
2024-05-01 10:00:01,000 ERROR shop.orders: order 17 failed
Traceback (most recent call last):
  File "/app/orders.py", line 7, in run
    take(17)
KeyError: 17

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/orders.py", line 9, in run
    raise NoStock("none left") from error
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
shop.stock.NoStock: none left"""
UNCAUGHT = """\
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    main()
ModuleNotFoundError: No module named 'shop'"""
GO = """\
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48d1a5]

goroutine 1 [running]:
main.(*Stock).take(0x0, {0xc000012345, 0x2})
\t/app/main.go:17 +0x1d
main.main()
\t/app/main.go:7 +0x2a
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3285 +0x4b4
exit status 2"""
NODE = """\
Error: connect ECONNREFUSED 192.0.2.7:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16) {
  errno: -111,
  code: 'ECONNREFUSED'
}"""
DOTNET = """\
Unhandled exception. System.InvalidOperationException: no stock
   at Shop.Stock.Take(Int32 id) in /app/Stock.cs:line 17
   --- End of inner exception stack trace ---
   at Shop.Program.Main() in /app/Program.cs:line 7"""
TRACES = {"java": JAVA, "python": PYTHON, "uncaught": UNCAUGHT, "go": GO, "node": NODE, "dotnet": DOTNET}


def written(text: str, stream: str = "stderr", begin: int = 0) -> str:
    """What a container runtime makes of the lines."""
    return "".join(
        f"2024-05-01T10:00:01.{begin + number:09d}Z {stream} F {line}\n"
        for number, line in enumerate(text.split("\n"))
    )


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("chunk_bytes", [40, 200, 8_000_000])
def test_a_trace_is_one_event_with_all_its_lines(name: str, chunk_bytes: int, read: Callable) -> None:
    trace = TRACES[name]
    text = written("took job 16") + written(trace, begin=10) + written("took job 18", begin=90)
    result = read(text.encode(), "cri", chunk_bytes=chunk_bytes)
    assert result.messages == ["took job 16", trace, "took job 18"]
    assert "\n".join(row["raw"] for row in result.rows) + "\n" == text
    assert [row["line_count"] for row in result.rows] == [1, trace.count("\n") + 1, 1]


def test_two_traces_are_two_events(read: Callable) -> None:
    for trace in (UNCAUGHT, NODE, JAVA, DOTNET):
        assert read((written(trace) + written(trace, begin=50)).encode(), "cri").messages == [trace, trace]


def test_an_uncaught_trace_does_not_hide_behind_what_came_before(read: Callable) -> None:
    assert read(written(f"INFO took job 16\n{UNCAUGHT}").encode(), "cri").messages == [
        "INFO took job 16",
        UNCAUGHT,
    ]


def test_failures_of_one_line_each_are_events_each(read: Callable) -> None:
    lines = [
        "TimeoutError: no answer from 192.0.2.7",
        "TimeoutError: no answer from 192.0.2.8",
        "Error: full",
        "INFO: up",
    ]
    assert read(written("\n".join(lines)).encode(), "cri").messages == lines


def test_a_trace_of_one_stream_is_not_joined_to_the_other(read: Callable) -> None:
    text = written("ERROR order 17 failed\n\tat a.B(C.java:7)") + written("\tindented", "stdout")
    assert read(text.encode(), "cri").messages == ["ERROR order 17 failed\n\tat a.B(C.java:7)", "\tindented"]


def test_a_line_of_a_trace_may_come_in_parts(read: Callable) -> None:
    text = written("ERROR order 17 failed\n\tat a.B(C.j") + written("ava:7)\n\tat a.D(E.java:8)", begin=5)
    text = text.replace("stderr F \tat a.B", "stderr P \tat a.B")
    whole = read(text.encode(), "cri").messages
    assert whole == ["ERROR order 17 failed\n\tat a.B(C.j\nava:7)\n\tat a.D(E.java:8)"]


def test_a_field_that_is_redacted_is_blotted_out_of_joined_lines_too(read: Callable) -> None:
    spec = FormatSpec(
        name="own", pattern=r"^(?P<time>\S+) (?P<pid>[0-9]+) (?P<user>\w+) (?P<message>.*)$", traces="pid"
    )
    text = "2024-05-01T10:00:01Z 7 ada ERROR failed\n2024-05-01T10:00:01Z 7 bob \tat a.B(bob)\n"
    (row,) = read(text.encode(), spec, redact=[{"field": "user"}]).rows
    assert row["message"] == "ERROR failed\n\tat a.B([redacted])"
    assert "bob" not in str(row)
    assert "ada" not in str(row)


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_in_a_file_of_docker_is_one_event(name: str, read: Callable) -> None:
    lines = [
        ("took job 16", "stderr"),
        *((line, "stderr") for line in TRACES[name].split("\n")),
        ("\tis up", "stdout"),
    ]
    text = "".join(
        json.dumps({"log": line + "\n", "stream": stream, "time": "2024-05-01T10:00:01Z"}) + "\n"
        for line, stream in lines
    )
    assert read(text.encode(), "ndjson").messages == ["took job 16\n", TRACES[name], "\tis up\n"]


def test_other_json_is_not_joined(read: Callable) -> None:
    text = "".join(
        json.dumps({"msg": line, "time": "2024-05-01T10:00:01Z"}) + "\n" for line in JAVA.split("\n")
    )
    assert read(text.encode(), "ndjson").messages == JAVA.split("\n")
