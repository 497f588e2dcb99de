"""Reading a model's answer, in the format that the model was taught.

``answer_format`` chooses the format, which makes a parser for each answer. A format has tags
around the thinking and a syntax of calls: blocks between marks (``blocks``) whose inside a file for
each family of models reads, calls from the first character on (``bare``), or a tag that nothing
closes (``generic``). Harmony has channels instead.
"""

from .choosing import answer_format
from .forced import ForcedCall
from .harmony import identifiers
from .parser import AnswerFormat, Call, Parsed, Parser

__all__ = ["AnswerFormat", "Call", "ForcedCall", "Parsed", "Parser", "answer_format", "identifiers"]
