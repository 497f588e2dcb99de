"""BERT and what was trained from it for embeddings, such as MiniLM."""

import re
from typing import ClassVar

from gguf import MODEL_ARCH, GGUFWriter

from .family import Family


class Bert(Family):
    """An encoder, without the parts that were for other tasks."""

    architectures: ClassVar[tuple[str, ...]] = ("BertModel", "BertForMaskedLM")
    kind = MODEL_ARCH.BERT
    encodes = True
    ignored = re.compile(r"position_ids$|^(bert\.)?pooler\.|^cls\.")

    def describe(self, writer: GGUFWriter) -> None:
        """Write the model's numbers."""
        config = self.config
        writer.add_context_length(
            config.integer("max_position_embeddings", "n_positions", "max_trained_positions")
        )
        writer.add_embedding_length(self.width)
        writer.add_block_count(self.blocks)
        writer.add_feed_forward_length(config.integer("intermediate_size", "n_inner"))
        writer.add_head_count(self.heads)
        writer.add_layer_norm_eps(config.number("layer_norm_eps", "layer_norm_epsilon"))
        writer.add_causal_attention(value=False)
        writer.add_token_type_count(config.integer("type_vocab_size", default=2))

    def renamed(self, name: str) -> str:
        """Without the name of the model itself."""
        return name.removeprefix("bert.")
