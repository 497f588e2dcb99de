"""The arguments of the verbs, for argparse: what a line may say after the verb's name.

One function for each shape of a line; which verb has which is in the table of `verbs.py`.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from .naming import a_name
from .parser import Parser
from .ways import CELL, DEFAULT_MODEL, TERMINAL

SHOWN_TEXTS = {
    "license": "its licence",
    "modelfile": "the Modelfile that would make it again",
    "parameters": "its parameters",
    "system": "its system prompt",
    "template": "its template",
}
"""What `show` prints alone, by the option that asks for it."""

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


def of_generate(parser: Parser) -> None:
    """A prompt, and how it is answered."""
    _add_model(parser, "the model that answers")
    _add_image(parser)
    _add(parser, _GENERATION)
    _add_text(parser, "the prompt")


def of_run(parser: Parser) -> None:
    """A model and its prompt in one line."""
    _add_name(parser, "model", "MODEL", "the model that answers")
    _add_image(parser)
    _add(parser, _GENERATION)
    _add_text(parser, "the prompt")


def of_embed(parser: Parser) -> None:
    """Texts, and how they become vectors."""
    _add_model(parser, "the model that makes the vectors")
    _add(parser, _EMBEDDING)
    _add_text(parser, "the text")


def _add_model(parser: Parser, what: str) -> None:
    default = f"{what} (default: {DEFAULT_MODEL}, which comes with ollama_nb"
    if not parser.prog.startswith(TERMINAL):
        default += ", or what %%config OllamaMagics.model says"
    parser.add_argument("-m", "--model", type=a_name, metavar="MODEL", help=f"{default})")


def _add_name(parser: Parser, dest: str, metavar: str, what: str) -> None:
    parser.add_argument(dest, type=a_name, metavar=metavar, help=what)


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
    parser.add_argument("prompt", nargs="*", default=[], metavar=what.split()[-1], help=text)


def of_list(parser: Parser) -> None:
    """The beginning of names, perhaps."""
    parser.add_argument(
        "prefix", nargs="?", default="", metavar="PREFIX", help="only names that begin so"
    )


def of_show(parser: Parser) -> None:
    """A model, and which of its texts is to be printed alone."""
    _add_name(parser, "model", "NAME", "the model to look at")
    one = parser.add_mutually_exclusive_group()
    for text, what in SHOWN_TEXTS.items():
        one.add_argument(
            f"--{text}", dest="text", action="store_const", const=text, default="",
            help=f"only {what}",
        )  # fmt: skip
    one.add_argument(
        "--json", action="store_true", help="all that /api/show answers, as JSON for other programs"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true",
        help="all metadata and every tensor besides; in JSON, all arrays too",
    )  # fmt: skip


def of_transfer(parser: Parser) -> None:
    """A model that travels, and whether the line may be open."""
    _add_name(parser, "model", "NAME", "the model, as llama3.2:1b or hf.co/user/repository")
    _add_insecure(parser)


def _add_insecure(parser: Parser) -> None:
    parser.add_argument(
        "--insecure", action="store_true", help="talk plain http to the registry, as to your own"
    )


def of_create(parser: Parser) -> None:
    """A name, and what the model is made of."""
    _add_name(parser, "model", "NAME", "the model to make; one of that name goes")
    if not parser.prog.startswith(CELL):
        parser.add_argument(
            "-f", "--file", default="", metavar="FILE", help="a Modelfile (default: Modelfile)"
        )
        parser.add_argument(
            "--from", dest="source", default="", metavar="SOURCE",
            help="instead of a Modelfile: a model, a GGUF file, or a folder with a checkpoint",
        )  # fmt: skip
    else:
        parser.set_defaults(file="", source="")
    parser.add_argument(
        "-q", "--quantize", default="", metavar="FORMAT", help="weights in another format: q4_K_M"
    )


def of_copy(parser: Parser) -> None:
    """Two names."""
    _add_name(parser, "source", "SOURCE", "the model that is there")
    _add_name(parser, "destination", "DESTINATION", "its second name; a model of that name goes")


def of_remove(parser: Parser) -> None:
    """Names."""
    parser.add_argument(
        "models", nargs="+", type=a_name, metavar="NAME", help="the models to remove"
    )


def of_verify(parser: Parser) -> None:
    """What is to follow."""
    parser.add_argument(
        "--pull", action="store_true", help="pull what is damaged again, from where it came"
    )
    _add_insecure(parser)


def of_prune(parser: Parser) -> None:
    """How far to go."""
    parser.add_argument(
        "--partial",
        action="store_true",
        help="what is left of interrupted downloads too, which a pull could go on with",
    )


def of_stop(parser: Parser) -> None:
    """A model."""
    _add_name(parser, "model", "NAME", "the model to unload from memory")


def of_help(parser: Parser) -> None:
    """A verb, perhaps."""
    parser.add_argument("topic", nargs="?", default="", metavar="VERB", help="the verb to explain")
