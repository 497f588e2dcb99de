"""What checking all models came to: what is damaged, and what makes it whole again.

Plain values. Knows no stream and no front end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ollama_nb.store import Damage

from .human import human_size, plural
from .plain import plain_line
from .suggesting import is_built_in, short_name
from .transfer import Transfer
from .ways import line_of

_ID_DIGITS = 12


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict:
    """Truthy if everything that was looked at is as it should be, by now."""

    size: int = 0
    """Bytes that were hashed."""
    damages: tuple[Damage, ...] = ()
    stopped: bool = False
    """Whether the user stopped it before everything was hashed."""
    repairs: tuple[Transfer, ...] = ()
    """The pulls of damaged models, if they were wanted."""
    insecure: bool = False
    """Whether pulls that help would be by plain http."""
    way: str = ""
    """How its reader would type what helps."""

    @property
    def models(self) -> tuple[str, ...]:
        """The damaged models."""
        found = [short_name(name) for damage in self.damages for name in damage.models]
        return tuple(dict.fromkeys(found))

    @property
    def pullable(self) -> tuple[str, ...]:
        """Those that a registry may have: all but what came with the package."""
        return tuple(name for name in self.models if not is_built_in(name))

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it, or one of its pulls."""
        return self.stopped or any(repair.interrupted for repair in self.repairs)

    def __bool__(self) -> bool:
        return not self.interrupted and not self._left()

    def __str__(self) -> str:
        lines = [_told(damage) for damage in self.damages]
        lines += [repair.last_line() for repair in self.repairs]
        lines += [self._help(name) for name in self._left()]
        return "\n".join([*lines, self._summary()])

    def _help(self, name: str) -> str:
        if is_built_in(name):
            return "pip install --force-reinstall --no-deps ollama-nb brings the file back"
        options = ["--insecure"] if self.insecure else []
        return f"{line_of(self.way, 'pull', *options, plain_line(name))} fetches it again"

    def _left(self) -> Sequence[str]:
        """The models that are still damaged, and that nobody has begun to pull."""
        pulled = [repair.model for repair in self.repairs]
        return [name for name in self.models if name not in pulled]

    def __repr__(self) -> str:
        return str(self)

    def _summary(self) -> str:
        looked = f"{human_size(self.size)} checked"
        if self.stopped:
            return f"interrupted: {looked}, the rest is not"
        if not self.damages:
            return f"{looked}: every file is what it should be"
        return f"{looked}: {plural(len(self.damages), 'file')} damaged or missing"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self)}


def _told(damage: Damage) -> str:
    """``llama3.2 is damaged: 6a0746a1ec1a has other content``."""
    names = ", ".join(short_name(name) for name in damage.models)
    digest = damage.digest.removeprefix("sha256:")[:_ID_DIGITS]
    fault = f"{digest} {damage.fault}" if digest else damage.fault
    return plain_line(f"{names} {'are' if len(damage.models) > 1 else 'is'} damaged: {fault}")
