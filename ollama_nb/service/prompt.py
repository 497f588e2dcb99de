"""What the engine is given: text by the model's template, then tokens that fit the window.

Section numbers are those of the Ollama API reference (6.3 to 6.5, 8.5).
"""

import contextlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from ollama_nb.engine.host import LoadedModel
from ollama_nb.engine.sequence import Picture
from ollama_nb.errors import ContextTooLong, OllamaError
from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.images import named_images, split_images
from ollama_nb.prompt.shield import parts

from .rendering import Renderer, Tools


class Written(NamedTuple):
    """A prompt as text and as tokens."""

    text: str
    tokens: list[int]
    images: tuple[Picture, ...] = ()
    """Those that the tokens stand for, in their order."""

    @property
    def debug_info(self) -> dict[str, Any]:
        """What ``_debug_render_only`` tells of it (6.7)."""
        info: dict[str, Any] = {"rendered_template": named_images("".join(parts(self.text)))}
        return info | {"image_count": len(self.images)} if self.images else info


@dataclass(frozen=True)
class Prompt:
    """A prompt ready for the engine."""

    tokens: list[int]
    images: tuple[Picture, ...]
    num_keep: int
    """How many leading tokens survive when the window slides."""
    thinks: bool
    """Whether the model has been asked to think."""
    opens_thinking: bool
    """Whether the answer begins inside thinking."""

    @property
    def context(self) -> list[int]:
        """The tokens that a later request can be given back: those of text."""
        return [token for token in self.tokens if token >= 0]

    def without_images(self) -> "Prompt":
        """The same for who only asks for its tokens."""
        return replace(self, images=())


@dataclass(frozen=True)
class PromptWriter:
    """Writes the prompt of one request for the model that it has got."""

    runner: LoadedModel
    window: int
    renderer: Renderer
    images: tuple[Picture, ...] = ()
    truncate: bool = True
    """Whether what does not fit may lose its oldest messages."""
    shift: bool = True
    """Whether the last message may lose its middle, too."""
    before: Sequence[int] = ()
    """Tokens of a conversation that the prompt continues."""

    def chat(self, messages: Sequence[Message], tools: Tools = (), *, begun: str = "") -> Written:
        """Render; what does not fit loses its oldest messages, but for the system's (8.5).

        ``begun`` is how the answer begins. Raises TemplateError, TemplateFailed.
        """
        limit = self.window - 1
        last = len(messages) - 1

        def write(start: int) -> Written:
            kept = [one for one in messages[:start] if one.role == "system"]
            return self.text(self.renderer.chat([*kept, *messages[start:]], tools) + begun)

        def written_from(starts: Iterable[int]) -> Written | None:
            """The first that the template takes; it may want a user's message first, say."""
            for start in starts:
                with contextlib.suppress(OllamaError):
                    return write(start)
            return None

        def fits(start: int) -> bool:
            found = written_from(range(start, last + 1))
            return found is None or len(found.tokens) <= limit

        whole = write(0)
        if len(whole.tokens) <= limit or not self.truncate or last == 0:
            return whole
        first = 1 + bisect_left(range(1, last), True, key=fits)
        return written_from([*range(first, last + 1), *range(first - 1, 0, -1)]) or whole

    def text(self, text: str) -> Written:
        """Tokens of a text, after those of the conversation that it continues."""
        pieces = self._pieces(text)
        tokens = [*self._checked_before, *self.runner.tokenize(pieces, start=not self.before)]
        return Written(text, tokens, tuple(one for one in pieces if isinstance(one, Picture)))

    @cached_property
    def _checked_before(self) -> Sequence[int]:
        """Raises BadRequest for an id outside the vocabulary."""
        self.runner.detokenize(list(self.before))
        return self.before

    def _pieces(self, text: str) -> list[str | Picture]:
        """Cut a rendered prompt into what is tokenized piece by piece."""
        count = len(self.images)
        pieces = [piece for part in parts(text) for piece in split_images(part, count)] or [""]
        return [self.images[piece] if isinstance(piece, int) else piece for piece in pieces]

    def fitted(self, written: Written, num_keep: int) -> Prompt:
        """Make it ready; ``num_keep`` is the option. Raises ContextTooLong."""
        num_keep = len(written.tokens) if num_keep < 0 else num_keep
        if self.runner.vocabulary.adds_bos:
            num_keep += 1
        tags = self.renderer.format.thinking_tags
        if tags is None and self.renderer.knows_thinking:
            tags = self.renderer.thinking_tags
        return Prompt(
            tokens=self._fit(written.tokens, num_keep),
            images=written.images,
            num_keep=num_keep,
            thinks=self.renderer.thinks,
            opens_thinking=tags is not None and written.text.rstrip().endswith(tags[0]),
        )

    def _fit(self, tokens: list[int], num_keep: int) -> list[int]:
        """Cut a prompt that fills the window to its head and the newest of the rest (8.5).

        One with images is not cut: half of an image means nothing.
        """
        limit = self.window - 1
        if len(tokens) <= limit:
            return tokens
        if not (self.truncate and self.shift) or min(tokens) < 0:
            raise ContextTooLong
        keep = min(num_keep, limit - 1)
        size = max(self.window - max((self.window - keep) // 2, 1), keep + 1)
        return tokens[:keep] + tokens[len(tokens) - (size - keep) :]
