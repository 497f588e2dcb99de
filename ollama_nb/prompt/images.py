"""Where images stand in a text: ``[img-0]`` to users and on the wire, a mark inside.

The mark holds noncharacters, which no message can bring in, and passes through any template.
"""

import re

_EDGE = "\ufdd1"
_WRITTEN = re.compile(r"\[img(?:-(\d{1,4}))?\]")
_MARKED = re.compile(rf"{_EDGE}(\d+){_EDGE}")


def mark_images(text: str, count: int) -> str:
    """Put a mark for each of ``count`` images where the text says, else in front of it.

    ``[img-1]`` names one, each ``[img]`` means the next; what names none stays text.
    """
    text = text.replace(_EDGE, "")
    placed: set[int] = set()
    following = iter(range(count))

    def mark(found: re.Match[str]) -> str:
        number = int(found[1]) if found[1] else next(following, count)
        if number >= count or number in placed:
            return found[0]
        placed.add(number)
        return _mark(number)

    marked = _WRITTEN.sub(mark, text) if count else text
    return "".join(_mark(number) for number in range(count) if number not in placed) + marked


def split_images(text: str) -> list[str | int]:
    """Cut at the marks: texts, none empty, and numbers of images."""
    pieces = _MARKED.split(text)
    cut: list[str | int] = [int(one) if at % 2 else one for at, one in enumerate(pieces)]
    return [one for one in cut if one != ""]


def named_images(text: str) -> str:
    """The text as people read it."""
    return _MARKED.sub(r"[img-\1]", text)


def _mark(number: int) -> str:
    return f"{_EDGE}{number}{_EDGE}"
