"""The table of verbs: names, arguments, help. One table for notebook and terminal.

Parses and explains; does nothing. What the verbs do is in `perform.py` and, for the two that
generate, in the fronts, which differ in how they show an answer.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ollama_nb.errors import UsageProblem
from ollama_nb.wire import GenerateRequest
from ollama_nb.wire.durations import parse_keep_alive

from .options import parse_format, parse_keep_alive_word, parse_options
from .parser import Help, Parser, did_you_mean

LINE, CELL, TERMINAL = "%ollama", "%%ollama", "jupyter ollama"
"""The three ways in, by what the user types."""

DEFAULT_MODEL = "guide"
"""The model that comes with the package."""

LATER = (
    "chat", "compare", "connect", "cp", "create", "embed", "map", "pull", "push", "rm", "show",
    "verify",
)  # fmt: skip
"""Verbs of the design that this version does not have."""


@dataclass(frozen=True)
class Verb:
    """One verb: its arguments beside ``-h``, an example without the way in, where it works."""

    name: str
    summary: str
    example: str
    arguments: Callable[[Parser], None] = lambda _: None
    ways: tuple[str, ...] = (LINE, TERMINAL)


@dataclass(frozen=True)
class Command:
    """A line that parsed: which verb, with what."""

    verb: str
    arguments: argparse.Namespace


def _generation(parser: Parser) -> None:
    """The arguments that generate and run share."""
    for flags, keywords in _GENERATION:
        parser.add_argument(*flags, **keywords)
    if parser.prog.startswith(TERMINAL):
        parser.set_defaults(output="")
    else:
        parser.add_argument(
            "-o", "--output", default="", metavar="NAME", help="bind the result to a variable"
        )


_GENERATION: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-s", "--system"), {"default": "", "metavar": "TEXT", "help":
        "system prompt, instead of the model's own"}),
    (("--options",), {"action": "append", "default": [], "metavar": "K=V", "help":
        "model options, one or more: temperature=0.2 num_predict=50 'stop=[\"END\"]'"}),
    (("--seed",), {"type": int, "metavar": "N", "help":
        "same model, options and seed: same answer"}),
    (("--format",), {"default": "", "metavar": "json|SCHEMA", "help":
        "an answer in JSON, or in the JSON that a JSON schema describes"}),
    (("--keep-alive",), {"default": "", "metavar": "TIME", "help":
        "keep the model loaded that long afterwards: 30m; 0 unloads it at once, -1 never"}),
    (("--think",), {"action": argparse.BooleanOptionalAction, "default": None, "help":
        "let a model that can think do so before it answers"}),
    (("--raw",), {"action": "store_true", "help":
        "the prompt as it is: no template, no system prompt"}),
    (("--stats",), {"action": "store_true", "help": "show all counts and durations"}),
    (("--no-stream",), {"dest": "stream", "action": "store_false", "help":
        "show the answer when it is whole"}),
)  # fmt: skip


def _generate(parser: Parser) -> None:
    default = f"the model that answers (default: {DEFAULT_MODEL}, which comes with ollama_nb"
    if not parser.prog.startswith(TERMINAL):
        default += ", or what %%config OllamaMagics.model says"
    parser.add_argument("-m", "--model", default="", metavar="MODEL", help=f"{default})")
    _generation(parser)
    text = "the prompt"
    if parser.prog.startswith(CELL):
        text = argparse.SUPPRESS
    elif parser.prog.startswith(TERMINAL):
        text += " (default: standard input)"
    parser.add_argument("prompt", nargs="*", help=text)


def _run(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the model that answers")
    parser.add_argument("prompt", nargs="*", help="the prompt")
    _generation(parser)


def _stop(parser: Parser) -> None:
    parser.add_argument("model", metavar="NAME", help="the model to unload from memory")


def _help(parser: Parser) -> None:
    parser.add_argument("topic", nargs="?", default="", metavar="VERB", help="the verb to explain")


VERBS = (
    Verb("list", "show the models on this machine", "list"),
    Verb("ps", "show the models in memory", "ps"),
    Verb("generate", "answer a prompt", "generate -m guide --seed 1 \"What is keep_alive?\"",
         _generate, (LINE, CELL, TERMINAL)),
    Verb("run", "answer a prompt, in short", 'run guide "How do I pull a model?"', _run),
    Verb("stop", "unload a model; its files stay", "stop guide", _stop),
    Verb("version", "show the version", "version"),
    Verb("help", "show this, or explain a verb", "help generate", _help, (LINE, CELL, TERMINAL)),
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
    return [
        name
        for each in verbs_of(way)
        if each.name == verb
        for action in parser_of(each, way)._actions
        for name in action.option_strings
    ]


def overview(way: str) -> str:
    """Return the help without a verb."""
    lines = [f"usage: {way} VERB ..., {way} VERB -h", ""]
    lines += [f"  {verb.name:<10}{verb.summary}" for verb in verbs_of(way)]
    if way != TERMINAL:
        lines += [
            "",
            "A cell that starts with %%ollama generate sends its body as the prompt;",
            "{{ expression }} in it is replaced by the value, \\{{ stands for {{ itself.",
            f"Without -m the model {DEFAULT_MODEL} answers, which comes with ollama_nb;",
            '%config OllamaMagics.model = "NAME" sets another.',
        ]
    return "\n".join(lines) + "\n"


def _example(verb: Verb, way: str) -> str:
    if way == CELL and verb.name == "generate":
        return "%%ollama generate -m guide --seed 1 -o answer\n  What is keep_alive?"
    return f"{way} {verb.example}"


def _find(name: str, way: str) -> Verb:
    offered = [verb.name for verb in verbs_of(way)]
    for verb in VERBS:
        if verb.name == name and way in verb.ways:
            return verb
        if verb.name == name:
            raise UsageProblem(f"{name} takes no cell body: write {LINE} {name} on a line")
    have = f"{way} has {', '.join(offered)}"
    if name in LATER:
        raise UsageProblem(f"this version of ollama_nb does not have {name} yet; {have}")
    hint = did_you_mean(name, offered) or "."
    raise UsageProblem(f"there is no verb {name!r}{hint} {have}")


def request_of(
    arguments: argparse.Namespace, *, prompt: str, system: str, default_model: str = DEFAULT_MODEL
) -> GenerateRequest:
    """Make the request that generate's or run's arguments ask for. Raises UsageProblem."""
    options = parse_options(arguments.options)
    if arguments.seed is not None:
        options["seed"] = arguments.seed
    if "seed" in options:
        options.setdefault("repeatable", True)
    keep_alive = parse_keep_alive_word(arguments.keep_alive) if arguments.keep_alive else None
    parse_keep_alive(keep_alive)
    return GenerateRequest(
        model=arguments.model or default_model,
        prompt=prompt,
        system=system,
        options=options or None,
        raw=arguments.raw,
        think=arguments.think,
        format=parse_format(arguments.format),
        keep_alive=keep_alive,
    )
