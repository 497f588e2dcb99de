"""The verb chat."""

from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.store import Store
from ollama_nb.wire import ChatRequest, ChatResponse

from .stream import Stream


def chat(
    store: Store, scheduler: Scheduler, request: ChatRequest, *, owner: str, arrived_ns: int
) -> Stream[ChatResponse]:
    """Answer ``request``, which arrived at ``arrived_ns`` (perf_counter). See Service.chat."""
    raise NotImplementedError
