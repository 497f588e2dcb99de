"""An answer ends where the question's ``with`` is left, however that comes about."""

import signal
import threading

import pytest

from ollama_nb.errors import EngineError
from ollama_nb.service import Asking, Stream

PATIENCE = 180


@pytest.fixture
def cancelled():
    """Set when the answer is cancelled."""
    return threading.Event()


@pytest.fixture
def answer(cancelled):
    """An answer that never ends by itself."""
    stream = Stream(lambda event: (event,), list)
    stream.bind(cancelled.set)
    return stream


def test_the_service_is_asked_elsewhere_and_answers_here(answer, cancelled):
    askers = []

    def ask():
        askers.append(threading.get_ident())
        return answer

    with Asking(ask) as asking:
        assert asking.stream() is answer
        assert not cancelled.is_set()
    assert askers != [threading.get_ident()]
    assert cancelled.is_set()


@pytest.mark.parametrize("error", [EngineError("no memory"), KeyboardInterrupt()])
def test_what_asking_raises_is_raised_here(error):
    def ask():
        raise error

    with pytest.raises(type(error)) as caught, Asking(ask) as asking:
        asking.stream()
    assert caught.value is error


def test_an_answer_that_comes_too_late_is_cancelled(answer, cancelled):
    loaded = threading.Event()

    def ask():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        loaded.wait(PATIENCE)
        return answer

    with pytest.raises(KeyboardInterrupt), Asking(ask) as asking:
        asking.stream()
    assert not cancelled.is_set()
    loaded.set()
    assert cancelled.wait(PATIENCE)
