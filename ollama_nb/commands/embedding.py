"""Wait for the vectors of texts, or for the moment somebody interrupts it.

Runs on the caller's thread, where a KeyboardInterrupt lands. All texts are one request, so there is
nothing to show on the way.
"""

from ollama_nb.errors import ModelNotFound
from ollama_nb.service import Asking, Service
from ollama_nb.wire import EmbedRequest

from .embed_result import EmbedResult
from .suggesting import with_suggestion


def embed_texts(service: Service, request: EmbedRequest, *, way: str) -> EmbedResult:
    """Embed; an interrupt ends the work, while the model loads too, and not the caller.

    Raises what the service raises.
    """
    try:
        with Asking(lambda: service.embed(request)) as asking:
            return EmbedResult.of(request, asking.stream().fold())
    except KeyboardInterrupt:
        return EmbedResult.interruption(request)
    except ModelNotFound as error:
        raise with_suggestion(error, service, way) from None
