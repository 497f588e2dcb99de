"""A checkpoint made a GGUF file: its family, its tokenizer, then its tensors one by one."""

import threading
from pathlib import Path

from gguf import GGML_QUANT_VERSION, GGUFType, GGUFWriter, LlamaFileType
from gguf import GGMLQuantizationType as Type

from ollama_nb.errors import Unconvertible
from ollama_nb.gguf import Header, check_model

from .blocks import check_complete
from .checkpoint import Checkpoint
from .config import Config
from .families import family_of
from .outputs import Output
from .pooling import describe_pooling
from .tokenizers import read_vocabulary
from .tokenizers.special import chat_template
from .writing import Progress, write

_EMBEDDING = "token_embd.weight"
_FILE_TYPES = {
    Type.F32: LlamaFileType.ALL_F32,
    Type.F16: LlamaFileType.MOSTLY_F16,
    Type.BF16: LlamaFileType.MOSTLY_BF16,
}


def convert(
    checkpoint: Checkpoint,
    target: Path,
    *,
    progress: Progress,
    stop: threading.Event,
    single: bool = False,
) -> Header:
    """Write the model of ``checkpoint`` to ``target``; return its header, checked by the gate.

    ``progress`` gets the bytes of tensors written, and of all. ``single``: what is float32 stays
    so; otherwise matrices become float16. bfloat16 stays. Raises Unconvertible, MalformedGGUF for
    a model whose numbers do not fit together, OSError, and Cancelled soon after ``stop`` is set.
    What is at ``target`` then is worth nothing.
    """
    config = Config(checkpoint.document("config.json"))
    family_class = family_of(config.texts("architectures"))
    family = family_class(config, checkpoint.tensors())
    outputs = list(family.outputs())
    check_complete(outputs, family.blocks)
    vocabulary = read_vocabulary(checkpoint, config)
    vocabulary.pad(_rows_of_embedding(outputs))

    writer = GGUFWriter(None, family.arch)
    writer.add_type(GGUFType.MODEL)
    writer.add_file_type(_FILE_TYPES[_main_type(outputs, single=single)])
    writer.add_quantization_version(GGML_QUANT_VERSION)
    family.describe(writer)
    describe_pooling(writer, checkpoint, family)
    vocabulary.describe(writer)
    family.describe_tokenizer(writer, vocabulary)
    if template := chat_template(checkpoint):
        writer.add_chat_template(template)
    write(writer, target, outputs, single=single, progress=progress, stop=stop)
    return check_model(target)


def _rows_of_embedding(outputs: list[Output]) -> int:
    """How many tokens the model knows."""
    for output in outputs:
        if output.name == _EMBEDDING and len(output.shape) == 2:
            return output.shape[0]
    raise Unconvertible.tensor(_EMBEDDING, "is missing")


def _main_type(outputs: list[Output], *, single: bool) -> Type:
    """The type of most numbers."""
    counts = dict.fromkeys(_FILE_TYPES, 0)
    for output in outputs:
        counts[output.type(single=single)] += output.count
    return max(counts, key=lambda type: counts[type])
