"""GGUF chat templates: Jinja in a sandbox, with bounds on steps, time and output (rule S21).

A turn of a loop, a call and a piece of output are one step each, so that a template that never
prints ends too; texts and lists that operators or blocks build are measured before they are made.
What is not divided is one filter at work: it may take memory or time of its own.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, nodes
from jinja2.ext import loopcontrols
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ollama_nb.errors import OllamaError

_MAX_SOURCE = 1 << 20
_MAX_OUTPUT = 4 << 20
_MAX_NUMBER_BITS = 1 << 14
_MAX_STEPS = 1_000_000
_MAX_SECONDS = 2.0
"""Of this thread's own work: a busy machine costs no template its answer."""


class TemplateFailed(OllamaError):
    """A chat template that does not parse, render or end."""


class RefusedByTemplate(TemplateFailed):
    """Messages that a chat template does not take, such as roles that are not in turns."""

    status = 400


def render_jinja(source: str, variables: Mapping[str, Any]) -> str:
    """Render a chat template. Raises TemplateFailed with the template engine's words.

    RefusedByTemplate has the template's own.
    """
    if len(source) > _MAX_SOURCE:
        raise TemplateFailed(f"template error: longer than {_MAX_SOURCE >> 20} MiB")
    budget = _Budget()
    token = _BUDGET.set(budget)
    try:
        text = "".join(map(budget.take, _compile(source).generate(variables)))
    except TemplateFailed:
        raise
    except RecursionError as error:
        raise TemplateFailed("template error: nested too deeply") from error
    except Exception as error:  # foreign code may raise anything
        raise TemplateFailed(f"template error: {str(error) or type(error).__name__}") from error
    finally:
        _BUDGET.reset(token)
    # Half a surrogate pair, which a template can write, has no place in a prompt.
    return text.encode("utf-8", "replace").decode("utf-8")


class _Budget:
    """What one rendering may still take."""

    def __init__(self) -> None:
        self._deadline = time.thread_time() + _MAX_SECONDS
        self._steps = 0
        self._size = 0

    def step(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise TemplateFailed(f"template error: not done after {_MAX_STEPS} steps")
        if time.thread_time() > self._deadline:
            raise TemplateFailed(f"template error: not done after {_MAX_SECONDS:g} s")

    def take(self, piece: str) -> str:
        self.step()
        self._size += len(piece)
        _check_size(self._size)
        return piece


_BUDGET: ContextVar[_Budget] = ContextVar("budget")


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox that counts its steps and measures what grows."""

    intercepted_binops = frozenset(["+", "*", "**"])

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        _BUDGET.get().step()
        return super().call(context, function, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _check_operands(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def concat(self, values: Iterable[str]) -> str:
        """Join what a block, a macro or ``~`` has collected."""
        texts = [str(value) for value in values]
        _check_size(sum(map(len, texts)))
        return "".join(texts)

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """What a loop runs over, each turn a step."""
        budget = _BUDGET.get()
        for item in items:
            budget.step()
            yield item

    def measured(self, source: str) -> nodes.Template:
        """Parse a template and lead its loops and ``~`` through the two methods above."""
        tree = self.parse(source)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _method("counted", loop.iter)
        for joined in list(tree.find_all(nodes.Concat)):
            joined.nodes = [_method("concat", nodes.List(joined.nodes))]
        return tree


def _method(name: str, argument: Any) -> nodes.Expr:
    return nodes.Call(nodes.EnvironmentAttribute(name), [argument], [], None, None)


def _check_operands(operator: str, left: Any, right: Any) -> None:
    """Refuse a result that would be huge."""
    if isinstance(left, int) and isinstance(right, int):
        exponent = right if operator == "**" else 0
        if left.bit_length() * exponent + right.bit_length() > _MAX_NUMBER_BITS:
            raise TemplateFailed("template error: number too large")
    elif operator == "+":
        _check_size(_size(left) + _size(right))
    elif operator == "*":
        _check_size(_size(left) * _size(right))


def _size(operand: Any) -> int:
    if isinstance(operand, int):
        return operand
    return len(operand) if isinstance(operand, str | bytes | list | tuple) else 0


def _check_size(size: int) -> None:
    if size > _MAX_OUTPUT:
        raise TemplateFailed(f"template error: output exceeds {_MAX_OUTPUT >> 20} MiB")


@lru_cache(maxsize=64)
def _compile(source: str) -> Template:
    return _ENVIRONMENT.from_string(_ENVIRONMENT.measured(source))


def _raise_exception(message: str) -> NoReturn:
    raise RefusedByTemplate(f"template error: {message}")


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Without the HTML escapes of Jinja's own filter: models were trained on plain JSON."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _now(pattern: str) -> str:
    return datetime.now().astimezone().strftime(pattern)


_ENVIRONMENT = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
_ENVIRONMENT.globals.update(raise_exception=_raise_exception, strftime_now=_now)
_ENVIRONMENT.filters["tojson"] = _to_json
