"""What a pull or push came to: its layers, how long it took; and how it is shown.

Plain values. Knows no stream, no bars and no front end.
"""

from dataclasses import dataclass
from typing import Any

from .human import human_seconds, human_size

_ID_DIGITS = 12
_WORTH_A_RATE = 1_000_000
"""Bytes. Fewer are there in a moment."""


@dataclass
class Layer:
    """One blob on its way. Bytes; moments in seconds of some clock."""

    digest: str
    label: str
    """What is being done to it: ``pulling 6a0746a1ec1a``."""
    total: int
    initial: int
    """What was there when it was first heard of: of something resumed, its beginning."""
    completed: int
    began: float
    ended: float

    @property
    def whole(self) -> bool:
        """Whether nothing of it is missing any more."""
        return self.completed >= self.total

    def move(self, completed: int, now: float) -> None:
        """Take how far it is."""
        self.completed = min(completed, self.total)
        self.ended = now

    def line(self, *, rates: bool = True) -> str:
        """``6a0746a1ec1a · 2.0 GB · 41.20 s · 48 MB/s``; without what no two runs share."""
        named = self.digest.startswith("sha256:")
        identity = self.digest.removeprefix("sha256:")[:_ID_DIGITS] if named else self.label
        return " · ".join([identity, human_size(self.total), *(self._course() if rates else [])])

    def _course(self) -> list[str]:
        moved, seconds = self.completed - self.initial, self.ended - self.began
        if moved < _WORTH_A_RATE or seconds <= 0:
            return []
        return [human_seconds(seconds), f"{human_size(round(moved / seconds))}/s"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Transfer:
    """A pull or push that is over. ``str(transfer)`` is a line for each layer, and a last one."""

    verb: str
    model: str
    layers: tuple[Layer, ...] = ()
    seconds: float = 0.0
    again: str = ""
    """The line that goes on with it, if somebody interrupted it."""
    rates: bool = True
    """Whether displays mention time and speed, which no two runs share."""

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it."""
        return bool(self.again)

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(layer.total for layer in self.layers)

    def last_line(self) -> str:
        """How it ended."""
        if self.interrupted:
            kept = "what has arrived is kept" if self.verb == "pull" else "what was sent is kept"
            return f"interrupted: {kept}, {self.again} goes on"
        time = f" in {human_seconds(self.seconds)}" if self.rates else ""
        return f"success: {self.model} · {human_size(self.size)}{time}"

    def __str__(self) -> str:
        lines = [layer.line(rates=self.rates) for layer in self.layers if layer.whole]
        return "\n".join([*lines, self.last_line()])

    def __repr__(self) -> str:
        """Name what cannot change from run to run, for notebooks that are compared."""
        return f"<Transfer of {self.model}: {'interrupted' if self.interrupted else 'success'}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self)}
