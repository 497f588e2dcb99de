"""The table of verbs: names, arguments, help. One table for notebook and terminal.

Parses and explains; does nothing. What is asked for is in `requests.py`; what the verbs do is in
`perform.py`, `embedding.py` and, for the two that generate, in the fronts, which differ in how they
show an answer.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ollama_nb.errors import UsageProblem

from .parser import Help, Parser, did_you_mean

LINE, CELL, TERMINAL = "%ollama", "%%ollama", "jupyter ollama"
"""The three ways in, by what the user types."""

DEFAULT_MODEL = "guide"
"""The model that comes with the package."""

LATER = (
    "chat", "compare", "connect", "cp", "create", "map", "pull", "push", "rm", "show", "verify",
)  # fmt: skip
"""Verbs of the design that this version does not have."""


@dataclass(frozen=True)
class Verb:
    """One verb: its arguments beside ``-h``, examples without the way in, where it works."""

    name: str
    summary: str
    example: str
    arguments: Callable[[Parser], None] = lambda _: None
    ways: tuple[str, ...] = (LINE, TERMINAL)
    cell: str = ""
    """The example for a cell, which has more than a line."""


@dataclass(frozen=True)
class Command:
    """A line that parsed: which verb, with what."""

    verb: str
    arguments: argparse.Namespace


_Argument = tuple[tuple[str, ...], dict[str, Any]]

_KEEP_ALIVE: _Argument = (
    ("--keep-alive",), {"default": "", "metavar": "TIME", "help":
        "keep the model loaded that long afterwards: 30m; 0 unloads it at once, -1 never"}
)  # fmt: skip
_GENERATION: tuple[_Argument, ...] = (
    (("-s", "--system"), {"default": "", "metavar": "TEXT", "help":
        "system prompt, instead of the model's own"}),
    (("--options",), {"action": "append", "default": [], "metavar": "K=V", "help":
        "model options, one or more: temperature=0.2 num_predict=50 'stop=[\"END\"]'"}),
    (("--seed",), {"type": int, "metavar": "N", "help":
        "same model, options and seed: same answer"}),
    (("--format",), {"default": "", "metavar": "json|SCHEMA", "help":
        "an answer in JSON, or in the JSON that a JSON schema describes"}),
    _KEEP_ALIVE,
    (("--think",), {"action": argparse.BooleanOptionalAction, "default": None, "help":
        "let a model that can think do so before it answers"}),
    (("--raw",), {"action": "store_true", "help":
        "the prompt as it is: no template, no system prompt"}),
    (("--stats",), {"action": "store_true", "help": "show all counts and durations"}),
    (("--no-stream",), {"dest": "stream", "action": "store_false", "help":
        "show the answer when it is whole"}),
)  # fmt: skip
_EMBEDDING: tuple[_Argument, ...] = (
    (("--lines",), {"action": "store_true", "help":
        "each line that is not empty is a text of its own"}),
    (("--dimensions",), {"type": int, "metavar": "N", "help":
        "cut the vectors to their first N numbers, and bring them to length 1 again"}),
    (("--options",), {"action": "append", "default": [], "metavar": "K=V", "help":
        "model options, one or more: num_ctx=512 num_thread=2"}),
    _KEEP_ALIVE,
)  # fmt: skip


def _generate(parser: Parser) -> None:
    _add_model(parser, "the model that answers")
    _add_image(parser)
    _add(parser, _GENERATION)
    _add_text(parser, "the prompt")


def _run(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="the model that answers")
    parser.add_argument("prompt", nargs="*", help="the prompt")
    _add_image(parser)
    _add(parser, _GENERATION)


def _embed(parser: Parser) -> None:
    _add_model(parser, "the model that makes the vectors")
    _add(parser, _EMBEDDING)
    _add_text(parser, "the text")


def _add_model(parser: Parser, what: str) -> None:
    default = f"{what} (default: {DEFAULT_MODEL}, which comes with ollama_nb"
    if not parser.prog.startswith(TERMINAL):
        default += ", or what %%config OllamaMagics.model says"
    parser.add_argument("-m", "--model", default="", metavar="MODEL", help=f"{default})")


def _add_image(parser: Parser) -> None:
    what = "an image for a model that sees: a PNG, JPEG or WebP file"
    if not parser.prog.startswith(TERMINAL):
        what += ", or a variable that holds bytes, a path, a PIL image, a figure or an array"
    parser.add_argument(
        "--image", action="append", default=[], metavar="IMAGE", help=f"{what}; may be repeated"
    )


def _add(parser: Parser, arguments: Sequence[_Argument]) -> None:
    """Add the arguments, and where there are variables the name of one for the result."""
    for flags, keywords in arguments:
        parser.add_argument(*flags, **keywords)
    if parser.prog.startswith(TERMINAL):
        parser.set_defaults(output="")
    else:
        parser.add_argument(
            "-o", "--output", default="", metavar="NAME", help="bind the result to a variable"
        )


def _add_text(parser: Parser, what: str) -> None:
    text = what
    if parser.prog.startswith(CELL):
        text = argparse.SUPPRESS
    elif parser.prog.startswith(TERMINAL):
        text += " (default: standard input)"
    parser.add_argument("prompt", nargs="*", metavar=what.split()[-1], help=text)


def _stop(parser: Parser) -> None:
    parser.add_argument("model", metavar="NAME", help="the model to unload from memory")


def _help(parser: Parser) -> None:
    parser.add_argument("topic", nargs="?", default="", metavar="VERB", help="the verb to explain")


VERBS = (
    Verb("list", "show the models on this machine", "list"),
    Verb("ps", "show the models in memory", "ps"),
    Verb("generate", "answer a prompt", "generate -m guide --seed 1 \"What is keep_alive?\"",
         _generate, (LINE, CELL, TERMINAL),
         cell="generate -m guide --seed 1 -o answer\n  What is keep_alive?"),
    Verb("run", "answer a prompt, in short", 'run guide "How do I pull a model?"', _run),
    Verb("embed", "turn texts into vectors", 'embed -m guide "How do I pull a model?"',
         _embed, (LINE, CELL, TERMINAL),
         cell="embed -m guide --lines -o found\n  How do I pull a model?\n  What is a token?"),
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
            "A cell that starts with %%ollama generate sends its body as the prompt, one that",
            "starts with %%ollama embed as the text; {{ expression }} in it is replaced by the",
            "value, \\{{ stands for {{ itself.",
            f"Without -m the model {DEFAULT_MODEL} answers, which comes with ollama_nb;",
            '%config OllamaMagics.model = "NAME" sets another.',
        ]
    return "\n".join(lines) + "\n"


def _example(verb: Verb, way: str) -> str:
    return f"{way} {(way == CELL and verb.cell) or verb.example}"


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
