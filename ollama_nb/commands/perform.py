"""What the verbs do that are over in a moment; list, ps, version and stop themselves.

Synchronous, on the caller's thread. Returns values that show themselves; prints nothing.
"""

from datetime import UTC, datetime

from ollama_nb._version import __version__
from ollama_nb.errors import ModelNotFound
from ollama_nb.names import Name
from ollama_nb.service import Service
from ollama_nb.wire import GenerateRequest, ListedModel, ProcessModel

from . import managing
from .human import human_future, human_past, human_size
from .sections import Sections
from .showing import show
from .suggesting import with_suggestion
from .table import Message, Table
from .verbs import Command
from .ways import TERMINAL

_ID_DIGITS = 12


def perform(command: Command, service: Service, way: str) -> Table | Sections | Message:
    """Carry out a verb that nobody has to wait for."""
    arguments = command.arguments
    match command.verb:
        case "list":
            return list_models(service, arguments.prefix)
        case "ps":
            return list_loaded(service, way)
        case "stop":
            return stop(service, arguments.model, way)
        case "show":
            return show(service, arguments, way)
        case "cp":
            return managing.copy(service, arguments.source, arguments.destination, way)
        case "rm":
            return managing.remove(service, arguments.models, way)
        case "prune":
            return managing.prune(service, partials=arguments.partial)
        case "version":
            return version(service)
        case verb:
            raise AssertionError(f"{verb} is not performed here")


def list_models(service: Service, prefix: str = "") -> Table:
    """Tell what is on disk, newest first; of all models, or of those whose names begin so."""
    now = datetime.now(UTC)
    models = service.list().models
    empty = "There is no model on this machine."
    if prefix and models:
        empty = f"No model here has a name that begins with {prefix}."
    models = [model for model in models if model.name.lower().startswith(prefix.lower())]
    return Table(
        ("NAME", "ID", "SIZE", "QUANTIZATION", "PARAMETERS", "MODIFIED"),
        tuple(_listed(model, now) for model in models),
        empty=empty,
    )


def list_loaded(service: Service, way: str) -> Table:
    """Tell what is in the memory of this process."""
    now = datetime.now(UTC)
    empty = "No model is loaded in this kernel; the first prompt loads one."
    if way == TERMINAL:
        empty = (
            "No model is loaded here: each command is a process of its own and frees its models "
            "when it ends. In a notebook, %ollama ps shows those of the kernel."
        )
    return Table(
        ("NAME", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"),
        tuple(_loaded(model, now) for model in service.ps().models),
        empty=empty,
    )


def stop(service: Service, name: str, way: str) -> Message:
    """Unload a model: the empty prompt with keep_alive 0 (reference: Ollama API, 4.2)."""
    wanted = Name.parse(name)
    loaded = any(Name.parse(model.name).same_as(wanted) for model in service.ps().models)
    try:
        service.generate(GenerateRequest(model=name, keep_alive=0)).fold()
    except ModelNotFound as error:
        raise with_suggestion(error, service, way) from None
    return Message(f"{name} is unloaded" if loaded else f"{name} was not loaded")


def version(service: Service) -> Message:
    """Tell our own version and the level of Ollama's API."""
    return Message(f"ollama_nb {__version__} (Ollama API {service.version().version})")


def _listed(model: ListedModel, now: datetime) -> tuple[str, ...]:
    details = model.details
    return (
        model.name,
        model.digest[:_ID_DIGITS],
        human_size(model.size),
        details.quantization_level,
        details.parameter_size,
        human_past(model.modified_at, now),
    )


def _loaded(model: ProcessModel, now: datetime) -> tuple[str, ...]:
    return (
        model.name,
        human_size(model.size),
        _processor(model),
        str(model.context_length),
        human_future(model.expires_at, now),
    )


def _processor(model: ProcessModel) -> str:
    """Tell where it runs, as Ollama: ``100% CPU``, ``100% GPU``, ``48%/52% CPU/GPU``."""
    if not model.size_vram or not model.size:
        return "100% CPU"
    if model.size_vram >= model.size:
        return "100% GPU"
    cpu = round((model.size - model.size_vram) / model.size * 100)
    return f"{cpu}%/{100 - cpu}% CPU/GPU"
