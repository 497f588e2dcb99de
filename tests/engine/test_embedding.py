"""Texts become vectors: what goes into one call, and what the engine promises on the guide."""

import contextlib
import threading
import time

import numpy as np
import pytest
from embed_requests import Embedding, tokens
from hypothesis import example, given
from hypothesis import strategies as st

from ollama_nb.engine.embedding import LiveEmbedding, pack, shaped
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.sequence import EmbedRequest
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import BadRequest, Cancelled, ContextTooLong, EngineError

QUESTION = "<|im_start|>user\nHow do I pull a model?<|im_end|>\n<|im_start|>assistant\n"
WINDOW = 2048
"""The guide's."""


def alike(found, expected):
    """Whether vectors point the same way.

    Flash attention adds up in another order, in float16, where several texts share a call: on the
    quantised guide cosines of 0.996 were measured. Other texts are at 0.1.
    """
    cosines = (found * expected).sum(-1)
    return bool((cosines / np.linalg.norm(found, axis=-1) > 0.99).all())


# -- whose texts go into the next call ---------------------------------------------------------


def live(texts, owner="", number=0):
    return LiveEmbedding(number, EmbedRequest(texts=texts, owner=owner), emit=lambda _: None)


def packed(waiting, capacity=100, most=100):
    return [text for _, text in pack(waiting, capacity, most)]


def test_owners_take_turns_and_each_request_keeps_its_order():
    alice = live(((1,), (2,), (3,)), "alice")
    bob = live(((4,), (5,)), "bob")
    later = live(((6,),), "alice")
    assert packed([alice, later, bob]) == [(1,), (4,), (2,), (5,), (3,), (6,)]


def test_a_call_takes_as_many_tokens_and_texts_as_it_may():
    one = live(((1,) * 4, (2,) * 4, (3,) * 4))
    assert packed([one], capacity=8) == [(1,) * 4, (2,) * 4]
    assert packed([one], capacity=11) == [(1,) * 4, (2,) * 4]
    assert packed([one], most=2) == [(1,) * 4, (2,) * 4]
    assert packed([]) == []


def test_the_first_text_is_taken_whatever_its_length():
    assert packed([live(((1,) * 50, (2,)))], capacity=8) == [(1,) * 50]


def test_one_that_does_not_fit_leaves_room_to_the_others():
    alice = live(((1,) * 5, (2,) * 5, (3,)), "alice")
    bob = live(((4,), (5,)), "bob")
    assert packed([alice, bob], capacity=8) == [(1,) * 5, (4,), (5,)]


texts = st.lists(st.integers(1, 9), min_size=1, max_size=8)
requests = st.lists(st.tuples(st.sampled_from(["alice", "bob", "carol"]), texts), max_size=6)


@given(requests, st.integers(1, 20), st.integers(1, 5))
def test_calls_one_after_another_lose_nothing_and_reorder_nothing(asked, capacity, most):
    waiting = [
        live(tuple((number, place) * size for place, size in enumerate(sizes)), owner, number)
        for number, (owner, sizes) in enumerate(asked)
    ]
    taken = {one.number: [] for one in waiting}
    unfinished = list(waiting)
    while chosen := pack(unfinished, capacity, most):
        size = sum(len(text) for _, text in chosen)
        assert len(chosen) <= most
        assert size <= capacity or len(chosen) == 1
        for one, text in chosen:
            taken[one.number].append(text)
            one.take(np.zeros(1, np.float32))
        unfinished = [one for one in unfinished if not one.done]
    assert not unfinished
    assert {one.number: list(one.request.texts) for one in waiting} == taken


# -- what becomes of vectors -------------------------------------------------------------------

numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
matrices = st.integers(1, 6).flatmap(
    lambda width: st.lists(
        st.lists(numbers, min_size=width, max_size=width), min_size=1, max_size=4
    )
)


def shape(rows, **fields):
    return shaped(np.array(rows, np.float32), EmbedRequest(texts=(), **fields))


