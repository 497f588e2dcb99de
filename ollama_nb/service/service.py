"""The facade's class: one method per verb of the API; what a verb does is in a file of its own."""

import time

from ollama_nb._version import API_VERSION
from ollama_nb.engine.host import Host
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.engine.trial import TrialHost
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import BadRequest
from ollama_nb.settings import Settings
from ollama_nb.store import Store
from ollama_nb.wire import (
    EmbeddingsRequest,
    EmbeddingsResponse,
    EmbedRequest,
    EmbedResponse,
    GenerateRequest,
    GenerateResponse,
    ListResponse,
    ProcessResponse,
    VersionResponse,
)
from ollama_nb.wire.codec import check_types

from .embed import embed, embeddings
from .generate import generate
from .listing import list_models, list_processes
from .stream import Stream


class Service:
    """Ollama in this process: a store, a scheduler of loaded models, and the verbs over them.

    Thread-safe. Every method may raise an OllamaError.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Open the store and load nothing. Without ``settings``, OLLAMA_* of the environment."""
        self.settings = settings or Settings.from_environment()
        self.store = Store([self.settings.models, self.settings.builtin_models])
        self.scheduler = Scheduler(_host(self.settings), self.settings)

    def generate(self, request: GenerateRequest, *, owner: str = "") -> Stream[GenerateResponse]:
        """Answer a prompt. Blocks while the model loads, not while it answers.

        ``owner`` is who asks: owners take turns, and their prompts stay apart in the cache.
        """
        arrived_ns = time.perf_counter_ns()
        _check(request, owner)
        return generate(self.store, self.scheduler, request, owner=owner, arrived_ns=arrived_ns)

    def embed(self, request: EmbedRequest, *, owner: str = "") -> Stream[EmbedResponse]:
        """Turn texts into vectors of length 1. Blocks while the model loads."""
        arrived_ns = time.perf_counter_ns()
        _check(request, owner)
        return embed(self.store, self.scheduler, request, owner=owner, arrived_ns=arrived_ns)

    def embeddings(
        self, request: EmbeddingsRequest, *, owner: str = ""
    ) -> Stream[EmbeddingsResponse]:
        """Turn one text into a vector, not normalised: the older verb."""
        _check(request, owner)
        return embeddings(self.store, self.scheduler, request, owner=owner)

    def list(self) -> ListResponse:
        """The models on disk, newest first."""
        return list_models(self.store)

    def ps(self) -> ProcessResponse:
        """The loaded models, the one that stays longest first."""
        return list_processes(self.scheduler)

    def version(self) -> VersionResponse:
        """The level of Ollama's API that is served."""
        return VersionResponse(version=API_VERSION)

    def close(self) -> None:
        """Stop every loaded model and free its memory."""
        self.scheduler.close()


def _check(request: GenerateRequest | EmbedRequest | EmbeddingsRequest, owner: str) -> None:
    """Refuse what the engine, where others have their answers, would fail over."""
    check_types(request)
    if not isinstance(owner, str):
        raise BadRequest(f"owner must be a string, not {type(owner).__name__}")


def _host(settings: Settings) -> Host:
    """Where models live: in a child each, or here after a trial in a child."""
    if settings.engine == "worker":
        return WorkerHost()
    return TrialHost(
        LocalHost(),
        WorkerHost(),
        remembered=settings.cache / "trials",
        trusted=settings.builtin_models,
    )
