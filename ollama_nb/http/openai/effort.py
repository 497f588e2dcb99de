"""How much a model shall think, in OpenAI's words (reference: Ollama API, 14.2)."""

from ollama_nb.errors import BadRequest

_THINK: dict[str, bool | str | None] = {
    "": None,
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
    "ultra": "max",
}


def think_of(effort: str) -> bool | str | None:
    """Return ``think`` for an effort; None where none is given. Raises BadRequest."""
    if effort not in _THINK:
        *most, last = (f'"{word}"' for word in _THINK if word)
        choices = f"{', '.join(most)}, or {last}"
        raise BadRequest(f'invalid reasoning value: "{effort}" (must be {choices})')
    return _THINK[effort]
