"""How an embedding model makes one vector of many: what `sentence-transformers` says of it."""

from gguf import GGUFWriter, PoolingType

from ollama_nb.errors import Unconvertible

from .checkpoint import Checkpoint
from .config import Config
from .families import Family

_KINDS = {
    "pooling_mode_mean_tokens": PoolingType.MEAN,
    "pooling_mode_cls_token": PoolingType.CLS,
    "pooling_mode_lasttoken": PoolingType.LAST,
}
_NAMES = {"mean": PoolingType.MEAN, "cls": PoolingType.CLS, "lasttoken": PoolingType.LAST}
_FILE = "1_Pooling/config.json"


def describe_pooling(writer: GGUFWriter, checkpoint: Checkpoint, family: Family) -> None:
    """Write it where there is one; an encoder without takes the mean. Raises Unconvertible."""
    if _FILE in checkpoint:
        writer.add_pooling_type(_kind(Config(checkpoint.document(_FILE), file=_FILE)))
    elif family.encodes:
        writer.add_pooling_type(PoolingType.MEAN)


def _kind(config: Config) -> PoolingType:
    name = config.raw("pooling_mode")
    if isinstance(name, str) and name in _NAMES:
        return _NAMES[name]
    for key, kind in _KINDS.items():
        if config.flag(key):
            return kind
    raise Unconvertible.parse(_FILE, "this way of pooling is not supported")
