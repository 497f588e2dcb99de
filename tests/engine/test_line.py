"""Who is next in front of a loaded model."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.line import FairLine


def everyone(line):
    order = []
    while line:
        order.append(line.take(lambda _: True))
    return order


def test_owners_take_turns_and_each_is_served_in_order():
    line = FairLine()
    for number in range(500):
        line.add(("alice", number), "alice")
    line.add(("bob", 0), "bob")
    order = everyone(line)
    assert order.index(("bob", 0)) == 1
    assert [one for one in order if one[0] == "alice"] == [("alice", n) for n in range(500)]


def test_who_had_better_wait_is_passed_by():
    line = FairLine()
    for number in range(3):
        line.add(number, "")
    assert line.take(lambda number: number > 0) == 1
    assert line.take(lambda number: False) is None
    assert everyone(line) == [0, 2]


def test_the_unwanted_are_removed_wherever_they_stand():
    line = FairLine()
    for number in range(40):
        line.add(number, str(number % 3))
    assert sorted(line.remove(lambda number: number % 2 == 1)) == list(range(1, 40, 2))
    assert sorted(everyone(line)) == list(range(0, 40, 2))
    assert not line


@given(st.lists(st.sampled_from("abc")))
def test_everyone_is_served_once_and_nobody_is_two_turns_behind(owners):
    line = FairLine()
    for number, owner in enumerate(owners):
        line.add((owner, number), owner)
    order = everyone(line)
    assert sorted(order, key=lambda one: one[1]) == [(o, n) for n, o in enumerate(owners)]
    for owner in set(owners):
        rounds = [at for at, one in enumerate(order) if one[0] == owner]
        assert all(later - earlier <= 3 for earlier, later in pairwise(rounds))
