"""The stop button at any moment: the prompt comes back, and nothing of the stopped cell stays."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.native

PATIENCE = 300
DEADLINE = 60
"""Seconds until the prompt is back, where nothing else would bring it back for minutes."""
MOMENTS = 20
KINDS = {
    "load": ("Hello", 0.3),
    "prompt": ("{{ 'one more word and ' * 5000 }}", 0.6),
    "answer": ("Hello", 0.4),
}
"""What is asked, and how many seconds after the beginning it is stopped at the latest."""
LONG = "%%ollama generate -m endless --options num_predict=1000000 temperature=1.5 num_ctx=32768"
SHORT = """%%ollama generate -m guide -o answer --seed 7 --options temperature=1.5 num_predict=200
What is a token?"""
STATE = """
import time
from ollama_nb.service.shared import shared_service

def loaded():
    return shared_service().scheduler.loaded()

def mark():
    print("begun")
    return ""

def left():
    "What is still borrowed, or answered, after a while."
    end = time.monotonic() + 180
    while time.monotonic() < end:
        found = [(one.leases, len(one.runner._known)) for one in loaded()]
        if all(each == (0, 0) for each in found) and not shared_service().scheduler._loads:
            return []
        time.sleep(0.005)
    return found

def unloaded():
    "Whether the models go."
    end = time.monotonic() + 180
    while loaded() and time.monotonic() < end:
        time.sleep(0.005)
    return not loaded()
"""


class Kernel:
    """A kernel, spoken to in cells."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def start(self, source):
        """Begin to run a cell."""
        self._request = self.client.execute(source)

    def next_text(self):
        """Wait for what the cell puts out next, as text; None when it has ended."""
        while True:
            message = self._next()
            content = message["content"]
            if content.get("execution_state") == "idle":
                return None
            if message["msg_type"] == "error":
                return content["ename"]
            if message["msg_type"] == "stream":
                return content["text"]
            if "data" in content:
                return content["data"]["text/plain"]

    def rest(self):
        """Wait for the end of the cell: what it has put out."""
        return list(iter(self.next_text, None))

    def _next(self):
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == self._request:
                return message

    def run(self, source):
        """Run a cell to its end."""
        self.start(source)
        return self.rest()

    def value(self, expression):
        """Evaluate an expression in the kernel."""
        return eval("".join(self.run(f"print(repr({expression}))")))


@pytest.fixture(scope="module")
def kernel(environment):
    manager, client = start_new_kernel(
        startup_timeout=PATIENCE,
        kernel_name="python3",
        env=environment("local"),
        stderr=subprocess.DEVNULL,
    )
    kernel = Kernel(manager, client)
    assert kernel.run(f"%load_ext ollama_nb\n{STATE}") == []
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_twenty_interrupts_at_random_moments(kernel):
    def answer():
        kernel.run(SHORT)
        return kernel.value("(answer.text, answer.stats.done_reason)")

    draw = random.Random(20)
    expected = answer()
    assert expected[0]
    for moment in range(MOMENTS):
        kind = list(KINDS)[moment % len(KINDS)]
        prompt, latest = KINDS[kind]
        if kind == "load":
            kernel.run("%ollama stop endless\n%ollama stop guide")
            assert kernel.value("unloaded()")
        # The kernel's own code does not always survive an interrupt, so it comes in the cell's.
        kernel.start(f"{LONG}\n{{{{ mark() }}}}{prompt}")
        assert "begun" in kernel.next_text()
        time.sleep(draw.uniform(0, latest))
        began = time.monotonic()
        kernel.manager.interrupt_kernel()
        texts = kernel.rest()
        assert time.monotonic() - began < DEADLINE, (moment, kind)
        assert any("interrupt" in text.lower() for text in texts), (moment, kind, texts)
        assert kernel.value("left()") == [], (moment, kind)
        assert answer() == expected, (moment, kind)


@pytest.fixture(scope="module")
def every_moment(environment):
    """What stayed behind after which moments, and how many there were."""
    script = Path(__file__).with_name("interrupt_everywhere.py")
    done = subprocess.run(
        [sys.executable, script],
        env=environment("local"),
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=True,
    )
    *left, last = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[")]
    assert last[0] == "moments"
    return left, last[1]


def test_every_moment_between_asking_and_answer_is_tried(every_moment):
    assert every_moment[1] > 20


def test_no_interrupt_leaves_a_lock_held(every_moment):
    assert [place for what, place in every_moment[0] if what == "lock"] == []


def test_no_interrupt_leaves_a_model_borrowed(every_moment):
    assert [place for what, place in every_moment[0] if what in ("lease", "turn")] == []


def test_no_interrupt_leaves_an_answer_that_nobody_reads(every_moment):
    assert [place for what, place in every_moment[0] if what == "sequence"] == []
