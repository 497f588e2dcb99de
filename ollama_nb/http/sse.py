"""What the routes of other dialects answer: events told by a Teller, or one object (14)."""

from collections.abc import Callable

import msgspec

from ollama_nb.service import Stream
from ollama_nb.wire.codec import encode

from .bodies import Chunk, Events, Teller, Whole
from .messages import EVENTS, PLAIN_JSON, Response, stream_headers


def named_event(event: msgspec.Struct) -> bytes:
    """Write an event that carries a name, as Anthropic's and OpenAI's newer ones do (14.6, 14.7).

    It is a Struct whose tag is that name; the data repeats it as ``type``.
    """
    return b"event: %s\ndata: %s\n\n" % (str(event.__struct_config__.tag).encode(), encode(event))


def told(stream: Stream[Chunk], teller: Teller[Chunk]) -> Response:
    """Answer event by event."""
    return Response(200, stream_headers(EVENTS), Events(stream, teller))


def shaped(
    stream: Stream[Chunk], shape: Callable[[Chunk], msgspec.Struct], *, many: str = ""
) -> Response:
    """Answer with one object of another dialect; ``many`` as for Whole."""
    return Response(200, {"Content-Type": PLAIN_JSON}, Whole(stream, shape, many=many))
