"""Mixtral: a Mistral with experts, whose matrices are stacked."""

import re
from collections import defaultdict
from collections.abc import Iterator

from gguf import GGUFWriter

from ollama_nb.errors import Unconvertible
from ollama_nb.recipes.convert.outputs import Output
from ollama_nb.recipes.convert.safetensors import Tensor

from .llama import Llama

_EXPERT = re.compile(r"model\.layers\.(\d+)\.block_sparse_moe\.experts\.(\d+)\.(w[123])\.weight$")
_STACKS = {"w1": "ffn_gate_exps", "w2": "ffn_down_exps", "w3": "ffn_up_exps"}


class Mixtral(Llama):
    """Mixtral 8x7B and 8x22B."""

    architectures = ("MixtralForCausalLM",)
    ignored = re.compile(rf"{Llama.ignored.pattern}|{_EXPERT.pattern}")
    rope_base = 1e6

    def describe(self, writer: GGUFWriter) -> None:
        """Add the numbers of experts."""
        super().describe(writer)
        writer.add_expert_count(self._experts)
        writer.add_expert_used_count(self.config.integer("num_experts_per_tok"))

    def outputs(self) -> Iterator[Output]:
        """Add the stacks."""
        yield from super().outputs()
        stacks: dict[str, dict[int, Tensor]] = defaultdict(dict)
        for name, tensor in self.tensors.items():
            if match := _EXPERT.match(name):
                block, expert, matrix = match.groups()
                stacks[f"blk.{int(block)}.{_STACKS[matrix]}.weight"][int(expert)] = tensor
        for name, experts in stacks.items():
            parts = tuple(experts[number] for number in sorted(experts))
            if sorted(experts) != list(range(self._experts)):
                raise Unconvertible.tensor(name, f"is not of {self._experts} experts")
            if len({part.shape for part in parts}) != 1:
                raise Unconvertible.tensor(name, "is of experts of different shapes")
            yield Output(name, parts)

    @property
    def _experts(self) -> int:
        return self.config.integer("num_local_experts")
