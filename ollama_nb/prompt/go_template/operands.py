"""Operands compiled to closures: variables, constants, chains, and what calls are given.

What is known beforehand is decided when compiling: each closure does one thing.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .calls import calling, calling_piped, choosing, comparing
from .fields import fields_of, the_dot
from .functions import FUNCTIONS, Function
from .literals import overflows
from .running import Evaluate, Run, Site
from .tree import (
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Literal,
    Nil,
    Node,
    Operand,
    Pipeline,
    Variable,
    last_word,
)
from .values import type_name


@dataclass
class Scope:
    """What is known of one place in a template: its variables' numbers, what the cursor is."""

    source: str
    template: str
    counter: list[int] = field(default_factory=lambda: [1])
    """How many variables the template has."""
    variables: dict[str, int] = field(default_factory=lambda: {"$": 0})
    elements: frozenset[int] = frozenset()
    """Variables that hold an element of a list, whose nil has no fields."""
    in_range: bool = False
    """Whether the cursor is such an element."""

    def inner(self, *, in_range: bool | None = None) -> "Scope":
        """The scope of a branch: what it declares ends with it."""
        return Scope(
            self.source, self.template, self.counter, dict(self.variables), self.elements,
            self.in_range if in_range is None else in_range,
        )  # fmt: skip

    def declare(self, name: str, *, is_element: bool = False) -> int:
        """Number a new variable."""
        slot = self.counter[0]
        self.counter[0] += 1
        self.variables[name] = slot
        if is_element:
            self.elements |= {slot}
        return slot

    def site(self, node: Node | Operand | Command) -> Site:
        """Where an error of ``node`` will be said to be."""
        return Site(self.source, self.template, node)


def compile_pipeline(pipeline: Pipeline, scope: Scope) -> Evaluate:
    """Commands from left to right, then the variables that keep the result."""
    evaluate: Evaluate | None = None
    for command in pipeline.commands:
        evaluate = _compile_command(command, pipeline, scope, evaluate)
    if evaluate is None:
        raise AssertionError("the parser lets no pipeline be empty")
    if not pipeline.variables:
        return evaluate
    slots = []
    for variable in pipeline.variables:
        name = variable.names[0]
        if not pipeline.assigns:
            slots.append(scope.declare(name))
        elif name in scope.variables:
            slots.append(scope.variables[name])
        else:
            return _failing(scope.site(pipeline), f"undefined variable: {name}")
    return _keeping(evaluate, slots)


def _keeping(evaluate: Evaluate, slots: list[int]) -> Evaluate:
    def keep(run: Run, dot: Any, frame: list[Any]) -> Any:
        value = evaluate(run, dot, frame)
        for slot in slots:
            frame[slot] = value
        return value

    return keep


def _compile_command(
    command: Command, pipeline: Pipeline, scope: Scope, final: Evaluate | None
) -> Evaluate:
    word, *rest = command.words
    if isinstance(word, Identifier):
        return _compile_call(command, scope, final)
    has_arguments = bool(rest) or final is not None
    if isinstance(word, Field | Chain) or (isinstance(word, Variable) and len(word.names) > 1):
        return _after(final, compile_operand(word, scope, has_arguments=has_arguments))
    if has_arguments:
        site = scope.site(pipeline if isinstance(word, Pipeline) else word)
        failing = _failing(site, f"can't give argument to non-function {word}")
        return _after(final, failing)
    if isinstance(word, Nil):
        return _failing(scope.site(word), "nil is not a command")
    return compile_operand(word, scope)


def _after(final: Evaluate | None, evaluate: Evaluate) -> Evaluate:
    """Evaluate what the pipeline brings first, for its errors."""
    if final is None:
        return evaluate

    def both(run: Run, dot: Any, frame: list[Any]) -> Any:
        final(run, dot, frame)
        return evaluate(run, dot, frame)

    return both


