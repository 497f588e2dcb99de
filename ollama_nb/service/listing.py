"""list and ps: what is on disk and what is loaded (reference: Ollama API, 10)."""

from ollama_nb.engine.scheduler import Loaded, Scheduler
from ollama_nb.store import Model, Store
from ollama_nb.wire import ListedModel, ListResponse, ProcessModel, ProcessResponse
from ollama_nb.wire.durations import local_time


def list_models(store: Store) -> ListResponse:
    """Every model of every store directory, newest first."""
    return ListResponse(models=[_listed(model) for model in store.models()])


def list_processes(scheduler: Scheduler) -> ProcessResponse:
    """Every loaded model, latest expiry first."""
    loaded = sorted(scheduler.loaded(), key=lambda one: -one.expires_ns)
    return ProcessResponse(models=[_process(one) for one in loaded])


def _listed(model: Model) -> ListedModel:
    return ListedModel(
        name=str(model.name),
        model=str(model.name),
        modified_at=local_time(model.manifest.modified_ns),
        size=model.manifest.size,
        digest=model.manifest.digest,
        details=model.details(lengths=True),
        capabilities=list(model.capabilities),
    )


def _process(loaded: Loaded) -> ProcessModel:
    model = loaded.model
    return ProcessModel(
        name=str(model.name),
        model=str(model.name),
        size=loaded.fitted.size,
        digest=model.manifest.digest,
        details=model.details(lengths=False),
        expires_at=local_time(loaded.expires_ns),
        size_vram=loaded.fitted.size_vram,
        context_length=loaded.spec.window,
    )
