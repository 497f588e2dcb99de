"""The engine on the real guide model: what one loaded model promises to those who submit to it."""

import contextlib
import os
import threading
import time

import msgspec
import pytest
from gguf_writer import tiny_llama, u32
from held_engine import PATIENCE, hold_after

from ollama_nb.engine import runner as runner_module
from ollama_nb.engine.live import MOST_IDENTICAL
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.spec import load_spec
from ollama_nb.errors import BadRequest, Cancelled, ContextTooLong, EngineError
from ollama_nb.gguf import check_model
from ollama_nb.settings import Settings
from ollama_nb.wire import Options

QUESTION = "<|im_start|>user\nHow do I pull a model?<|im_end|>\n<|im_start|>assistant\n"
FOR_EVER = 10**9
"""Tokens: what is not stopped goes on for days."""
OTHER = "<|im_start|>user\nWhat is a token?<|im_end|>\n<|im_start|>assistant\n"


@contextlib.contextmanager
def fresh_runner(spec):
    """A model with an empty cache."""
    runner = LocalHost().load(spec)
    try:
        yield runner
    finally:
        runner.close()


def test_greedy_answers_are_the_same_every_time(submit):
    first, end = submit(QUESTION, num_predict=60).finish()
    second, _ = submit(QUESTION, num_predict=60).finish()
    assert first == second
    assert first
    assert end.done_reason == "stop"


def test_sequences_that_share_a_batch_do_not_mix(submit):
    alone = {prompt: submit(prompt, num_predict=40).finish()[0] for prompt in (QUESTION, OTHER)}
    together = [(prompt, submit(prompt, num_predict=40)) for prompt in (QUESTION, OTHER) * 5]
    for prompt, sequence in together:
        assert sequence.finish()[0] == alone[prompt]


def test_the_same_seed_gives_the_same_text_and_another_seed_another(submit):
    def text(seed):
        options = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "seed": seed}
        return submit("a", options, num_predict=40).finish()[0]

    assert text(7) == text(7)
    assert len({text(seed) for seed in range(5)}) > 1


def test_num_predict_bounds_the_answer_and_says_length(submit):
    text, end = submit(QUESTION, num_predict=3).finish()
    assert (end.eval_count, end.done_reason) == (3, "length")
    assert len(end.tokens) == 3
    assert text


def test_num_predict_zero_only_evaluates_the_prompt(submit):
    text, end = submit(QUESTION, num_predict=0).finish()
    assert (text, end.eval_count, end.done_reason) == ("", 0, "length")


def test_a_stop_string_ends_the_answer_before_it(submit):
    whole, _ = submit(QUESTION, num_predict=60).finish()
    stop = whole[5:12]
    text, end = submit(QUESTION, {"temperature": 0, "stop": [stop]}, num_predict=60).finish()
    assert text == whole[: whole.index(stop)]
    assert end.done_reason == "stop"


def test_counts_and_durations_are_measured(submit, runner):
    _, end = submit(QUESTION, num_predict=10).finish()
    assert end.prompt_count == len(runner.tokenize([QUESTION], start=True))
    assert end.eval_count == end.sample_count
    assert min(end.prompt_ns, end.eval_ns, end.sample_ns) > 0


def test_every_sampling_option_is_accepted(submit):
    options = {
        "seed": 1, "temperature": 0.7, "top_k": 5, "top_p": 0.5, "min_p": 0.1, "typical_p": 0.9,
        "repeat_last_n": -1, "repeat_penalty": 1.3, "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
    }  # fmt: skip
    assert submit(QUESTION, options).finish()[1].eval_count > 0


@pytest.mark.parametrize("mirostat", [1, 2])
def test_mirostat_replaces_the_filters_and_is_seeded(submit, mirostat):
    options = {"mirostat": mirostat, "seed": 3, "temperature": 1.0}
    assert submit("a", options).finish()[0] == submit("a", options).finish()[0]


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.0, "repeat_penalty": 0.0},
        {"temperature": 5.0, "top_k": -5, "top_p": -1.0, "min_p": 2.0, "typical_p": -1.0},
        {"temperature": -3.0},
        {"repeat_penalty": -2.0, "repeat_last_n": 2**31 - 1},
        {"mirostat": 9},
        {"top_k": 2**31 - 1, "seed": 2**63},
    ],
)
def test_absurd_numbers_do_no_harm(submit, options):
    assert submit(QUESTION, options, num_predict=3).finish()[1].eval_count <= 3


