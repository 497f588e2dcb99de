"""show: what a model is, in sections as Ollama's command line has them, as JSON, or one text alone.

Synchronous, on the caller's thread. Returns values that show themselves; prints nothing.
"""

import argparse
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from ollama_nb.errors import ModelNotFound
from ollama_nb.service import Service
from ollama_nb.wire import ShowRequest, ShowResponse

from .arguments import SHOWN_TEXTS
from .sections import Section, Sections
from .suggesting import with_suggestion
from .table import Message

_FIRST_LINES = 2
_MOST_ITEMS = 4
_INDENT = 2
_CONTROLS = re.compile(r"[\x7f-\x9f]")
"""Control characters that JSON allows in its texts, and a terminal would obey."""
_Rows = tuple[tuple[str, ...], ...]


def show(service: Service, arguments: argparse.Namespace, way: str) -> Sections | Message:
    """Tell what a model is."""
    try:
        shown = service.show(ShowRequest(model=arguments.model, verbose=arguments.verbose))
    except ModelNotFound as error:
        raise with_suggestion(error, service, way) from None
    if arguments.json:
        return Message(json_of(shown))
    if arguments.text:
        text = getattr(shown, arguments.text)
        absent = SHOWN_TEXTS[arguments.text].removeprefix("its ")
        return Message(text or f"{arguments.model} has no {absent}")
    return sections_of(shown, verbose=arguments.verbose)


def json_of(shown: ShowResponse) -> str:
    """Write the whole answer, indented; what commands a terminal is escaped."""
    text = msgspec.json.format(msgspec.json.encode(shown), indent=_INDENT).decode()
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def sections_of(shown: ShowResponse, *, verbose: bool = False) -> Sections:
    """Order what is known of a model."""
    sections = [
        Section("Model", _model(shown)),
        Section("Projector", _projector(shown)),
        Section("Capabilities", tuple((one,) for one in shown.capabilities)),
        Section("Parameters", _pairs(shown.parameters)),
        Section("System", _first_lines(shown.system)),
        Section("License", _first_lines(shown.license)),
    ]
    if verbose:
        tensors = tuple((one.name, one.type, str(one.shape)) for one in shown.tensors)
        sections += [Section("Metadata", _metadata(shown)), Section("Tensors", tensors)]
    return Sections(tuple(sections))


def _model(shown: ShowResponse) -> _Rows:
    info, details = shown.model_info, shown.details
    architecture = str(info.get("general.architecture") or details.family)

    def length(key: str, known: int) -> str:
        value = known or info.get(f"{architecture}.{key}")
        return str(value) if value else ""

    return _known(
        ("architecture", architecture),
        ("parameters", details.parameter_size),
        ("context length", length("context_length", details.context_length)),
        ("embedding length", length("embedding_length", details.embedding_length)),
        ("quantization", details.quantization_level),
        ("made from", details.parent_model),
        ("requires", shown.requires),
    )


def _projector(shown: ShowResponse) -> _Rows:
    info = shown.projector_info
    architecture = str(info.get("general.architecture", ""))
    return _known(
        ("architecture", architecture),
        ("embedding length", str(info.get(f"{architecture}.vision.embedding_length", ""))),
        ("dimensions", str(info.get(f"{architecture}.vision.projection_dim", ""))),
    )


def _known(*rows: tuple[str, str]) -> _Rows:
    return tuple(row for row in rows if row[1])


def _pairs(parameters: str) -> _Rows:
    """Cut the lines of ``parameters`` into name and value."""
    lines = (line.split(None, 1) for line in parameters.splitlines())
    return tuple((words[0], words[1].strip() if words[1:] else "") for words in lines if words)


def _first_lines(text: str) -> _Rows:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    more = (("...",),) if len(lines) > _FIRST_LINES else ()
    return (*((line,) for line in lines[:_FIRST_LINES]), *more)


def _metadata(shown: ShowResponse) -> _Rows:
    return tuple((key, _value(value)) for key, value in sorted(shown.model_info.items()))


def _value(value: Any) -> str:
    """Write a value; of a list, its beginning and how much more there is."""
    if not isinstance(value, list):
        return str(value)
    items: Iterable[Any] = value[:_MOST_ITEMS]
    rest = len(value) - _MOST_ITEMS
    more = [f"... and {rest} more"] if rest > 0 else []
    return f"[{', '.join([*map(str, items), *more])}]"
