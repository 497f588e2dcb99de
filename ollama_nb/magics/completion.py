"""Tab on an `%ollama` line: verbs, options and their values, model names, names of model options.

Reads the disk at most, and only for the names of models and files. Never raises: a completer that
fails is worse than one that has nothing to say.
"""

import re
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from ollama_nb.commands.options import OPTION_NAMES
from ollama_nb.commands.verbs import option_names, takes_value, verbs_of
from ollama_nb.commands.ways import CELL

from .paths import paths_like

_FRESH_SECONDS = 2.0

Matcher = Callable[[CompletionContext], SimpleMatcherResult]

_CALL = re.compile(r"\s*+(?:[^%=]++=\s*+)?(%%?ollama)\s")
"""What stands before the verb, such as ``answer = %ollama``."""


class Names:
    """Model names, remembered for a moment so that typing does not read the disk at each key."""

    def __init__(self, read: Callable[[], list[str]]) -> None:
        self._read = read
        self._names: list[str] = []
        self._until = 0.0

    def __call__(self) -> list[str]:
        """Return the names of the local models."""
        if time.monotonic() >= self._until:
            self._names = self._read()
            self._until = time.monotonic() + _FRESH_SECONDS
        return self._names


def make_matcher(read_names: Callable[[], list[str]]) -> Matcher:
    """Build the matcher that IPython's completer asks."""
    names = Names(read_names)

    @context_matcher(identifier="ollama_nb.magic", priority=200)  # type: ignore[untyped-decorator]
    def ollama_matcher(context: CompletionContext) -> SimpleMatcherResult:
        try:
            return _complete(context, names)
        except Exception:  # noqa: BLE001 - see the module's docstring
            return {"completions": []}

    return cast("Matcher", ollama_matcher)


def _complete(context: CompletionContext, names: Callable[[], list[str]]) -> SimpleMatcherResult:
    before = context.text_until_cursor
    call = _CALL.match(before)
    if call is None or (call[1] == CELL and (context.cursor_line or before[0] != "%")):
        return {"completions": []}
    # `context.token` ends at a colon, which model names contain.
    fragment = "" if before[-1].isspace() else before.split()[-1]
    words = before[call.end() :].split()
    way = call[1]
    done = words[: len(words) - bool(fragment)]
    found = [word for word in _candidates(done, fragment, way, names) if word.startswith(fragment)]
    return {
        "completions": [SimpleCompletion(word, type="param") for word in found],
        "suppress": bool(found),
        "ordered": True,
        "matched_fragment": fragment,
    }


def _candidates(
    done: Sequence[str], fragment: str, way: str, names: Callable[[], list[str]]
) -> list[str]:
    """What may follow the words that are there, and begin with the fragment."""
    if not done:
        return [verb.name for verb in verbs_of(way)]
    verb, before = done[0], done[-1]
    if _inside_options(done):
        return [f"{name}=" for name in OPTION_NAMES] + option_names(verb, way)
    if takes_value(before, verb, way):
        return _values(before, fragment, names)
    if not fragment.startswith("-") and _names_model(done, way):
        return [name for name in names() if name not in done]
    if verb == "help":
        return [each.name for each in verbs_of(way)]
    return option_names(verb, way)


def _values(option: str, fragment: str, names: Callable[[], list[str]]) -> list[str]:
    """What an option may be given; for the rest, as for --image, IPython offers variables."""
    match option:
        case "-m" | "--model":
            return names()
        case "--from":
            return [*names(), *paths_like(fragment)]
        case "-f" | "--file":
            return paths_like(fragment)
        case "-q" | "--quantize":
            from ollama_nb.recipes.quantization import FORMATS

            return [name.lower() for name in FORMATS]
        case "--format":
            return ["json"]
    return []


def _names_model(done: Sequence[str], way: str) -> bool:
    """Tell whether the next word is the name of a model: one of those that its verb takes."""
    given = sum(
        not word.startswith("-") and not takes_value(before, done[0], way)
        for before, word in pairwise(done)
    )
    return any(verb.name == done[0] and given < verb.names for verb in verbs_of(way))


def _inside_options(done: Sequence[str]) -> bool:
    """Tell whether the next word is one of ``--options a=1 b=2 …``."""
    for word in reversed(done):
        if word == "--options":
            return True
        if "=" not in word or word.startswith("-"):
            return False
    return False
