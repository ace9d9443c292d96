"""Every shipped format reads a line of its shape, and not one that is nearly so."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from deeplog_ops.errors import FormatError
from deeplog_ops.formats import catalog
from deeplog_ops.formats.engine import engine_of
from deeplog_ops.formats.guess import guess_format
from deeplog_ops.formats.spec import FormatSpec

# format: the message of its example, and columns that must be told apart
EXPECTED: dict[str, tuple[str, dict[str, str]]] = {
    "android": (
        "window 17 is drawn",
        {"level": "D", "pid": "1702", "thread": "2395", "component": "WindowKeeper"},
    ),
    "apache-access": ('"GET /a.gif HTTP/1.0" 200 2326', {"host": "192.0.2.7"}),
    "apache-error": ("caught SIGTERM on port 8080, closing 3 workers", {"level": "notice"}),
    "bgl": (
        "7 cache lines repaired",
        {"level": "INFO", "component": "KERNEL", "host": "R02-M1-N0-C:J12-U11"},
    ),
    "cisco": (
        "Interface GigabitEthernet0/1, changed state to down",
        {"component": "LINK", "level": "3"},
    ),
    "cisco-syslog": (
        "Built outbound TCP connection 4711 for outside:192.0.2.7/443 to inside:198.51.100.7/50022",
        {"host": "asa1", "component": "ASA", "level": "6"},
    ),
    "cri": ("worker 7 took job 17", {}),
    "csv": ("worker 7 took job 17", {"level": "INFO"}),
    "elastic-csv": ("worker 7 took job 17", {}),
    "elasticsearch": (
        "high disk watermark exceeded",
        {"level": "WARN", "component": "o.e.c.r.a.DiskMonitor", "host": "node-7"},
    ),
    "epoch": ("worker 7 took job 17", {"level": "INFO"}),
    "glog": ("Caches populated for *v1.Node", {"level": "I", "pid": "4711", "component": "reflector.go"}),
    "hadoop": ("Asked for 7 containers", {"thread": "main", "component": "org.example.mapreduce.Master"}),
    "haproxy": (
        '10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /orders HTTP/1.1"',
        {"host": "lb1", "component": "haproxy", "pid": "4711"},
    ),
    "hdfs": ("Block blk_388 checked in 17 ms", {"pid": "148", "component": "dfs.DataNode$Worker"}),
    "healthapp": ("steps today 3579", {"component": "Step_Counter", "pid": "30002312"}),
    "hpc": ("Board 17 is lost (ID=1973)", {"host": "node-246", "component": "unix.hw"}),
    "iso": ("worker 7 took job 17", {"level": "INFO"}),
    "journald": ("Accepted publickey for deploy", {"host": "web1", "component": "sshd", "pid": "4711"}),
    "kafka": (
        "[GroupCoordinator 7]: Member worker-17 joined group orders",
        {"component": "kafka.coordinator.group.GroupCoordinator"},
    ),
    "log4j": (
        "Slow BlockReceiver write packet to mirror took 462ms",
        {"component": "org.apache.hadoop.hdfs.server.datanode.DataNode"},
    ),
    "logback": (
        "order 17 failed",
        {"thread": "http-nio-8080-exec-1", "component": "c.e.shop.OrderController"},
    ),
    "logfmt": ("job done", {"level": "info"}),
    "macos": ("Service ended with code 1", {"component": "org.example.daemon", "pid": "1"}),
    "mysql-error": (
        "IP address '192.0.2.7' could not be resolved",
        {"thread": "17", "level": "Warning", "component": "Server"},
    ),
    "ndjson": ("worker 7 took job 17", {"level": "info"}),
    "nginx-error": (
        "connect() failed (111: Connection refused) while connecting to upstream",
        {"level": "error", "pid": "4711"},
    ),
    "openstack": (
        '192.0.2.7 "GET /v2/images HTTP/1.1" status: 200',
        {"component": "nova.api.server", "pid": "4711"},
    ),
    "openstack-timeless": (
        "[instance: 0f0e0d0c-1111-2222-3333-444455556666] Claim of 2 cores granted",
        {"component": "nova.compute.claims"},
    ),
    "plain": ("the printer is on fire", {}),
    "postgresql": (
        'duplicate key value violates unique constraint "orders_pkey"',
        {"pid": "4711", "level": "ERROR"},
    ),
    "postgresql-csv": (
        'duplicate key value violates unique constraint "orders_pkey"',
        {"pid": "4711", "level": "ERROR", "component": "client backend"},
    ),
    "postgresql-rds": ("connection authorized: user=ada database=shop", {"pid": "4711", "level": "LOG"}),
    "proxifier": ("proxy.example.org:5070 closed after 17 bytes", {"component": "browser.exe"}),
    "python-logging": ("order 17 has no customer", {"level": "WARNING", "component": "shop.orders"}),
    "python-logging-timeless": (
        "order 17 has no customer",
        {"level": "WARNING", "component": "shop.orders"},
    ),
    "redis": ("Background saving started by pid 4712", {"pid": "4711", "level": "notice"}),
    "spark": ("Removed block 17 from memory", {"component": "storage.BlockKeeper"}),
    "spring-boot": ("Tomcat started on port 8080", {"pid": "4711"}),
    "syslog": (
        "session for user backup is open",
        {"component": "cron(pam_unix)", "pid": "4711", "host": "gate1"},
    ),
    "syslog-iso": (
        "Accepted publickey for deploy from 192.0.2.7 port 50022",
        {"component": "sshd", "host": "web1"},
    ),
    "syslog5424": (
        "su to root failed for ada on /dev/pts/8",
        {"host": "gate1.example.com", "component": "su"},
    ),
    "thunderbird": ("session for user backup is open", {"component": "cron(pam_unix)", "host": "dn7"}),
    "tomcat": (
        "Server startup in [1717] milliseconds",
        {"thread": "main", "component": "org.apache.catalina.startup.Catalina.start"},
    ),
    "windows-cbs": ("Session 4711 closed with result 0", {"level": "Info", "component": "CBS"}),
    "zookeeper": ("Follower 3 is in step", {"component": "Leader", "level": "INFO"}),
}
TIMELESS = {"plain", "openstack-timeless", "python-logging-timeless"}


def test_every_shipped_format_is_tested_here() -> None:
    assert set(EXPECTED) == set(catalog.shipped())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_format_reads_its_example(name: str, read: Callable) -> None:
    message, columns = EXPECTED[name]
    result = read((catalog.resolve(name).example + "\n").encode(), name)
    assert result.messages == [message], result.quarantine
    row = result.rows[0]
    assert {column: row[column] for column in columns} == columns
    assert (row["time"] is None) == (name in TIMELESS)
    assert row["raw"] in catalog.resolve(name).example


@pytest.mark.parametrize(
    "name", sorted(set(EXPECTED) - {"plain", "csv", "elastic-csv", "postgresql-csv", "journald", "ndjson"})
)
def test_a_format_takes_no_line_without_its_header(name: str) -> None:
    spec = catalog.resolve(name)
    engine = engine_of(spec)
    near = [spec.example[3:], " at " + EXPECTED[name][0], spec.example.replace(" ", "", 2)[5:]]
    headers = engine.read(pl.Series(near))
    good = headers.matched if headers.stamps is None else headers.matched & (headers.stamps.kind > 0)
    assert not good[1]
    assert good.sum() < len(near)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_format_is_guessed_from_its_own_lines(name: str) -> None:
    example = catalog.resolve(name).example
    heading, _, row = example.rpartition("\n")
    text = "\n".join([heading, *[row] * 30] if heading else [row] * 30)
    assert guess_format([("x.log", text.encode())]).spec.name == name


@pytest.mark.parametrize(
    ("line", "message", "component", "pid"),
    [
        ("Jun 14 15:16:02 combo kernel: eth0: link up", "eth0: link up", "kernel", None),
        ("Jun  4 15:16:02 combo syslogd 1.4.1: restart.", "restart.", "syslogd 1.4.1", None),
        ("Jun  4 15:16:02 combo last message repeated 3 times", "last message repeated 3 times", None, None),
        ("<34>Oct 11 22:14:15 box su[17]: 'su root' failed", "'su root' failed", "su", "17"),
        ("Jun  4 15:16:02 box gdm-password]: keyring open", "keyring open", "gdm-password", None),
    ],
)
def test_syslog_has_many_shapes(line: str, message: str, component: str, pid: str, read: Callable) -> None:
    (row,) = read(line.encode(), "syslog").rows
    assert (row["message"], row["component"], row["pid"]) == (message, component, pid)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("thunderbird", "- 1706951472 2024.02.03 a1 Feb 3 10:11:12 local@a1 /opt/x-3.0/bin/mon[16]: no [A8]", "no [A8]"),
        ("thunderbird", "ECC 1706951472 2024.02.03 d3 Feb 13 10:11:12 d3/d3 kernel: a 3.2, b = x: y", "a 3.2, b = x: y"),
        ("android", "02-03 10:11:12.811  1702  2395 I chatty  : uid=1000 quiet", "uid=1000 quiet"),
        ("android", "02-03 10:11:12.811  1702  2395 W odd", "odd"),
        ("macos", "Feb 13 10:11:12 book kernel[0]: IO<0>(0x0)::listen - on", "IO<0>(0x0)::listen - on"),
        ("macos", "Feb 13 10:11:12 book Some Editor[14463]: saved 1: two", "saved 1: two"),
        ("macos", "Feb 13 10:11:12 book org.x.launchd[1] (org.x.Agent): Unknown key", "Unknown key"),
        ("windows-cbs", "2024-02-03 10:11:12, Error                 CSI    00000001@x bad [= 0x8]", "00000001@x bad [= 0x8]"),
        ("proxifier", "[02.03 10:11:12] app.exe *64 - host:80 error : not - there", "host:80 error : not - there"),
        ("healthapp", "20240203-0:7:20:44|Sync|30002312|a|b=2", "a|b=2"),
        ("zookeeper", "2024-02-03 10:11:12,345 - WARN  [/192.0.2.7:3888:Manager$Listener@493] - Left", "Left"),
        ("zookeeper", "2024-02-03 10:11:12,345 - ERROR [Work(sid:2 cport:-1)::Prep@476] - A - b", "A - b"),
    ],
)  # fmt: skip
def test_the_header_is_taken_off_in_all_its_shapes(
    name: str, line: str, message: str, read: Callable
) -> None:
    assert read(line.encode(), name).messages == [message]
    assert guess_format([("x", (line + "\n").encode() * 30)]).spec.name in (name, "syslog")


def test_nginx_and_apache_access_lines_may_be_common_or_combined(read: Callable) -> None:
    common = b'192.0.2.7 - - [03/Feb/2024:10:11:12 +0000] "GET / HTTP/1.1" 304 -\n'
    combined = b'192.0.2.7 - - [03/Feb/2024:10:11:12 +0000] "GET /\\"x HTTP/1.1" 200 17 "-" "curl/8"\n'
    result = read(common + combined, "apache-access")
    assert result.messages == ['"GET / HTTP/1.1" 304 -', '"GET /\\"x HTTP/1.1" 200 17']


def test_openstack_lines_need_no_file_name_before_them(read: Callable) -> None:
    line = b"2024-02-03 10:11:12.008 4711 INFO nova.api [-] started\n"
    assert read(line, "openstack").messages == ["started"]


def test_a_stack_trace_is_joined_to_its_record(read: Callable) -> None:
    trace = b"java.io.IOException: gone\n\tat a.B.c(B.java:7)\n\nCaused by: x\n"
    line = b"2024-02-03 10:11:12,345 ERROR [main] a.B: failed\n"
    result = read(line + trace + line, "hadoop")
    assert result.messages == [
        "failed\njava.io.IOException: gone\n\tat a.B.c(B.java:7)\nCaused by: x",
        "failed",
    ]
    assert [row["line_no"] for row in result.rows] == [1, 6]
    assert (result.account.joined, result.account.blank) == (3, 1)


def test_other_named_groups_become_fields(read: Callable) -> None:
    spec = FormatSpec(
        name="own", pattern=r"^(?P<time>\S+) (?P<shop>\w+) (?:user=(?P<user>\w+) )?(?P<message>.*)$"
    )
    result = read(b"2024-02-03T10:11:12Z north user=ada bought\n2024-02-03T10:11:13Z south sold\n", spec)
    assert [row["fields"] for row in result.rows] == ['{"shop":"north","user":"ada"}', '{"shop":"south"}']


def test_the_usual_layout_of_log4j_has_a_dash_after_the_class(read: Callable) -> None:
    line = b"2024-02-03 10:11:12,345 INFO  [http-nio-8080-exec-1] org.example.Orders - Created order 17\n"
    (row,) = read(line, "hadoop").rows
    assert (row["message"], row["component"]) == ("Created order 17", "org.example.Orders")
    assert guess_format([("x", line * 30)]).spec.name == "hadoop"


def test_a_time_may_be_an_object_as_mongodb_writes_it(read: Callable) -> None:
    line = (
        b'{"t":{"$date":"2024-02-03T10:11:12.345+00:00"},"s":"I","msg":"Connection ended","attr":{"n":7}}\n'
    )
    result = read(line, "ndjson")
    assert (result.messages, result.times) == (["Connection ended"], ["2024-02-03 10:11:12"])
    assert guess_format([("x", line * 30)]).spec.name == "ndjson"


def test_nested_json_becomes_fields_with_dots(read: Callable) -> None:
    line = b'{"@timestamp":"2024-02-03T10:11:12Z","log":{"level":"warn"},"message":"m","k8s":{"pod":"p","n":1}}\n'
    (row,) = read(line, "ndjson").rows
    assert (row["level"], row["message"], row["fields"]) == ("warn", "m", '{"k8s.pod": "p", "k8s.n": 1}')


@pytest.mark.parametrize(
    ("line", "message", "level", "fields"),
    [
        ('time="2024-02-03T10:11:12Z" level=info msg="stop \\"a b\\" now" id=7', 'stop "a b" now', "info", '{"id": "7"}'),
        ("ts=2024-02-03T10:11:12Z caller=a.go:7 level=warn msg=done time=12ms", "done", "warn", '{"caller": "a.go:7", "time": "12ms"}'),
        ("user=3 t=1706951472.5 lvl=eror msg=x err= debug", "x", "eror", '{"user": "3", "debug": "true"}'),
        ('time=2024-02-03T10:11:12Z msg="it was cut he', "it was cut he", None, None),
        ('time=2024-02-03T10:11:12Z msg="colour \\x1b[0m" a="b"c', r"colour \x1b[0m", None, '{"a": "\\"b\\"c"}'),
        ("time=2024-02-03T10:11:12Z n=1", '{"n": "1"}', None, '{"n": "1"}'),
    ],
)  # fmt: skip
def test_logfmt_has_its_pairs_in_any_order(
    line: str, message: str, level: str | None, fields: str | None, read: Callable
) -> None:
    (row,) = read(line.encode(), "logfmt").rows
    assert (row["message"], row["level"], row["fields"]) == (message, level, fields)
    assert guess_format([("x", (line + "\n").encode() * 30)]).spec.name == "logfmt"


def test_what_follows_a_logfmt_record_without_a_time_is_joined_to_it(read: Callable) -> None:
    text = b"time=2024-02-03T10:11:12Z msg=panic\ngoroutine 7 [running]:\na=b without one\n"
    assert read(text, "logfmt").messages == ["panic\ngoroutine 7 [running]:\na=b without one"]


def test_a_csv_cell_may_hold_line_ends(read: Callable) -> None:
    data = b'@timestamp,message\n"Feb 3, 2024 @ 10:11:12.345","two\nlines, ""quoted"""\n2024-02-03T10:11:13Z,one\n'
    result = read(data, "elastic-csv")
    assert result.messages == ['two\nlines, "quoted"', "one"]
    assert [row["line_count"] for row in result.rows] == [2, 1]


