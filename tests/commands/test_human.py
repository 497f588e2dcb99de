"""Sizes and times as Ollama's command line writes them."""

from datetime import UTC, datetime, timedelta

import pytest

from ollama_nb.commands.human import (
    human_duration,
    human_future,
    human_past,
    human_rate,
    human_seconds,
    human_size,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1500, "1.5 KB"),
        (5_200_000, "5.2 MB"),
        (36_999_999, "36 MB"),
        (2_019_393_189, "2.0 GB"),
        (10**12, "1 TB"),
        (10**15, "1000 TB"),
    ],
)
def test_sizes_are_powers_of_a_thousand(count, text):
    assert human_size(count) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(milliseconds=300), "Less than a second"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(seconds=60), "About a minute"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(hours=1), "About an hour"),
        (timedelta(hours=30), "30 hours"),
        (timedelta(days=3), "3 days"),
        (timedelta(days=15), "2 weeks"),
        (timedelta(days=100), "3 months"),
        (timedelta(days=800), "2 years"),
    ],
)
def test_durations_have_one_unit(duration, text):
    assert human_duration(duration.total_seconds()) == text


def test_times_are_relative():
    assert human_past("2025-12-31T23:00:00Z", NOW) == "About an hour ago"
    assert human_past("2026-01-01T01:00:00+00:00", NOW) == "Less than a second ago"
    assert human_past("2025-12-29T00:00:00.123456789+01:00", NOW) == "3 days ago"
    assert human_future("2026-01-01T00:04:00Z", NOW) == "4 minutes from now"
    assert human_future("2025-12-31T23:59:59Z", NOW) == "Stopping..."
    assert human_future("2318-01-01T00:00:00Z", NOW) == "Forever"


def test_measurements():
    assert human_rate(812.4) == "812"
    assert human_rate(12.34) == "12.3"
    assert human_seconds(0.0372) == "37.2 ms"
    assert human_seconds(1.239) == "1.24 s"
    assert human_seconds(75.5) == "1 min 15.5 s"
