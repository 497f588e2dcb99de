"""create: a model from a Modelfile, and what became of it.

Runs on the caller's thread, where a KeyboardInterrupt lands. Shows nothing itself: a `Screen` does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ollama_nb.errors import (
    InvalidName,
    ManifestNotPulled,
    OllamaError,
    UnusableFiles,
    UsageProblem,
)
from ollama_nb.names import Name
from ollama_nb.service import Asking, Service
from ollama_nb.wire import CreateRequest

from .following import follow
from .human import human_seconds, human_size
from .plain import plain, plain_line
from .progress import Progress, Screen
from .suggesting import nearest
from .verbs import Command
from .ways import CELL, TERMINAL

_MODELFILE = "Modelfile"


@dataclass(frozen=True, kw_only=True, repr=False)
class Created:
    """A model that was made. ``size`` in bytes; 0 if somebody interrupted it."""

    model: str
    size: int
    seconds: float
    rates: bool = True
    """Whether displays mention the time, which no two runs share."""

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it."""
        return not self.size

    def __str__(self) -> str:
        if self.interrupted:
            return f"interrupted: {self.model} was not made"
        time = f" in {human_seconds(self.seconds)}" if self.rates else ""
        return f"success: {self.model} · {human_size(self.size)}{time}"

    def __repr__(self) -> str:
        """Name what cannot change from run to run, for notebooks that are compared."""
        return f"<Created {self.model}: {'interrupted' if self.interrupted else 'success'}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self)}


def create(
    service: Service, command: Command, cell: str | None, make_screen: Callable[[], Screen],
    *, way: str,
) -> Created:  # fmt: skip
    """Make the model that the cell, a file or ``--from`` describes.

    Raises UsageProblem, and what the service raises.
    """
    arguments = command.arguments
    text, folder = _modelfile(arguments, cell, way)
    request = CreateRequest(model=arguments.model, modelfile=text, quantize=arguments.quantize)
    progress = Progress(make_screen)
    try:
        ask = Asking(lambda: service.create(request, folder=folder))
        whole = follow(ask, progress.take)
    except OllamaError as error:
        raise _explained(error, text, service) from None
    finally:
        progress.close()
    return Created(
        model=plain(arguments.model),
        size=_size(service, arguments.model) if whole else 0,
        seconds=progress.seconds,
    )


def _modelfile(arguments: Any, cell: str | None, way: str) -> tuple[str, Path]:
    """The Modelfile's text, and the folder that it stands in."""
    if arguments.file and arguments.source:
        raise UsageProblem("-f and --from exclude each other: the Modelfile says what it is from")
    # Modelfiles are read where they are wanted: who only pulls needs none of it.
    from ollama_nb.recipes.modelfile import Command as Instruction
    from ollama_nb.recipes.modelfile import decoded, write
    from ollama_nb.recipes.sources import Place, open_modelfile

    here = Path.cwd()
    if cell is not None:
        return cell, here
    if arguments.source:
        return write([Instruction("from", arguments.source)]), here
    file = arguments.file or _MODELFILE
    try:
        data, place = open_modelfile(file, Place(folder=here))
        return decoded(data), place.folder or here
    except UnusableFiles as error:
        if arguments.file:
            raise UsageProblem(str(error)) from None
    below = "" if way == TERMINAL else f", or write it below {CELL} create {arguments.model}"
    raise UsageProblem(
        f"there is no {_MODELFILE} here: name one with -f, or a model or folder with --from{below}"
    )


def _explained(error: OllamaError, text: str, service: Service) -> OllamaError:
    """Say which FROM it was. Strangers write parts of these texts: nothing in them commands."""
    if isinstance(error, InvalidName):  # its own name has been read before
        wrong = next((base for base in _bases(text) if not Name.parse(base).valid), "")
        return UsageProblem(f"FROM {wrong}: there is no such file, and no model can have that name")
    told = plain(str(error))
    if isinstance(error, ManifestNotPulled):
        base = _bases(text)[-1]
        told += f"; FROM {base}: there is no model of that name here{nearest(base, service)}"
    error.args = (told,)
    return error


def _bases(text: str) -> list[str]:
    from ollama_nb.recipes.modelfile import parse

    return [plain_line(one.value) for one in parse(text) if one.instruction == "from"]


def _size(service: Service, name: str) -> int:
    wanted = Name.parse(name)
    return next(
        (one.size for one in service.list().models if Name.parse(one.name).same_as(wanted)), 0
    )
