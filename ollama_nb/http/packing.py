"""Bodies packed with zstd, as some clients of the Responses API send them (14.6)."""

import sys
from dataclasses import replace

from ollama_nb.errors import BadRequest, BodyTooLarge

from .messages import Request

ENCODING = "zstd"
UNPACKED_LIMIT = 20 << 20
"""Bytes of a body once it is unpacked."""
_WINDOW_LOG = 25
"""How far back a packed body may point, as a power of two: no more memory than that is taken."""
MOST_FRAMES = 1000
"""Of which a packed body may consist; without a bound it might be millions that hold nothing."""


def unpacked(request: Request) -> Request:
    """Return the request with its body as it was before it was packed, if it was.

    It may be several frames, one after the other. Raises BodyTooLarge, and BadRequest for what is
    not packed as it says.
    """
    if request.encoding != ENCODING:
        return request
    body, packed = bytearray(), memoryview(request.body)
    for _ in range(MOST_FRAMES):
        content, size = _first_frame(packed, UNPACKED_LIMIT + 1 - len(body))
        body += content
        if len(body) > UNPACKED_LIMIT:
            raise BodyTooLarge(UNPACKED_LIMIT)
        packed = packed[size:]
        if not packed:
            return replace(request, body=bytes(body))
    raise BadRequest(f"the body cannot be unpacked: it has more than {MOST_FRAMES} frames")


def _first_frame(packed: memoryview, limit: int) -> tuple[bytes, int]:
    """What is in the first frame, up to ``limit`` bytes, and how long it is packed."""
    # Loaded with the first body that is packed.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    try:
        # Asked first, since the unpacker would copy all that follows its frame.
        size = zstd.get_frame_size(packed)
    except zstd.ZstdError:
        raise BadRequest("the body cannot be unpacked: not zstd, or it ends too early") from None
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    try:
        unpacker = zstd.ZstdDecompressor(options=options)
        return unpacker.decompress(packed[:size], max_length=limit), size
    except zstd.ZstdError as error:
        raise BadRequest(f"the body cannot be unpacked: {error}") from None
