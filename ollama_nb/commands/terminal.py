"""``jupyter ollama VERB …``: the verbs in a terminal.

The answer goes to standard output as it comes, everything else to standard error. Returns exit
codes: 0, 1 for a failure, 2 for a line that does not parse, 130 after an interrupt.
"""

import io
import os
import sys
from collections.abc import Sequence
from functools import partial

from ollama_nb.errors import ModelNotFound, OllamaError, UsageProblem
from ollama_nb.wire.codec import encode_value

from .answering import Answering
from .embedding import embed_texts
from .parser import Help
from .perform import perform
from .plain import plain
from .requests import embed_request_of, request_of
from .suggesting import with_suggestion
from .text_view import TextView
from .verbs import Command, parse
from .ways import DEFAULT_MODEL, TERMINAL

_FAILED, _MISUSED, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # some terminals lack characters
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read us has gone, as in `| head`
        _leave_output()
        return 0


def _main(words: Sequence[str]) -> int:
    try:
        return _carry_out(parse(words, TERMINAL))
    except Help as wanted:
        _write(wanted.text)
        return 0
    except UsageProblem as problem:
        return _complain(problem, _MISUSED)
    except OllamaError as error:
        return _complain(error, _FAILED)


def _carry_out(command: Command) -> int:
    from ollama_nb.service.shared import close_shared_service, shared_service

    try:
        if command.verb in ("generate", "run"):
            return _answer(command)
        if command.verb == "embed":
            return _embed(command)
        if command.verb in ("pull", "push"):
            return _transfer(command)
        if command.verb == "create":
            return _create(command)
        if command.verb == "verify":
            return _verify(command)
        _write(f"{perform(command, shared_service(), TERMINAL)}\n")
        return 0
    finally:
        close_shared_service()


def _answer(command: Command) -> int:
    from ollama_nb.service.shared import shared_service

    arguments = command.arguments
    example = f'run {DEFAULT_MODEL} "How do I pull a model?"'
    prompt = _text(command, "prompt", example)
    request = request_of(
        arguments, prompt=prompt, system=arguments.system, images=_images(arguments.image)
    )
    service = shared_service()
    view = TextView(_write, stream=arguments.stream)
    try:
        result = Answering(request.model, lambda: view).follow(lambda: service.generate(request))
    except ModelNotFound as error:
        raise with_suggestion(error, service, TERMINAL) from None
    if arguments.stats:
        sys.stderr.write(f"\n{result.stats.table()}\n")
    return _INTERRUPTED if result.interrupted else 0


def _images(paths: Sequence[str]) -> list[str]:
    if not paths:
        return []
    from .images import as_text, read_image_file

    return [as_text(read_image_file(path)) for path in paths]


def _embed(command: Command) -> int:
    """Write a line of JSON for each text."""
    from ollama_nb.service.shared import shared_service

    text = _text(command, "text", 'embed "How do I pull a model?"')
    request = embed_request_of(command.arguments, text=text)
    result = embed_texts(shared_service(), request, way=TERMINAL)
    for vector in result.embeddings:
        _write(f"{encode_value(vector)}\n")
    if not result.interrupted:
        return 0
    sys.stderr.write("(interrupted)\n")
    return _INTERRUPTED


def _create(command: Command) -> int:
    """Bars and phases to standard error, the end to standard output."""
    from ollama_nb.service.shared import shared_service

    from .creating import create
    from .terminal_screen import terminal_screen

    screen = partial(terminal_screen, _write)
    made = create(shared_service(), command, None, screen, way=TERMINAL)
    _write(f"{made}\n")
    return _INTERRUPTED if made.interrupted else 0


def _transfer(command: Command) -> int:
    """Write a line for each layer when it is whole; bars to standard error meanwhile."""
    from ollama_nb.service.shared import shared_service

    from .terminal_screen import terminal_screen
    from .transferring import transfer

    done = transfer(shared_service(), command, lambda: terminal_screen(_write), way=TERMINAL)
    if done.interrupted:
        sys.stderr.write(f"{done.last_line()}\n")
        return _INTERRUPTED
    _write(f"{done.last_line()}\n")
    return 0


def _verify(command: Command) -> int:
    """Write what is damaged, and pull it again if that is wanted."""
    from ollama_nb.service.shared import shared_service

    from .terminal_screen import shell_screen
    from .verifying import verify

    verdict = verify(shared_service(), command, shell_screen, way=TERMINAL)
    _write(f"{verdict}\n")
    if verdict.interrupted:
        return _INTERRUPTED
    return 0 if verdict else _FAILED


def _text(command: Command, what: str, example: str) -> str:
    """Take the text from the line; else from standard input, if something is piped in."""
    text = " ".join(command.arguments.prompt)
    if not text and not sys.stdin.isatty():
        text = sys.stdin.read().strip()
    if text:
        return text
    raise UsageProblem(f"there is no {what}: write it at the end, as in {TERMINAL} {example}")


def _write(text: str) -> None:
    """Write to standard output, if there is one. Raises OllamaError where there is no room."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _leave_output()
        raise OllamaError(f"standard output: {error.strerror}") from None


def _leave_output() -> None:
    """Let what is still to be written go nowhere: the interpreter would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(error: OllamaError, code: int) -> int:
    sys.stderr.write(f"Error: {plain(str(error))}\n")
    return code
