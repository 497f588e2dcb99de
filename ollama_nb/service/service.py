"""The facade's class: one method per verb of the API; what a verb does is in a file of its own."""

import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ollama_nb._version import API_VERSION
from ollama_nb.engine.host import Host
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.engine.trial import TrialHost
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import BadRequest
from ollama_nb.names import Name
from ollama_nb.settings import Settings
from ollama_nb.store import Checked, NewBlob, Store
from ollama_nb.wire import (
    ChatRequest,
    ChatResponse,
    CopyRequest,
    CreateRequest,
    DeleteRequest,
    EmbeddingsRequest,
    EmbeddingsResponse,
    EmbedRequest,
    EmbedResponse,
    GenerateRequest,
    GenerateResponse,
    ListResponse,
    ProcessResponse,
    ProgressResponse,
    PullRequest,
    ShowRequest,
    ShowResponse,
    VersionResponse,
)
from ollama_nb.wire.codec import check_types

from .changes import copy_model, delete_model
from .chat import chat
from .embed import embed, embeddings
from .finding import find_model
from .generate import generate
from .listing import list_models, list_processes
from .pull import pulled_name, pushed_name
from .show import show
from .stream import Chunk, Stream
from .upload import Upload
from .verify import verify
from .work import Report, Work, start

if TYPE_CHECKING:
    from ollama_nb.registry import Registry


class Service:
    """Ollama in this process: a store, a scheduler of loaded models, and the verbs over them.

    Thread-safe. Every method may raise an OllamaError.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Open the store and load nothing. Without ``settings``, OLLAMA_* of the environment."""
        self.settings = settings or Settings.from_environment()
        self.store = _store(self.settings)
        self.scheduler = Scheduler(_host(self.settings), self.settings)
        self._lock = threading.Lock()
        self._registry: Registry | None = None
        self._works: WeakSet[Stream[Any]] = WeakSet()

    def generate(self, request: GenerateRequest, *, owner: str = "") -> Stream[GenerateResponse]:
        """Answer a prompt. Blocks while the model loads, not while it answers.

        ``owner`` is who asks: owners take turns, and their prompts stay apart in the cache.
        """
        arrived_ns = time.perf_counter_ns()
        _check(request, owner)
        return generate(self.store, self.scheduler, request, owner=owner, arrived_ns=arrived_ns)

    def chat(self, request: ChatRequest, *, owner: str = "") -> Stream[ChatResponse]:
        """Answer the last message of a chat. Otherwise as generate."""
        arrived_ns = time.perf_counter_ns()
        _check(request, owner)
        return chat(self.store, self.scheduler, request, owner=owner, arrived_ns=arrived_ns)

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

    def pull(self, request: PullRequest) -> Stream[ProgressResponse]:
        """Fetch a model from its registry. Cancelling it keeps what has arrived."""
        check_types(request)
        name = pulled_name(self.store, request)
        return self._start(
            lambda report, stop: self.registry.pull(
                name, insecure=request.insecure, report=report, stop=stop
            )
        )

    def push(self, request: PullRequest) -> Stream[ProgressResponse]:
        """Send a model to the registry that its name tells."""
        check_types(request)
        name = pushed_name(self.store, request)
        return self._start(
            lambda report, stop: self.registry.push(
                name, insecure=request.insecure, report=report, stop=stop
            )
        )

    def create(
        self, request: CreateRequest, *, folder: Path | None = None
    ) -> Stream[ProgressResponse]:
        """Make a model of another one, of files, or of what a Modelfile says.

        ``folder`` is where a Modelfile in the request stands; without it, it names no files.
        """
        check_types(request)
        # What reads and writes weights is loaded with the first model that is made.
        from .create import creation

        work = creation(self.store, request, self.settings, folder, pull=self._pull_base)
        return self._start(work)

    def copy(self, request: CopyRequest) -> None:
        """Give a model a second name."""
        check_types(request)
        copy_model(self.store, request)

    def delete(self, request: DeleteRequest) -> int:
        """Remove a model; return the bytes freed. One in use leaves the memory after its last use.

        What other models share stays.
        """
        check_types(request)
        return delete_model(self.store, self.scheduler, request)

    def show(self, request: ShowRequest) -> ShowResponse:
        """All that the disk tells of a model."""
        check_types(request)
        return show(self.store, request)

    def capabilities(self, model: str) -> tuple[str, ...]:
        """What a model on disk can do, in the words of show."""
        return find_model(self.store, model).capabilities

    def verify(self) -> Stream[Checked]:
        """Hash every file that a model needs, and tell what is damaged; a pull replaces that."""
        return self._start(partial(verify, self.store))

    def prune(self, *, partials: bool = False) -> int:
        """Remove what no model needs, from the disk; return the bytes freed.

        ``partials``: what is left of interrupted downloads too, which a pull could go on with.
        """
        return self.store.prune(partials=partials)

    def has_blob(self, digest: str) -> bool:
        """Whether the store has this blob; if so, it stays for an hour even if nothing needs it."""
        return self.store.has(digest)

    def new_blob(self, size: int = 0) -> NewBlob:
        """Begin a blob of this size, if it is known. It ends where the disk becomes too full."""
        return Upload(self.store.disk, size, self.settings.disk_reserve)

    def list(self) -> ListResponse:
        """The models on disk, newest first."""
        return list_models(self.store)

    def ps(self) -> ProcessResponse:
        """The loaded models, the one that stays longest first."""
        return list_processes(self.scheduler)

    def version(self) -> VersionResponse:
        """The level of Ollama's API that is served."""
        return VersionResponse(version=API_VERSION)

    @property
    def registry(self) -> "Registry":
        """The way to registries: one, since concurrent pulls share their downloads."""
        with self._lock:
            if self._registry is None:
                from ollama_nb.registry import Registry

                self._registry = Registry(self.store, self.settings)
            return self._registry

    def close(self) -> None:
        """Stop every loaded model and free its memory; stop pulls and pushes."""
        for stream in list(self._works):
            stream.cancel()
        self.scheduler.close()

    def _pull_base(
        self, name: Name, report: Report[ProgressResponse], stop: threading.Event
    ) -> None:
        self.registry.pull(name, insecure=False, report=report, stop=stop)

    def _start(self, work: Work[Chunk]) -> Stream[Chunk]:
        stream = start(work)
        self._works.add(stream)
        return stream


def _check(
    request: GenerateRequest | ChatRequest | EmbedRequest | EmbeddingsRequest, owner: str
) -> None:
    """Refuse what the engine, where others have their answers, would fail over."""
    check_types(request)
    if not isinstance(owner, str):
        raise BadRequest(f"owner must be a string, not {type(owner).__name__}")


def _store(settings: Settings) -> Store:
    return Store(
        [settings.models, *settings.site_models, settings.builtin_models],
        group=settings.group_store,
        keep_replaced=settings.keep_replaced,
    )


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
