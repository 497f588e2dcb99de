"""What we read of SentencePiece's tokenizer.model, a protocol buffer.

The fields are described here and in a pool of our own: the package `sentencepiece` would bring
native code for nothing, and its description clashes with that of `transformers` in one process.
"""

from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

BYTE_PAIRS: Final = 2
"""The kind of model; 1 would be Unigram."""
_PACKAGE: Final = "ollama_nb"
_MESSAGES: Final = {
    "Piece": (
        ("piece", 1, Field.TYPE_STRING, ""),
        ("score", 2, Field.TYPE_FLOAT, ""),
        ("type", 3, Field.TYPE_INT32, "1"),
    ),
    "Trainer": (("model_type", 3, Field.TYPE_INT32, "1"),),
    "Normalizer": (("add_dummy_prefix", 3, Field.TYPE_BOOL, "true"),),
}
"""Name, number, type and default of each field."""
_PARTS: Final = (
    ("pieces", 1, "Piece", Field.LABEL_REPEATED),
    ("trainer_spec", 2, "Trainer", Field.LABEL_OPTIONAL),
    ("normalizer_spec", 3, "Normalizer", Field.LABEL_OPTIONAL),
)


def _described() -> Any:
    file = FileDescriptorProto(name="ollama_nb/pieces.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, default in fields:
            described = message.field.add(
                name=field, number=number, type=kind, label=Field.LABEL_OPTIONAL
            )
            if default:
                described.default_value = default
    whole = file.message_type.add(name="Model")
    for field, number, part, label in _PARTS:
        whole.field.add(
            name=field, number=number, type=Field.TYPE_MESSAGE, label=label,
            type_name=f".{_PACKAGE}.{part}",
        )  # fmt: skip
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))


PieceModel: Any = _described()
