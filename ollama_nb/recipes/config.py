"""The config blob: what kind of model it is (reference: models, 2.4)."""

from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.gguf import Header
from ollama_nb.store import Model

_ALWAYS = ("model_format", "model_family", "model_families", "model_type", "file_type")
_ORDER = (
    *_ALWAYS, "renderer", "parser", "requires", "capabilities", "context_length",
    "embedding_length", "base_name",
)  # fmt: skip
_INFO_NAMES = {
    "quantization_level": ("file_type", str),
    "parameter_size": ("model_type", str),
    "model_family": ("model_family", str),
    "base_name": ("base_name", str),
    "context_length": ("context_length", int),
    "embedding_length": ("embedding_length", int),
}
"""What ``info`` may override, the config's name for it, and its type."""
_BEYOND = 1 << 63
"""Clients in other languages read no larger numbers, and one would spoil the whole list."""


def config_of_model(model: Model) -> dict[str, Any]:
    """What a model made from another one begins with."""
    config = model.config
    return {
        "model_format": config.model_format,
        "model_family": config.model_family,
        "model_families": None if config.model_families is None else [*config.model_families],
        "model_type": config.model_type,
        "file_type": config.file_type,
        "renderer": config.renderer,
        "parser": config.parser,
        "requires": config.requires,
        "capabilities": [*(config.capabilities or ())],
        "context_length": config.context_length,
        "embedding_length": config.embedding_length,
        "base_name": config.base_name,
    }


def config_of_weights(header: Header) -> dict[str, Any]:
    """What a model made from a GGUF file begins with."""
    return {
        "model_format": "gguf",
        "model_family": header.architecture,
        "model_families": [header.architecture],
        "model_type": header.parameter_size,
        "file_type": header.file_type_name,
    }


def with_info(config: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    """Lay ``info`` of a request over it. Raises BadRequest naming the field of the wrong type."""
    for key, value in info.items():
        if key == "capabilities":
            config = config | {key: _texts(key, value)}
        elif key in _INFO_NAMES:
            name, kind = _INFO_NAMES[key]
            config = config | {name: _text(key, value) if kind is str else _count(key, value)}
    return config


def ordered(config: dict[str, Any]) -> dict[str, Any]:
    """In Ollama's order, without what is empty."""
    chosen = {key: config.get(key) for key in _ORDER if key in _ALWAYS or config.get(key)}
    return chosen | {"architecture": "amd64", "os": "linux"}


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadRequest(f'info field "{key}" must be a string')
    return value


def _texts(key: str, value: object) -> list[str]:
    if not isinstance(value, list):
        raise BadRequest(f'info field "{key}" must be an array of strings')
    return [_text(key, item) for item in value]


def _count(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f'info field "{key}" must be a number')
    if not 0 <= value < _BEYOND or value != int(value):
        raise BadRequest(f'info field "{key}" must be a non-negative integer')
    return int(value)
