"""Tasks in a child: its lines arrive, and however it ends is told."""

import threading

import pytest

from ollama_nb.engine.child import run_task
from ollama_nb.errors import Cancelled, EngineError

BEGINNING = "from ollama_nb.engine.child import do_task\nimport os, time\n"


def run(code, *arguments, stop=None):
    lines = []
    stop = stop or threading.Event()
    run_task(BEGINNING + code, *arguments, told=lines.append, stop=stop)
    return lines


def test_its_lines_arrive_in_order():
    assert run("do_task(lambda tell: [tell(one) for one in sys.argv[1:]])", "a", "b c") == [
        "a",
        "b c",
    ]


def test_its_error_is_told_on_one_line():
    with pytest.raises(EngineError, match=r"^ValueError: a b$"):
        run("def task(tell): raise ValueError('a\\nb')\ndo_task(task)")


@pytest.mark.parametrize(
    ("code", "end"),
    [("os.abort()", "was ended by SIGABRT"), ("os._exit(3)", "ended with 3")],
)
def test_how_it_died_is_told(code, end):
    with pytest.raises(EngineError, match=f"^the process that does it {end}$"):
        run(f"do_task(lambda tell: {code})")


def test_it_can_be_stopped_while_it_works():
    stop = threading.Event()

    def told(_):
        stop.set()

    code = BEGINNING + "def task(tell):\n  tell('begun')\n  time.sleep(600)\ndo_task(task)"
    with pytest.raises(Cancelled):
        run_task(code, told=told, stop=stop)
