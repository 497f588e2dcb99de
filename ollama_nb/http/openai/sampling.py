"""Options of an OpenAI request (reference: Ollama API, 14.2, 14.3, 14.6)."""

from typing import Any

from ollama_nb.wire.openai_types import SamplingFields

TEMPERATURE = 1.0
"""OpenAI's, where none is given, whatever the model's own is."""
_TOP_P = 1.0
"""The same."""


def sampling_options(request: SamplingFields, stop: list[str] | None) -> dict[str, Any]:
    """Return ``options``; what is None there is not given."""
    return {
        "num_predict": request.max_tokens,
        "temperature": TEMPERATURE if request.temperature is None else request.temperature,
        "top_p": _TOP_P if request.top_p is None else request.top_p,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "stop": stop,
    }
