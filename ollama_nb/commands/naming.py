"""Names of models as people type them. The wire's text for a wrong one stays bare; this says which.

Knows the grammar of names alone, not which models there are.
"""

from ollama_nb.errors import UsageProblem
from ollama_nb.names import Name


def a_name(word: str) -> str:
    """Take a word that can name a model. Raises UsageProblem with the word for any other."""
    if not Name.parse(word).valid:
        raise UsageProblem(
            f"{word!r} cannot be the name of a model: one is written as llama3.2, llama3.2:1b, "
            "me/my-model or hf.co/user/repository"
        )
    return word
