"""Masks: notations, not systems."""

from __future__ import annotations

import polars as pl
import pytest

from deeplog_ops import config
from deeplog_ops.templates import masks

NOTATIONS = [
    ("took 5 of -7", "took <*> of <*>"),
    ("size 1.5 KB, 18 bytes, 7MB/s", "size <*>, <*>, <*>"),
    ("lifetime <1 sec", "lifetime <*>"),
    ("up 41% for 3 days", "up <*> for <*>"),
    ("flags=0x1F at #12 @0xff", "flags=<*> at <*> <*>"),
    ("from 10.0.0.1:80 to /10.0.0.2", "from <*> to <*>"),
    ("to node-7.example.com:443 and web.example.org", "to <*> and <*>"),
    ("via fe80::1 or ::ffff:10.1.2.3", "via <*> or <*>"),
    ("mac 00:1b:44:11:3a:b7 seen", "mac <*> seen"),
    ("id e3871ffd-5cd5-4287-bddd-3529f7b59515 deadbeef", "id <*> <*>"),
    ("open /var/log/a.log, ./b and C:\\x\\y.dll", "open <*>, <*> and <*>"),
    ("GET https://a.b/c?d=1&e=2 ok", "GET <*> ok"),
    ("mail to ann@example.net now", "mail to <*> now"),
    ("at Sat Jun 18 02:23:10 CEST 2005 up", "at <*> up"),
    ("on 2005-06-18 02:23:10,123 up", "on <*> <*> up"),
    ("ready=true,mode=null,next=false", "ready=<*>,mode=<*>,next=<*>"),
    ('tag="View Lock", name=x', "tag=<*>, name=x"),
    ('{"n":5,"s":"a b"}', '{"n":<*>,"s":<*>}'),
    ("left [] right {} and ()", "left [<*>] right {<*>} and (<*>)"),
    ("user= host= end", "user=<*> host=<*> end"),
    ("call init() now", "call init() now"),
    ("Foo::add and a::b", "Foo::add and a::b"),
    ("literal <*> and 5", "literal <*> and <*>"),
    ("1,2,3 and 1:2", "<*> and <*>"),
    ("step7: done", "step<*>: done"),
    ("step7a-2: done", "<*>: done"),
    ("bounds=Rect(0, 1 - 2, 3) of=a.b.c", "bounds=<*> of=<*>"),
    ("readings ( 3 **** 4 )", "readings ( <*> <*> )"),
]


@pytest.mark.parametrize(("message", "masked"), NOTATIONS)
def test_a_notation_is_masked(message: str, masked: str) -> None:
    assert masks.mask(pl.Series([message])).to_list() == [masked]


def test_masking_a_column_is_masking_each_of_its_messages() -> None:
    column = pl.Series("message", [message for message, _ in NOTATIONS] * 2)
    assert masks.mask(column).to_list() == [masked for _, masked in NOTATIONS] * 2
    assert masks.mask(column).name == "message"


def test_no_digit_is_left_so_that_a_literal_never_holds_part_of_a_number() -> None:
    column = pl.Series(["a1", "1a", "x-1y_2", "v1.2.3-rc4", "#5#", "1st 2nd", "(3)", "é9", "9é", "٣"])
    assert not masks.mask(column).str.contains("[0-9]").any()


def test_own_masks_go_before_the_general_ones() -> None:
    own = (config.Mask(name="order", pattern="order [A-Z]+"),)
    assert masks.mask(pl.Series(["paid order AB 5"]), own=own).to_list() == ["paid <*> <*>"]


def test_a_message_of_a_megabyte_is_masked_in_linear_time() -> None:
    for bad in ("a-" * 500_000, "0:" * 500_000, "((((" * 250_000, "<*> " * 250_000):
        assert len(masks.mask(pl.Series([bad]))) == 1