@pytest.mark.parametrize("penalty", [{"frequency_penalty": 1e9}, {"presence_penalty": 1e9}])
def test_a_penalty_breaks_a_repetition(submit, endless, penalty):
    runner = endless()
    plain = submit("a", on=runner, num_predict=100).finish()[1].tokens
    options = {"temperature": 0, "repeat_last_n": -1} | penalty
    penalised = submit("a", options, on=runner, num_predict=100).finish()[1].tokens
    assert len(set(plain)) < len(plain) == 100
    assert len(set(penalised)) == len(penalised) == 100


def test_an_answer_that_repeats_one_token_for_ever_ends(submit, tmp_path):
    path = tmp_path / "stuck.gguf"
    path.write_bytes(tiny_llama().put("llama.context_length", u32(2048)).encode())
    spec = load_spec(path, check_model(path), Options(), Settings(num_parallel=1))
    stuck = LocalHost().load(spec)
    try:
        end = submit([5], on=stuck, num_predict=1000).finish()[1]
        assert end.done_reason == "length"
        assert len(set(end.tokens[-MOST_IDENTICAL:])) == 1
        assert len(set(end.tokens[-MOST_IDENTICAL - 1 :])) > 1 or len(end.tokens) == MOST_IDENTICAL
    finally:
        stuck.close()


def test_more_sequences_than_slots_wait_their_turn(submit):
    sequences = [submit(QUESTION, num_predict=5) for _ in range(11)]
    assert len({sequence.finish()[0] for sequence in sequences}) == 1


LONG = "<|im_start|>system\n" + "You are a helpful assistant. " * 60 + "<|im_end|>\n"


def test_a_second_turn_evaluates_only_what_is_new(make_spec, submit):
    with fresh_runner(make_spec()) as runner:
        text, first = submit(LONG + QUESTION, on=runner).finish()
        again, second = submit(LONG + QUESTION, on=runner).finish()
        _, third = submit(LONG + QUESTION + text + "<|im_end|>\n" + OTHER, on=runner).finish()
    assert (first.reused_count, second.reused_count) == (0, first.prompt_count - 1)
    assert again == text
    assert third.reused_count >= first.prompt_count
    assert third.prompt_count > third.reused_count


@pytest.mark.parametrize("unified", [False, True])
def test_a_beginning_that_several_share_is_evaluated_once(make_spec, submit, unified):
    spec = msgspec.structs.replace(make_spec(num_parallel=4), unified=unified)
    with fresh_runner(spec) as runner:
        expected = submit(LONG + OTHER, on=runner, num_predict=10).finish()[0]
    with fresh_runner(spec) as runner:
        sequences = [submit(LONG + OTHER, on=runner, num_predict=10) for _ in range(8)]
        ends = [sequence.finish() for sequence in sequences]
    assert {text for text, _ in ends} == {expected}
    evaluated = sum(end.prompt_count - end.reused_count for _, end in ends)
    assert evaluated < 2 * ends[0][1].prompt_count


def test_branches_stay_while_there_are_slots(make_spec, submit):
    with fresh_runner(make_spec(num_parallel=3)) as runner:
        for _ in range(2):
            ends = [submit(LONG + one, on=runner).finish()[1] for one in (QUESTION, OTHER)]
    assert all(end.reused_count == end.prompt_count - 1 for end in ends)


@pytest.mark.parametrize("unified", [False, True])
def test_every_sequence_has_its_whole_window(make_endless_spec, submit, unified):
    spec = make_endless_spec(num_parallel=3, num_ctx=300)
    with fresh_runner(msgspec.structs.replace(spec, unified=unified)) as runner:
        options = {"num_predict": 10_000, "shift": False}
        sequences = [submit([5 + number] * 10, on=runner, **options) for number in range(5)]
        ends = [sequence.finish()[1] for sequence in sequences]
    assert {(end.done_reason, end.prompt_count + end.eval_count) for end in ends} == {
        ("length", 301)
    }


