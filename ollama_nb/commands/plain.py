"""Foreign text on its way to a terminal or a cell: no control characters, which would command it.

Models, registries and model files say what they like (S23).
"""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"[\t\n]+")


def plain(text: str) -> str:
    """The text without what a terminal obeys; lines and tabs stay."""
    return _CONTROLS.sub("", text)


def plain_line(text: str) -> str:
    """The same on one line."""
    return _BREAKS.sub(" ", plain(text))