def compile_operand(  # noqa: C901 - one case for each kind of word
    operand: Operand, scope: Scope, *, has_arguments: bool = False
) -> Evaluate:
    """One word. ``has_arguments``: it is a field that is given some, which is an error."""
    match operand:
        case Dot():
            return the_dot
        case Field(names=names):
            return fields_of(the_dot, names, scope.site(operand), scope.in_range, has_arguments)
        case Variable(names=names):
            return _compile_variable(operand, scope, has_arguments)
        case Literal(value=value):
            if overflows(value):
                return _failing(scope.site(operand), f"{operand} overflows int")
            return _constant(value)
        case Nil():
            return _constant(None)
        case Pipeline():
            return compile_pipeline(operand, scope)
        case Identifier():
            return _compile_call(Command(operand.position, (operand,)), scope, None)
        case Chain(base=base, names=names):
            site = scope.site(operand)
            if isinstance(base, Nil):
                return _failing(site, f"indirection through explicit nil in {operand}")
            inside = scope.site(last_word(base))
            return fields_of(compile_operand(base, scope), names, inside, False, has_arguments)


def _compile_variable(variable: Variable, scope: Scope, has_arguments: bool) -> Evaluate:
    name, *names = variable.names
    slot = scope.variables.get(name)
    site = scope.site(variable)
    if slot is None:
        return _failing(site, f"undefined variable: {name}")

    def read(_: Run, __: Any, frame: list[Any]) -> Any:
        return frame[slot]

    if not names:
        return read
    return fields_of(read, tuple(names), site, slot in scope.elements, has_arguments)


def _constant(value: Any) -> Evaluate:
    return lambda _, __, ___: value


def _failing(site: Site, message: str) -> Evaluate:
    def fail(_: Run, __: Any, ___: list[Any]) -> Any:
        raise site.error(message)

    return fail


# Functions


def _compile_call(command: Command, scope: Scope, final: Evaluate | None) -> Evaluate:
    identifier, *words = command.words
    name = str(identifier)
    function = FUNCTIONS[name]
    wrong = _wrong_number(function, name, len(words), final is not None)
    if wrong:
        return _after(final, _failing(scope.site(identifier), wrong))
    arguments = [
        _compile_argument(word, scope, is_text=number < function.num_texts)
        for number, word in enumerate(words)
    ]
    if final is not None and len(words) < function.num_texts:
        final = _text_argument(final, scope.site(identifier))
    if name == "call":
        function = function._replace(call=partial(function.call, str(words[0]) if words else ""))
    if name in ("and", "or"):
        return choosing(arguments, final, stops_at=name == "or")
    if final is not None:
        return calling_piped(function, arguments, final, scope.site(command), name)
    if name in ("eq", "ne") and len(words) == 2:
        return comparing(arguments, words[1], scope.site(command), name)
    return calling(function, arguments, scope.site(command), name)


def _wrong_number(function: Function, name: str, num_words: int, is_piped: bool) -> str:
    number = num_words + is_piped
    if function.least == function.most != number:
        return f"wrong number of args for {name}: want {function.most} got {number}"
    if number < function.least:
        return f"wrong number of args for {name}: want at least {function.least} got {num_words}"
    return ""


def _compile_argument(word: Operand, scope: Scope, *, is_text: bool) -> Evaluate:
    if not is_text:
        return compile_operand(word, scope)
    site = scope.site(word)
    if isinstance(word, Nil):
        return _failing(site, "cannot assign nil to string")
    if isinstance(word, Literal) and not isinstance(word.value, str):
        return _failing(site, f"expected string; found {word}")
    site = scope.site(last_word(word))
    typed = isinstance(word, Field) or (isinstance(word, Variable) and len(word.names) > 1)
    return _text_argument(compile_operand(word, scope), site, nil="interface {}" if typed else "")


def _text_argument(evaluate: Evaluate, site: Site, nil: str = "") -> Evaluate:
    """Let strings alone pass. ``nil``: the type that nil has there, if any."""

    def text(run: Run, dot: Any, frame: list[Any]) -> str:
        value = evaluate(run, dot, frame)
        if isinstance(value, str):
            return value
        if value is None and not nil:
            raise site.error("invalid value; expected string")
        name = nil if value is None else type_name(value)
        raise site.error(f"wrong type for value; expected string; got {name}")

    return text
