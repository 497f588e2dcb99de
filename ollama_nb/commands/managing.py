"""What the verbs do that change the models on disk in a moment: cp, rm, prune.

Synchronous, on the caller's thread. Returns values that show themselves; prints nothing.
"""

from collections.abc import Sequence

from ollama_nb.errors import ModelNotFound, OllamaError, ReadOnlyStore
from ollama_nb.service import Service
from ollama_nb.wire import CopyRequest, DeleteRequest

from .human import human_size
from .suggesting import is_built_in, with_suggestion
from .table import Message


def copy(service: Service, source: str, destination: str, way: str) -> Message:
    """Give a model a second name."""
    try:
        service.copy(CopyRequest(source=source, destination=destination))
    except ModelNotFound as error:
        raise with_suggestion(error, service, way) from None
    return Message(f"{destination} is a copy of {source}")


def remove(service: Service, names: Sequence[str], way: str) -> Message:
    """Remove models, one after the other; the first that cannot be removed ends it."""
    lines: list[str] = []
    try:
        for name in dict.fromkeys(names):
            freed = service.delete(DeleteRequest(model=name))
            lines.append(_removed(name, freed))
    except OllamaError as error:
        if isinstance(error, ModelNotFound):
            error = with_suggestion(error, service, way)
        elif isinstance(error, ReadOnlyStore) and is_built_in(name):
            error.args = (f"{name} comes with ollama_nb and cannot be removed",)
        error.args = ("\n".join([str(error), *lines]),)
        raise error from None
    return Message("\n".join(lines))


def prune(service: Service, *, partials: bool) -> Message:
    """Remove what no model needs."""
    freed = service.prune(partials=partials)
    return Message(f"{human_size(freed)} freed" if freed else "there was nothing to remove")


def _removed(name: str, freed: int) -> str:
    what = f"{human_size(freed)} freed" if freed else "its files stay: other models need them"
    return f"{name} is removed, {what}"
