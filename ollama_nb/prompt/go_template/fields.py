"""Fields compiled to closures, and how one is looked up in a value."""

from typing import Any

from .printing import text_within
from .running import Evaluate, Run, Site
from .values import JsonList, JsonMap, NamesList, Struct, type_name


def the_dot(_: Run, dot: Any, __: list[Any]) -> Any:
    """Evaluate the cursor."""
    return dot


def fields_of(
    base: Evaluate,
    names: tuple[str, ...],
    site: Site,
    is_element: bool,
    has_arguments: bool,
) -> Evaluate:
    """Look up one name after the other. ``is_element``: the base's nil is an error."""
    if len(names) == 1 and not has_arguments:
        return (
            _field_of_dot(names[0], site, is_element)
            if base is the_dot
            else _field(base, names[0], site, is_element)
        )
    last = len(names) - 1

    def look_up_all(run: Run, dot: Any, frame: list[Any]) -> Any:
        run.fuel -= last
        if run.fuel < 0:
            run.refuel()
        value, inside = base(run, dot, frame), is_element
        for at, name in enumerate(names):
            parent = value
            value = look_up(value, name, site, inside, has_arguments and at == last)
            inside = parent is not None
        return value

    return look_up_all


def _field_of_dot(name: str, site: Site, is_element: bool) -> Evaluate:
    def look_up_one(_: Run, dot: Any, __: list[Any]) -> Any:
        kind = dot.__class__
        if kind is dict:
            return dot.get(name)
        if kind is Struct and name in dot.fields:
            return dot.fields[name]
        return look_up(dot, name, site, is_element)

    return look_up_one


def _field(base: Evaluate, name: str, site: Site, is_element: bool) -> Evaluate:
    def look_up_one(run: Run, dot: Any, frame: list[Any]) -> Any:
        value = base(run, dot, frame)
        if value.__class__ is dict:
            return value.get(name)
        return look_up(value, name, site, is_element)

    return look_up_one


def look_up(
    value: Any,
    name: str,
    site: Site,
    inside: bool,
    has_arguments: bool = False,
) -> Any:
    """A field or a key. ``inside``: the value was found in another one, where nil has a type."""
    if value is None:
        if inside:
            raise site.error(f"nil pointer evaluating interface {{}}.{name}")
        return None
    if isinstance(value, dict):
        if has_arguments:
            raise site.error(f"{name} is not a method but has arguments")
        return value.get(name)
    if isinstance(value, Struct) and name in value.fields:
        if has_arguments:
            raise site.error(f"{name} has arguments but cannot be invoked as function")
        return value.fields[name]
    if name == "String" and isinstance(value, JsonList | JsonMap | NamesList | Struct):
        return text_within(value)
    kind = "interface {}" if inside and not isinstance(value, Struct) else type_name(value)
    raise site.error(f"can't evaluate field {name} in type {kind}")