@example([[2.4e38, 2.4e38]], 0)
@given(matrices, st.integers(-2, 8))
def test_vectors_have_length_1_and_the_wanted_dimensions(rows, dimensions):
    found = shape(rows, dimensions=dimensions)
    width = len(rows[0])
    assert found.dtype == np.float32
    assert found.shape == (len(rows), dimensions if 0 < dimensions < width else width)
    for before, after in zip(rows, found, strict=True):
        length = np.linalg.norm(before[: len(after)])
        if length > 1e-6:
            assert np.linalg.norm(after) == pytest.approx(1, abs=1e-5)
            assert after == pytest.approx(np.array(before[: len(after)]) / length, abs=1e-5)


def test_a_vector_of_zeros_stays_one():
    assert shape([[0, 0]]).tolist() == [[0, 0]]


def test_what_is_not_to_be_normalised_stays_as_it_is():
    assert shape([[3, 4, 5]], normalize=False, dimensions=2).tolist() == [[3, 4, 5]]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("normalize", [True, False])
def test_what_is_no_number_is_refused(number, normalize):
    with pytest.raises(BadRequest, match=r"^embedding contains NaN or Inf values$"):
        shape([[1, 2], [number, 1]], normalize=normalize)


# -- the engine on the guide model -------------------------------------------------------------


@pytest.fixture
def embed(runner):
    return lambda texts, **fields: Embedding(runner, texts, **fields)


def test_texts_that_share_a_call_are_as_if_alone(embed):
    several = [tokens(number, length) for number, length in enumerate((3, 40, 1, 170, 12))]
    together = embed(several).finish()
    assert alike(together, np.concatenate([embed([text]).finish() for text in several]))
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    assert not any(alike(together[n], together[n - 1]) for n in range(5))


def test_who_else_is_in_a_call_changes_nothing(embed):
    first = embed([*(tokens(n, 7) for n in range(10)), tokens(50, 9)]).finish()
    second = embed([*(tokens(n, 7) for n in range(20, 30)), tokens(50, 9)]).finish()
    assert first[-1].tobytes() == second[-1].tobytes()


def test_vectors_come_in_the_order_of_many_texts(embed):
    many = [tokens(number, 3 + number % 20) for number in range(300)]
    request = embed(many)
    found = request.finish()
    assert found.shape[0] == 300
    assert request.num_tokens == sum(map(len, many))
    for number in (0, 63, 64, 150, 299):
        assert alike(found[number], embed([many[number]]).finish()[0])


def test_requests_at_once_get_their_own_vectors(embed):
    ours, theirs = [[tokens(2 * n + who, 10) for n in range(100)] for who in (0, 1)]
    first, second = embed(ours, owner="alice"), embed(theirs, owner="bob", dimensions=8)
    assert alike(first.finish()[50], embed([ours[50]]).finish()[0])
    alone = embed([theirs[50]], dimensions=8).finish()[0]
    assert alike(second.finish()[50], alone)
    assert len(alone) == 8


def test_one_with_many_texts_does_not_keep_another_waiting(embed):
    many = embed([tokens(number, 400) for number in range(100)], owner="alice")
    one = embed([tokens(0, 5)], owner="bob")
    one.finish()
    many.cancel()
    with contextlib.suppress(Cancelled):  # on a slow thread all of them may have been done
        many.finish()
    assert one.arrived < many.arrived


def test_cancelling_ends_the_request_and_the_next_one_works(embed):
    expected = embed([tokens(1, 20)]).finish()
    for pause in (0, 0.01, 0.1):
        doomed = embed([tokens(number, 1000) for number in range(2000)])  # minutes of work
        time.sleep(pause)
        before = time.monotonic()
        doomed.cancel()
        doomed.cancel()
        with pytest.raises(Cancelled):
            doomed.finish()
        assert time.monotonic() - before < 60
        assert alike(embed([tokens(1, 20)]).finish(), expected)


def test_cancelling_one_costs_the_other_nothing(embed):
    doomed = embed([tokens(number, 400) for number in range(2000)])
    other = embed([tokens(1, 20), tokens(2, 700)])
    doomed.cancel()
    with pytest.raises(Cancelled):
        doomed.finish()
    assert other.finish().shape[0] == 2


