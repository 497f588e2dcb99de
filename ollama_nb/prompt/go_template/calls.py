"""Calls of functions compiled to closures, each paid for by the texts that it is given.

What a call costs is taken from the run before it is made: a step, and more for long texts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .errors import Fault
from .functions import Function, equal
from .running import LENGTH_OF_A_STEP, MAX_OUTPUT, Evaluate, Run, Site
from .tree import Literal, Operand


def choosing(arguments: Sequence[Evaluate], final: Evaluate | None, *, stops_at: bool) -> Evaluate:
    """``and`` and ``or``: the first argument that decides, or the last."""
    if final is None and len(arguments) == 2:
        first, second = arguments

        def choose_of_two(run: Run, dot: Any, frame: list[Any]) -> Any:
            run.fuel -= 1
            if run.fuel < 0:
                run.refuel()
            value = first(run, dot, frame)
            return value if bool(value) is stops_at else second(run, dot, frame)

        return choose_of_two
    cost = len(arguments)

    def choose(run: Run, dot: Any, frame: list[Any]) -> Any:
        run.fuel -= cost
        if run.fuel < 0:
            run.refuel()
        piped = None if final is None else final(run, dot, frame)
        value = None
        for argument in arguments:
            value = argument(run, dot, frame)
            if bool(value) is stops_at:
                return value
        return value if final is None else piped

    return choose


def comparing(arguments: Sequence[Evaluate], word: Operand, site: Site, name: str) -> Evaluate:
    """``eq`` and ``ne`` of two, mostly of a field with a text."""
    left, right = arguments
    wanted = name == "eq"

    def compare(run: Run, dot: Any, frame: list[Any]) -> bool:
        first, other = left(run, dot, frame), right(run, dot, frame)
        run.fuel -= 1 if first.__class__ is not str else len(first) // LENGTH_OF_A_STEP + 1
        if run.fuel < 0:
            run.refuel()
        if first.__class__ is other.__class__ and first.__class__ in _PLAIN:
            return (first == other) is wanted
        return _checked(equal, site, name, first, other) is wanted

    if not (isinstance(word, Literal) and isinstance(word.value, str)):
        return compare
    constant = word.value
    cost = len(constant) // LENGTH_OF_A_STEP + 1

    def compare_constant(run: Run, dot: Any, frame: list[Any]) -> bool:
        first = left(run, dot, frame)
        run.fuel -= cost
        if run.fuel < 0:
            run.refuel()
        if first.__class__ is str:
            return (first == constant) is wanted
        return _checked(equal, site, name, first, constant) is wanted

    return compare_constant


_PLAIN = frozenset([str, int, bool, float])


def calling(function: Function, arguments: Sequence[Evaluate], site: Site, name: str) -> Evaluate:
    """A call whose arguments are all written behind the function's name."""
    call, grows = function.call, function.grows
    if len(arguments) == 1:
        return _calling_one(function, arguments[0], site, name)
    if len(arguments) == 2:
        return _calling_two(function, arguments[0], arguments[1], site, name)

    def call_all(run: Run, dot: Any, frame: list[Any]) -> Any:
        given = [argument(run, dot, frame) for argument in arguments]
        _pay(run, given)
        value = _checked(call, site, name, *given)
        return _paid(run, value) if grows else value

    return call_all


def _calling_one(function: Function, only: Evaluate, site: Site, name: str) -> Evaluate:
    call, grows = function.call, function.grows

    def call_one(run: Run, dot: Any, frame: list[Any]) -> Any:
        given = only(run, dot, frame)
        run.fuel -= 1 if given.__class__ is not str else len(given) // LENGTH_OF_A_STEP + 1
        if run.fuel < 0:
            run.refuel()
        try:
            value = call(given)
        except Fault as fault:
            raise site.error(f"error calling {name}: {fault}") from fault
        return _paid(run, value) if grows else value

    return call_one


def _calling_two(
    function: Function, first: Evaluate, second: Evaluate, site: Site, name: str
) -> Evaluate:
    call, grows = function.call, function.grows

    def call_two(run: Run, dot: Any, frame: list[Any]) -> Any:
        left, right = first(run, dot, frame), second(run, dot, frame)
        cost = 1 if left.__class__ is not str else len(left) // LENGTH_OF_A_STEP + 1
        if right.__class__ is str:
            cost += len(right) // LENGTH_OF_A_STEP
        run.fuel -= cost
        if run.fuel < 0:
            run.refuel()
        try:
            value = call(left, right)
        except Fault as fault:
            raise site.error(f"error calling {name}: {fault}") from fault
        return _paid(run, value) if grows else value

    return call_two


def calling_piped(
    function: Function, arguments: Sequence[Evaluate], final: Evaluate, site: Site, name: str
) -> Evaluate:
    """A call whose last argument is what the pipeline has brought so far."""
    call, grows = function.call, function.grows

    def call_it(run: Run, dot: Any, frame: list[Any]) -> Any:
        piped = final(run, dot, frame)
        given = [argument(run, dot, frame) for argument in arguments]
        given.append(piped)
        _pay(run, given)
        value = _checked(call, site, name, *given)
        return _paid(run, value) if grows else value

    return call_it


def _checked(call: Callable[..., Any], site: Site, name: str, *values: Any) -> Any:
    try:
        return call(*values)
    except Fault as fault:
        raise site.error(f"error calling {name}: {fault}") from fault


def _pay(run: Run, given: Sequence[Any]) -> None:
    """Before a call: a step for each argument, and for each text's length."""
    run.fuel -= len(given) + 1
    run.charge(sum(len(value) for value in given if value.__class__ is str))


def _paid(run: Run, value: Any) -> Any:
    """After a call: for the length of what it made."""
    length = len(value)
    if length >= 64:
        if length > MAX_OUTPUT and isinstance(value, str):
            run.overflow()
        run.charge(length)
    return value
