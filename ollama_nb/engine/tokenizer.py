"""Text and images to tokens and back, by a loaded model. Callable from any thread."""

from collections.abc import Sequence

from ollama_nb.errors import EngineError

from .cuts import control_pattern, cut_text
from .host import Vocabulary
from .native import Model, Patch, Projector
from .pictures import stand_ins
from .sequence import Picture


class Tokenizer:
    """What a LoadedModel offers of its vocabulary."""

    def __init__(self, model: Model, projector: Projector | None) -> None:
        """Read once what prompts need to know."""
        self._model = model
        self._projector = projector
        self.vocabulary = _vocabulary(model)
        self._controls = control_pattern(self.vocabulary.controls)

    def tokenize(self, parts: Sequence[str | Picture], *, start: bool) -> list[int]:
        """See LoadedModel: BOS is added at the start unless the text already has it."""
        head = parts[0] if isinstance(parts[0], str) else ""
        add_bos = start and self._model.adds_bos and not head.startswith(self.vocabulary.bos)
        tokens = [self._model.bos] if add_bos else []
        for part in parts:
            if isinstance(part, str):
                for piece in cut_text(part, self._controls):
                    tokens += self._model.tokenize(piece, add_special=False, parse_special=True)
            else:
                tokens += stand_ins(part, self._pieces(part))
        return tokens

    def patches(self, pictures: Sequence[Picture]) -> list[Patch]:
        """Of all pictures, what is not text. Raises BadRequest, EngineError."""
        return [one for picture in pictures for one in self._pieces(picture) if not one.tokens]

    def _pieces(self, picture: Picture) -> list[Patch]:
        if self._projector is None:
            raise EngineError("the model has no projector for images")
        return self._projector.cut_up(picture)

    def detokenize(self, tokens: list[int]) -> str:
        """See LoadedModel."""
        pieces = (self._model.piece(token, special=True) for token in tokens)
        return b"".join(pieces).decode("utf-8", "replace")


def _vocabulary(model: Model) -> Vocabulary:
    def text(token: int) -> str:
        return "" if token < 0 else model.piece(token, special=True).decode("utf-8", "replace")

    return Vocabulary(
        bos=text(model.bos),
        eos=text(model.eos),
        adds_bos=model.adds_bos,
        controls=model.control_texts(),
        infill=model.infill if min(model.infill) >= 0 else None,
        around=_around(model),
    )


def _around(model: Model) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the tokenizer puts before and after a text, such as [CLS] and [SEP]."""
    bare = model.tokenize("a", add_special=False, parse_special=False)
    whole = model.tokenize("a", add_special=True, parse_special=False)
    for start in range(len(whole) - len(bare) + 1):
        if whole[start : start + len(bare)] == bare:
            return tuple(whole[:start]), tuple(whole[start + len(bare) :])
    return (), ()
