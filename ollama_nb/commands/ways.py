"""The ways in, and the model that answers where none is named. Knows nothing else."""

LINE, CELL, TERMINAL = "%ollama", "%%ollama", "jupyter ollama"
"""The three ways in, by what the user types."""

DEFAULT_MODEL = "guide"
"""The model that comes with the package."""


def line_of(way: str, verb: str, *words: str) -> str:
    """Write the line that a user of this way would type; a cell's user types it on a line."""
    return " ".join([LINE if way == CELL else way, verb, *words])
