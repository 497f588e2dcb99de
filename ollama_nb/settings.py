"""OLLAMA_* read once into a frozen Settings (reference: models, 8.3).

Objects receive what they need from it as constructor arguments; nobody else reads the environment.
"""

import contextlib
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_path

from ollama_nb.wire.durations import parse_keep_alive_setting

_log = logging.getLogger(__name__)

BUILTIN_MODELS = Path(__file__).parent / "guide" / "models"
"""The read-only store that comes with the package and holds the guide model."""

DEFAULT_PORT = 11434
CACHE_TYPES = ("f16", "q8_0", "q4_0")
_Value = TypeVar("_Value")
_FIVE_MINUTES = 300 * 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set from outside, with its default."""

    models: Path = field(default_factory=lambda: Path.home() / ".ollama" / "models")
    """The user's store (OLLAMA_MODELS)."""
    site_models: tuple[Path, ...] = ()
    """Stores that are only read, beneath the user's (OLLAMA_NB_SITE_MODELS)."""
    builtin_models: Path = BUILTIN_MODELS
    group_store: bool = False
    """Whether the user's store belongs to a group that may change it (OLLAMA_NB_GROUP_STORE)."""
    keep_replaced: bool = False
    """Whether blobs of a model that was replaced stay until a prune (OLLAMA_NOPRUNE)."""
    cache: Path = field(default_factory=lambda: user_cache_path("ollama_nb"))
    """What can be made again (OLLAMA_NB_CACHE)."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    origins: tuple[str, ...] = ()
    """Browser origins allowed beside the built-in ones (OLLAMA_ORIGINS)."""
    strict: bool = False
    """Whether answers leave out what only older generations of Ollama sent (OLLAMA_NB_STRICT)."""
    keep_alive_ns: int = _FIVE_MINUTES
    context_length: int = 4096
    """num_ctx of requests that do not name one (OLLAMA_CONTEXT_LENGTH)."""
    num_parallel: int = 0
    """Sequences that one loaded model decodes at a time (OLLAMA_NUM_PARALLEL); 0: by memory."""
    max_loaded_models: int = 3
    max_queue: int = 512
    flash_attention: bool | None = None
    """OLLAMA_FLASH_ATTENTION; None: llama.cpp decides."""
    kv_cache_type: str = "f16"
    """How numbers of the KV cache are stored: f16, q8_0 or q4_0 (OLLAMA_KV_CACHE_TYPE)."""
    unified_cache: bool = False
    """Whether sequences share one KV cache (OLLAMA_NB_UNIFIED_CACHE)."""
    gpu_overhead: int = 0
    """Bytes that stay free on each GPU (OLLAMA_GPU_OVERHEAD)."""
    sched_spread: bool = False
    """Whether a model goes to all GPUs even where one would do (OLLAMA_SCHED_SPREAD)."""
    tensor_split: tuple[float, ...] = ()
    """Shares of the GPUs, "3,1" (OLLAMA_NB_TENSOR_SPLIT); empty: by their free memory."""
    engine: str = "local"
    """Where models live: "local" in this process, "worker" in a child each (OLLAMA_NB_ENGINE)."""
    isolate_users: bool = True
    """Whether what one user's prompts left in the cache is kept from the others
    (OLLAMA_NB_ISOLATE_USERS).
    """
    disk_reserve: int | None = None
    """Bytes that a pull leaves free on the store's disk (OLLAMA_NB_DISK_RESERVE); None: 256 MiB, or
    a hundredth of the disk if that is more.
    """
    create_root: Path | None = None
    """Where the oldest form of create may read Modelfiles by path (OLLAMA_NB_CREATE_ROOT)."""
    step_ns: int = 100_000_000
    """How long other people's prompts may hold up an answer under way (OLLAMA_NB_STEP_MS)."""

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, engine: str = "local"
    ) -> "Settings":
        """Read OLLAMA_*; what makes no sense is logged and counts as not set, as in Ollama.

        ``engine`` is where models live unless the environment says otherwise.
        """
        read = _Reader(environment)
        host, port = read.address("OLLAMA_HOST", cls.host, cls.port)
        return cls(
            models=read.path("OLLAMA_MODELS", Path.home() / ".ollama" / "models"),
            site_models=read.paths("OLLAMA_NB_SITE_MODELS"),
            group_store=read.flag("OLLAMA_NB_GROUP_STORE") is True,
            keep_replaced=read.flag("OLLAMA_NOPRUNE") is True,
            cache=read.path("OLLAMA_NB_CACHE", user_cache_path("ollama_nb")),
            host=host,
            port=port,
            origins=tuple(filter(None, map(str.strip, read.text("OLLAMA_ORIGINS").split(",")))),
            strict=read.flag("OLLAMA_NB_STRICT") is True,
            keep_alive_ns=read.duration("OLLAMA_KEEP_ALIVE", cls.keep_alive_ns),
            context_length=read.positive("OLLAMA_CONTEXT_LENGTH", cls.context_length),
            num_parallel=read.positive("OLLAMA_NUM_PARALLEL", cls.num_parallel),
            max_loaded_models=read.positive("OLLAMA_MAX_LOADED_MODELS", cls.max_loaded_models),
            max_queue=read.positive("OLLAMA_MAX_QUEUE", cls.max_queue),
            flash_attention=read.flag("OLLAMA_FLASH_ATTENTION"),
            kv_cache_type=read.choice("OLLAMA_KV_CACHE_TYPE", CACHE_TYPES, cls.kv_cache_type),
            unified_cache=read.flag("OLLAMA_NB_UNIFIED_CACHE") is True,
            gpu_overhead=read.size("OLLAMA_GPU_OVERHEAD"),
            sched_spread=read.flag("OLLAMA_SCHED_SPREAD") is True,
            tensor_split=read.shares("OLLAMA_NB_TENSOR_SPLIT"),
            engine=read.choice("OLLAMA_NB_ENGINE", ("local", "worker"), engine),
            create_root=read.folder("OLLAMA_NB_CREATE_ROOT"),
            isolate_users=read.flag("OLLAMA_NB_ISOLATE_USERS") is not False,
            disk_reserve=read.size_if_set("OLLAMA_NB_DISK_RESERVE"),
            step_ns=read.positive("OLLAMA_NB_STEP_MS", cls.step_ns // 1_000_000) * 1_000_000,
        )


class _Reader:
    """One environment, with Ollama's cleaning: blanks, then quotes, around values are dropped."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str:
        return self._environment.get(name, "").strip().strip("\"'")

    def path(self, name: str, default: Path) -> Path:
        text = self.text(name)
        try:
            return Path(text).expanduser() if text else default
        except RuntimeError:  # the home of nobody
            return default

    def paths(self, name: str) -> tuple[Path, ...]:
        """Folders between the system's separators of paths, as in PATH."""
        found = []
        for text in filter(None, map(str.strip, self.text(name).split(os.pathsep))):
            with contextlib.suppress(RuntimeError):  # the home of nobody
                found.append(Path(text).expanduser())
        return tuple(found)

    def folder(self, name: str) -> Path | None:
        """A folder, or none."""
        text = self.text(name)
        return Path(text) if text else None

    def duration(self, name: str, default: int) -> int:
        """Nanoseconds, as OLLAMA_KEEP_ALIVE gives them."""
        value = parse_keep_alive_setting(self.text(name))
        return self._instead(name, default) if value is None else value

    def positive(self, name: str, default: int) -> int:
        """A number; 0 is none, as in Ollama."""
        text = self.text(name)
        if not re.fullmatch("[0-9]{1,9}", text):
            return self._instead(name, default)
        return int(text) or default

    def size(self, name: str) -> int:
        """Bytes; 0 where they make no sense."""
        return self.size_if_set(name) or 0

    def size_if_set(self, name: str) -> int | None:
        """Bytes; None where they make no sense."""
        text = self.text(name)
        return int(text) if re.fullmatch("[0-9]{1,15}", text) else self._instead(name, None)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of ``choices``; anything else counts as not set."""
        text = self.text(name).lower()
        return text if text in choices else self._instead(name, default)

    def shares(self, name: str) -> tuple[float, ...]:
        """Numbers between commas; none of them counts if one makes no sense."""
        texts = [one.strip() for one in self.text(name).split(",")]
        good = all(re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", one) for one in texts)
        return tuple(map(float, texts)) if good else self._instead(name, ())

    def _instead(self, name: str, default: _Value) -> _Value:
        """The default, and a word about it if there is something that it takes the place of."""
        if text := self.text(name):
            _log.warning("%s=%.40s makes no sense and counts as not set", name, text)
        return default

    def flag(self, name: str) -> bool | None:
        """As Go's ParseBool reads it; anything else means yes, as in Ollama. None: not set."""
        text = self.text(name)
        if not text:
            return None
        return text not in ("0", "f", "F", "false", "False", "FALSE")

    def address(self, name: str, host: str, port: int) -> tuple[str, int]:
        """``[scheme://]host[:port][/path]``; a scheme brings its own default port."""
        scheme, marker, rest = self.text(name).rpartition("://")
        if marker:
            port = {"http": 80, "https": 443}.get(scheme, port)
        rest = rest.split("/", 1)[0]
        before, colon, after = rest.rpartition(":")
        if not colon or after.endswith("]") or _is_bare_ipv6(before):
            before, after = rest, ""
        if re.fullmatch("[0-9]{1,5}", after) and int(after) < 65_536:
            port = int(after)
        return before.strip("[]") or host, port


def _is_bare_ipv6(before: str) -> bool:
    """Whether another colon, outside brackets, stands before the last one: it marks no port."""
    return ":" in before and not before.endswith("]")
