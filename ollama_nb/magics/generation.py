"""generate and run in IPython: the display that fits the front end, and the result.

Knows the service and the commands; which shell it is in is told by `Surroundings`.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from IPython.display import display

from ollama_nb.commands.answering import Answering, View
from ollama_nb.commands.requests import request_of
from ollama_nb.commands.result import Result
from ollama_nb.commands.suggesting import with_suggestion
from ollama_nb.commands.text_view import TextView
from ollama_nb.commands.verbs import Command
from ollama_nb.commands.ways import LINE
from ollama_nb.errors import ModelNotFound
from ollama_nb.service import Service

from .interpolation import interpolate
from .notebook_view import FinalView, NotebookView
from .surroundings import Surroundings, check_output, written


def generate(
    service: Service, command: Command, body: str | None, around: Surroundings
) -> Result | None:
    """Answer a cell (shown here, returns None) or a line (returned, shown by whoever asked)."""
    arguments = command.arguments
    check_output(arguments.output)
    prompt = interpolate(_prompt(command, body), around.namespace)
    request = request_of(
        arguments,
        prompt=prompt,
        system=interpolate(arguments.system, around.namespace),
        images=_images(arguments.image, around.namespace),
        default_model=around.default_model,
    )

    def view() -> View:
        return FinalView(_ignore) if body is None else _view(request.model, arguments, around)

    try:
        result = Answering(request.model, view).follow(lambda: service.generate(request))
    except ModelNotFound as error:
        raise with_suggestion(error, service, LINE) from None
    return _deliver(result, arguments, around, shown=body is not None)


def _prompt(command: Command, body: str | None) -> str:
    """Take the prompt; what surrounds it in its cell belongs to it only when it is raw."""
    prompt = written(command, body, what="prompt")
    if body is None:
        return prompt
    return prompt.removesuffix("\n") if command.arguments.raw else prompt.strip()


def _images(words: Sequence[str], namespace: Mapping[str, Any]) -> list[str]:
    if not words:
        return []
    from .images import images_of

    return images_of(words, namespace)


def _view(model: str, arguments: argparse.Namespace, around: Surroundings) -> View:
    """Choose how the answer is shown while it comes."""
    if around.mode == "text":
        return TextView(_write, stream=arguments.stream)
    if around.mode == "final" or not arguments.stream:
        return FinalView(_show, rates=around.mode != "final")
    return NotebookView(model, lambda bundle: _show(bundle, display_id=True))


def _deliver(
    result: Result, arguments: argparse.Namespace, around: Surroundings, *, shown: bool
) -> Result | None:
    """Bind the result, show what belongs below the answer."""
    if around.mode == "final":
        result = replace(result, rates=False)
    around.keep(result, arguments.output)
    if shown and around.mode == "text":
        _write(f"\n{result.line()}\n")
    if arguments.stats:
        display(result.stats.table())  # type: ignore[no-untyped-call]
    return None if shown else result


def _show(bundle: dict[str, str], **options: Any) -> Any:
    return display(bundle, raw=True, **options)  # type: ignore[no-untyped-call]


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _ignore(_: dict[str, str]) -> None:
    """A line's answer is shown by the front end, as any value."""
