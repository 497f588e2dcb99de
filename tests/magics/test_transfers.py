"""%ollama pull, push, verify and their like in a shell, against a scripted service."""

import pytest
from fake_service import told
from IPython.utils.capture import capture_output
from ipywidgets.widgets.widget import _instances
from tqdm.notebook import tqdm_notebook

from ollama_nb.commands.transfer import Layer, Transfer
from ollama_nb.errors import Cancelled, ModelNotFound, StoreError
from ollama_nb.magics.notebook_bars import NotebookBars


@pytest.fixture
def pull(fake_service):
    """What a pull of two layers tells."""
    fake_service.script = [
        told("pulling manifest"),
        told("pulling", "a", 1_000_000, 5_000_000),
        told("pulling", "a", 5_000_000, 5_000_000),
        told("pulling", "b", 490, 490),
        told("writing manifest"),
        told("success"),
    ]
    return fake_service


@pytest.fixture
def final(shell, monkeypatch):
    """Make the shell one of a kernel whose notebooks are compared."""
    shell.kernel = object()
    monkeypatch.setenv("OLLAMA_NB_DISPLAY", "final")
    yield shell
    del shell.kernel


def test_a_pull_returns_what_came(run, pull, capsys):
    done = run("%ollama pull llama3.2")
    assert isinstance(done, Transfer)
    assert [layer.digest[7:10] for layer in done.layers] == ["aaa", "bbb"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("success: llama3.2 · 5.0 MB in ")


def test_a_pull_that_is_kept_shows_nothing(run, shell, pull, capsys):
    run("done = %ollama pull llama3.2")
    assert capsys.readouterr().out == ""
    assert shell.user_ns["done"].model == "llama3.2"
    assert shell.user_ns["done"].seconds >= 0


def test_compared_notebooks_see_one_value_and_no_times(final, run, pull):
    with capture_output() as captured:
        done = run("%ollama push --insecure me/mine")
    assert done._repr_mimebundle_() == {
        "text/plain": "aaaaaaaaaaaa · 5 MB\nbbbbbbbbbbbb · 490 B\nsuccess: me/mine · 5.0 MB"
    }
    assert (captured.outputs, captured.stderr) == ([], "")
    assert (pull.requests[-1].model, pull.requests[-1].insecure) == ("me/mine", True)


def test_an_interrupt_ends_the_pull_and_not_the_cell(run, pull):
    pull.script[2:2] = [KeyboardInterrupt, Cancelled()]
    with capture_output():
        done = run("%ollama pull llama3.2")
    assert done.interrupted
    assert str(done) == "interrupted: what has arrived is kept, %ollama pull llama3.2 goes on"
    assert pull.stream.cancelled


def test_an_interrupt_before_anything_is_told(run, pull):
    def interrupted(_):
        raise KeyboardInterrupt

    pull.pull = interrupted
    with capture_output():
        assert run("%ollama pull llama3.2").interrupted


def test_errors_are_raised_with_a_word_on_what_helps(run, pull):
    pull.script = [told("retrieving manifest"), ModelNotFound("giude")]
    with pytest.raises(ModelNotFound) as caught, capture_output():
        run("%ollama push giude")
    assert "Did you mean guide? %ollama list shows what is here." in str(caught.value)


def test_errors_from_far_away_do_not_command_a_terminal(run, pull):
    pull.script = [StoreError("\x1b[2Jbad")]
    with pytest.raises(StoreError) as caught, capture_output():
        run("%ollama pull llama3.2")
    assert caught.value._render_traceback_() == ["StoreError: [2Jbad"]


def layer(letter, completed, total=9_000_000):
    return Layer(
        digest=f"sha256:{letter * 64}", label=f"pulling {letter * 12}", total=total,
        initial=0, completed=completed, began=0.0, ended=0.0,
    )  # fmt: skip


class Page:
    """Bars that have a page to be in."""

    def __init__(self):
        with capture_output() as captured:
            self.bars = NotebookBars(tqdm_notebook)
        (self.output,) = captured.outputs

    @property
    def shown(self):
        return [child.children for child in self.bars._box.children[:-1]]


@pytest.fixture
def page(shell):
    page = Page()
    yield page
    with capture_output():
        page.bars.close()


def test_a_layer_is_a_bar_with_bytes(page):
    moving = layer("a", 3_000_000)
    page.bars.move(moving)
    ((left, bar, right),) = page.shown
    assert (bar.value, bar.max) == (3_000_000, 9_000_000)
    assert left.value.replace("\u2007", " ").startswith("pulling aaaaaaaaaaaa:  33%")
    assert "3.00M/9.00M" in right.value
    moving.completed = 9_000_000
    page.bars.finish(moving)
    ((_, bar, _),) = page.shown
    assert (bar.value, bar.bar_style) == (9_000_000, "success")


def test_phases_stand_below_the_bars(page):
    page.bars.phase("pulling manifest")
    assert page.bars._label.value == "pulling manifest"
    page.bars.move(layer("a", 1))
    assert page.bars._label.value == ""
    assert page.bars._box.children[-1] is page.bars._label


def test_many_layers_are_few_bars(page):
    for number in range(100):
        page.bars.finish(layer(f"{number}", 9_000_000))
    assert len(page.shown) == 12
    known = len(_instances)
    page.bars.finish(layer("a", 9_000_000))
    assert len(_instances) == known
    page.bars.move(layer("b", 1))
    assert len(page.shown) == 13
    page.bars.finish(layer("b", 9_000_000))
    assert len(page.shown) == 12
    assert "bbb" in page.shown[-1][0].value
    assert len(_instances) == known


def test_names_of_layers_are_not_html(page):
    page.bars.move(layer("<b>", 1))
    assert "<b>" not in page.shown[0][0].value


def test_nothing_is_left_afterwards(shell):
    before = set(_instances)
    page = Page()
    assert "application/vnd.jupyter.widget-view+json" in page.output.data
    page.bars.finish(layer("a", 9_000_000))
    page.bars.move(layer("b", 1))
    assert set(_instances) > before
    with capture_output() as captured:
        page.bars.close()
    (update,) = captured.outputs
    assert update.data == {}
    assert set(_instances) == before
