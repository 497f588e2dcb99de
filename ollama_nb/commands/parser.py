"""argparse that never leaves the process: wrong arguments raise UsageProblem, ``-h`` raises Help.

Knows no verbs. In a notebook a SystemExit would be shown as a crash.
"""

import argparse
import difflib
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from ollama_nb.errors import UsageProblem

_PAIR = re.compile(r"[A-Za-z_]\w*=")
_WIDTH = 92


class Help(Exception):
    """Somebody asked for help; ``text`` answers."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Parser(argparse.ArgumentParser):
    """One verb's arguments."""

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=_formatter,
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
        )
        self.add_argument("-h", "--help", action=_HelpAction, help="show this")

    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving the process."""
        end = "" if message.endswith("?") else "."
        raise UsageProblem(f"{message}{end} {self.prog} -h shows what it takes")

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse; what is left over joins the prompt or is explained. Raises UsageProblem or Help.

        A prompt's words may stand anywhere between the options; after ``--`` there are no options.
        """
        words = gather_pairs(words)
        end = words.index("--") if "--" in words else len(words)
        try:
            arguments, extra = self.parse_known_args(words[:end])
        except argparse.ArgumentError as problem:
            self.error(str(problem))
        for word in extra:
            if word.startswith("-"):
                self._explain(word)
        extra += words[end + 1 :]
        if "prompt" in arguments:
            arguments.prompt += extra
        elif extra:
            self.error(f"do not know what to do with {extra[0]!r}")
        return arguments

    def _explain(self, word: str) -> NoReturn:
        option = word.split("=", 1)[0]
        known = [name for name in self._option_string_actions if name.startswith("--")]
        self.error(f"unknown option {option}{did_you_mean(option, known)}")


class _HelpAction(argparse.Action):
    """``-h``: wins over whatever else is wrong on the line."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        raise Help(parser.format_help())


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=_WIDTH)


def split(line: str) -> list[str]:
    """Cut a magic's line into words as a shell would. Raises UsageProblem for an open quote."""
    try:
        return shlex.split(line)
    except ValueError:
        raise UsageProblem(
            f"a quote is opened and not closed in: {line.strip()}\n"
            "Put a text with an apostrophe into double quotes"
        ) from None


def gather_pairs(words: Sequence[str]) -> list[str]:
    """Write ``--options a=1 b=2 text`` as ``--options=a=1 --options=b=2 text``.

    argparse would take the text, and everything after it, for options too.
    """
    result: list[str] = []
    first = inside = False
    for position, word in enumerate(words):
        if word == "--":
            return [*result, *words[position:]]
        if first and word.startswith("-"):
            result.append("--options")  # without a value: argparse complains
        if word == "--options":
            first = inside = True
            continue
        inside = inside and (_PAIR.match(word) is not None or (first and word[:1] != "-"))
        result.append(f"--options={word}" if inside else word)
        first = False
    return [*result, "--options"] if first else result


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``. Did you mean X?``, or nothing when nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f". Did you mean {near[0]}?" if near else ""
