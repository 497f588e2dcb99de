"""The table of verbs: names, arguments, help. One table for notebook and terminal.

Parses and explains; does nothing. What is asked for is in `requests.py`; what the verbs do is in
`perform.py`, `embedding.py` and, for the two that generate, in the fronts, which differ in how they
show an answer. `serve` stands here for the help alone: the server has its own arguments.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ollama_nb.errors import UsageProblem

from . import arguments as takes
from .parser import Help, Parser, did_you_mean
from .ways import CELL, DEFAULT_MODEL, LINE, TERMINAL

LATER = {
    "chat": "in Python there is ollama_nb.Client().chat; ",
    "compare": "",
    "connect": "",
    "map": "",
}
"""Verbs of the design that this version does not have, and what it has instead."""

MANY = 1_000_000
_EVERYWHERE = (LINE, CELL, TERMINAL)


@dataclass(frozen=True)
class Verb:
    """One verb: its arguments beside ``-h``, examples without the way in, where it works."""

    name: str
    summary: str
    example: str
    arguments: Callable[[Parser], None] = lambda _: None
    names: int = 0
    """How many of the words that follow it name models."""
    ways: tuple[str, ...] = (LINE, TERMINAL)
    cell: str = ""
    """The example for a cell, which has more than a line."""


@dataclass(frozen=True)
class Command:
    """A line that parsed: which verb, with what."""

    verb: str
    arguments: argparse.Namespace


VERBS = (
    Verb("list", "show the models on this machine", "list", takes.of_list, 1),
    Verb("ps", "show the models in memory", "ps"),
    Verb("show", "tell what a model is", "show guide", takes.of_show, 1),
    Verb("pull", "fetch a model from a registry, or go on fetching it", "pull llama3.2",
         takes.of_transfer, 1),
    Verb("push", "send a model to a registry", "push me/my-model", takes.of_transfer, 1),
    Verb("create", "make a model: from another one, from files, by a Modelfile",
         "create mine --from guide", takes.of_create, 1, _EVERYWHERE,
         cell="create mine\n  FROM guide\n  SYSTEM You are brief."),
    Verb("cp", "give a model a second name, at no cost", "cp guide my-guide", takes.of_copy, 2),
    Verb("rm", "remove models", "rm my-guide", takes.of_remove, MANY),
    Verb("verify", "check the files of all models", "verify", takes.of_verify),
    Verb("prune", "remove files that no model needs", "prune", takes.of_prune),
    Verb("generate", "answer a prompt", "generate -m guide --seed 1 \"What is keep_alive?\"",
         takes.of_generate, ways=_EVERYWHERE,
         cell="generate -m guide --seed 1 -o answer\n  What is keep_alive?"),
    Verb("run", "answer a prompt, in short", 'run guide "How do I pull a model?"',
         takes.of_run, 1),
    Verb("embed", "turn texts into vectors", 'embed -m guide "How do I pull a model?"',
         takes.of_embed, ways=_EVERYWHERE,
         cell="embed -m guide --lines -o found\n  How do I pull a model?\n  What is a token?"),
    Verb("stop", "unload a model; its files stay", "stop guide", takes.of_stop, 1),
    Verb("version", "show the version", "version"),
    Verb("serve", "serve Ollama's HTTP API on a port of its own", "serve", ways=(TERMINAL,)),
    Verb("help", "show this, or explain a verb", "help generate", takes.of_help,
         ways=_EVERYWHERE),
)  # fmt: skip


def verbs_of(way: str) -> tuple[Verb, ...]:
    """Return the verbs that one way in offers."""
    return tuple(verb for verb in VERBS if way in verb.ways)


def parse(words: Sequence[str], way: str) -> Command:
    """Find the verb and read its arguments. Raises UsageProblem, or Help where help is asked."""
    if not words and way == CELL:
        raise UsageProblem(f"what shall the cell do? Write {CELL} generate on its first line")
    if not words or words[0] in ("-h", "--help"):
        raise Help(overview(way))
    words = ["version"] if list(words) in (["-v"], ["--version"]) else words
    verb = _find(words[0], way)
    arguments = parser_of(verb, way).read(words[1:])
    if verb.name == "help":
        topic = arguments.topic
        raise Help(parser_of(_find(topic, way), way).format_help() if topic else overview(way))
    return Command(verb.name, arguments)


def parser_of(verb: Verb, way: str) -> Parser:
    """Build the parser of one verb."""
    description = verb.summary[0].upper() + verb.summary[1:] + "."
    example = f"example:\n  {_example(verb, way)}"
    parser = Parser(f"{way} {verb.name}", description, example)
    verb.arguments(parser)
    return parser


def option_names(verb: str, way: str) -> list[str]:
    """Return the options of a verb, for completion; none for an unknown one."""
    return [name for action in _actions(verb, way) for name in action.option_strings]


def takes_value(option: str, verb: str, way: str) -> bool:
    """Whether the word after an option of a verb is its value, for completion."""
    return any(
        option in action.option_strings and action.nargs != 0 for action in _actions(verb, way)
    )


def overview(way: str) -> str:
    """Return the help without a verb."""
    lines = [f"usage: {way} VERB ..., {way} VERB -h", ""]
    lines += [f"  {verb.name:<10}{verb.summary}" for verb in verbs_of(way)]
    if way != TERMINAL:
        lines += [
            "",
            "A cell that starts with %%ollama generate sends its body as the prompt, one that",
            "starts with %%ollama embed as the text; {{ expression }} in it is replaced by the",
            "value, \\{{ stands for {{ itself.",
            f"Without -m the model {DEFAULT_MODEL} answers, which comes with ollama_nb;",
            '%config OllamaMagics.model = "NAME" sets another.',
        ]
    return "\n".join(lines) + "\n"


def _actions(verb: str, way: str) -> list[argparse.Action]:
    found = [each for each in verbs_of(way) if each.name == verb]
    return parser_of(found[0], way)._actions if found else []


def _example(verb: Verb, way: str) -> str:
    return f"{way} {(way == CELL and verb.cell) or verb.example}"


def _find(name: str, way: str) -> Verb:
    offered = [verb.name for verb in verbs_of(way)]
    for verb in VERBS:
        if verb.name == name and way in verb.ways:
            return verb
        if verb.name == name:
            raise UsageProblem(_elsewhere(verb))
    have = f"{way} has {', '.join(offered)}"
    if name in LATER:
        instead = LATER[name]
        raise UsageProblem(f"this version of ollama_nb does not have {name} yet; {instead}{have}")
    known = [verb.name for verb in VERBS]
    hint = did_you_mean(name, offered) or did_you_mean(name, known) or "."
    raise UsageProblem(f"there is no verb {name!r}{hint} {have}")


def _elsewhere(verb: Verb) -> str:
    """Where a verb works that does not work here."""
    if LINE in verb.ways:
        return f"{verb.name} takes no cell body: write {LINE} {verb.name} on a line"
    return f"{verb.name} is for a terminal: {TERMINAL} {verb.name}"
