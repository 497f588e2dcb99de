"""What is refused of a schema as a whole: sums, references, and bounds that meet one another."""

import graphlib
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias
from urllib.parse import unquote

from ollama_nb.errors import BadRequest

from .schema_nodes import VALUES, nodes, schemas
from .schema_rules import Node, complaints, is_number

_Place: TypeAlias = tuple[str, Node]
"""A schema with its pointer."""
_Size: TypeAlias = Callable[[Any], int]

_MOST_MULTIPLE = 65_535
"""Compiling a million takes half a minute; and the product of two must not exceed 32 bits."""
_SIDES = (
    ("exclusiveMinimum", "minimum", ("maximum", "exclusiveMaximum"), math.floor),
    ("exclusiveMaximum", "maximum", ("minimum", "exclusiveMinimum"), math.ceil),
)
"""An exclusive bound, its inclusive kin, the opposite bounds, how to round those towards it."""
_COMBINING = ("allOf", "anyOf", "oneOf")
_REMARKS = frozenset({
    "$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description",
    "default", "examples", "deprecated", "readOnly", "writeOnly", "discriminator",
})  # fmt: skip


def check_schema(schema: Node) -> None:
    """Raise BadRequest, with the JSON pointer, for a schema that is too large or not kept."""
    places = list(schemas(schema))
    for at, node in places:
        for keyword, complaint in complaints(node):
            _refuse(complaint, at, keyword)
    for sizes, most, what in _TOTALS:
        _check_total(places, sizes, most, what)
    _check_references(places)
    # Where schemas are laid over one another, a bound may meet any other one of the schema.
    joined = any(_joins(node) for _, node in places)
    for group in [places] if joined else [[place] for place in places]:
        _check_ranges(group)
    _check_multiples(places, joined)


def _refuse(complaint: str, at: str, keyword: str) -> NoReturn:
    raise BadRequest(f"invalid format: {complaint} at #{at}/{keyword}")


def _num_structures(value: Any) -> int:
    """Objects and lists in a value, itself included."""
    return sum(1 for _ in nodes([value])) - 1


def _num_in_list(values: Any) -> int:
    return sum(map(_num_structures, values)) if isinstance(values, list) else 0


def _num_choices(choices: Any) -> int:
    """Those that are no constants; these are counted where they stand."""
    choices = choices if isinstance(choices, list) else []
    return sum(not (isinstance(one, dict) and {"const", "enum"} & {*one}) for one in choices)


def _num_names(named: Any) -> int:
    return len(named) if isinstance(named, dict) else 0


_TOTALS: Sequence[tuple[Mapping[str, _Size], int, str]] = (
    ({"patternProperties": _num_names}, 100, "patternProperties"),
    (
        {
            "const": _num_structures,
            "enum": _num_in_list,
            "anyOf": _num_choices,
            "oneOf": _num_choices,
        },
        2000,
        "objects and arrays to choose from",
    ),
)
"""Compiling 400 of the former or 20,000 of the latter takes half a minute."""


def _check_total(
    places: Sequence[_Place], sizes: Mapping[str, _Size], most: int, what: str
) -> None:
    total = 0
    for at, node in places:
        for keyword in sizes.keys() & node.keys():
            total += sizes[keyword](node[keyword])
            if total > most:
                _refuse(f"more than {most} {what}", at, keyword)


def _check_references(places: Sequence[_Place]) -> None:
    """Refuse a reference to a value, which no rule has seen, and one that leads back to itself.

    By the latter answers would end in the middle.
    """
    targets = {at: at for at, _ in places}
    targets |= {str(node["$anchor"]): at for at, node in places if "$anchor" in node}
    if any("$id" in node for at, node in places if at):
        targets = {}  # pointers start there
    same: dict[str, list[str]] = {}
    """By schema, others that the same value must fit, or may."""
    for at, node in places:
        same[at] = _choices(at, node)
        if isinstance(node.get("$ref"), str):
            pointer = unquote(node["$ref"].removeprefix("#"))
            if pointer in targets:
                same[at].append(targets[pointer])
            elif not VALUES.isdisjoint(pointer.split("/")):
                _refuse("the reference leads to a value, not to a schema", at, "$ref")
    try:
        graphlib.TopologicalSorter(same).prepare()
    except graphlib.CycleError as error:
        circle = error.args[1]
        raise BadRequest(f"invalid format: $ref leads back to itself at #{circle[0]}") from None


def _choices(at: str, node: Node) -> list[str]:
    lists = [(keyword, node[keyword]) for keyword in _COMBINING if keyword in node]
    return [
        f"{at}/{keyword}/{number}"
        for keyword, choices in lists
        if isinstance(choices, list)
        for number in range(len(choices))
    ]


def _joins(node: Node) -> bool:
    """Whether the engine lays several schemas over one another here."""
    several = isinstance(node.get("allOf"), list) and len(node["allOf"]) > 1
    combines = not node.keys().isdisjoint((*_COMBINING, "$ref"))
    return several or (combines and len(node.keys() - _REMARKS) > 1)


def _check_ranges(group: Sequence[_Place]) -> None:
    """Refuse an exclusive whole bound less than 1 from the other one: the engine lets it in."""
    numeric = [(at, node) for at, node in group if node.get("type") != "integer"]
    for exclusive, inclusive, opposite, rounded in _SIDES:
        others: list[Any] = [node.get(keyword) for _, node in numeric for keyword in opposite]
        near = {rounded(one) for one in others if is_number(one) and one != rounded(one)}
        for at, node in numeric:
            bound = node.get(exclusive)
            # Draft 4 says so of the other keyword.
            bound = node.get(inclusive) if bound is True else bound
            if is_number(bound) and bound in near:
                _refuse(f"{exclusive} less than 1 from the other bound is not kept", at, exclusive)


def _check_multiples(places: Sequence[_Place], joined: bool) -> None:
    """Refuse what compiles too long; and of several in one, a multiple that overflows."""
    found = [(at, node["multipleOf"]) for at, node in places if is_number(node.get("multipleOf"))]
    units = [_units(value) for _, value in found]
    finest = max((decimals for _, decimals in units), default=0)
    seen: set[int] = set()
    for (at, _), (one, decimals) in zip(found, units, strict=True):
        seen.add(one * 10 ** (finest - decimals) if joined else one)
        if (math.lcm(*seen) if joined else sum(seen)) > _MOST_MULTIPLE:
            _refuse(f"multipleOf of more than {_MOST_MULTIPLE} units", at, "multipleOf")


def _units(value: float) -> tuple[int, int]:
    """The digits of a number and how many of them are decimals: 0.25 is 25 and 2."""
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # it is finite
    units = int("".join(map(str, digits)))
    return units * 10 ** max(exponent, 0), max(-exponent, 0)
