"""User text must not be able to write control tokens: no message can end its own turn.

A noncharacter goes into every control token's text that occurs in a message; after rendering the
prompt is cut there, so that the tokenizer never sees the two halves together.
"""

import re
from collections.abc import Iterable

_MARK = "\ufdd0"


def shield(text: str, controls: Iterable[str]) -> str:
    """Break every control token that ``text`` spells, invisibly to the template."""
    text = text.replace(_MARK, "")
    for control in controls:
        if control in text:
            # Looking ahead finds occurrences that overlap, which a replacement would step over.
            text = re.sub(f"(?={re.escape(control)}).", rf"\g<0>{_MARK}", text, flags=re.DOTALL)
    return text


def parts(prompt: str) -> list[str]:
    """Cut a rendered prompt at the marks, into parts that are tokenized one by one."""
    return prompt.split(_MARK)
