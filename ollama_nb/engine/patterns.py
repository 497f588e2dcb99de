"""Patterns as llguidance keeps them: without the control characters that no answer can hold.

Of JSON's escapes we allow none with \\u (see constraint.py). llguidance 1.9.1 then leaves such a
character out where it stands alone: ``a\\x01b`` is ``ab``. And whether we allow it or not, a set
with all of them holds the quotation mark and the backslash too: ``[^"]`` is any character.
"""

import re
from collections.abc import Iterable
from typing import Any

_WRITABLE = r"&&[^\x00-\x07\x0b\x0e-\x1f\x7f]"
_PIECE = re.compile(
    r"\\(?:[pPxuU]\{[^}]*\}|x..|u....|U.{8}|[pP]?.)"  # escapes
    r"|\[\^?\]?"  # a set begins; a bracket that follows at once is one of its characters
    r"|.",
    re.DOTALL,
)
_ALONE = re.compile(r"\\[pPxuUav]|[\x00-\x1f\x7f]")
"""How what may be such a character begins, outside of a set."""


def mend_patterns(nodes: Iterable[dict[str, Any]]) -> None:
    """Write the patterns of these schemas so, in place."""
    for node in nodes:
        if isinstance(node.get("pattern"), str):
            node["pattern"] = mended(node["pattern"])
        named = node.get("patternProperties")
        if isinstance(named, dict):
            node["patternProperties"] = {mended(one): inner for one, inner in named.items()}


def mended(pattern: str) -> str:
    """Take the control characters out of all sets, and make sets of those that stand alone."""
    written, depth = [], 0
    for piece in _PIECE.findall(pattern):
        begins, ends = piece[0] == "[", piece == "]" and depth > 0
        depth += begins - ends
        if begins and depth == 1:
            written.append(f"[{piece}")
        elif ends and depth == 0:
            written.append(f"]{_WRITABLE}]")
        elif depth == 0 and _ALONE.match(piece):
            written.append(f"[{piece}{_WRITABLE}]")
        else:
            written.append(piece)
    return "".join(written)
