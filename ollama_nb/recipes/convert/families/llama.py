"""Llama 1 to 3.x: heads are turned in another order, and 3.1 brings factors for it."""

from collections.abc import Iterator
from functools import partial

from gguf import MODEL_ARCH, GGUFWriter

from ollama_nb.recipes.convert.outputs import Array, Change, Computed
from ollama_nb.recipes.convert.rope import kind_of, llama3_factors, rope_of

from .family import Family


class Llama(Family):
    """Also the ground of what was made like it."""

    architectures = ("LlamaForCausalLM",)
    kind = MODEL_ARCH.LLAMA

    def describe(self, writer: GGUFWriter) -> None:
        """Add the size of what is turned."""
        super().describe(writer)
        writer.add_rope_dimension_count(self.head_width)

    def change(self, name: str) -> Change | None:
        """Put the rows of queries and keys in the order of llama.cpp."""
        if name.endswith(("attn_q.weight", "attn_q.bias")):
            return partial(interleaved, heads=self.heads)
        if name.endswith(("attn_k.weight", "attn_k.bias")):
            return partial(interleaved, heads=self.key_heads)
        return None

    def computed(self) -> Iterator[Computed]:
        """The factors of Llama 3.1."""
        rope = rope_of(self.config)
        if kind_of(rope) == "llama3":
            yield llama3_factors(rope, self.head_width)


def interleaved(values: Array, heads: int) -> Array:
    """Rows of each head: the two of a pair lie side by side, not half a head apart.

    Rows that do not divide so stay: llama.cpp refuses a tensor of the wrong shape.
    """
    rows, *rest = values.shape
    if rows % (2 * heads):
        return values
    return values.reshape(heads, 2, -1, *rest).swapaxes(1, 2).reshape(rows, *rest)
