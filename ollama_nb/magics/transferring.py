"""pull, push, create and verify in IPython: the screen that fits the front end, and the result.

Knows the service and the commands; which shell it is in is told by `Surroundings`.
"""

from dataclasses import replace

from ollama_nb.commands.creating import Created, create
from ollama_nb.commands.progress import Blank, Screen
from ollama_nb.commands.transfer import Transfer
from ollama_nb.commands.transferring import transfer
from ollama_nb.commands.verbs import Command
from ollama_nb.commands.verdict import Verdict
from ollama_nb.commands.verifying import verify
from ollama_nb.commands.ways import CELL, LINE
from ollama_nb.service import Service

from .surroundings import Surroundings


def carry_out(
    service: Service, command: Command, cell: str | None, around: Surroundings
) -> Transfer | Verdict | Created:
    """Carry out the verb: bars on the way, and a value that shows itself."""
    rates = around.mode != "final"
    if command.verb == "create":
        way = LINE if cell is None else CELL
        made = create(service, command, cell, lambda: _screen(around), way=way)
        return replace(made, rates=rates)

    def make_screen() -> Screen:
        return _screen(around)

    if command.verb == "verify":
        verdict = verify(service, command, make_screen, way=LINE)
        repairs = tuple(replace(one, rates=rates) for one in verdict.repairs)
        return replace(verdict, repairs=repairs)
    return replace(transfer(service, command, make_screen, way=LINE), rates=rates)


def _screen(around: Surroundings) -> Screen:
    """Choose how progress is shown while it goes on."""
    if around.mode == "final":
        return Blank()
    if around.mode == "text":
        from ollama_nb.commands.terminal_screen import shell_screen

        return shell_screen()
    from .notebook_bars import notebook_screen

    return notebook_screen()
