"""A docker-registry that asks for tokens, with its realm on the same host and port."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fault_proxy import FaultProxy
from registry import Registry, running_registry
from token_server import TokenServer


@dataclass(frozen=True)
class Guarded:
    """What clients talk to is the proxy: ``/token`` leads to the token server, all else inside."""

    proxy: FaultProxy
    tokens: TokenServer
    registry: Registry

    @property
    def realm(self) -> str:
        return f"{self.proxy.url}/token"


@contextmanager
def guarded_registry(root: Path, *, storage: Path | None = None) -> Iterator[Guarded]:
    """Tokens for pull and push alike; ``storage`` may be that of an open registry."""
    root.mkdir(parents=True, exist_ok=True)
    with TokenServer() as tokens, FaultProxy(routes={"/token": tokens.host}) as proxy:
        auth = tokens.auth_for(f"{proxy.url}/token", root)
        with running_registry(root, auth, storage=storage) as registry:
            proxy.upstream = registry.host
            yield Guarded(proxy, tokens, registry)
