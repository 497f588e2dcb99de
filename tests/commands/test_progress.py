"""Progress becomes what a screen shows: rationed, from where it began, and free of commands."""

import io

import pytest
from fake_service import told

from ollama_nb.commands.bars import Bars, PlainLines, calm
from ollama_nb.commands.progress import Progress
from ollama_nb.commands.transfer import Layer, Transfer


class Screen:
    """Writes down what it is to show, and when."""

    def __init__(self):
        self.now = 0.0
        self.seen = []

    def phase(self, text):
        self.seen.append((self.now, text))

    def move(self, layer):
        self.seen.append((self.now, layer.label, layer.completed))

    def finish(self, layer):
        self.seen.append((self.now, layer.label, "whole"))

    def close(self):
        self.seen.append((self.now, "closed"))


@pytest.fixture
def screen():
    return Screen()


@pytest.fixture
def progress(screen):
    return Progress(lambda: screen, clock=lambda: screen.now)


def test_ten_updates_a_second_at_most(screen, progress):
    for step in range(1000):
        screen.now = step / 200
        progress.take(told("pulling", "a", step, 1000))
    assert 45 <= len(screen.seen) <= 50


def test_what_moved_between_updates_is_shown_with_the_next(screen, progress):
    for letter in "ab":
        progress.take(told("pulling", letter, 1, 9))
    screen.now = 1
    progress.take(told("pulling", "b", 2, 9))
    assert screen.seen == [(1, "pulling " + "a" * 12, 1), (1, "pulling " + "b" * 12, 2)]


def test_the_end_of_a_layer_is_shown_at_once_and_once(screen, progress):
    for completed in (0, 9, 9):
        progress.take(told("pulling", "a", completed, 9))
    assert screen.seen == [(0, "pulling " + "a" * 12, "whole")]


def test_phases_are_told_once_and_success_is_not_one(screen, progress):
    for status in ("pulling manifest", "pulling manifest", "writing manifest", "success"):
        progress.take(told(status))
    assert [text for _, text in screen.seen] == ["pulling manifest", "writing manifest"]


def test_a_resumed_layer_begins_where_it_was(screen, progress):
    progress.take(told("pulling", "a", 6_000_000, 9_000_000))
    screen.now = 2
    progress.take(told("pulling", "a", 9_000_000, 9_000_000))
    (layer,) = progress.layers
    assert layer.initial == 6_000_000
    assert layer.line() == f"{'a' * 12} · 9 MB · 2.00 s · 1.5 MB/s"


def test_more_than_all_is_all(progress):
    progress.take(told("pulling", "a", 12, 9))
    (layer,) = progress.layers
    assert (layer.initial, layer.completed, layer.whole) == (9, 9, True)


def test_nothing_that_a_registry_says_commands_a_terminal(screen, progress):
    progress.take(told("\x1b[2Jpulling\nmanifest\r"))
    hostile = told("pulling", "a", 0, 9)
    hostile.status, hostile.digest = "\x1b]0;x\x07pull", "sha256:\x1b[1A"
    progress.take(hostile)
    screen.now = 1
    progress.take(hostile)
    assert [entry[1] for entry in screen.seen] == ["[2Jpulling manifest", "]0;xpull"]
    assert "\x1b" not in progress.layers[0].line()


def test_an_interrupt_does_not_leave_bars_behind(screen, progress):
    progress.close()
    assert screen.seen == []
    progress.take(told("pulling manifest"))
    faults = [KeyboardInterrupt]

    def close():
        if faults:
            raise faults.pop()
        screen.seen.append("closed")

    screen.close = close
    progress.close()
    assert screen.seen[-1] == "closed"


def layer(letter="a", *, total=9_000_000, initial=0, completed=9_000_000, ended=3.0):
    return Layer(
        digest=f"sha256:{letter * 64}", label=f"pulling {letter * 12}", total=total,
        initial=initial, completed=completed, began=0.0, ended=ended,
    )  # fmt: skip


def test_a_transfer_is_a_line_for_each_layer_and_a_last_one():
    small = layer("b", total=490, completed=490)
    done = Transfer(verb="pull", model="guide", layers=(layer(), small), seconds=3.5)
    assert str(done) == (
        "aaaaaaaaaaaa · 9 MB · 3.00 s · 3 MB/s\n"
        "bbbbbbbbbbbb · 490 B\n"
        "success: guide · 9.0 MB in 3.50 s"
    )
    assert repr(done) == "<Transfer of guide: success>"
    assert (done.size, done.interrupted) == (9_000_490, False)


def test_compared_notebooks_see_no_times():
    layers = (layer(), layer("b", initial=9_000_000))
    done = Transfer(verb="pull", model="guide", layers=layers, seconds=3.5, rates=False)
    expected = "aaaaaaaaaaaa · 9 MB\nbbbbbbbbbbbb · 9 MB\nsuccess: guide · 18 MB"
    assert done._repr_mimebundle_() == {"text/plain": expected}


def test_an_interrupted_transfer_says_how_to_go_on():
    again = "%ollama pull guide"
    layers = (layer(), layer("b", completed=4))
    done = Transfer(verb="pull", model="guide", layers=layers, again=again)
    assert str(done).splitlines()[1:] == [
        "interrupted: what has arrived is kept, %ollama pull guide goes on"
    ]
    assert done.interrupted


@pytest.fixture
def terminal():
    """A file for bars, and what makes them."""
    from tqdm import tqdm

    file = io.StringIO()
    kind = calm(tqdm)
    return file, lambda **keywords: kind(file=file, ncols=80, **keywords)


def test_bars_tell_bytes_rate_and_time_left(terminal):
    file, make = terminal
    lines = []
    bars = Bars(make, lines.append)
    bars.phase("pulling manifest")
    moving = layer(completed=6_000_000, initial=6_000_000)
    bars.move(moving)
    assert "67%" in file.getvalue()
    assert "6.00M/9.00M" in file.getvalue()
    moving.move(7_000_000, 1.0)
    bars.move(moving)
    assert "B/s]" in file.getvalue()
    assert lines == []
    moving.move(9_000_000, 3.0)
    bars.finish(moving)
    assert lines == [moving.line()]
    bars.close()
    assert file.getvalue().endswith("\r" + " " * 80 + "\r") or file.getvalue().endswith("\r")


def test_bars_start_no_thread(terminal):
    import threading

    before = threading.active_count()
    bars = Bars(terminal[1])
    bars.move(layer(completed=1))
    assert threading.active_count() == before
    bars.close()


def test_a_pipe_gets_lines():
    phases, lines = io.StringIO(), []
    screen = PlainLines(phases, lines.append)
    screen.phase("pulling manifest")
    screen.move(layer(completed=1))
    screen.finish(layer())
    screen.close()
    assert phases.getvalue() == "pulling manifest\n"
    assert lines == ["aaaaaaaaaaaa · 9 MB · 3.00 s · 3 MB/s"]
