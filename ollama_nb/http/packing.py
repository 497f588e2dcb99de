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


def unpacked(request: Request) -> Request:
    """Return the request with its body as it was before it was packed, if it was.

    Raises BodyTooLarge, and BadRequest for what is not packed as it says.
    """
    if request.encoding != ENCODING:
        return request
    # Loaded with the first body that is packed.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    try:
        unpacker = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
        )
        body = unpacker.decompress(request.body, max_length=UNPACKED_LIMIT + 1)
    except zstd.ZstdError as error:
        raise BadRequest(f"the body cannot be unpacked: {error}") from None
    if len(body) > UNPACKED_LIMIT:
        raise BodyTooLarge(UNPACKED_LIMIT)
    if not unpacker.eof:
        raise BadRequest("the body cannot be unpacked: it ends too early")
    return replace(request, body=body)
