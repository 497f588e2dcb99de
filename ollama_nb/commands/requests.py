"""What a command's arguments ask the service for. Pure functions."""

import argparse
from collections.abc import Sequence

from ollama_nb.errors import InvalidDuration, UsageProblem
from ollama_nb.wire import EmbedRequest, GenerateRequest
from ollama_nb.wire.durations import parse_keep_alive

from .options import parse_format, parse_keep_alive_word, parse_options
from .ways import DEFAULT_MODEL


def request_of(
    arguments: argparse.Namespace, *, prompt: str, system: str, images: Sequence[str] = (),
    default_model: str = DEFAULT_MODEL,
) -> GenerateRequest:  # fmt: skip
    """Make the request that generate's or run's arguments ask for. Raises UsageProblem.

    ``images`` are what ``--image`` names, in base64.
    """
    options = parse_options(arguments.options)
    if arguments.seed is not None:
        options["seed"] = arguments.seed
    if "seed" in options:
        options.setdefault("repeatable", True)
    return GenerateRequest(
        model=arguments.model or default_model,
        prompt=prompt,
        system=system,
        images=list(images) or None,
        options=options or None,
        raw=arguments.raw,
        think=arguments.think,
        format=parse_format(arguments.format),
        keep_alive=_keep_alive(arguments),
    )


def embed_request_of(
    arguments: argparse.Namespace, *, text: str, default_model: str = DEFAULT_MODEL
) -> EmbedRequest:
    """Make the request that embed's arguments ask for. Raises UsageProblem."""
    if arguments.dimensions is not None and arguments.dimensions < 1:
        raise UsageProblem(f"--dimensions {arguments.dimensions}: a vector has 1 number at least")
    lines = [line.strip() for line in text.split("\n")]
    return EmbedRequest(
        model=arguments.model or default_model,
        input=[line for line in lines if line] if arguments.lines else [text],
        dimensions=arguments.dimensions or 0,
        options=parse_options(arguments.options) or None,
        keep_alive=_keep_alive(arguments),
    )


def _keep_alive(arguments: argparse.Namespace) -> str | float | None:
    """Read ``--keep-alive``. Raises UsageProblem before anything is loaded."""
    value = parse_keep_alive_word(arguments.keep_alive) if arguments.keep_alive else None
    try:
        parse_keep_alive(value)
    except InvalidDuration as problem:
        raise UsageProblem(
            f"--keep-alive {arguments.keep_alive}: {problem}; write 30m, 1h30m, seconds without "
            "a unit, 0 or -1"
        ) from None
    return value