def test_a_request_may_have_a_smaller_window_than_the_model(make_endless_spec, submit):
    with fresh_runner(make_endless_spec(num_ctx=500)) as runner:
        options = {"num_predict": 1000, "shift": False}
        small, whole = (
            submit([5, 6], on=runner, window=window, **options).finish()[1] for window in (100, 0)
        )
        sliding = submit([5, 6], on=runner, window=100, num_predict=1000).finish()[1]
        with pytest.raises(ContextTooLong):
            submit([5] * 101, on=runner, window=100)
    assert [end.prompt_count + end.eval_count for end in (small, whole)] == [101, 501]
    assert sliding.eval_count == 1000


def test_owners_share_nothing_where_they_are_isolated(make_spec, submit):
    for isolated in (False, True):
        with fresh_runner(make_spec(isolated=isolated)) as runner:
            submit(LONG + QUESTION, on=runner, owner="alice").finish()
            _, end = submit(LONG + QUESTION, on=runner, owner="bob").finish()
        assert (end.reused_count == 0) is isolated


def test_nothing_is_reused_after_an_abort_that_the_cache_does_not_hold(make_spec, submit):
    with fresh_runner(make_spec(num_parallel=1)) as runner:
        expected = submit(LONG + QUESTION, on=runner).finish()[0]
    with fresh_runner(make_spec(num_parallel=1)) as runner:
        for pause in (0, 0.002, 0.005, 0.01, 0.02):
            doomed = submit(LONG + QUESTION, on=runner)
            time.sleep(pause)
            doomed.cancel()
            doomed.finish()
            assert submit(LONG + QUESTION, on=runner).finish()[0] == expected


def test_a_repeatable_answer_is_the_same_whatever_else_runs(make_spec, submit):
    options = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "seed": 11, "repeatable": True}
    with fresh_runner(make_spec()) as runner:
        expected = submit(LONG + QUESTION, options, on=runner, num_predict=60).finish()[1].tokens
        for _ in range(3):
            noise = [submit(LONG + OTHER, {"seed": n}, on=runner) for n in range(3)]
            told = submit(LONG + QUESTION, options, on=runner, num_predict=60).finish()[1]
            assert told.tokens == expected
            assert told.reused_count == 0
            for one in noise:
                one.finish()


@pytest.mark.parametrize("kind", ["q8_0", "q4_0"])
def test_a_quantised_cache_still_answers(make_spec, submit, kind):
    spec = msgspec.structs.replace(make_spec(), flash_attention=1, cache_type=kind)
    with fresh_runner(spec) as runner:
        assert submit(QUESTION, on=runner, num_predict=40).finish()[1].eval_count > 0


def test_one_with_many_prompts_does_not_keep_another_waiting(make_spec, submit):
    with fresh_runner(make_spec(num_parallel=1)) as runner:
        many = [submit([5, 6, n], on=runner, owner="alice", num_predict=5) for n in range(60)]
        one = submit([7, 8], on=runner, owner="bob", num_predict=5)
        one.finish()
        for each in many:
            each.finish()
    assert one.arrived < max(each.arrived for each in many)


def test_cancelling_while_decoding_ends_with_the_text_so_far(submit, endless):
    sequence = submit("a", on=endless(), num_predict=FOR_EVER)
    sequence.next()
    sequence.cancel()
    _, end = sequence.finish()
    assert end.done_reason == "cancelled"


def test_cancelling_a_long_prompt_aborts_it_and_the_next_request_works(
    make_spec, submit, monkeypatch
):
    runner = LocalHost().load(make_spec(num_parallel=1, num_batch=2048, num_ctx=2048))
    gate = hold_after(monkeypatch, 0)
    try:
        sequence = submit([5] * 2000, on=runner)
        assert gate.reached.wait(PATIENCE)
        sequence.cancel()
        gate.set()
        text, end = sequence.finish()
        assert (text, end.done_reason) == ("", "cancelled")
        assert submit(QUESTION, on=runner).finish()[0]
    finally:
        runner.close()


def test_an_abort_costs_the_other_sequences_nothing(submit):
    expected = submit(QUESTION, num_predict=40).finish()[0]
    for _ in range(20):  # until one is caught in the middle
        doomed = submit([5] * 1500)
        doomed.cancel()
        survivor = submit(QUESTION, num_predict=40)
        assert survivor.finish()[0] == expected
        if doomed.finish()[1].done_reason == "cancelled":
            return
    pytest.fail("every one of them came to its end")


