"""Thread counts from the cores that may really be used."""

import os

import pytest

from ollama_nb.engine import threads


@pytest.fixture
def cores(monkeypatch, tmp_path):
    """Set the cores of the affinity mask and the text of the container's cpu.max."""

    def set_cores(affinity, quota=None):
        path = tmp_path / "cpu.max"
        path.unlink(missing_ok=True)
        if quota is not None:
            path.write_text(quota)
        monkeypatch.setattr(threads, "_CGROUP_QUOTA", path)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)), raising=False)

    return set_cores


@pytest.mark.parametrize(
    ("quota", "usable"),
    [
        (None, 8), ("max 100000", 8), ("200000 100000", 2), ("150000 100000\n", 2),
        ("50000 100000", 1), ("10000 100000", 1), ("1600000 100000", 8), ("", 8), ("nonsense", 8),
        ("100000", 8), ("100000 0", 8), ("100000 abc", 8), ("1 2 3", 8), ("0 100000", 1),
    ],
)  # fmt: skip
def test_usable_cores_respect_the_quota(cores, quota, usable):
    cores(8, quota)
    assert threads.usable_cores() == usable


@pytest.mark.parametrize(("affinity", "counts"), [(1, (1, 1)), (2, (1, 2)), (8, (7, 8))])
def test_single_tokens_leave_a_core_free_and_prompts_take_all(cores, affinity, counts):
    cores(affinity)
    assert threads.thread_counts(0) == counts
    assert threads.thread_counts(-1) == counts


def test_a_request_sets_both_within_reason(cores, monkeypatch):
    cores(8)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert threads.thread_counts(3) == (3, 3)
    assert threads.thread_counts(2**31 - 1) == (32, 32)


def test_systems_without_affinity_count_their_processors(cores, monkeypatch):
    cores(8)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads.usable_cores() == 1
