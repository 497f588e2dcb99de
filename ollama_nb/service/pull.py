"""The verbs pull and push: whose names are wrong, and how they are spelled (Ollama API, 3, 13)."""

import re

from ollama_nb.errors import BadRequest, InvalidName
from ollama_nb.names import Name
from ollama_nb.store import Store
from ollama_nb.wire import PullRequest

from .finding import local_name

_HOSTED = re.compile(r"(:[^/:]+):cloud$", re.IGNORECASE)
"""What is behind the tag of a hosted model, and is part of the tag in a registry."""


def pulled_name(store: Store, request: PullRequest) -> Name:
    """The model to fetch, spelled as an existing one. Raises InvalidName."""
    return _spelled(store, _HOSTED.sub(r"\1-cloud", local_name(request.model)))


def pushed_name(store: Store, request: PullRequest) -> Name:
    """The model to send; whether there is one shows later. Raises BadRequest, InvalidName."""
    if not request.model:
        raise BadRequest("model is required")
    return _spelled(store, request.model)


def _spelled(store: Store, text: str) -> Name:
    name = Name.parse(text)
    if not name.valid:
        raise InvalidName
    return store.spelled(name)
