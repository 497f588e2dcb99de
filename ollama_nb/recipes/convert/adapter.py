"""LoRA adapters as PEFT leaves them: two factors for each matrix that is adapted."""

import re
import threading
from pathlib import Path
from typing import Final

from gguf import GGUFType, GGUFWriter, LlamaFileType

from ollama_nb.errors import Unconvertible
from ollama_nb.gguf import Header, check_adapter

from .checkpoint import Checkpoint
from .config import Config
from .families.llama import Llama
from .outputs import Output
from .writing import Progress, write

_FILE: Final = "adapter_config.json"
_FACTOR: Final = re.compile(r"^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$")
_UNSUPPORTED: Final = ("use_dora", "fan_in_fan_out", "alpha_pattern", "modules_to_save")


def convert_adapter(
    checkpoint: Checkpoint,
    base: Header,
    target: Path,
    *,
    progress: Progress,
    stop: threading.Event,
) -> Header:
    """Write the adapter for the model ``base`` to ``target``; return its header, checked.

    Raises as ``convert`` does.
    """
    if base.architecture != Llama.arch:
        raise Unconvertible.architecture(base.architecture)
    config = Config(checkpoint.document(_FILE), file=_FILE)
    for name in _UNSUPPORTED:
        if config.raw(name):
            raise config.refuse(f"{name} is not supported")
    outputs = _outputs(checkpoint, base)
    writer = GGUFWriter(None, Llama.arch)
    writer.add_type(GGUFType.ADAPTER)
    writer.add_file_type(LlamaFileType.MOSTLY_F16)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", _alpha(config))
    write(writer, target, outputs, single=True, progress=progress, stop=stop)
    return check_adapter(target)


def _alpha(config: Config) -> float:
    """llama.cpp divides by the rank; PEFT may divide by its root."""
    alpha = config.number("lora_alpha")
    return alpha * config.integer("r") ** 0.5 if config.flag("use_rslora") else alpha


def _outputs(checkpoint: Checkpoint, base: Header) -> list[Output]:
    model = Llama(_config_of(base), {})
    outputs = []
    for name, tensor in checkpoint.tensors().items():
        match = _FACTOR.match(name)
        named = model.named(f"{match[1]}.weight") if match else None
        if match is None or named is None or len(tensor.shape) != 2:
            raise Unconvertible.tensor(name, "no LoRA adapter of a Llama has it")
        change = model.change(named) if match[2] == "B" else None
        outputs.append(Output(f"{named}.lora_{match[2].lower()}", (tensor,), change))
    _check_pairs(outputs)
    return outputs


def _check_pairs(outputs: list[Output]) -> None:
    names = {output.name for output in outputs}
    for name in names:
        other = name[:-1] + ("a" if name.endswith("b") else "b")
        if other not in names:
            raise Unconvertible.tensor(name, f"there is no '{other}'")


def _config_of(base: Header) -> Config:
    """What the model's own config.json said, as far as adapters need it."""
    return Config(
        {
            "num_hidden_layers": base.get("block_count"),
            "num_attention_heads": base.get("attention.head_count"),
            "num_key_value_heads": base.get("attention.head_count_kv"),
        },
        file=base.path.name,
    )
