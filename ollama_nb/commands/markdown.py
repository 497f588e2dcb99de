"""Model output as Markdown that runs nothing: no raw HTML, no images fetched from anywhere.

Code stays as it is. The rules for finding code err to one side: text taken for prose although it
is code shows ``&lt;`` where ``<`` was meant; text taken for code although it is prose would let
HTML through. Therefore only fences indented by at most three blanks count, and code spans only in
lines where nothing else could have swallowed a backtick. Front ends sanitise Markdown as well;
this does not rely on it.
"""

import re

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})([^\n]*)$")
_CONTAINER = re.compile(r"\s*(>|[-*+](\s|$)|\d{1,9}[.)](\s|$))")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_IMAGE = re.compile(r"(\\*)!(?=\[)")
# Links, tables, escapes, strike-through and mathematics may contain a backtick that is then none.
_AMBIGUOUS = re.compile(r"[\[\]|\\~$]|``|://|www\.")


def safe_markdown(text: str) -> str:
    """Defuse HTML and images outside code, and close a code fence that is still open."""
    lines: list[str] = []
    fence = ""
    spans, nested = True, False
    for line in text.split("\n"):
        if fence and nested and _leaves(line, fence):
            lines.append(fence)
            fence = ""
        if fence:
            lines.append(line)
            fence = "" if _closes(line, fence) else fence
            continue
        fence = _opened(line)
        nested = nested or bool(_CONTAINER.match(line))
        spans = bool(fence) or not line.strip() or (spans and _plain(line))
        lines.append(line if fence else _defuse(line, spans=spans))
    return "\n".join([*lines, fence] if fence else lines)


def _opened(line: str) -> str:
    """Return the fence that ``line`` opens, with its indentation; "" if none."""
    match = _FENCE.match(line)
    if not match or ("`" in match[2] and "`" in match[3]):
        return ""
    return match[1] + match[2]


def _leaves(line: str, fence: str) -> bool:
    """Tell whether ``line`` ends the list item around an indented fence, and so the fence."""
    indent = len(fence) - len(fence.lstrip())
    return bool(line.strip()) and len(line) - len(line.lstrip(" ")) < indent


def _closes(line: str, fence: str) -> bool:
    match = _FENCE.match(line)
    return bool(match and match[2].startswith(fence.lstrip()) and not match[3].strip())


def _plain(line: str) -> bool:
    """Tell whether every backtick of ``line`` can only be the border of a code span."""
    return line.count("`") % 2 == 0 and not _AMBIGUOUS.search(line)


def _defuse(line: str, *, spans: bool) -> str:
    parts = line.split("`") if spans else [line]
    return "`".join(part if index % 2 else _escape(part) for index, part in enumerate(parts))


def _escape(text: str) -> str:
    return _IMAGE.sub(_escaped_image, _TAG.sub("&lt;", text))


def _escaped_image(found: re.Match[str]) -> str:
    """Put a backslash before the mark, unless there is one that does not escape another."""
    backslashes = found[1]
    return backslashes + ("!" if len(backslashes) % 2 else "\\!")
