"""What a cell's source needs before IPython reads it, so that `%ollama` gets what was typed.

Two habits of IPython stand in the way: a cell magic without a body is refused with a UsageError,
which is no error output and passes nbval; and a line that ends in a question mark is taken for a
request for help, which prompts like to do.
"""

import re

_QUESTION = re.compile(r"(\s*(?:\w+\s*=\s*)?)%ollama\s+(\S.*\?)\s*")
_VERB = re.compile(r"(\w+)\?")


def prepare(lines: list[str]) -> list[str]:
    """Let the magic see an empty cell (to answer ``-h``) and a question mark at a line's end."""
    if not lines:
        return lines
    if lines[0].startswith("%%"):
        empty = lines[0].startswith("%%ollama") and not "".join(lines[1:])
        return [lines[0].rstrip("\n") + "\n", "\n"] if empty else lines
    if any(quotes in line for line in lines for quotes in ('"""', "'''")):
        return lines  # the line may be part of a text
    return [_keep_question(line) for line in lines]


def _keep_question(line: str) -> str:
    """Write the call that IPython would make of the magic."""
    match = _QUESTION.fullmatch(line)
    if match is None or match[2] == "?":
        return line
    words = _VERB.sub(r"\1 -h", match[2]) if _VERB.fullmatch(match[2]) else match[2]
    return f"{match[1]}get_ipython().run_line_magic('ollama', {words!r})\n"
