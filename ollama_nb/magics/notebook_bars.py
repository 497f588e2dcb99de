"""Progress in a notebook: tqdm's widgets, all in one output of the cell, which is empty afterwards.

So a saved notebook holds the result, and no dead bars. Runs on the kernel's main thread.
"""

from typing import Any

from IPython.display import display
from ipywidgets import Label, VBox
from tqdm.auto import tqdm
from tqdm.notebook import tqdm_notebook

from ollama_nb.commands.bars import Bars, calm
from ollama_nb.commands.progress import Screen
from ollama_nb.commands.terminal_screen import shell_screen
from ollama_nb.commands.transfer import Layer

_MOST_BARS = 12
"""So many of layers that are whole. A model may have thousands."""


def notebook_screen() -> Screen:
    """Choose tqdm's widgets; in front ends where tqdm has none, such as qtconsole, its lines."""
    return NotebookBars(tqdm) if issubclass(tqdm, tqdm_notebook) else shell_screen()


class NotebookBars(Bars):
    """Bars as widgets, below them what is being done; they stay until everything is over."""

    def __init__(self, tqdm: type[Any]) -> None:
        kind = calm(tqdm)
        super().__init__(lambda **keywords: kind(display=False, **keywords))
        self._whole: list[Any] = []
        self._label = Label()
        self._box = VBox([self._label])
        self._handle = display(self._box, display_id=True)  # type: ignore[no-untyped-call]

    def phase(self, text: str) -> None:
        """Write a word below the bars."""
        self._label.value = text

    def move(self, layer: Layer) -> None:
        """Move a bar, or put it below the others."""
        known = layer.digest in self._bars
        super().move(layer)
        if not known:
            self._arrange()

    def _end_phase(self) -> None:
        self._label.value = ""

    def finish(self, layer: Layer) -> None:
        """Leave the bar as it is, full. What was whole at once gets one while there is room."""
        self._end_phase()
        if layer.digest not in self._bars and len(self._whole) >= _MOST_BARS:
            return
        self.move(layer)
        bar = self._bars.pop(layer.digest)
        bar.container.children[1].bar_style = "success"
        self._whole.append(bar)
        if len(self._whole) > _MOST_BARS:
            oldest = self._whole.pop(0)
            self._arrange()
            _discard(oldest)

    def close(self) -> None:
        """Empty the output, and forget every widget in the kernel and in the page."""
        self._handle.update({}, raw=True)
        for bar in (*self._whole, *self._bars.values()):
            _discard(bar)
        self._whole.clear()
        self._bars.clear()
        _close(self._box)

    def _arrange(self) -> None:
        bars = (*self._whole, *self._bars.values())
        self._box.children = (*(bar.container for bar in bars), self._label)


def _discard(bar: Any) -> None:
    bar.disable = True  # its own way of closing leaves most of its widgets behind
    _close(bar.container)


def _close(widget: Any) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    for part in (getattr(widget, "style", None), widget.layout, widget):
        if part is not None:
            part.close()
