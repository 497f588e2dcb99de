"""Options of an OpenAI request (reference: Ollama API, 14.2, 14.3)."""

from typing import Any

from ollama_nb.wire.openai_types import SamplingFields

_FULL = 1.0
"""OpenAI's temperature and top_p where none are given, whatever the model's own are."""


def sampling_options(request: SamplingFields, stop: list[str] | None) -> dict[str, Any]:
    """Return ``options``; what is None there is not given."""
    return {
        "num_predict": request.max_tokens,
        "temperature": _FULL if request.temperature is None else request.temperature,
        "top_p": _FULL if request.top_p is None else request.top_p,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "stop": stop,
    }
