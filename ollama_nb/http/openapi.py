"""The contract for programs: an OpenAPI 3.1 description, of the route table and the Structs.

It says what a client should send, and all that a client may get. The server reads far more than is
said here (reference: Ollama API, 1.2).
"""

import inspect
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from ollama_nb import errors
from ollama_nb._version import API_VERSION
from ollama_nb.wire import Options
from ollama_nb.wire.field_types import SCHEMAS, ModelName

from .dialects import Dialect, dialect_of, ollama_error
from .examples import EXAMPLES
from .messages import NDJSON, PLAIN_JSON
from .route import Route

_Described = dict[str, Any]

_ABOUT = """Ollama's HTTP API, and OpenAI's and Anthropic's over the same models.

Bodies are read as JSON whatever their Content-Type says. Keys match whatever their case, unknown
keys are ignored, and null means "not given". An answer under way can still fail: its last piece is
then an error object."""

_DENIED = "Without the token that is needed, from a foreign page, or without permission."
_FAILED = "Something failed in the server."

_ITEM = re.compile(":([a-z]+)")
_ITEMS = {"digest": {"type": "string", "pattern": "^sha256[:-][0-9a-fA-F]{64}$"}}
"""What a path may end with, as far as it is not any text."""


@cache
def document(routes: tuple[Route, ...]) -> bytes:
    """Return the description of all routes as JSON; paths begin where it lies itself."""
    return msgspec.json.encode(describe(routes))


def describe(routes: Iterable[Route]) -> _Described:
    """Describe these routes."""
    paths: dict[str, _Described] = defaultdict(dict)
    for route in routes:
        for method in route.methods:
            paths[_ITEM.sub(r"{\1}", route.path)][method.lower()] = _operation(route, method)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Ollama", "version": API_VERSION, "description": _ABOUT},
        "servers": [{"url": "."}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, method: str) -> _Described:
    described: _Described = {
        "operationId": "_".join([method.lower(), *re.findall("[a-z0-9]+", route.path)]),
        "summary": _summary(route),
        "parameters": [_parameter(name) for name in _ITEM.findall(route.path)],
        "responses": _responses(route, bare=method == "HEAD"),
    }
    if route.public:
        described["security"] = []
    if route.in_pieces:
        described["requestBody"] = {"content": {"application/octet-stream": {}}}
    elif route.takes:
        described["requestBody"] = {"required": True, "content": _request(route.path, route.takes)}
    return described


def _summary(route: Route) -> str:
    """What the docstring says after method and path."""
    text = (inspect.getdoc(route.answer) or "").partition("\n")[0].partition(": ")[2]
    return text[:1].upper() + text[1:]


def _parameter(name: str) -> _Described:
    schema = _ITEMS.get(name, {"type": "string"})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _request(path: str, takes: type[msgspec.Struct]) -> _Described:
    examples = {name: {"value": value} for name, value in EXAMPLES[path].items()}
    return {PLAIN_JSON: {"schema": _reference(takes.__name__), "examples": examples}}


def _responses(route: Route, *, bare: bool) -> _Described:
    """Every answer by its status; ``bare``: without bodies, as HEAD has them."""
    error = {PLAIN_JSON: {"schema": _reference(dialect_of(route.path).__name__)}}
    told = {status: (HTTPStatus(status).phrase, _content(route)) for status in route.statuses}
    told |= {status: (text, error) for status, text in sorted(_failures(route).items())}
    return {
        str(status): {"description": text} | ({} if bare or not content else {"content": content})
        for status, (text, content) in told.items()
    }


def _content(route: Route) -> _Described:
    """What success brings, whole or piece by piece."""
    content: _Described = {}
    if route.gives is not None:
        (schema,), _ = _schemas_of([route.gives])
        content["text/plain" if route.gives is str else PLAIN_JSON] = {"schema": schema}
    if route.streams:
        dialect = dialect_of(route.path)
        names = [kind.__name__ for kind in route.streams]
        piece = {"anyOf": [_reference(name) for name in (*names, dialect.__name__)]}
        content |= _lines(piece) if dialect is ollama_error else _events(piece)
    return content


def _lines(piece: _Described) -> _Described:
    """A list is what OpenAPI 3.2 makes of NDJSON; 3.1 leaves it open."""
    return {NDJSON: {"schema": {"type": "array", "items": piece}}}


def _events(piece: _Described) -> _Described:
    """In OpenAPI 3.1 the schema is that of an event."""
    data = {"type": "string", "contentMediaType": PLAIN_JSON, "contentSchema": piece}
    event = {"event": {"type": "string"}, "data": {"anyOf": [{"const": "[DONE]"}, data]}}
    schema = {"type": "object", "properties": event, "required": ["data"]}
    return {"text/event-stream": {"schema": schema}}


def _failures(route: Route) -> dict[int, str]:
    """Which statuses a route fails with, and what each can mean."""
    kinds: tuple[type[errors.OllamaError], ...] = route.raises
    if route.takes is not None:
        kinds = (errors.BadRequest, errors.BodyTooLarge, errors.UnreadableBody, *kinds)
    meanings = {500: [_FAILED], 403: [_DENIED]}
    for kind in kinds:
        text = (inspect.getdoc(kind) or "").partition("\n")[0]
        meanings.setdefault(kind.status, []).append(text)
    return {status: " ".join(texts) for status, texts in meanings.items()}


# Schemas.


def _schemas(routes: Iterable[Route]) -> _Described:
    """Every schema that is referred to, by its name."""
    kinds: set[type] = {Options}
    dialects: set[Dialect] = set()
    for route in routes:
        kinds.update(kind for kind in (route.takes, route.gives, *route.streams) if kind)
        dialects.add(dialect_of(route.path))
    _, schemas = _schemas_of(sorted(kinds, key=lambda kind: kind.__name__))
    for kind in kinds:
        if kind.__name__ in schemas:
            schemas[kind.__name__]["required"] += _names_of_models(kind)
    for schema in schemas.values():
        _tidy(schema)
    in_order = sorted(dialects, key=lambda dialect: dialect.__name__)
    return schemas | {dialect.__name__: _shape(dialect(400, "")) for dialect in in_order}


def _schemas_of(kinds: Iterable[type]) -> tuple[tuple[_Described, ...], _Described]:
    return msgspec.json.schema_components(kinds, ref_template=SCHEMAS + "{name}")


def _names_of_models(kind: type[msgspec.Struct]) -> list[str]:
    """The fields without which a request is about nothing, though they can be left out."""
    fields = msgspec.structs.fields(kind)
    return [field.encode_name for field in fields if field.type is ModelName]


def _tidy(schema: _Described) -> None:
    """Take out, in place, what the source's layout left in the text, and defaults that say nothing.

    An empty field is one that is not given, and its schema may not even have that value.
    """
    schema["description"] = inspect.cleandoc(schema["description"])
    for field in schema["properties"].values():
        if field.get("default") in (None, "", (), [], {}):
            field.pop("default", None)


def _reference(name: str) -> _Described:
    return {"$ref": SCHEMAS + name}


def _shape(value: Any) -> _Described:
    """Describe an object that always has these keys, with values like these."""
    if isinstance(value, dict):
        properties = {key: _shape(item) for key, item in value.items()}
        return {"type": "object", "properties": properties, "required": list(value)}
    return {"type": "null" if value is None else "string"}
