"""Bytes to request and response to bytes.

Reading is as lenient as Ollama's (reference: Ollama API, 1.2): only the first JSON value counts,
invalid UTF-8 becomes U+FFFD, keys and nulls are taken as in ``lenient.py``. What is left after that
must have the right types.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

import msgspec

from ollama_nb.errors import BadRequest, MissingBody

from .lenient import fields_of

MAX_DEPTH = 100
"""Nesting of a JSON body; deeper is refused (faults and security, section 5)."""

MAX_KEYS = 100_000
"""Keys of a JSON body, in all its objects together."""

MAX_DIGITS = 4300
"""Of an integer in a JSON body: Python's own limit."""

_Request = TypeVar("_Request", bound=msgspec.Struct)

# Keys that older generations of clients send for the same field; the newer key wins when not empty.
_OLDER_KEYS = {"name": "model"}


def decode_request(body: bytes, kind: type[_Request]) -> _Request:
    """Read a request Struct. Raises BadRequest naming the field or the place that is wrong."""
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if not text:
        raise MissingBody
    value = _first_value(text)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BadRequest(f"request body must be a JSON object, not {_json_type(value)}")
    try:
        return msgspec.convert(_fields_of(value, kind), kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from error


def read_object(value: dict[str, Any], kind: type[_Request]) -> _Request:
    """Read an object of a request whose Struct only its content tells. Raises BadRequest."""
    try:
        return msgspec.convert(fields_of(value, kind), kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from error


def decode_object(text: str) -> dict[str, Any]:
    """Read a JSON object that came as a text, such as a call's arguments; null is an empty one.

    Within the limits of a body. Raises BadRequest.
    """
    text = text.strip(" \t\r\n")
    value = _first_value(text, alone=True)
    if value is not None and not isinstance(value, dict):
        raise BadRequest(f"expected a JSON object, not {_json_type(value)}")
    return value or {}


def check_types(request: msgspec.Struct) -> None:
    """Make sure of a request that Python made, as of one that was read. Raises BadRequest."""
    try:
        # As a map, since msgspec takes the fields of a Struct for checked.
        msgspec.convert(msgspec.structs.asdict(request), type(request))
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None


def encode(response: msgspec.Struct) -> bytes:
    """One compact JSON object without a newline."""
    return msgspec.json.encode(response)


def encode_items(response: msgspec.Struct, field: str) -> Iterator[bytes]:
    """What ``encode`` makes, the items of the list in ``field`` one by one.

    That of a million numbers holds the interpreter for a tenth of a second.
    """
    items: list[Any] = getattr(response, field)
    frame = encode(msgspec.structs.replace(response, **{field: []}))
    # Found where it stands: in a text its quotes would be escaped.
    before, begin, after = frame.partition(f'"{field}":['.encode())
    yield before + begin
    for number, item in enumerate(items):
        yield b"," * bool(number) + msgspec.json.encode(item)
    yield after


def encode_value(value: object) -> str:
    """Any JSON value as compact text, for messages."""
    return msgspec.json.encode(value).decode()


def _first_value(text: str, *, alone: bool = False) -> Any:
    try:
        value, end = _decoder().raw_decode(text)
        if alone and end < len(text):
            raise BadRequest("invalid JSON: something follows the value")
    except RecursionError:
        raise BadRequest("exceeded max depth") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"invalid JSON: {error}") from None
    except ValueError:
        raise BadRequest(f"a number has more than {MAX_DIGITS} digits") from None
    _check_depth(value)
    return _without_surrogates(value) if "\\ud" in text.lower() else value


def _refuse_constant(constant: str) -> NoReturn:
    text = f"invalid character '{constant[0]}' looking for beginning of value"
    raise BadRequest(f"invalid JSON: {text}")


def _decoder() -> json.JSONDecoder:
    """A decoder for one body, since it counts keys."""
    seen = 0

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal seen
        seen += len(pairs)
        if seen > MAX_KEYS:
            raise BadRequest(f"more than {MAX_KEYS} keys")
        made = dict(pairs)
        if len(made) < len(pairs):  # a repeated key stands where it was written last
            made = {}
            for key, item in pairs:
                made.pop(key, None)
                made[key] = item
        return made

    return json.JSONDecoder(
        object_pairs_hook=make_object, parse_constant=_refuse_constant, parse_float=_finite
    )


def _finite(digits: str) -> float:
    """Refuse what no float can hold, as Go does: Python would read infinity."""
    number = float(digits)
    if math.isinf(number):
        raise BadRequest("a number is out of range")
    return number


def _fields_of(value: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Bring keys to the Struct's spelling, those of older clients too; drop nulls and the rest."""
    older = {
        _OLDER_KEYS[name]: item
        for key, item in value.items()
        if (name := key.lower()) in _OLDER_KEYS and item is not None
    }
    newer = fields_of(value, kind)
    return older | {key: item for key, item in newer.items() if item != "" or key not in older}


def _check_depth(value: object) -> None:
    """Refuse nesting beyond MAX_DEPTH, without recursion of our own."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for node in level
            if isinstance(node, dict | list)
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise BadRequest("exceeded max depth")


def _without_surrogates(value: Any) -> Any:
    """Replace halves of surrogate pairs, which no UTF-8 can carry, as Go does."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def _json_type(value: object) -> str:
    return {list: "array", str: "string", bool: "boolean"}.get(type(value), "number")
