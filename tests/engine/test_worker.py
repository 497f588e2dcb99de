"""The worker host: what a child process adds to, and must not take from, a loaded model."""

import contextlib
import os
import signal
import subprocess
import sys

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb import errors
from ollama_nb.engine.frames import Fault
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import Cancelled, EngineError, LoadFailed

QUESTION = "<|im_start|>user\nHow do I pull a model?<|im_end|>\n<|im_start|>assistant\n"
FOR_EVER = 10**9
"""Tokens: what is not stopped goes on for days."""


@pytest.fixture
def endless_spec(make_endless_spec):
    return make_endless_spec()


@pytest.fixture
def remote(endless_spec):
    model = WorkerHost().load(endless_spec)
    yield model
    model.close()


def pid_of(model):
    return model._process.pid


def children():
    return {child.pid for child in psutil.Process().children()}


def test_the_answers_are_those_of_the_local_host(make_spec, submit):
    texts = []
    for host in (LocalHost(), WorkerHost()):
        model = host.load(make_spec())
        try:
            texts.append(submit(QUESTION, on=model, num_predict=60).finish()[0])
            assert model.vocabulary.controls
        finally:
            model.close()
    assert texts[0] == texts[1]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_death_in_the_middle_ends_the_requests_with_a_clear_error(remote, submit, how):
    running = [submit("a", on=remote, num_predict=FOR_EVER) for _ in range(3)]
    for sequence in running:
        sequence.next()
    os.kill(pid_of(remote), how)
    for sequence in running:
        with pytest.raises(EngineError, match=f"ended by {how.name}; the next request loads it"):
            sequence.finish()
    assert not remote.alive
    with pytest.raises(EngineError, match=f"ended by {how.name}; the next request loads it"):
        submit("a", on=remote)


def test_a_worker_that_hangs_is_ended(endless_spec, submit):
    remote = WorkerHost().load(endless_spec)
    sequence = submit("a", on=remote, num_predict=FOR_EVER)
    sequence.next()
    remote._channel.expect_within(3)

    def hang():
        heard = sequence.arrived
        while sequence.arrived < heard + 2:  # of which the second is waited for so long only
            sequence.next()
        os.kill(pid_of(remote), signal.SIGSTOP)
        sequence.finish()

    with pytest.raises(EngineError, match="not been heard of for 3 seconds"):
        hang()
    remote.close()
    assert pid_of(remote) not in children()


def test_closing_ends_what_runs_and_leaves_no_process(endless_spec, submit):
    descriptors = psutil.Process().num_fds()
    remote = WorkerHost().load(endless_spec)
    running = submit("a", on=remote, num_predict=FOR_EVER)
    running.next()
    remote.close()
    remote.close()
    with pytest.raises(Cancelled):
        running.finish()
    with pytest.raises(EngineError, match="the model has been unloaded"):
        submit("a", on=remote)
    assert pid_of(remote) not in children()
    assert psutil.Process().num_fds() <= descriptors


def test_a_file_that_cannot_be_loaded_says_why(endless_spec, tmp_path):
    before = children()
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    spec = msgspec.structs.replace(endless_spec, path=str(tmp_path / "broken.gguf"))
    with pytest.raises(LoadFailed, match=r"broken\.gguf"):
        WorkerHost().load(spec)
    assert children() <= before


def test_the_child_goes_when_its_parent_does(endless_spec):
    script = """
import sys, msgspec, time
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.engine.spec import LoadSpec
model = WorkerHost().load(msgspec.json.decode(sys.argv[1], type=LoadSpec))
print(model._process.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", script, msgspec.json.encode(endless_spec).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        child.wait(180)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_an_interrupt_of_the_terminal_is_not_the_workers(remote, submit):
    os.kill(pid_of(remote), signal.SIGINT)
    assert submit("a", on=remote, num_predict=5).finish()[1].eval_count == 5


def test_cancelling_works_across_the_border(remote, submit):
    sequence = submit("a", on=remote, num_predict=FOR_EVER)
    sequence.next()
    sequence.cancel()
    assert sequence.finish()[1].done_reason == "cancelled"


def test_numbers_and_texts_that_cannot_be_sent_are_refused(remote, submit):
    with pytest.raises(errors.BadRequest, match="cannot be sent"):
        submit([5], {"stop": ["\ud800"]}, on=remote)
    assert remote.tokenize(["\ud800"], start=False)
    assert submit([5], {"seed": -(10**30)}, on=remote, num_predict=2).finish()


@given(st.text())
def test_errors_keep_class_status_and_text(text):
    for error in (errors.ModelNotFound(text), errors.BadRequest(text), LoadFailed("f", text)):
        again = Fault.of(1, error).error()
        assert (type(again), str(again), again.status) == (type(error), str(error), error.status)
    assert type(Fault.of(1, ValueError(text)).error()) is EngineError
