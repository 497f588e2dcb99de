"""verify: hash the files of all models again, and follow it to its end, or to an interrupt.

Runs on the caller's thread, where a KeyboardInterrupt lands. Shows nothing itself: a `Screen` does.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace

from ollama_nb.errors import OllamaError
from ollama_nb.service import Asking, Service
from ollama_nb.store import Checked, Damage
from ollama_nb.wire import ProgressResponse

from .following import follow
from .progress import Progress, Screen
from .transfer import Transfer
from .transferring import transfer
from .verbs import Command
from .verdict import Verdict


def verify(
    service: Service, command: Command, make_screen: Callable[[], Screen], *, way: str
) -> Verdict:
    """Check everything, and pull what is damaged if the command says so; an interrupt ends it.

    Raises what the service raises.
    """
    verdict = replace(_check(service, make_screen, way), insecure=command.arguments.insecure)
    if not command.arguments.pull or verdict.stopped:
        return verdict
    repairs: list[Transfer] = []
    try:
        for name in verdict.pullable:
            pull = argparse.Namespace(model=name, insecure=command.arguments.insecure)
            repairs.append(transfer(service, Command("pull", pull), make_screen, way=way))
            if repairs[-1].interrupted:
                break
    except OllamaError as error:
        error.args = (f"{error}\n{replace(verdict, repairs=tuple(repairs))}",)
        raise
    return replace(verdict, repairs=tuple(repairs))


def _check(service: Service, make_screen: Callable[[], Screen], way: str) -> Verdict:
    progress = Progress(make_screen)
    damages: list[Damage] = []
    size = 0

    def take(checked: Checked) -> None:
        nonlocal size
        size = checked.completed
        if checked.damage is not None:
            damages.append(checked.damage)
        progress.take(_line_of(checked))

    try:
        whole = follow(Asking(service.verify), take)
    finally:
        progress.close()
    return Verdict(size=size, damages=tuple(damages), stopped=not whole, way=way)


def _line_of(checked: Checked) -> ProgressResponse:
    """One bar for all files."""
    return ProgressResponse(
        status="verifying",
        digest="all files",
        total=checked.total,
        completed=checked.completed,
    )
