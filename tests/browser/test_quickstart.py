"""The quickstart in a real JupyterLab, as a user sees it. Also takes the README's picture:

OLLAMA_NB_SCREENSHOT=notebooks/quickstart.png pytest tests/browser
"""

import os
import re
from pathlib import Path

import nbformat
import pytest
from lab import lab, page

NAME = "00-quickstart.ipynb"
QUICKSTART = Path(__file__).parents[2] / "notebooks" / NAME

# Lab puts its application into the page some time after the page has loaded.
IDLE = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"

pytestmark = [pytest.mark.browser, pytest.mark.native]


@pytest.fixture(scope="module")
def opened(models, tmp_path_factory):
    """The notebook, without outputs, opened in a Lab and executed there from top to bottom."""
    root = tmp_path_factory.mktemp("lab")
    (root / "work").mkdir()
    notebook = nbformat.read(QUICKSTART, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, root / "work" / NAME)
    with lab(root, models) as address, page() as tab:
        tab.goto(address.format(NAME))
        tab.wait_for_function(IDLE)
        tab.wait_for_selector("#jupyterlab-splash", state="detached")
        command(tab, "application:toggle-left-area")
        run_all(tab)
        yield tab


def command(tab, name):
    """Execute one of Lab's commands; do not wait for what it returns."""
    tab.evaluate("name => void window.jupyterapp.commands.execute(name)", name)


def run_all(tab):
    """Run every cell and wait for the last one's number."""
    command(tab, "notebook:run-all-cells")
    last = tab.locator(".jp-CodeCell").last.locator(".jp-InputPrompt")
    last.filter(has_text=re.compile(r"\[\d+\]")).wait_for()


@pytest.fixture
def answer(opened):
    """The output below the cell that contains a text."""

    def find(source):
        return opened.locator(".jp-CodeCell").filter(has_text=source).locator(".jp-OutputArea")

    return find


def test_every_cell_ran_without_an_error(opened):
    prompts = opened.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    assert prompts == [f"[{number}]:" for number in range(1, len(prompts) + 1)]
    assert len(prompts) > 10
    for kind in ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr"):
        assert opened.locator(f'.jp-OutputArea-output[data-mime-type="{kind}"]').count() == 0


def test_the_answer_is_rendered_markdown(answer):
    output = answer("How do I pull a model?").first
    wanted = re.compile(r"^%ollama pull llama3\.2$")
    output.locator("code").filter(has_text=wanted).first.wait_for()
    assert output.locator("p").first.inner_text().startswith("Run %ollama pull llama3.2")


def test_one_quiet_line_below_the_answer(answer):
    line = answer("How do I pull a model?").first.locator("small")
    text = line.inner_text()
    assert re.fullmatch(r"guide · \d+ prompt \+ \d+ answer tokens · [\d.]+ tokens/s", text)
    color, size, around = line.evaluate(
        "line => [getComputedStyle(line).color, parseFloat(getComputedStyle(line).fontSize),"
        " parseFloat(getComputedStyle(line.parentElement).fontSize)]"
    )
    assert color == "rgb(118, 118, 118)"
    assert size < around


def test_the_list_is_a_table(answer):
    table = answer("%ollama list").first.locator("tr")
    table.last.wait_for()  # a cell has its number before Lab has rendered its output
    rows = table.all_inner_texts()
    assert rows[0].split() == ["NAME", "ID", "SIZE", "QUANTIZATION", "PARAMETERS", "MODIFIED"]
    assert any(row.startswith("guide:latest") for row in rows)


def test_the_picture(opened, tmp_path):
    command(opened, "docmanager:save")
    opened.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    opened.locator(".jp-Cell").nth(1).click(position={"x": 2, "y": 2})
    opened.wait_for_timeout(500)  # until the save has shown itself
    path = Path(os.environ.get("OLLAMA_NB_SCREENSHOT") or tmp_path / "quickstart.png")
    opened.screenshot(path=path)
    assert path.stat().st_size > 20_000


def test_html_from_a_model_does_not_run(opened):
    """Even if it were the model's own text: what reaches the page is characters."""
    opened.evaluate(
        """async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            const run = panel.sessionContext.session.kernel.requestExecute({code: `
from IPython.display import display
from ollama_nb.commands.result import answer_bundle
display(answer_bundle('<img src=x onerror="window.ran = true"><script>window.ran = true' +
    '</script>![x](http://127.0.0.1:9/x.png) end', thinking='<b>t</b>', line='guide'), raw=True)`});
            const outputs = [];
            run.onIOPub = message => {
                if (message.header.msg_type === 'display_data') outputs.push(message.content);
            };
            await run.done;
            const cell = panel.content.widgets[1];
            cell.model.outputs.add({output_type: 'display_data', ...outputs[0]});
        }"""
    )
    output = opened.locator(".jp-CodeCell").first.locator(".jp-OutputArea")
    output.get_by_text("<script>").first.wait_for()
    assert output.locator("img").count() == 0
    assert output.locator("details").inner_text().startswith("Thinking")
    assert opened.evaluate("window.ran === undefined")
