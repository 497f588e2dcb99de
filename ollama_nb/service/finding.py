"""From the model name of a request to a model on disk (reference: Ollama API, 3)."""

import re

from ollama_nb.errors import BadRequest, Forbidden, InvalidName, ModelNotFound
from ollama_nb.store import Model, Store

_LOCAL = re.compile(r":local(?=:|$)", re.IGNORECASE)
_HOSTED = re.compile(r":([^/:]*-)?cloud(?=:|$)", re.IGNORECASE)


def find_model(store: Store, text: str) -> Model:
    """Find the model of a name as sent; an empty one is not found rather than invalid.

    ``:local`` and ``:cloud`` say where a model is to run. The latter means a hosted service, which
    we are not: Forbidden, unless a model here has that very name. Raises ModelNotFound,
    InvalidName, BadRequest, StoreError too.
    """
    name = text.strip()
    if not name:
        raise ModelNotFound("")
    if not _HOSTED.search(name):
        return store.find(local_name(name))
    if _LOCAL.search(name):
        raise BadRequest(f'use either :local or :cloud, not both: "{name}"')
    try:
        return store.find(name)
    except (ModelNotFound, InvalidName):
        raise Forbidden("ollama cloud is disabled: remote model is unavailable") from None


def local_name(text: str) -> str:
    """A name as sent, without blanks around it and without ``:local``."""
    return _LOCAL.sub("", text.strip())
