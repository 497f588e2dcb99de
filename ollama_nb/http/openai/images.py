"""Images in OpenAI's messages: base64 inside of a data URI (reference: Ollama API, 14.2)."""

import re
from typing import Any

from ollama_nb.errors import BadRequest

_INLINE = re.compile(r"data:(?:image/(?:jpeg|jpg|png|webp))?;base64,")
_REMOTE = ("http://", "https://")


def inline_image(url: Any) -> str:
    """Return the base64 of a data URI. No address is ever gone to. Raises BadRequest."""
    if not isinstance(url, str):
        raise BadRequest("invalid message format")
    if url.startswith(_REMOTE):
        raise BadRequest(
            "image URLs are not currently supported, please use base64 encoded data instead"
        )
    prefix = _INLINE.match(url)
    if prefix is None:
        raise BadRequest("invalid image input")
    return url[prefix.end() :]
