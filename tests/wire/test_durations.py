"""keep_alive, Go durations and times (Ollama API, 1.3 and 4.1)."""

import re
from datetime import UTC, datetime
from time import time_ns

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import InvalidDuration
from ollama_nb.wire.durations import (
    FOREVER,
    local_time,
    now_utc,
    parse_duration,
    parse_keep_alive,
)

SECOND = 1_000_000_000
UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 10**6, "s": SECOND, "m": 60 * SECOND}
UNITS["h"] = 3600 * SECOND


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), (0, 0), (0.0, 0), (-0.0, 0), (42.5, 42_500_000_000), (10, 10 * SECOND),
        (-1, FOREVER), (-0.001, FOREVER), (1e300, FOREVER), (10**400, FOREVER),
        (-(10**400), FOREVER), (float("inf"), FOREVER), ("5m", 300 * SECOND),
        ("1h30m", 5400 * SECOND), ("300ms", 300_000_000), ("1.5h", 5400 * SECOND), ("0", 0),
        ("0s", 0), ("-1s", FOREVER), ("-1m", FOREVER), ("+2s", 2 * SECOND), (".5s", SECOND // 2),
        ("1.s", SECOND), ("1us", 1_000), ("1µs", 1_000), ("1μs", 1_000), ("7ns", 7),
    ],
)  # fmt: skip
def test_keep_alive_in_every_form(value, expected):
    assert parse_keep_alive(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5", 'time: missing unit in duration "5"'),
        ("-1", 'time: missing unit in duration "-1"'),
        ("10", 'time: missing unit in duration "10"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("abc", 'time: invalid duration "abc"'),
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        (".", 'time: invalid duration "."'),
        (".s", 'time: invalid duration ".s"'),
        ("--1s", 'time: invalid duration "--1s"'),
        ("1h1", 'time: missing unit in duration "1h1"'),
        (True, "Unsupported type: 'bool'"),
        (False, "Unsupported type: 'bool'"),
        ([], "Unsupported type: '[]interface {}'"),
        ({}, "Unsupported type: 'map[string]interface {}'"),
    ],
)
def test_what_is_no_duration_is_refused_in_ollamas_words(value, text):
    with pytest.raises(InvalidDuration, match=re.escape(text)) as caught:
        parse_keep_alive(value)
    assert caught.value.status == 400


@given(st.lists(st.tuples(st.integers(0, 10**4), st.sampled_from(sorted(UNITS))), min_size=1))
def test_a_duration_is_the_sum_of_its_pairs(pairs):
    text = "".join(f"{count}{unit}" for count, unit in pairs)
    total = sum(count * UNITS[unit] for count, unit in pairs)
    assert parse_duration(text) == total
    assert parse_duration(f"-{text}") == -total


@given(st.text() | st.text("0123456789.+-nuµmsh"))
def test_any_text_is_a_duration_or_refused(text):
    try:
        assert -FOREVER <= parse_duration(text) <= FOREVER
    except InvalidDuration as error:
        assert str(error).startswith("time: ")  # noqa: PT017 - both outcomes are right


def test_created_at_is_utc_with_z():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", now_utc())


@pytest.mark.parametrize(
    ("nanoseconds", "fraction"),
    [(0, ""), (123_456_789, ".123456789"), (120_000_000, ".12"), (1, ".000000001")],
)
def test_local_times_carry_an_offset_and_drop_trailing_zeros(nanoseconds, fraction):
    text = local_time(1_700_000_000 * SECOND + nanoseconds)
    match = re.fullmatch(r"(.{19})(\.\d+)?([+-]\d\d:\d\d)", text)
    assert (match[2] or "") == fraction
    moment = datetime.fromisoformat(match[1] + match[3]).astimezone(UTC)
    assert moment == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_forever_is_a_readable_time_three_centuries_away():
    assert 2300 < datetime.fromisoformat(local_time(time_ns() + FOREVER)[:19]).year < 2330
    assert datetime.fromisoformat(local_time(2**70)[:19]).year == 9999
