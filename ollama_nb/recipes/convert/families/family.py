"""What all families of models have in common: where GGUF and Hugging Face say the same."""

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter, get_tensor_name_map

from ollama_nb.errors import Unconvertible
from ollama_nb.recipes.convert.config import Config
from ollama_nb.recipes.convert.outputs import Change, Computed, Output
from ollama_nb.recipes.convert.rope import describe_rope, rope_of
from ollama_nb.recipes.convert.safetensors import Tensor
from ollama_nb.recipes.convert.tokenizers import Vocabulary

MAX_BLOCKS = 512
"""llama.cpp's own limit."""


class Family:
    """One checkpoint's numbers and tensors by GGUF's names. Decoders are the ordinary case."""

    architectures: ClassVar[tuple[str, ...]]
    """What config.json calls it."""
    kind: ClassVar[MODEL_ARCH]
    arch: ClassVar[str]
    """GGUF's name for it."""
    encodes: ClassVar[bool] = False
    """Whether it cannot generate."""
    ignored: ClassVar[re.Pattern[str]] = re.compile(r"rotary_emb\.inv_freq$")
    """Tensors that a GGUF has no place for and the model no need of."""
    rope_base: ClassVar[float] = 10_000.0
    """Where config.json says nothing."""

    def __init__(self, config: Config, tensors: Mapping[str, Tensor]) -> None:
        self.config = self.own_config(config)
        self.tensors = tensors
        self.blocks = self.count_blocks()
        if self.blocks > MAX_BLOCKS:
            raise config.refuse(f"num_hidden_layers {self.blocks} is more than {MAX_BLOCKS}")
        self._names = get_tensor_name_map(self.kind, self.blocks)

    def __init_subclass__(cls) -> None:
        cls.arch = MODEL_ARCH_NAMES[cls.kind]

    # -- numbers -------------------------------------------------------------------------------

    def own_config(self, config: Config) -> Config:
        """The part of config.json that speaks of the text model."""
        return config

    def count_blocks(self) -> int:
        """How many layers it has."""
        return self.config.integer("num_hidden_layers")

    @property
    def width(self) -> int:
        """The embedding's."""
        return self.config.integer("hidden_size")

    @property
    def heads(self) -> int:
        """How many heads a query has."""
        return self.config.integer("num_attention_heads")

    @property
    def key_heads(self) -> int:
        """How many keys and values have."""
        return self.config.integer("num_key_value_heads", default=self.heads)

    @property
    def head_width(self) -> int:
        """How wide a head is."""
        return self.config.integer("head_dim", default=self.width // self.heads)

    def describe(self, writer: GGUFWriter) -> None:
        """Write the model's numbers. Raises Unconvertible."""
        config = self.config
        writer.add_context_length(config.integer("max_position_embeddings"))
        writer.add_embedding_length(self.width)
        writer.add_block_count(self.blocks)
        writer.add_feed_forward_length(config.integer("intermediate_size"))
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.key_heads)
        writer.add_layer_norm_rms_eps(config.number("rms_norm_eps"))
        if self.head_width * self.heads != self.width or "head_dim" in config:
            writer.add_key_length(self.head_width)
            writer.add_value_length(self.head_width)
        describe_rope(writer, rope_of(config), base=self.rope_base)

    def describe_tokenizer(self, writer: GGUFWriter, vocabulary: Vocabulary) -> None:
        """Add to the vocabulary what only this family's needs."""

    # -- tensors -------------------------------------------------------------------------------

    def outputs(self) -> Iterator[Output]:
        """The tensors of the GGUF. Raises Unconvertible for one that this model cannot have."""
        for name, tensor in self.tensors.items():
            if self.ignored.search(name):
                continue
            named = self.named(self.renamed(name))
            if named is None:
                raise Unconvertible.tensor(name, f"no {self.kind.name} model has it")
            yield Output(named, (tensor,), self.change(named))
        for values in self.computed():
            yield Output(values.name, (values,))

    def renamed(self, name: str) -> str:
        """As Hugging Face calls it in a model of text alone."""
        return name

    def named(self, name: str) -> str | None:
        """As GGUF calls it, None for an unknown one."""
        found = self._names.get_name(name, try_suffixes=(".weight", ".bias"))
        return found if found is None else str(found)

    def change(self, name: str) -> Change | None:
        """What has to be done to a tensor, by its name in the GGUF."""
        return None

    def computed(self) -> Iterator[Computed]:
        """Tensors that the checkpoint has as numbers of config.json."""
        return iter(())
