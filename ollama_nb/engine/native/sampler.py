"""Samplers: how a token is drawn from logits."""

from collections.abc import Sequence
from typing import Any

from ollama_nb.engine.sampling import ChainStep
from ollama_nb.errors import EngineError

from .library import lib
from .model import Model


class SamplerChain:
    """llama.cpp's samplers in a row, for one sequence."""

    def __init__(self, steps: Sequence[ChainStep], model: Model) -> None:
        """Build the chain; the last step must be one that selects (else the process dies)."""
        self.handle: Any = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for name, arguments in steps:
            if name in ("penalties", "mirostat"):
                arguments = (model.num_vocab, *arguments)
            sampler = getattr(lib, f"llama_sampler_init_{name}")(*arguments)
            if not sampler:
                raise EngineError(f"sampler {name} refused {arguments}")
            lib.llama_sampler_chain_add(self.handle, sampler)

    def accept(self, token: int) -> None:
        """Let the penalties know a token that was not drawn here: the prompt's."""
        lib.llama_sampler_accept(self.handle, token)

    def close(self) -> None:
        """Free the samplers."""
        if self.handle:
            lib.llama_sampler_free(self.handle)
            self.handle = None
