"""A pull in a real JupyterLab from a real registry: bars on the way, lines afterwards.

OLLAMA_NB_PULL_SCREENSHOT=/tmp/pull.png pytest tests/browser/test_pull.py keeps the picture.
"""

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from guide_registry import guide_registry
from lab import PATIENCE, lab, page
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

NAME = "pull.ipynb"
IDLE = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

pytestmark = [pytest.mark.browser, pytest.mark.native]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with guide_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def path(tmp_path_factory, registry):
    """A notebook that pulls the model and asks it."""
    root = tmp_path_factory.mktemp("lab")
    (root / "work").mkdir()
    sources = (
        "%load_ext ollama_nb",
        f"%ollama pull --insecure {registry.name}",
        f'%ollama run {registry.name} "How do I pull a model?"',
    )
    cells = [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), root / "work" / NAME)
    return root / "work" / NAME


@pytest.fixture(scope="module")
def opened(path, tmp_path_factory):
    """The notebook in a Lab, nothing executed."""
    with lab(path.parents[1], tmp_path_factory.mktemp("pulled")) as address, page() as tab:
        tab.goto(address.format(NAME))
        tab.wait_for_function(IDLE)
        tab.wait_for_selector("#jupyterlab-splash", state="detached")
        command(tab, "application:toggle-left-area")
        yield tab


def command(tab, name):
    """Execute one of Lab's commands; do not wait for what it returns."""
    tab.evaluate("name => void window.jupyterapp.commands.execute(name)", name)


def done(cell):
    """Wait for a cell's number."""
    cell.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[\d+\]")).wait_for()


def test_bars_on_the_way_and_lines_afterwards(opened, registry, path, tmp_path):
    first, second = registry.held(500_000, 3_000_000)
    command(opened, "notebook:run-all-cells")
    _, pulling, asking = opened.locator(".jp-CodeCell").all()
    digits = registry.weights.removeprefix("sha256:")[:12]
    bar = pulling.locator(".jupyter-widget-hprogress, .widget-hprogress").first
    bar.wait_for()
    first.set()
    row = pulling.locator(".jupyter-widgets.widget-hbox").first
    row.filter(has_text=re.compile(r"5\d%.*3\.\d+M/5\.\d+M.*,\s+[\d.]+[kM]B/s")).wait_for()
    assert row.inner_text().replace("\u2007", " ").startswith(f"pulling {digits}: ")
    picture = Path(os.environ.get("OLLAMA_NB_PULL_SCREENSHOT") or tmp_path / "pull.png")
    opened.screenshot(path=picture)
    second.set()
    done(pulling)
    output = pulling.locator(".jp-OutputArea").first
    output.get_by_text("success").wait_for()
    lines = output.locator("pre").inner_text().splitlines()
    assert len(lines) == 6
    assert re.fullmatch(rf"{digits} · 5\.\d MB · [\d.]+ (s|ms|min .*) · [\d.]+ [MK]B/s", lines[0])
    assert lines[-1].startswith(f"success: {registry.name} · 5.2 MB in ")
    expect(pulling.locator(".jupyter-widgets")).to_have_count(0, timeout=PATIENCE * 1000)
    done(asking)  # a cell has its number before Lab has rendered its output
    asking.locator(".jp-OutputArea").first.filter(has_text="%ollama pull").wait_for()
    opened.screenshot(path=picture.with_name(f"{picture.stem}-done.png"))


def test_the_saved_notebook_holds_the_lines_and_no_widgets(opened, registry, path):
    command(opened, "docmanager:save")
    opened.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    notebook = json.loads(path.read_text())
    emptied, result = notebook["cells"][1]["outputs"]
    assert emptied["data"] == {}
    assert list(result["data"]) == ["text/plain"]
    assert "widgets" not in notebook["metadata"]
    assert path.stat().st_size < 5_000


def test_the_page_has_no_complaint(opened):
    """Also after the widgets have gone, opened anew."""
    complaints = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.reload()
    opened.wait_for_function(IDLE)
    opened.wait_for_selector("#jupyterlab-splash", state="detached")
    output = opened.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea").first
    output.get_by_text("success").wait_for()
    assert "widget" not in output.inner_text().lower()
    assert not [text for text in complaints if "model not found" in text.lower()]
