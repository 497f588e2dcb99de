"""generate and run in IPython: the prompt's text, the display that fits the front end, the result.

Knows the service and the commands; which shell it is in is told by `Surroundings`.
"""

import argparse
import keyword
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from IPython.display import display

from ollama_nb.commands.answering import Answering, View
from ollama_nb.commands.perform import with_suggestion
from ollama_nb.commands.result import Result, Stats
from ollama_nb.commands.text_view import TextView
from ollama_nb.commands.verbs import LINE, Command, request_of
from ollama_nb.errors import ModelNotFound, UsageProblem
from ollama_nb.service import Service

from .interpolation import interpolate
from .notebook_view import FinalView, NotebookView

Mode = Literal["stream", "final", "text"]

LAST = "_ollama"
"""The variable that holds the newest result."""


@dataclass(frozen=True)
class Surroundings:
    """Where a magic runs: what it may read, how it shows things, where results go."""

    namespace: Mapping[str, Any]
    mode: Mode
    default_model: str
    bind: Callable[[dict[str, Any]], None]


def display_mode(wanted: str, *, kernel: bool, environment: Mapping[str, str] = os.environ) -> Mode:
    """Choose the display: what `%config` says, else OLLAMA_NB_DISPLAY, else what fits.

    pytest sets PYTEST_VERSION for the kernels that nbval starts. nbval compares the first state
    of a display, so there it must be the last one too.
    """
    if not kernel:
        return "text"
    for choice in (wanted, environment.get("OLLAMA_NB_DISPLAY", "")):
        if choice in ("stream", "final"):
            return "final" if choice == "final" else "stream"
    return "final" if "PYTEST_VERSION" in environment else "stream"


def generate(
    service: Service, command: Command, body: str | None, around: Surroundings
) -> Result | None:
    """Answer a cell (shown here, returns None) or a line (returned, shown by whoever asked)."""
    arguments = command.arguments
    _check_output(arguments.output)
    prompt = interpolate(_prompt(command, body), around.namespace)
    request = request_of(
        arguments,
        prompt=prompt,
        system=interpolate(arguments.system, around.namespace),
        default_model=around.default_model,
    )
    try:
        stream = service.generate(request)
    except ModelNotFound as error:
        raise with_suggestion(error, service, LINE) from None
    except KeyboardInterrupt:  # while the model was loading
        stopped = Result(request.model, "", "", Stats(done_reason="interrupted"))
        return _deliver(stopped, arguments, around, shown=False)
    view = FinalView(_ignore) if body is None else _view(request.model, arguments, around)
    result = Answering(request.model, view).follow(stream)
    return _deliver(result, arguments, around, shown=body is not None)


def _prompt(command: Command, body: str | None) -> str:
    """Take the prompt from the cell's body or from the line; one of them, and not empty."""
    words = " ".join(command.arguments.prompt)
    if body is None:
        if not words:
            raise UsageProblem(
                f"there is no prompt: write it at the end of the line, {LINE} {command.verb} … "
                '"How do I pull a model?"'
            )
        return words
    if words:
        raise UsageProblem(f"the prompt goes below the first line, not into it: {words}")
    if not body.strip():
        raise UsageProblem(
            "the cell is empty below its first line: write the prompt there, "
            "for example: How do I pull a model?"
        )
    return body.removesuffix("\n") if command.arguments.raw else body.strip()


def _check_output(name: str) -> None:
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise UsageProblem(f"-o {name}: that cannot be the name of a variable")


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
    names = {LAST, arguments.output} - {""}
    around.bind(dict.fromkeys(names, result))
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
