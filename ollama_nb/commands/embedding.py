"""Wait for the vectors of texts, or for the moment somebody interrupts it.

Runs on the caller's thread, where a KeyboardInterrupt lands. All texts are one request, so there is
nothing to show on the way.
"""

from ollama_nb.errors import ModelNotFound
from ollama_nb.service import Service, Stream
from ollama_nb.wire import EmbedRequest, EmbedResponse

from .embed_result import EmbedResult
from .perform import with_suggestion


def embed_texts(service: Service, request: EmbedRequest, *, way: str) -> EmbedResult:
    """Embed; an interrupt ends the work, while the model loads too, and not the caller.

    Raises what the service raises.
    """
    stream: Stream[EmbedResponse] | None = None
    try:
        stream = service.embed(request)
        return EmbedResult.of(request, stream.fold())
    except KeyboardInterrupt:
        _cancel(stream)
        return EmbedResult.interruption(request)
    except ModelNotFound as error:
        raise with_suggestion(error, service, way) from None
    except BaseException:
        _cancel(stream)
        raise


def _cancel(stream: Stream[EmbedResponse] | None) -> None:
    if stream is not None:
        stream.cancel()