def test_answers_and_embeddings_go_on_beside_each_other(submit, embed):
    answer = submit(QUESTION, num_predict=200)
    vectors = embed([tokens(number, 30) for number in range(200)])
    second = submit(QUESTION, num_predict=200)
    text, end = answer.finish()
    assert end.done_reason == "stop"
    assert text == second.finish()[0] == submit(QUESTION, num_predict=200).finish()[0]
    assert vectors.finish().shape[0] == 200


def test_a_text_may_take_several_native_batches(embed):
    text = tokens(0, 300)
    alone = embed([text]).finish()[0]
    # Behind another text, its rows fall into other batches.
    assert alike(embed([tokens(1, 100), text]).finish()[1], alone)
    changed = embed([[tokens(1, 1)[0], *text[1:]]]).finish()[0]
    assert not np.allclose(changed, alone, atol=1e-6)  # all of it counts


def test_a_text_may_be_as_long_as_the_window(embed):
    text = tokens(0, WINDOW)
    request = embed([tokens(1, 9), text, tokens(2, 9)])
    found = request.finish()
    assert request.num_tokens == WINDOW + 18
    assert alike(found[1], embed([text]).finish()[0])
    assert alike(found[2], embed([tokens(2, 9)]).finish()[0])


def test_without_normalising_the_direction_is_the_same(embed):
    plain = embed([tokens(0, 9)], normalize=False).finish()[0]
    unit = embed([tokens(0, 9)]).finish()[0]
    assert abs(np.linalg.norm(plain) - 1) > 0.01
    assert plain / np.linalg.norm(plain) == pytest.approx(unit, abs=1e-4)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([], EngineError),
        ([[]], EngineError),
        ([[5], []], EngineError),
        ([[5] * (WINDOW + 1)], ContextTooLong),
        ([[5], [5] * 3000], ContextTooLong),
    ],
    ids=["no texts", "an empty text", "one empty text", "a long text", "one long text"],
)
def test_wrong_texts_are_refused_in_the_callers_thread(embed, wrong, error):
    with pytest.raises(error):
        embed(wrong)
    assert embed([[5]]).finish().shape[0] == 1


@pytest.mark.parametrize("token", [-1, 10**6, 2**40])
def test_tokens_outside_the_vocabulary_are_refused(embed, token):
    with pytest.raises(BadRequest, match=f"token {token} is outside the model's vocabulary"):
        embed([[5, token]])
    assert embed([[5, 6]]).finish().shape[0] == 1


def test_a_consumer_that_fails_loses_its_own_vectors_only(runner, embed):
    def fail(event):
        raise RuntimeError("the consumer is broken")

    runner.submit(EmbedRequest(texts=((5,),)), fail)
    assert embed([[5]]).finish().shape[0] == 1


def test_many_threads_may_embed_and_cancel_at_once(embed):
    faults = []

    def work(seed):
        try:
            request = embed([tokens(seed + n, 50) for n in range(10)], owner=str(seed))
            if seed % 2:
                request.cancel()
            try:
                assert request.finish().shape[0] == 10
            except Cancelled:
                assert seed % 2
        except BaseException as error:  # noqa: BLE001 - any fault of a thread fails the test
            faults.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


@pytest.mark.parametrize("host", [LocalHost, WorkerHost])
def test_closing_ends_what_is_under_way(host, make_spec):
    runner = host().load(make_spec())
    running = Embedding(runner, [tokens(number, 1000) for number in range(2000)])
    waiting = Embedding(runner, [tokens(0, 5)], owner="bob")
    time.sleep(0.05)
    runner.close()
    with pytest.raises(Cancelled):
        running.finish()
    with contextlib.suppress(Cancelled):  # a text of another owner may have had its turn
        assert waiting.finish().shape[0] == 1
    with pytest.raises(EngineError, match="unloaded"):
        Embedding(runner, [[5]])
