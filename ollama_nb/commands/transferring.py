"""Pull or push a model, and follow it to its end, or to the moment somebody interrupts it.

Runs on the caller's thread, where a KeyboardInterrupt lands. Shows nothing itself: a `Screen` does.
"""

from collections.abc import Callable

from ollama_nb.errors import AccessDenied, ModelNotFound, OllamaError
from ollama_nb.names import DEFAULT_HOST, Name
from ollama_nb.service import Asking, Service
from ollama_nb.wire import PullRequest

from .following import follow
from .plain import plain
from .progress import Progress, Screen
from .suggesting import with_suggestion
from .transfer import Transfer
from .verbs import Command
from .ways import line_of


def transfer(
    service: Service, command: Command, make_screen: Callable[[], Screen], *, way: str
) -> Transfer:
    """Carry out ``pull`` or ``push``; an interrupt ends the work, which keeps what it has.

    Raises what the service raises, with a word on what to do about it.
    """
    arguments = command.arguments
    request = PullRequest(model=arguments.model, insecure=arguments.insecure)
    ask = service.pull if command.verb == "pull" else service.push
    progress = Progress(make_screen)
    again = ""
    try:
        if not follow(Asking(lambda: ask(request)), progress.take):
            options = ["--insecure"] if arguments.insecure else []
            again = line_of(way, command.verb, *options, arguments.model)
    except OllamaError as error:
        raise _explained(error, service, command, way) from None
    finally:
        progress.close()
    return Transfer(
        verb=command.verb,
        model=plain(arguments.model),
        layers=progress.layers,
        seconds=progress.seconds,
        again=again,
    )


def _explained(error: OllamaError, service: Service, command: Command, way: str) -> OllamaError:
    """Say what can be done. Registries write parts of these texts: nothing in them commands."""
    if isinstance(error, ModelNotFound):
        return with_suggestion(error, service, way)
    text = plain(str(error))
    error.args = ("; ".join(filter(None, [text, _advice(error, text, command)])),)
    return error


def _advice(error: OllamaError, text: str, command: Command) -> str:
    name = Name.parse(command.arguments.model)
    if command.verb == "pull" and "file does not exist" in text:
        if name.host == DEFAULT_HOST:
            return "https://ollama.com/library lists the models"
        return f"is {name.namespace}/{name.model}:{name.tag} what {name.host} calls it?"
    if "[SSL: " in text and "CERTIFICATE" not in text and not command.arguments.insecure:
        return "a registry that speaks plain http needs --insecure"
    if command.verb == "push" and isinstance(error, AccessDenied):
        return (
            "the name must begin with a namespace of yours, and the registry must know "
            "~/.ollama/id_ed25519.pub, as https://ollama.com/settings/keys does"
        )
    return ""
