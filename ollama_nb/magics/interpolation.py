r"""``{{ expression }}`` in a prompt becomes the expression's value; nothing else is touched.

An expression stands on one line and ends at the first ``}}`` that makes it valid Python, so that
dictionaries may occur in it. ``\{{`` stands for ``{{`` itself. Knows no IPython: the caller brings
the namespace.
"""

import warnings
from collections.abc import Mapping
from types import CodeType
from typing import Any

from ollama_nb.errors import UsageProblem

OPEN, CLOSE = "{{", "}}"
_LITERAL = "\\{{ stands for {{ itself"


def interpolate(text: str, namespace: Mapping[str, Any]) -> str:
    r"""Put in the values. Raises UsageProblem naming an expression that cannot be evaluated."""
    result: list[str] = []
    position = 0
    while (opening := text.find(OPEN, position)) >= 0:
        escaped = opening > position and text[opening - 1] == "\\"
        result.append(text[position : opening - escaped])
        end = None if escaped else _end_of_line(text, opening)
        if end is None:
            result.append(OPEN)
            position = opening + len(OPEN)
        else:
            expression, code, position = _expression(text, opening, end)
            result.append(_evaluate(expression, code, namespace))
    result.append(text[position:])
    return "".join(result)


def _end_of_line(text: str, opening: int) -> int | None:
    """Return where the line ends, if something stands between ``{{`` and a ``}}`` on it."""
    newline = text.find("\n", opening)
    end = len(text) if newline < 0 else newline
    closing = text.find(CLOSE, opening + len(OPEN), end)
    return end if text[opening + len(OPEN) : max(closing, 0)].strip() else None


def _expression(text: str, opening: int, end: int) -> tuple[str, CodeType, int]:
    """Return the expression that begins at ``opening``, compiled, and where it ends."""
    start = opening + len(OPEN)
    closing = text.find(CLOSE, start, end)
    first = text[start:closing].strip()
    while closing >= 0:
        expression = text[start:closing].strip()
        code = _compile(expression)
        if code is not None:
            return expression, code, closing + len(CLOSE)
        closing = text.find(CLOSE, closing + 1, end)
    raise UsageProblem(f"{{{{ {first} }}}} is not a Python expression; {_LITERAL}")


def _compile(expression: str) -> CodeType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return compile(expression, "<prompt>", "eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _evaluate(expression: str, code: CodeType, namespace: Mapping[str, Any]) -> str:
    try:
        return str(eval(code, dict(namespace)))
    except NameError as error:
        raise UsageProblem(f"{{{{ {expression} }}}}: {error}; {_LITERAL}") from error
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
        raise UsageProblem(f"{{{{ {expression} }}}} failed: {fault}") from error
