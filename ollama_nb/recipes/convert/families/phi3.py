"""Phi 3 and 4 mini: fused matrices, which llama.cpp takes as they are, and two sets of factors."""

import math
from collections.abc import Iterator

import numpy as np
from gguf import MODEL_ARCH, GGUFWriter

from ollama_nb.recipes.convert.outputs import Computed
from ollama_nb.recipes.convert.rope import kind_of, rope_of
from ollama_nb.recipes.convert.tokenizers import Vocabulary

from .family import Family

_TOLD_APART = ("<unk>", "<s>", "</s>", "<|endoftext|>")


class Phi3(Family):
    """Long windows by factors for each frequency, others within the window first trained on."""

    architectures = ("Phi3ForCausalLM",)
    kind = MODEL_ARCH.PHI3

    def describe(self, writer: GGUFWriter) -> None:
        """Add what is turned, the window and how much louder long ones are."""
        super().describe(writer)
        writer.add_rope_dimension_count(self._turned)
        writer.add_sliding_window(self.config.integer("sliding_window", default=0, least=0))
        rope = rope_of(self.config)
        first = self._first_window
        writer.add_rope_scaling_orig_ctx_len(first)
        if kind_of(rope):
            longer = self.config.integer("max_position_embeddings") / first
            louder = (
                math.sqrt(1 + math.log(longer) / math.log(first)) if longer > 1 < first else 1.0
            )
            writer.add_rope_scaling_attn_factors(rope.number("attention_factor", default=louder))

    def describe_tokenizer(self, writer: GGUFWriter, vocabulary: Vocabulary) -> None:
        """llama.cpp tells by a name that white space after control tokens is to be dropped.

        It then dies of a vocabulary without any of these tokens.
        """
        if vocabulary.strips and all(vocabulary.find(text) is not None for text in _TOLD_APART):
            writer.add_name("phi3")

    def computed(self) -> Iterator[Computed]:
        """The factors."""
        rope = rope_of(self.config)
        if kind_of(rope) in ("longrope", "su"):
            for length in ("long", "short"):
                factors = rope.numbers(f"{length}_factor", self._turned // 2)
                yield Computed(f"rope_factors_{length}.weight", np.array(factors))

    @property
    def _turned(self) -> int:
        share = rope_of(self.config).number("partial_rotary_factor", default=1.0)
        if not 0 < share <= 1:
            raise self.config.refuse(f"partial_rotary_factor {share} is not between 0 and 1")
        return int(share * self.head_width)

    @property
    def _first_window(self) -> int:
        return rope_of(self.config).integer(
            "original_max_position_embeddings", "max_position_embeddings"
        )
