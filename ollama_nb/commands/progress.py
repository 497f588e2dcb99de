"""How bytes come along, layer by layer, and what is shown of it: ten times a second at most.

Shows nothing itself: a `Screen` does, which differs by front end.
"""

import time
from collections.abc import Callable
from typing import Protocol

from ollama_nb.wire import ProgressResponse

from .plain import plain_line
from .transfer import Layer

_INTERVAL = 0.1


class Screen(Protocol):
    """Something that shows how it goes."""

    def phase(self, text: str) -> None:
        """Say what is being done, where no bytes are counted."""

    def move(self, layer: Layer) -> None:
        """Show how far a layer is: a new one, one that has moved, one that has not for a while."""

    def finish(self, layer: Layer) -> None:
        """Show that a layer is whole. Called once, also for one that has never moved."""

    def close(self) -> None:
        """Take away what is only of use on the way. May be called again."""


class Blank:
    """A screen that shows nothing, where only the end counts."""

    def phase(self, text: str) -> None:
        """Show nothing."""

    def move(self, layer: Layer) -> None:
        """Show nothing."""

    def finish(self, layer: Layer) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing is there."""


class Progress:
    """What a stream of progress has told so far."""

    def __init__(
        self, make_screen: Callable[[], Screen], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take what makes the screen once there is something to show."""
        self._make_screen = make_screen
        self._made_screen: Screen | None = None
        self._clock = clock
        self._layers: dict[str, Layer] = {}
        self._moved: dict[str, Layer] = {}
        self._phase = ""
        self._began = self._shown = clock()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer that was told of, in that order."""
        return tuple(self._layers.values())

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return self._clock() - self._began

    @property
    def _screen(self) -> Screen:
        if self._made_screen is None:
            self._made_screen = self._make_screen()
        return self._made_screen

    def close(self) -> None:
        """Have the screen take away what was of use on the way, also if that is interrupted."""
        screen = self._made_screen
        if screen is None:
            return
        try:
            screen.close()
        except KeyboardInterrupt:
            screen.close()

    def take(self, told: ProgressResponse) -> None:
        """Take a line of progress."""
        if told.digest and told.total > 0:
            self._count(told)
        elif not told.digest and told.status != "success":
            self._say(plain_line(told.status))

    def _say(self, phase: str) -> None:
        if phase != self._phase:
            self._phase = phase
            self._screen.phase(phase)

    def _count(self, told: ProgressResponse) -> None:
        now = self._clock()
        layer = self._layers.get(told.digest)
        if layer is None:
            layer = self._begin(told, now)
        elif layer.whole:
            return
        layer.move(told.completed, now)
        if layer.whole:
            self._moved.pop(layer.digest, None)
            self._screen.finish(layer)
            return
        self._moved[layer.digest] = layer
        if now - self._shown >= _INTERVAL:
            self._shown = now
            for each in self._moved.values():
                self._screen.move(each)
            self._moved.clear()

    def _begin(self, told: ProgressResponse, now: float) -> Layer:
        self._phase = ""
        layer = Layer(
            digest=plain_line(told.digest),
            label=plain_line(told.status),
            total=told.total,
            initial=min(told.completed, told.total),
            completed=told.completed,
            began=now,
            ended=now,
        )
        self._layers[told.digest] = layer
        return layer
