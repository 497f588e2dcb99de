"""``jupyter ollama VERB …``: the verbs in a terminal.

The answer goes to standard output as it comes, everything else to standard error. Returns exit
codes: 0, 1 for a failure, 2 for a line that does not parse, 130 after an interrupt.
"""

import os
import sys
from collections.abc import Sequence

from ollama_nb.errors import ModelNotFound, OllamaError, UsageProblem

from .answering import Answering
from .parser import Help
from .perform import perform, with_suggestion
from .text_view import TextView
from .verbs import DEFAULT_MODEL, TERMINAL, Command, parse, request_of

_FAILED, _MISUSED, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line."""
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone, as in `| head`. The interpreter must not flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
        _write(f"{perform(command, shared_service(), TERMINAL)}\n")
        return 0
    finally:
        close_shared_service()


def _answer(command: Command) -> int:
    from ollama_nb.service.shared import shared_service

    arguments = command.arguments
    request = request_of(arguments, prompt=_prompt(command), system=arguments.system)
    service = shared_service()
    try:
        stream = service.generate(request)
    except ModelNotFound as error:
        raise with_suggestion(error, service, TERMINAL) from None
    view = TextView(_write, stream=arguments.stream)
    result = Answering(request.model, view).follow(stream)
    if arguments.stats:
        sys.stderr.write(f"\n{result.stats.table()}\n")
    return _INTERRUPTED if result.interrupted else 0


def _prompt(command: Command) -> str:
    """Take the prompt from the line; else from standard input, if something is piped in."""
    prompt = " ".join(command.arguments.prompt)
    if not prompt and not sys.stdin.isatty():
        prompt = sys.stdin.read().strip()
    if prompt:
        return prompt
    example = f'run {DEFAULT_MODEL} "How do I pull a model?"'
    raise UsageProblem(f"there is no prompt: write it at the end, as in {TERMINAL} {example}")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(error: OllamaError, code: int) -> int:
    sys.stderr.write(f"Error: {error}\n")
    return code
