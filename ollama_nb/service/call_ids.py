"""Names for calls of tools: ``call_`` and eight letters or digits (reference: Ollama API, 8.2).

Made of what they name, so that the same request gets the same answer, byte for byte.
"""

import hashlib
import json
import string
from array import array
from collections.abc import Sequence

from ollama_nb.prompt.parsers import Call

_DIGITS = string.digits + string.ascii_lowercase
_LENGTH = 8


class CallIds:
    """Names the calls of one answer."""

    def __init__(self, prompt: Sequence[int]) -> None:
        """Take the tokens of the prompt that is answered."""
        self._prompt = hashlib.sha256(array("q", prompt))

    def name(self, index: int, call: Call) -> str:
        """Name the call of this index."""
        digest = self._prompt.copy()
        digest.update(json.dumps([index, *call], sort_keys=True).encode())
        number = int.from_bytes(digest.digest()[:8], "little")
        letters = []
        for _ in range(_LENGTH):
            number, digit = divmod(number, len(_DIGITS))
            letters.append(_DIGITS[digit])
        return f"call_{''.join(letters)}"
