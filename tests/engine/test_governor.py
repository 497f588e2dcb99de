"""How many threads: a simulated machine whose cores other programs take and give back."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.governor import Governor, kind_of_work

SECOND = 1_000_000_000
WORK = kind_of_work(1, 100)


class Machine:
    """Steps of ideal parallel work, which wait for a core if there are too many threads."""

    def __init__(self, most, *, noise=0.1):
        self.governor = Governor(most)
        self.now = 0
        self.draw = random.Random(3)
        self.noise = noise

    def run(self, seconds, free, work=WORK):
        """Steps until then, with so many cores free; returns how many there were."""
        end, steps = self.now + seconds * SECOND, 0
        while self.now < end:
            threads = self.governor.threads
            took = 10_000_000 / threads if threads <= free else 200_000_000
            took *= 1 + self.draw.uniform(-self.noise, self.noise)
            self.now += int(took)
            self.governor.note(work, took, self.now)
            steps += 1
        return steps


def test_one_thread_is_never_changed():
    machine = Machine(1)
    machine.run(20, free=0.5)
    assert machine.governor.threads == 1


def test_a_quiet_machine_keeps_all_threads():
    machine = Machine(8)
    steps = machine.run(60, free=8)
    assert machine.governor.threads == 8
    assert steps > 0.97 * 60 * 800


def test_steps_that_are_suddenly_slow_lead_down_at_once():
    machine = Machine(8)
    machine.run(10, free=8)
    machine.run(5, free=7)
    assert machine.governor.threads == 4


def test_a_machine_that_was_busy_from_the_beginning_is_found_out():
    machine = Machine(8)
    machine.run(30, free=2)
    assert machine.governor.threads == 2


def test_threads_come_back_when_the_cores_do():
    machine = Machine(8)
    machine.run(10, free=8)
    machine.run(20, free=2)
    assert machine.governor.threads == 2
    machine.run(60, free=8)
    assert machine.governor.threads == 8


def test_beside_a_busy_process_little_is_lost():
    machine = Machine(2)
    machine.run(5, free=2)
    steps = machine.run(60, free=1)
    assert steps > 0.85 * 60 * 100


def test_work_of_another_kind_is_not_compared():
    governor = Governor(4)
    for step in range(200):
        deep = step >= 100
        governor.note(kind_of_work(1, 4000 if deep else 10), 10_000 * (9 if deep else 1), step)
        assert governor.threads == 4


@pytest.mark.parametrize("most", [2, 3, 7, 64])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.floats(1, 1e9)), max_size=200))
def test_any_times_leave_a_number_between_one_and_all(most, steps):
    governor = Governor(most)
    for number, (work, row_ns) in enumerate(steps):
        governor.note(work, row_ns, number * SECOND // 10)
        assert 1 <= governor.threads <= most
