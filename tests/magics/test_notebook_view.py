"""The display of a growing answer: rationed in time and size, complete at the end."""

import pytest

from ollama_nb.commands.result import Result, Stats
from ollama_nb.magics.notebook_view import FinalView, NotebookView


class Screen:
    """Stands for the front end and for the clock."""

    def __init__(self):
        self.now = 0.0
        self.shown = []

    def show(self, bundle):
        self.shown.append((self.now, bundle))
        return self

    def update(self, bundle, *, raw):
        assert raw
        self.shown.append((self.now, bundle))


@pytest.fixture
def screen():
    return Screen()


def result(text, thinking=""):
    return Result(model="guide", text=text, thinking=thinking, stats=Stats(done_reason="stop"))


def play(screen, *, seconds, step, piece="word "):
    view = NotebookView("guide", screen.show, clock=lambda: screen.now)
    text = ""
    while screen.now < seconds:
        screen.now += step
        view.show("", piece)
        text += piece
    view.finish(result(text))
    return text


def test_something_is_shown_at_once(screen):
    NotebookView("guide", screen.show, clock=lambda: screen.now)
    assert screen.shown == [(0.0, screen.shown[0][1])]
    assert screen.shown[0][1]["text/plain"] == "guide …"


def test_ten_updates_a_second_then_four(screen):
    play(screen, seconds=10, step=1 / 128)
    times = [time for time, _ in screen.shown]
    brisk = [time for time in times if time < 2]
    assert 18 <= len(brisk) <= 21
    assert 30 <= len(times) - len(brisk) <= 35


def test_the_last_update_is_whole(screen):
    text = play(screen, seconds=3, step=0.01)
    assert screen.shown[-1][1]["text/plain"] == f"{text.strip()}\n\nguide"
    assert text.startswith(screen.shown[5][1]["text/plain"].split("\n")[0].rstrip())


def test_slow_pieces_are_all_shown(screen):
    play(screen, seconds=5, step=0.5)
    assert len(screen.shown) == 1 + 10 + 1


def test_long_answers_are_cut_until_the_end(screen):
    text = play(screen, seconds=4, step=0.01, piece="äöü words <b> " * 40 + "\n")
    assert len(text) > 200_000
    interim = [bundle for _, bundle in screen.shown[:-1]]
    sizes = [sum(len(part.encode()) for part in bundle.values()) for bundle in interim]
    assert max(sizes) <= 64 * 1024
    assert interim[-1]["text/plain"].startswith("…\näöü words")
    assert screen.shown[-1][1]["text/plain"].startswith(text[:1000])


def test_open_code_is_closed_in_between(screen):
    view = NotebookView("guide", screen.show, clock=lambda: screen.now)
    screen.now = 1
    view.show("", "```python\nprint(1)\n")
    assert "```python\nprint(1)\n```\n\n<small" in screen.shown[-1][1]["text/markdown"]


def test_thinking_is_open_while_it_goes_on(screen):
    view = NotebookView("guide", screen.show, clock=lambda: screen.now)
    screen.now = 1
    view.show("hm", "")
    assert "<details open>" in screen.shown[-1][1]["text/markdown"]
    screen.now = 2
    view.show("", "So.")
    assert "<details>" in screen.shown[-1][1]["text/markdown"]


def test_final_shows_once():
    shown = []
    view = FinalView(shown.append, rates=False)
    view.show("", "Hello")
    view.finish(Result(model="guide", text="Hello", thinking="", stats=Stats(tokens_per_second=9)))
    assert [bundle["text/plain"] for bundle in shown] == ["Hello\n\nguide"]
