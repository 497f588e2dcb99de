"""What ``show`` prints of a model as text (reference: models, 4.5)."""

from collections.abc import Iterator, Mapping
from typing import Any

from ollama_nb.recipes.definition import Definition, write_modelfile
from ollama_nb.store import Model
from ollama_nb.wire import ShownMessage
from ollama_nb.wire.codec import encode_value

_NO_TEMPLATE = "{{ .Prompt }}"


def modelfile_of(model: Model, system: str, options: Mapping[str, Any]) -> str:
    """The Modelfile that would make the model again, with this system prompt and parameters.

    A template that is none of its layers is left out: it would hide the one in the weights' file.
    """
    weights, config = model.files("model"), model.config
    source = str(weights[-1]) if weights else str(model.name)
    definition = Definition(
        sources=[source, *map(str, model.files("projector"))],
        adapters=[str(path) for path in model.files("adapter")],
        template=model.template,
        system=system,
        renderer=config.renderer,
        parser=config.parser,
        requires=config.requires,
        parameters=dict(options),
        license=list(model.licenses),
        messages=[ShownMessage(role=one.role, content=one.content) for one in model.messages],
    )
    return write_modelfile(definition, str(model.name))


def template_of(model: Model) -> str:
    """The template in effect: the TEMPLATE, or else the one in the weights' file."""
    header = model.plain_header
    inside = header.chat_template if header is not None else None
    return model.template or inside or _NO_TEMPLATE


def parameter_lines(options: Mapping[str, Any]) -> str:
    """The stored parameters as ``show`` lists them, sorted by name."""
    return "\n".join(f"{name:<30} {_shown(value)}" for name, value in _values(options))


def _values(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every single value; a list has several."""
    for name, value in sorted(options.items()):
        for one in value if isinstance(value, list) else (value,):
            yield name, one


def _shown(value: Any) -> str:
    return encode_value(value) if isinstance(value, str) else _bare(value)


def _bare(value: Any) -> str:
    """Text as it is, numbers without ``.0``."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return encode_value(value)
