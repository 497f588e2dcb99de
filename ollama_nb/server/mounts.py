"""Which paths are ours: below jupyter-server's base URL, or all of them. Pure data.

jupyter-server puts an extension's rules before its own and says nothing when one hides the other.
"""

import re
from typing import Any

from ollama_nb.http import ROUTES

from .gate import StandaloneHandler, StandalonePublicHandler
from .handlers import ContractHandler, PublicHandler

Rule = tuple[str, type[ContractHandler], dict[str, Any]]

MOUNT = "/ollama"
"""The full contract is served below this path."""

# jupyter-server's own, though Ollama has them too.
_TAKEN = ("/api/status", "/api/me")


def mounted_rules() -> list[Rule]:
    """Inside jupyter-server: the /api routes beside its own, and everything below /ollama."""
    beside = [
        _rule(path, "", PublicHandler if public else ContractHandler)
        for path, public in _paths().items()
        if path.startswith("/api/") and path not in _TAKEN
    ]
    below = [
        _rule(MOUNT + path, MOUNT, PublicHandler) for path, public in _paths().items() if public
    ]
    return [*beside, *below, (f"{MOUNT}/.*", ContractHandler, {"mount": MOUNT})]


def standalone_rules() -> list[Rule]:
    """On a port of its own: everything, so that nothing of jupyter-server's shows through."""
    public = [
        _rule(path, "", StandalonePublicHandler) for path, public in _paths().items() if public
    ]
    return [*public, (".*", StandaloneHandler, {"mount": ""})]


def _paths() -> dict[str, bool]:
    """Every path of the table, and whether it is public."""
    return {route.path: route.public for route in ROUTES}


def _rule(path: str, mount: str, handler: type[ContractHandler]) -> Rule:
    return re.sub(":[a-z]+", "[^/]+", path).rstrip("/") + "/?", handler, {"mount": mount}
