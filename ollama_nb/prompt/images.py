"""Where images stand in a text: ``[img-0]`` to users and on the wire, a mark inside.

The mark holds noncharacters, which no message can bring in, and passes through any template.
"""

import re

_EDGE = "\ufdd1"
_WRITTEN = re.compile(r"\[img(?:-([0-9]{1,4}))?\]")
_MARKED = re.compile(rf"{_EDGE}([0-9]{{1,4}}){_EDGE}")


def mark_images(text: str, count: int, *, first: int = 0) -> str:
    """Put a mark for each of ``count`` images where the text says, else in front of it.

    ``[img-1]`` names one, each ``[img]`` means the next; what names none stays text. The text's
    own images count from ``first`` in the marks.
    """
    text = without_marks(text)
    placed: set[int] = set()
    following = iter(range(count))

    def mark(found: re.Match[str]) -> str:
        number = int(found[1]) if found[1] else next(following, count)
        if number >= count or number in placed:
            return found[0]
        placed.add(number)
        return _mark(first + number)

    marked = _WRITTEN.sub(mark, text) if count else text
    return "".join(_mark(first + one) for one in range(count) if one not in placed) + marked


def without_marks(text: str) -> str:
    """Take away what could be read as a mark, from a text that has no images."""
    return text.replace(_EDGE, "")


def split_images(text: str, count: int) -> list[str | int]:
    """Cut at the marks: texts, none empty, and numbers of ``count`` images, none twice.

    A template of its own making, or a tool's name, may hold other marks, which mean nothing.
    """
    left = set(range(count))
    cut: list[str | int] = []
    for at, one in enumerate(_MARKED.split(text)):
        if at % 2 == 0:
            cut += [one] if one else []
        elif int(one) in left:
            left.remove(int(one))
            cut.append(int(one))
    return cut


def named_images(text: str) -> str:
    """The text as people read it."""
    return _MARKED.sub(r"[img-\1]", text)


def _mark(number: int) -> str:
    return f"{_EDGE}{number}{_EDGE}"
