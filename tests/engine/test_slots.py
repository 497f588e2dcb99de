"""Where a prompt goes in the cache, and what of it is there already."""

from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.slots import SlotTable, common_prefix

LONG = list(range(1000, 1200))


def hold(table, tokens, owner="", **place):
    """Run a sequence to its end: the slot then holds its tokens."""
    slot = begin(table, tokens, owner, **place)
    slot.num_cached = len(slot.tokens)
    table.leave(slot)
    return slot


def begin(table, tokens, owner="", **place):
    return table.take(table.place(tokens, owner, **place), tokens, owner)


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_the_common_prefix_is_common_and_longest(first, second):
    length = common_prefix(first, second)
    assert first[:length] == second[:length]
    assert first[length : length + 1] != second[length : length + 1] or length == len(first)


def test_a_second_turn_goes_on_in_the_same_slot():
    table = SlotTable(4)
    first = hold(table, LONG)
    placement = table.place([*LONG, 1, 2, 3])
    assert (placement.slot, placement.source, placement.num_reused) == (first, first, len(LONG))


def test_the_last_token_is_evaluated_again_since_it_yields_the_logits():
    table = SlotTable(2)
    hold(table, LONG)
    assert table.place(LONG).num_reused == len(LONG) - 1


def test_a_branch_is_copied_so_that_the_other_stays():
    table = SlotTable(2)
    first = hold(table, LONG + [7] * 300)
    placement = table.place(LONG + [8] * 5)
    assert placement.slot is not first
    assert (placement.source, placement.num_reused) == (first, len(LONG))


def test_what_a_running_sequence_has_evaluated_is_copied():
    table = SlotTable(2)
    running = begin(table, [*LONG, 1])
    running.num_cached = len(LONG) + 1
    placement = table.place([*LONG, 2])
    assert placement.slot is not running
    assert (placement.source, placement.num_reused) == (running, len(LONG))


def test_what_is_being_evaluated_is_waited_for():
    table = SlotTable(2)
    running = begin(table, [*LONG, 1])
    assert table.place([*LONG, 2]) is None
    running.num_cached = len(LONG)
    assert table.place([*LONG, 2]).num_reused == len(LONG)


def test_two_chats_with_one_system_prompt_keep_a_slot_each():
    table = SlotTable(3)
    first = hold(table, [*LONG, 1, 2, 3] + [4] * 30)
    second = hold(table, [*LONG, 7, 8, 9] + [6] * 30)
    assert first is not second
    for slot in (first, second):
        assert table.place([*slot.tokens, 5]).slot is slot


def test_nobody_waits_for_a_sequence_whose_window_has_slid():
    table = SlotTable(2)
    running = begin(table, [*LONG, *LONG])
    running.num_cached = 150
    running.slide(4, 50)
    assert table.place([*LONG[:4], *LONG[54:], 1, 2]) is not None


def test_the_least_recently_used_slot_goes_first():
    table = SlotTable(2)
    old, new = hold(table, [1] * 50), hold(table, [2] * 50)
    assert old is not new
    assert table.place([3] * 50).slot is old


def test_a_full_table_makes_wait():
    table = SlotTable(1)
    begin(table, LONG)
    assert not table.has_idle()
    assert table.place([1, 2]) is None


def test_owners_do_not_see_each_other_where_they_are_isolated():
    shared, apart = SlotTable(2), SlotTable(2, isolated=True)
    for table in (shared, apart):
        hold(table, LONG, "alice")
    assert shared.place([*LONG, 1], "bob").num_reused == len(LONG)
    assert apart.place([*LONG, 1], "bob").num_reused == 0
    assert apart.place([*LONG, 1], "alice").num_reused == len(LONG)


def test_nor_do_they_wait_for_each_other():
    table = SlotTable(2, isolated=True)
    begin(table, LONG, "alice")
    assert table.place(LONG, "bob").num_reused == 0


def test_a_fresh_one_reuses_nothing_and_waits_for_nobody():
    table = SlotTable(3)
    hold(table, LONG)
    begin(table, [*LONG, 1])
    assert table.place([*LONG, 2], fresh=True).num_reused == 0


def test_after_a_slide_only_what_was_kept_can_be_reused():
    table = SlotTable(1)
    slot = begin(table, LONG)
    slot.num_cached = len(LONG)
    slot.slide(4, 90)
    assert slot.tokens == LONG[:4] + LONG[94:]
    table.leave(slot)
    assert table.place(LONG[:4] + LONG[94:]).num_reused == 4


@given(st.data())
def test_nothing_is_reused_that_the_source_does_not_hold(data):
    table = SlotTable(3, isolated=data.draw(st.booleans()))
    busy = []
    for _ in range(data.draw(st.integers(1, 20))):
        tokens = data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=200))
        owner = data.draw(st.sampled_from(["", "a"]))
        placement = table.place(tokens, owner, fresh=data.draw(st.booleans()))
        if placement is not None:
            reused = placement.num_reused
            assert not placement.slot.busy
            assert reused < len(tokens)
            assert placement.source.tokens[:reused] == tokens[:reused]
            assert reused <= placement.source.num_cached
            busy.append(table.take(placement, tokens, owner))
        if busy and (placement is None or data.draw(st.booleans())):
            slot = busy.pop(0)
            slot.num_cached = data.draw(st.integers(slot.num_cached, len(slot.tokens)))
            table.leave(slot)
