"""Model names: ``[scheme://][host/][namespace/]model[:tag]``.

Pure text. Parsing never raises; a name says itself whether it is valid (reference: models, 1).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

# What a separator with nothing beside it leaves behind. Never a valid part, so it is not repaired
# by the defaults: ``mm:`` is wrong, not ``mm:latest``.
_MISSING = "!MISSING!"

_VALID = {
    "host": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}"),
    "namespace": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}"),
    "model": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"),
    "tag": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A model's name with the defaults filled in."""

    host: str
    namespace: str
    model: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> "Name":
        """Split ``text`` from right to left; what is absent takes its default."""
        rest, tag = _cut_tag(text)
        rest, model = _cut(rest)
        rest, namespace = _cut(rest) if rest else ("", "")
        host = rest.split("://", 1)[-1]
        return cls(
            host=host or DEFAULT_HOST,
            namespace=namespace or DEFAULT_NAMESPACE,
            model=model or _MISSING,
            tag=tag or DEFAULT_TAG,
        )

    @property
    def valid(self) -> bool:
        """Whether every part keeps to its alphabet and length. No part can be ``.`` or ``..``."""
        return all(_VALID[part.name].fullmatch(getattr(self, part.name)) for part in fields(self))

    @property
    def full(self) -> str:
        """``host/namespace/model:tag``."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    def __str__(self) -> str:
        """Shortest form: host and namespace are dropped where they are the defaults."""
        if self.host.lower() != DEFAULT_HOST:
            return self.full
        if self.namespace.lower() != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"

    def spelled_like(self, others: Iterable["Name"]) -> "Name":
        """This name, each part as one of ``others`` spells it if they differ in case alone."""
        known: dict[tuple[str, str], str] = {}
        for other in others:
            for part in fields(self):
                text = getattr(other, part.name)
                known.setdefault((part.name, text.lower()), text)
        own = ((part.name, getattr(self, part.name)) for part in fields(self))
        return Name(*(known.get((part, text.lower()), text) for part, text in own))

    def same_as(self, other: "Name") -> bool:
        """Whether both name one model: case is kept on disk and ignored in comparison."""
        return self.full.lower() == other.full.lower()


def _cut_tag(text: str) -> tuple[str, str]:
    """Cut at the last colon, unless a slash follows it (then it is a port)."""
    rest, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        return text, ""
    return rest or _MISSING, tag or _MISSING


def _cut(text: str) -> tuple[str, str]:
    """Cut at the last slash: (what stands before it, what stands after it)."""
    rest, slash, part = text.rpartition("/")
    if not slash:
        return "", text
    return rest or _MISSING, part or _MISSING
