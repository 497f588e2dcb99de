"""A real registry that has a guide, behind a proxy that can make it slow.

One bit of its weights is not the built-in guide's, from whose files a pull would be done at once.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fault_proxy import FaultProxy
from plain_client import PlainClient, digest_of
from registry import running_registry
from wire_faults import Hold, Throttle

from ollama_nb.settings import BUILTIN_MODELS

_MANIFEST = BUILTIN_MODELS / "manifests/registry.ollama.ai/library/guide/latest"


@dataclass(frozen=True)
class GuideRegistry:
    """Where a guide can be pulled from, with --insecure."""

    proxy: FaultProxy
    weights: str
    """The digest of its largest layer."""

    @property
    def name(self) -> str:
        """What to pull."""
        return f"{self.proxy.host}/library/guide"

    def slow(self, rate: int) -> None:
        """Give so many bytes a second from now on."""
        self.proxy.forget().on("/blobs/", Throttle(rate))

    def held(self, *places: int) -> list[threading.Event]:
        """Stop the weights at these places; for each there is a gate to be opened."""
        gates = [threading.Event() for _ in places]
        holds = [Hold(place, gate, of_file=True) for place, gate in zip(places, gates, strict=True)]
        self.proxy.forget().on(self.weights, *holds)
        return gates

    def noted(self, models: Path) -> int:
        """How many bytes of the weights a store knows to have, whoever may be killed now."""
        name = f"{self.weights.replace(':', '-')}-partial-*"
        journals = (models / "blobs").glob(name)
        return sum(json.loads(path.read_bytes())["Completed"] for path in journals)


@contextmanager
def guide_registry(root: Path) -> Iterator[GuideRegistry]:
    """Start it, and push the model."""
    with running_registry(root) as registry, FaultProxy(registry.host) as proxy:
        client, manifest = PlainClient(registry.host), json.loads(_MANIFEST.read_bytes())
        for layer in (manifest["config"], *manifest["layers"]):
            data = (BUILTIN_MODELS / "blobs" / layer["digest"].replace(":", "-")).read_bytes()
            if layer["mediaType"].endswith(".model"):
                data = data[:-1] + bytes([data[-1] ^ 1])
                layer["digest"] = weights = digest_of(data)
            client.push_blob("library/guide", data)
        client.put_manifest("library/guide", "latest", json.dumps(manifest).encode())
        yield GuideRegistry(proxy, weights)
