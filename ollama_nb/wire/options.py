"""``options``: load and sampling settings, by their wire names (reference: Ollama API, 5).

The map stays plain on the wire because Ollama is lenient about it: unknown names are ignored, null
means "not given", any JSON number serves. All of that leniency lives in ``Options.merge``.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ollama_nb.errors import BadRequest, InvalidOption

_INT32 = 2**31 - 1
_FLOAT32 = (2 - 2**-23) * 2.0**127
_RANDOM_SEED = 0xFFFF_FFFF
"""To llama.cpp this seed means "any", so no request may have it."""

_MAX_STOPS, _MAX_STOP_BYTES = 64, 256


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Every option that does something here, with Ollama's defaults.

    The load group decides what a loaded model looks like; the others belong to one request.
    """

    num_ctx: int = 0
    num_batch: int = 512
    num_gpu: int = -1
    main_gpu: int = 0
    use_mmap: bool | None = None
    use_mlock: bool = False
    num_thread: int = 0
    rope_frequency_base: float = 0.0
    rope_frequency_scale: float = 0.0

    num_keep: int = 4
    seed: int = -1
    num_predict: int = -1
    top_k: int = 40
    top_p: float = 0.9
    min_p: float = 0.0
    typical_p: float = 1.0
    repeat_last_n: int = 64
    temperature: float = 0.8
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    stop: tuple[str, ...] = ()
    repeatable: bool = False
    """Ours: the same prompt and seed give the same bytes, whatever else runs or is cached. Such a
    sequence reuses nothing and has its steps to itself, which costs the others their time.
    """

    @classmethod
    def merge(cls, *layers: Mapping[str, Any] | None) -> "Options":
        """Lay maps over the defaults, later ones on top; a list replaces, it is not merged.

        Raises InvalidOption for a value of the wrong type, BadRequest for too many stops.
        """
        merged: dict[str, Any] = {}
        for layer in layers:
            for name, value in (layer or {}).items():
                check = _CHECKS.get(name)
                if check is not None and value is not None:
                    merged[name] = check(name, value)
        return cls(**merged)


def _integer(name: str, value: object) -> int:
    """Any finite number, cut towards zero, held within 32 bits (except the seed's 64)."""
    number = _number(name, value, "integer")
    if name == "seed":
        return max(-_INT32, int(number)) if number < 0 else int(number) % _RANDOM_SEED
    return max(-_INT32, min(_INT32, int(number)))


def _float(name: str, value: object) -> float:
    """Any finite number, held within what native code can hold."""
    return float(max(-_FLOAT32, min(_FLOAT32, _number(name, value, "float32"))))


def _number(name: str, value: object, kind: str) -> int | float:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise InvalidOption(name, f"type {kind}")


def _boolean(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidOption(name, "type boolean")
    return value


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidOption(name, "type array")
    if not all(isinstance(item, str) for item in value):
        raise InvalidOption(name, "an array of strings")
    sizes = [len(item.encode("utf-8", "replace")) for item in value]
    if len(sizes) > _MAX_STOPS or max(sizes, default=0) > _MAX_STOP_BYTES:
        limit = f"{_MAX_STOPS} texts of {_MAX_STOP_BYTES} bytes"
        raise BadRequest(f'option "{name}" takes at most {limit}')
    return tuple(item for item in value if item)


_BY_TYPE = {int: _integer, float: _float, bool: _boolean, bool | None: _boolean}
_CHECKS = {
    field.name: _BY_TYPE.get(field.type, _strings) for field in msgspec.structs.fields(Options)
}
