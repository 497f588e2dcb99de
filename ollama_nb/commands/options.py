"""``--options`` and their like: words of a command line become what the wire takes.

Stricter than the wire, where unknown names are ignored: who types a line wants to hear of a typo.
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from ollama_nb.errors import InvalidOption, UsageProblem
from ollama_nb.wire.options import Options

from .parser import did_you_mean

OPTION_NAMES = tuple(sorted(field.name for field in msgspec.structs.fields(Options)))


def parse_options(pairs: Iterable[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs, values as JSON where possible. Raises UsageProblem."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageProblem(
                f"--options {pair}: write name=value, such as --options temperature=0.2 seed=1"
            )
        options[name] = _value(name, text)
    return options


def _value(name: str, text: str) -> Any:
    if name not in OPTION_NAMES:
        hint = did_you_mean(name, OPTION_NAMES) or f". There are: {', '.join(OPTION_NAMES)}"
        raise UsageProblem(f"--options {name}={text}: there is no option {name!r}{hint}")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    try:
        Options.merge({name: value})
    except InvalidOption as problem:
        hint = """; write stop='["text"]'""" if name == "stop" else ""
        raise UsageProblem(f"--options {name}={text}: {problem}{hint}") from None
    return value


def parse_keep_alive_word(text: str) -> str | float:
    """Read ``--keep-alive``: a bare number is seconds, anything else a duration such as ``5m``."""
    try:
        return float(text)
    except ValueError:
        return text


def parse_format(text: str) -> str | dict[str, Any] | None:
    """Read ``--format``: ``json``, or a JSON schema as JSON; None if empty. Raises UsageProblem."""
    if not text or text == "json":
        return text or None
    try:
        schema = json.loads(text)
    except ValueError as problem:
        raise UsageProblem(f"--format takes json, or a JSON schema: {problem}") from None
    if not isinstance(schema, dict):
        raise UsageProblem("--format takes json, or a JSON schema, which is a JSON object")
    return schema
