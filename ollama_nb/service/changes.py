"""The verbs copy and delete (reference: Ollama API, 3 and 12)."""

from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.errors import BadRequest, InvalidName, ModelNotFound
from ollama_nb.names import Name
from ollama_nb.store import Store
from ollama_nb.wire import CopyRequest, DeleteRequest

from .finding import local_name


def copy_model(store: Store, request: CopyRequest) -> None:
    """Give a model a second name, in place of any model that has it. See Service.copy."""
    source, destination = Name.parse(request.source), Name.parse(request.destination)
    if not source.valid:
        raise InvalidName.named("source", request.source)
    if not destination.valid:
        raise InvalidName.named("destination", request.destination)
    if source.same_as(destination):
        return
    try:
        store.copy(source, destination)
    except ModelNotFound:
        raise ModelNotFound.to_copy(request.source) from None


def delete_model(store: Store, scheduler: Scheduler, request: DeleteRequest) -> int:
    """Remove a model from the disk, and from memory once nobody uses it. See Service.delete."""
    text = local_name(request.model)
    if not text:
        raise BadRequest("model is required")
    name = Name.parse(text)
    if not name.valid:
        raise InvalidName.named("name", request.model)
    try:
        freed = store.delete(name)
    except ModelNotFound:
        raise ModelNotFound(request.model) from None
    for loaded in scheduler.loaded():
        if loaded.model.name.same_as(name):
            scheduler.unload(loaded.model)
    return freed