def test_a_quote_that_never_closes_costs_its_own_row_alone(read: Callable) -> None:
    data = b'time,message\n2024-02-03 10:11:12,"open\n2024-02-03 10:11:13,fine\n2024-02-03 10:11:14,fine\n'
    assert read(data, "csv").messages == ["open", "fine", "fine"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"^(?P<time>\S+) (?=x)(?P<message>.*)$", "look-around"),
        (r"^(?P<a>\w) (?P<message>.*)\1$", "back-references"),
        (r"^(?P<time>\S+ (?P<message>.*)$", "cannot be used"),
        (r"^(?P<time>\S+) .*$", "no group (?P<message>"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_an_error_that_says_why(
    pattern: str, said: str, read: Callable
) -> None:
    with pytest.raises(FormatError) as error:
        read(b"x\n", FormatSpec(name="own", pattern=pattern))
    assert said in str(error.value)


def test_a_pattern_that_would_backtrack_for_ever_is_done_at_once(read: Callable) -> None:
    spec = FormatSpec(name="evil", pattern=r"^(?P<message>(?:a+)+)$")
    assert read(b"a" * 50_000 + b"b\n" + b"aaa\n", spec).messages == ["aaa"]


def test_an_unknown_format_names_the_shipped_ones() -> None:
    with pytest.raises(FormatError, match=r"did you mean hdfs\?.*zookeeper"):
        catalog.resolve("hdsf")
