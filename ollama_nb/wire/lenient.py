"""What clients write, in the spelling of our Structs (reference: Ollama API, 1.2).

In every object that becomes a Struct, however deep: keys match whatever their case, the later of
two wins, null is "not given", and what the Struct does not have is left out. Everything else, such
as options, schemas and arguments, stays as it was sent.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

_Reader = Callable[[Any], Any]
"""Takes any JSON value; one of another shape passes through, and the types are judged later."""


def fields_of(value: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return what ``value`` gives for the fields of ``kind``, by the names that those have."""
    known = _fields(kind)
    result = {}
    for key, item in value.items():
        field = known.get(key) or known.get(key.lower())
        if field is not None and item is not None:
            name, read = field
            result[name] = item if read is None else read(item)
    return result


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, tuple[str, _Reader | None]]:
    """What a key means: the field's name, and what reads its value if that may hold Structs."""
    found = {}
    for field in msgspec.structs.fields(kind):
        meaning = (field.encode_name, _reader(inspect.type_info(field.type)))
        found[field.encode_name] = found[field.encode_name.lower()] = meaning
    return found


def _reader(kind: inspect.Type) -> _Reader | None:
    """What brings a value of this type into our spelling; None if nothing in it is a Struct."""
    if isinstance(kind, inspect.StructType):
        return _struct(kind.cls)
    if isinstance(kind, inspect.ListType):
        return _list(_reader(kind.item_type))
    if isinstance(kind, inspect.DictType):
        return _map(_reader(kind.value_type))
    if isinstance(kind, inspect.UnionType):
        return _union(kind.types)
    if isinstance(kind, inspect.Metadata):
        return _reader(kind.type)
    return None


def _struct(kind: type[msgspec.Struct]) -> _Reader:
    def read(value: Any) -> Any:
        # As an element of a list or a map null is an object without keys, as it is to Go.
        if value is None:
            return {}
        return fields_of(value, kind) if isinstance(value, dict) else value

    return read


def _list(read: _Reader | None) -> _Reader | None:
    if read is None:
        return None
    return lambda value: [read(item) for item in value] if isinstance(value, list) else value


def _map(read: _Reader | None) -> _Reader | None:
    if read is None:
        return None
    return lambda value: (
        {key: read(item) for key, item in value.items()} if isinstance(value, dict) else value
    )


def _union(kinds: Sequence[inspect.Type]) -> _Reader | None:
    """Whichever member has the value's shape; msgspec allows one of a shape."""
    readers = [read for read in map(_reader, kinds) if read is not None]
    if not readers:
        return None

    def read(value: Any) -> Any:
        for one in readers if value is not None else ():
            value = one(value)
        return value

    return read
