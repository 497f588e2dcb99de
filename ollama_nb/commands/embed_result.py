"""What an embedding came to: the texts, their vectors, what it cost; and how a notebook shows it.

Plain values. Knows no stream and no front end; loads numpy when somebody wants an array.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ollama_nb.wire import EmbedRequest, EmbedResponse

from .human import plural
from .result import Stats

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SECOND = 1_000_000_000


@dataclass(frozen=True, repr=False)
class EmbedResult:
    """Texts and their vectors in the same order. numpy takes it for an array."""

    model: str
    texts: tuple[str, ...]
    embeddings: list[list[float]]
    """The vectors as they come over the wire."""
    stats: Stats

    @classmethod
    def of(cls, request: EmbedRequest, answer: EmbedResponse) -> "EmbedResult":
        """Read an answer."""
        stats = Stats(
            prompt_tokens=answer.prompt_eval_count,
            total_seconds=answer.total_duration / _SECOND,
            load_seconds=answer.load_duration / _SECOND,
        )
        return cls(request.model, tuple(request.input), answer.embeddings, stats)

    @classmethod
    def interruption(cls, request: EmbedRequest) -> "EmbedResult":
        """Stand for an answer that somebody did not wait for: no vectors."""
        stats = Stats(done_reason="interrupted")
        return cls(request.model, tuple(request.input), [], stats)

    @cached_property
    def vectors(self) -> "NDArray[np.float32]":
        """The vectors as an array: a row for each text."""
        import numpy as np

        return np.array(self.embeddings, np.float32).reshape(len(self), self.width)

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return len(self.embeddings[0]) if self.embeddings else 0

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it, so that there are no vectors."""
        return self.stats.done_reason == "interrupted"

    def __len__(self) -> int:
        """How many vectors there are."""
        return len(self.embeddings)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "NDArray[Any]":
        import numpy as np

        if copy is None:  # which older numpys do not know
            return np.asarray(self.vectors, dtype)
        return np.array(self.vectors, dtype, copy=copy)

    def __repr__(self) -> str:
        """Name what cannot change from run to run, for notebooks that are compared."""
        return f"<EmbedResult of {self.model}: {self._what()}>"

    def line(self) -> str:
        """``guide · 3 vectors of 256 numbers · 17 tokens``."""
        tokens = plural(self.stats.prompt_tokens, "token")
        return " · ".join([self.model, self._what(), *([tokens] if self.embeddings else [])])

    def _what(self) -> str:
        if not self.embeddings:
            return "interrupted" if self.interrupted else "no vectors"
        return f"{plural(len(self), 'vector')} of {plural(self.width, 'number')}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.line()}
