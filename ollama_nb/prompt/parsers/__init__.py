"""Reading a model's answer, in the format that the model was taught."""

from .parser import AnswerFormat, Call, Parsed, Parser

__all__ = ["AnswerFormat", "Call", "Parsed", "Parser"]
