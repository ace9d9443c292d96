"""Logs as their programs write them, in short: what stands in the lines, and what should be read from them.

A sample is a whole small file. `records` has the message of each record (its first line), its level and its time; of
`others` each record has these columns or fields as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """`text` in `format`. Times are UTC; where the stamps have no year it is 2024."""

    format: str
    about: str
    text: str
    records: tuple[tuple[str, str | None, str | None], ...]
    others: dict[str, tuple[str | None, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.format}, {self.about}"


SAMPLES = (
    Sample(
        "postgresql", "prefix as shipped",
        "2024-05-01 10:00:00.123 UTC [4711] LOG:  database system is ready to accept connections\n"
        "2024-05-01 10:00:07.000 UTC [4712] ERROR:  duplicate key value violates unique constraint \"orders_pkey\"\n"
        "2024-05-01 10:00:07.000 UTC [4712] DETAIL:  Key (id)=(17) already exists.\n"
        "2024-05-01 10:00:07.000 UTC [4712] STATEMENT:  INSERT INTO orders\n"
        "\t  VALUES (17)\n"
        "2024-05-01 10:00:09.500 UTC [4712] FATAL:  terminating connection due to administrator command\n",
        (
            ("database system is ready to accept connections", "LOG", "2024-05-01 10:00:00"),
            ('duplicate key value violates unique constraint "orders_pkey"', "ERROR", "2024-05-01 10:00:07"),
            ("terminating connection due to administrator command", "FATAL", "2024-05-01 10:00:09"),
        ),
        {"pid": ("4711", "4712", "4712")},
    ),
    Sample(
        "postgresql", "user and database",
        "2024-05-01 10:00:00 UTC [4711]: user=ada,db=shop LOG:  duration: 1717.2 ms  statement: SELECT 1\n"
        "2024-05-01 10:00:01 UTC [4711]: user=ada,db=shop WARNING:  there is no transaction in progress\n"
        "2024-05-01 10:00:01 UTC [4711]: user=ada,db=shop HINT:  Begin one first.\n"
        "2024-05-01 10:00:02 UTC [4711]: user=,db= LOG:  checkpoint starting: time\n",
        (
            ("duration: 1717.2 ms  statement: SELECT 1", "LOG", "2024-05-01 10:00:00"),
            ("there is no transaction in progress", "WARNING", "2024-05-01 10:00:01"),
            ("checkpoint starting: time", "LOG", "2024-05-01 10:00:02"),
        ),
        {"user": ("ada", "ada", ""), "database": ("shop", "shop", "")},
    ),
    Sample(
        "postgresql", "Debian, and pgBadger's wish; a zone by its name is that of the source",
        "2024-05-01 10:00:00.123 CEST [4711] ada@shop DEBUG2:  parse <unnamed>: SELECT 1\n"
        "2024-05-01 10:00:01.123 CEST [4712] [unknown]@[unknown] LOG:  connection received: host=[local]\n"
        "2024-05-01 10:00:02 CEST [4713]: [7-1] user=ada,db=shop,app=shop worker 7,client=192.0.2.7 PANIC:  out of space\n",
        (
            ("parse <unnamed>: SELECT 1", "DEBUG", "2024-05-01 10:00:00"),
            ("connection received: host=[local]", "LOG", "2024-05-01 10:00:01"),
            ("out of space", "PANIC", "2024-05-01 10:00:02"),
        ),
        {"user": ("ada", "[unknown]", "ada"), "application": (None, None, "shop worker 7")},
    ),
    Sample(
        "postgresql-rds", "with and without a client",
        "2024-05-01 10:00:00 UTC:192.0.2.7(50022):ada@shop:[4711]:LOG:  connection authorized: user=ada\n"
        "2024-05-01 10:00:01 UTC:192.0.2.7(50022):ada@shop:[4711]:ERROR:  relation \"order\" does not exist at character 15\n"
        "2024-05-01 10:00:01 UTC:192.0.2.7(50022):ada@shop:[4711]:STATEMENT:  SELECT * FROM order\n"
        "2024-05-01 10:00:02 UTC::@:[17]:LOG:  checkpoint complete\n",
        (
            ("connection authorized: user=ada", "LOG", "2024-05-01 10:00:00"),
            ('relation "order" does not exist at character 15', "ERROR", "2024-05-01 10:00:01"),
            ("checkpoint complete", "LOG", "2024-05-01 10:00:02"),
        ),
        {"pid": ("4711", "4711", "17"), "client": ("192.0.2.7(50022)", "192.0.2.7(50022)", "")},
    ),
    Sample(
        "postgresql-csv", "rows of several versions, one over two lines",
        '2024-05-01 10:00:00.123 UTC,,,4711,,6631f1a0.1267,1,,2024-05-01 10:00:00 UTC,,0,LOG,00000,"listening on port 5432",,,,,,,,,""\n'
        '2024-05-01 10:00:01.123 UTC,"ada","shop",4712,"[local]",6631f1a1.1268,1,"SELECT",2024-05-01 10:00:00 UTC,3/7,0,ERROR,42601,"syntax error at or near ""selec""",,,,,,"selec\n'
        '  1",1,,"psql","client backend",,0\n',
        (
            ("listening on port 5432", "LOG", "2024-05-01 10:00:00"),
            ('syntax error at or near "selec"', "ERROR", "2024-05-01 10:00:01"),
        ),
        {"pid": ("4711", "4712"), "component": (None, "client backend"), "session_id": ("6631f1a0.1267", "6631f1a1.1268")},
    ),
    Sample(
        "ndjson", "PostgreSQL's jsonlog",
        '{"timestamp":"2024-05-01 10:00:00.123 UTC","user":"ada","dbname":"shop","pid":4711,"session_id":"6631f1a0.1267",'
        '"error_severity":"ERROR","state_code":"23505","message":"duplicate key","detail":"Key (id)=(17) already exists.",'
        '"backend_type":"client backend","query_id":0}\n',
        (("duplicate key", "ERROR", "2024-05-01 10:00:00"),),
        {"pid": ("4711",), "component": ("client backend",)},
    ),
    Sample(
        "mysql-error", "MySQL 8",
        "2024-05-01T10:00:00.123456Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting as process 1\n"
        "2024-05-01T12:00:01.000000+02:00 17 [Warning] [MY-010055] [Server] IP address '192.0.2.7' could not be resolved\n"
        "2024-05-01T10:00:02.000000Z 1 [ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1\n"
        "\tis another server using it?\n",
        (
            ("/usr/sbin/mysqld (mysqld 8.0.36) starting as process 1", "notice", "2024-05-01 10:00:00"),
            ("IP address '192.0.2.7' could not be resolved", "Warning", "2024-05-01 10:00:01"),
            ("Unable to lock ./ibdata1", "ERROR", "2024-05-01 10:00:02"),
        ),
        {"thread": ("0", "17", "1"), "component": ("Server", "Server", "InnoDB"), "code": ("MY-010116", "MY-010055", "MY-012574")},
    ),
    Sample(
        "mysql-error", "MySQL 5.7 and MariaDB",
        "2024-05-01T10:00:00.123456Z 3 [Note] Access denied for user 'ada'@'192.0.2.7'\n"
        "2024-05-01  9:00:01 0 [Note] InnoDB: Buffer pool loaded\n",
        (
            ("Access denied for user 'ada'@'192.0.2.7'", "Note", "2024-05-01 10:00:00"),
            ("InnoDB: Buffer pool loaded", "Note", "2024-05-01 09:00:01"),
        ),
        {"thread": ("3", "0")},
    ),
    Sample(
        "redis", "since version 5",
        "4711:C 01 May 2024 10:00:00.123 * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n"
        "4711:M 01 May 2024 10:00:00.124 # Warning: no config file given\n"
        "                _._\n           _.-``__ ''-._\n"
        "4711:M 01 May 2024 10:00:01.000 - DB 0: 17 keys (0 volatile) in 32 slots HT.\n"
        "4711:S 01 May 2024 10:00:02.000 . 17 clients connected\n",
        (
            ("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo", "notice", "2024-05-01 10:00:00"),
            ("Warning: no config file given", "warning", "2024-05-01 10:00:00"),
            ("DB 0: 17 keys (0 volatile) in 32 slots HT.", "verbose", "2024-05-01 10:00:01"),
            ("17 clients connected", "debug", "2024-05-01 10:00:02"),
        ),
        {"role": ("C", "M", "M", "S")},
    ),
    Sample(
        "redis", "before, without a year",
        "4711:M 01 May 10:00:00.123 * DB loaded from disk: 0.000 seconds\n[4711] 01 May 10:00:01.123 # out of memory\n",
        (
            ("DB loaded from disk: 0.000 seconds", "notice", "2024-05-01 10:00:00"),
            ("out of memory", "warning", "2024-05-01 10:00:01"),
        ),
        {"pid": ("4711", "4711")},
    ),
    Sample(
        "cisco", "sequence numbers and the device's own clock",
        "000122: *May  1 10:00:00.123 UTC: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down\n"
        "000123: .May  1 10:00:01.123: %LINEPROTO-5-UPDOWN: Line protocol on Interface Vlan17, changed state to up\n"
        "May  1 10:00:02: %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: ada] [Source: 192.0.2.7]\n"
        "<189>124: gate1: 000125: May  1 2024 10:00:03.001 CEST: %SYS-5-CONFIG_I: Configured from console by ada\n"
        "May 01 2024 10:00:04: %ASA-4-106023: Deny tcp src outside:192.0.2.7/443 dst inside:198.51.100.7/22\n",
        (
            ("Interface GigabitEthernet0/1, changed state to down", "3", "2024-05-01 10:00:00"),
            ("Line protocol on Interface Vlan17, changed state to up", "5", "2024-05-01 10:00:01"),
            ("Login Success [user: ada] [Source: 192.0.2.7]", "5", "2024-05-01 10:00:02"),
            ("Configured from console by ada", "5", "2024-05-01 10:00:03"),
            ("Deny tcp src outside:192.0.2.7/443 dst inside:198.51.100.7/22", "4", "2024-05-01 10:00:04"),
        ),
        {
            "component": ("LINK", "LINEPROTO", "SEC_LOGIN", "SYS", "ASA"),
            "mnemonic": ("UPDOWN", "UPDOWN", "LOGIN_SUCCESS", "CONFIG_I", "106023"),
            "sequence": ("000122", "000123", None, "124", None),
            "host": (None, None, None, "gate1", None),
        },
    ),
    Sample(
        "cisco-syslog", "ASA, IOS by way of a server, NX-OS",
        "May  1 10:00:00 asa1 %ASA-6-302013: Built outbound TCP connection 4711 for outside:192.0.2.7/443\n"
        "May 01 2024 10:00:01 asa1 : %ASA-6-302014: Teardown TCP connection 4711 for outside:192.0.2.7/443\n"
        "May  1 10:00:02 198.51.100.1 123: 000122: *May  1 09:59:59.998 UTC: %LINK-3-UPDOWN: Interface Gi0/1, changed state to up\n"
        "May  1 10:00:03 198.51.100.1 124: gate1: .May  1 10:00:03.000: %SYS-5-RESTART: System restarted --\n"
        "2024 May  1 10:00:04.500 nexus1 %$ VDC-1 %$ %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up in mode trunk\n"
        "2024-05-01T10:00:05Z ftd1 : %FTD-4-733100: [ Scanning] drop rate-1 exceeded\n",
        (
            ("Built outbound TCP connection 4711 for outside:192.0.2.7/443", "6", "2024-05-01 10:00:00"),
            ("Teardown TCP connection 4711 for outside:192.0.2.7/443", "6", "2024-05-01 10:00:01"),
            ("Interface Gi0/1, changed state to up", "3", "2024-05-01 10:00:02"),
            ("System restarted --", "5", "2024-05-01 10:00:03"),
            ("Interface Ethernet1/1 is up in mode trunk", "5", "2024-05-01 10:00:04"),
            ("[ Scanning] drop rate-1 exceeded", "4", "2024-05-01 10:00:05"),
        ),
        {
            "host": ("asa1", "asa1", "198.51.100.1", "198.51.100.1", "nexus1", "ftd1"),
            "mnemonic": ("302013", "302014", "UPDOWN", "RESTART", "IF_UP", "733100"),
            "device_time": (None, None, "May  1 09:59:59.998 UTC", "May  1 10:00:03.000", None, None),
        },
    ),
    Sample(
        "haproxy", "traffic, and what it says of its servers",
        "May  1 10:00:00 lb1 haproxy[4711]: 192.0.2.7:50022 [01/May/2024:10:00:00.123] http-in shop/web2 10/0/30/69/109 "
        '200 2750 - - ---- 1/1/1/1/0 0/0 "GET /orders HTTP/1.1"\n'
        "May  1 10:00:01 lb1 haproxy[4711]: Server shop/web2 is DOWN, reason: Layer4 timeout. 1 active server left.\n"
        "2024-05-01T10:00:02.000+00:00 lb1 haproxy[4711]: 192.0.2.8:50023 [01/May/2024:10:00:01.123] https~ shop/<NOSRV> 0/-1/-1 0 SC 1/1/0/0/0 0/0\n",
        (
            ('10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /orders HTTP/1.1"', None, "2024-05-01 10:00:00"),
            ("Server shop/web2 is DOWN, reason: Layer4 timeout. 1 active server left.", None, "2024-05-01 10:00:01"),
            ("0/-1/-1 0 SC 1/1/0/0/0 0/0", None, "2024-05-01 10:00:02"),
        ),
        {"backend": ("shop", None, "shop"), "server": ("web2", None, "<NOSRV>"), "pid": ("4711",) * 3},
    ),
    Sample(
        "kafka", "with a stack trace",
        "[2024-05-01 10:00:00,123] INFO [GroupCoordinator 7]: Stabilized group orders (kafka.coordinator.group.GroupCoordinator)\n"
        "[2024-05-01 10:00:01,123] ERROR Error while deleting (of 17 segments) (kafka.log.LogManager)\n"
        "java.io.IOException: gone\n\tat kafka.log.Log.delete(Log.scala:7)\n"
        "[2024-05-01 10:00:02,123] WARN a line (of nobody)\n",
        (
            ("[GroupCoordinator 7]: Stabilized group orders", "INFO", "2024-05-01 10:00:00"),
            ("Error while deleting (of 17 segments)", "ERROR", "2024-05-01 10:00:01"),
            ("a line (of nobody)", "WARN", "2024-05-01 10:00:02"),
        ),
        {"component": ("kafka.coordinator.group.GroupCoordinator", "kafka.log.LogManager", None)},
    ),
    Sample(
        "elasticsearch", "with a stack trace",
        "[2024-05-01T10:00:00,123][INFO ][o.e.n.Node               ] [node-7] started\n"
        "[2024-05-01T10:00:01,123][ERROR][o.e.b.ElasticsearchUncaughtExceptionHandler] [node-7] uncaught exception\n"
        "java.lang.IllegalStateException: no\n\tat org.example.A.b(A.java:7)\n",
        (("started", "INFO", "2024-05-01 10:00:00"), ("uncaught exception", "ERROR", "2024-05-01 10:00:01")),
        {"host": ("node-7", "node-7")},
    ),
    Sample(
        "tomcat", "with a stack trace",
        "01-May-2024 10:00:00.123 INFO [main] org.apache.catalina.core.StandardService.startInternal Starting service [Catalina]\n"
        "01-May-2024 10:00:01.123 SEVERE [http-nio-8080-exec-7] org.apache.catalina.core.StandardWrapperValve.invoke Servlet failed\n"
        "java.lang.NullPointerException\n\tat org.example.A.b(A.java:7)\n",
        (
            ("Starting service [Catalina]", "INFO", "2024-05-01 10:00:00"),
            ("Servlet failed", "SEVERE", "2024-05-01 10:00:01"),
        ),
        {"thread": ("main", "http-nio-8080-exec-7")},
    ),
    Sample(
        "python-logging-timeless", "with a traceback",
        "WARNING:root:disk is 91 % full\nERROR:shop.orders:order 17 failed\n"
        'Traceback (most recent call last):\n  File "shop.py", line 7, in place\nValueError: 17\n',
        (("disk is 91 % full", "WARNING", None), ("order 17 failed", "ERROR", None)),
        {"component": ("root", "shop.orders")},
    ),
    Sample(
        "cri",
        "parts of a line, of one stream alone",
        "2024-05-01T10:00:00.123456789Z stdout F took job 17\n"
        "2024-05-01T10:00:01.000000000Z stdout P a long li\n"
        "2024-05-01T10:00:01.000000001Z stdout P ne that \n"
        "2024-05-01T10:00:01.000000002Z stdout F ends\n"
        "2024-05-01T10:00:02.000000000Z stdout P another l\n"
        "2024-05-01T12:00:02.000000001+02:00 stderr F out of memory\n",
        (
            ("took job 17", None, "2024-05-01 10:00:00"),
            ("a long li", None, "2024-05-01 10:00:01"),
            ("another l", None, "2024-05-01 10:00:02"),
            ("out of memory", None, "2024-05-01 10:00:02"),
        ),
        {"stream": ("stdout", "stdout", "stdout", "stderr")},
    ),
    Sample(
        "nginx-error", "with and without a connection",
        "2024/05/01 10:00:00 [notice] 4711#4711: signal process started\n"
        "2024/05/01 10:00:01 [error] 4712#4713: *17 open() \"/srv/a.gif\" failed (2: No such file or directory)\n",
        (
            ("signal process started", "notice", "2024-05-01 10:00:00"),
            ('open() "/srv/a.gif" failed (2: No such file or directory)', "error", "2024-05-01 10:00:01"),
        ),
        {"connection": (None, "17"), "pid": ("4711", "4712")},
    ),
    Sample(
        "logback", "log4j2's and logback's own layout",
        "10:00:00.123 [main] INFO  org.example.Shop - open\n"
        "10:00:01.123 [worker-7] ERROR org.example.Orders - order 17 failed\n"
        "java.lang.IllegalStateException: no\n\tat org.example.Orders.place(Orders.java:7)\n",
        (("open", "INFO", "2024-05-02 10:00:00"), ("order 17 failed", "ERROR", "2024-05-02 10:00:01")),
        {"component": ("org.example.Shop", "org.example.Orders")},
    ),
    Sample(
        "journald", "an export of the journal",
        '{"__REALTIME_TIMESTAMP":"1714557600123456","_HOSTNAME":"web1","SYSLOG_IDENTIFIER":"sshd","_PID":"4711",'
        '"PRIORITY":"6","MESSAGE":"Connection closed by 192.0.2.7","__CURSOR":"s=1"}\n'
        '{"__REALTIME_TIMESTAMP":"1714557601123456","_HOSTNAME":"web1","_COMM":"shop","_PID":"17","PRIORITY":"3",'
        '"MESSAGE":[111,117,116,0]}\n',
        (
            ("Connection closed by 192.0.2.7", "6", "2024-05-01 10:00:00"),
            ("out\\x00", "3", "2024-05-01 10:00:01"),
        ),
        {"component": ("sshd", "shop")},
    ),
)  # fmt: skip