def test_the_window_slides_when_it_is_full(submit, endless):
    _, end = submit("a", on=endless(num_ctx=64), num_predict=300).finish()
    assert (end.eval_count, end.done_reason) == (300, "length")


def test_without_shift_a_full_window_ends_with_length(submit, endless):
    _, end = submit([5] * 60, on=endless(num_ctx=64), num_predict=1000, shift=False).finish()
    assert (end.eval_count, end.done_reason) == (64 - 60 + 1, "length")


def test_bad_submissions_are_refused_in_the_callers_thread(submit, runner):
    with pytest.raises(EngineError, match="no tokens"):
        submit([])
    with pytest.raises(ContextTooLong):
        submit([5] * 3000)
    with pytest.raises(BadRequest, match="token 1000000 is outside the model's vocabulary"):
        submit([5, 10**6])
    with pytest.raises(BadRequest, match="outside the model's vocabulary"):
        runner.detokenize([10**6])
    with pytest.raises(BadRequest, match="outside the model's vocabulary"):
        runner.detokenize([-1])


def test_a_closed_model_refuses_and_ends_what_was_running(submit, endless):
    runner = endless(num_parallel=1)
    running = submit("a", on=runner, num_predict=FOR_EVER)
    waiting = submit("a", on=runner)
    runner.close()
    runner.close()
    for sequence in (running, waiting):
        with pytest.raises(Cancelled):
            sequence.finish()
    assert not runner.alive
    with pytest.raises(EngineError, match="unloaded"):
        submit("a", on=runner)
    with pytest.raises(EngineError, match="unloaded"):
        submit([5], on=runner)


def test_a_consumer_that_fails_loses_its_own_answer_only(runner, submit):
    from ollama_nb.engine.sequence import SequenceRequest
    from ollama_nb.wire import Options

    def fail(event):
        raise RuntimeError("the consumer is broken")

    request = SequenceRequest(
        tokens=tuple(runner.tokenize([QUESTION], start=True)),
        options=Options(temperature=0),
        num_predict=50,
        num_keep=4,
    )
    runner.submit(request, fail)
    assert submit(QUESTION).finish()[0]


def test_a_fork_refuses_instead_of_hanging(runner):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            from ollama_nb.engine.sequence import SequenceRequest
            from ollama_nb.wire import Options

            request = SequenceRequest(tokens=(5,), options=Options(), num_predict=1, num_keep=0)
            runner.submit(request, lambda _: None)
        except EngineError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert b"fork" in os.read(read, 1000)
    os.close(read)
    os.close(write)


def test_many_threads_may_submit_and_cancel_at_once(submit):
    faults = []

    def work(seed):
        try:
            sequence = submit(QUESTION, num_predict=30)
            if seed % 2:
                sequence.next()
                sequence.cancel()
            sequence.finish()
        except Exception as error:  # noqa: BLE001 - any fault of a thread fails the test
            faults.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_control_tokens_cut_in_two_are_text(runner):
    whole = runner.tokenize(["<|im_end|>"], start=False)
    halves = runner.tokenize(["<", "|im_end|>"], start=False)
    assert len(whole) == 1
    assert len(halves) > 1
    assert runner.detokenize(halves) == "<|im_end|>"


def test_an_interrupt_while_loading_leaves_no_thread_behind(make_spec, monkeypatch):
    before = set(threading.enumerate())
    with monkeypatch.context() as patch:
        patch.setattr(runner_module, "threading", InterruptedThreading)
        with pytest.raises(KeyboardInterrupt):
            LocalHost().load(make_spec())
    for thread in set(threading.enumerate()) - before:
        thread.join(180)
        assert not thread.is_alive()


class InterruptedThreading:
    """The threading module, but for its Event."""

    Thread, Lock = threading.Thread, threading.Lock

    @staticmethod
    def Event():  # noqa: N802
        return InterruptedEvent()


class InterruptedEvent:
    """What waiting for a load looks like when the stop button is pressed."""

    def wait(self):
        raise KeyboardInterrupt

    def set(self):
        pass
