"""Progress where there are bars: one of tqdm's for each layer under way, a line where one was.

A terminal and a notebook differ in the kind of tqdm alone; `PlainLines` is for neither.
"""

import threading
from collections.abc import Callable
from typing import Any, TextIO

from .transfer import Layer

_BYTES: dict[str, Any] = {
    "unit": "B",
    "unit_scale": True,
    "unit_divisor": 1000,
    "leave": False,
    "miniters": 0,
    "mininterval": 0.0,  # who moves a bar has chosen the moment
    "smoothing": 0.1,
}


def calm(tqdm: type[Any]) -> type[Any]:
    """A kind of tqdm that starts no thread, and that waits for no other process."""
    own = {"monitor_interval": 0, "_lock": threading.RLock(), "__del__": _let_go}
    return type("Calm", (tqdm,), own)


def _let_go(_: object) -> None:
    """Who makes a bar closes it; tqdm would complain of one that an interrupt left half made."""


class Bars:
    """Bars that vanish when their layers are whole."""

    def __init__(
        self, make: Callable[..., Any], write: Callable[[str], object] = lambda _: None
    ) -> None:
        """Take what makes a bar, and what writes a line in their midst."""
        self._make = make
        self._write = write
        self._bars: dict[str, Any] = {}
        self._status: Any = None

    def phase(self, text: str) -> None:
        """Show a word in place of a bar."""
        if self._status is None:
            self._status = self._make(desc=text, bar_format="{desc}", **_BYTES)
        else:
            self._status.set_description_str(text)

    def move(self, layer: Layer) -> None:
        """Move a bar, or make it, from where the layer began."""
        bar = self._bars.get(layer.digest)
        if bar is None:
            self._end_phase()
            bar = self._make(desc=layer.label, total=layer.total, initial=layer.initial, **_BYTES)
            self._bars[layer.digest] = bar
        if layer.completed != bar.n:
            bar.update(layer.completed - bar.n)
        else:
            bar.refresh()

    def finish(self, layer: Layer) -> None:
        """Put a line in the place of a bar."""
        self._end_phase()
        bar = self._bars.pop(layer.digest, None)
        if bar is not None:
            bar.close()
        self._write(layer.line())

    def close(self) -> None:
        """Take away what is left."""
        self._end_phase()
        while self._bars:
            self._bars.popitem()[1].close()

    def _end_phase(self) -> None:
        status, self._status = self._status, None
        if status is not None:
            status.close()


class PlainLines:
    """Lines for a file or a pipe: phases to one, what is whole to another."""

    def __init__(self, phases: TextIO, write: Callable[[str], object]) -> None:
        self._phases = phases
        self._write = write

    def phase(self, text: str) -> None:
        """Write it."""
        self._phases.write(f"{text}\n")
        self._phases.flush()

    def move(self, layer: Layer) -> None:
        """Wait until it is whole."""

    def finish(self, layer: Layer) -> None:
        """Write a line."""
        self._write(layer.line())

    def close(self) -> None:
        """Nothing is left."""
