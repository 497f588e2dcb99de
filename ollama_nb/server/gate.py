"""The door of the standalone server: Ollama's Host check and CORS instead of jupyter-server's.

There is no cookie here, so nothing a browser sends by itself identifies anybody; what keeps foreign
pages out is their Origin, and what keeps foreign names out is the Host check.
"""

import functools
import socket
from collections.abc import Mapping
from types import MappingProxyType

from jupyter_server.auth.decorator import allow_unauthenticated

from ollama_nb.errors import HeadersTooLarge

from .handlers import ContractHandler, PublicHandler
from .listener import HEADER_LIMIT
from .origins import (
    Verdict,
    cors_headers,
    host_allowed,
    is_loopback,
    judge,
    preflight_headers,
)


class StandaloneHandler(ContractHandler):
    """Answers what needs a token where one is set, and anybody where none is."""

    demands_json = False
    _page_headers: Mapping[str, str] = MappingProxyType({})

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse foreign pages and foreign names with an empty 403, answer preflights, go on."""
        origin, host = self.request.headers.get("Origin", ""), self.request.headers.get("Host", "")
        allowed = self.bridge.settings.origins
        verdict = judge(origin, host, allowed)
        if verdict is Verdict.REFUSED or not self._host_allowed(host):
            self._send_empty(403)
        elif verdict is Verdict.ALLOWED and self.request.method == "OPTIONS":
            self._set_headers(preflight_headers(origin, allowed))
            self._send_empty(204)
        else:
            if verdict is Verdict.ALLOWED:
                self._page_headers = cors_headers(origin, allowed)
            self._set_headers(self._page_headers)
            if self._size_of_headers() > HEADER_LIMIT:
                self.refuse(HeadersTooLarge(HEADER_LIMIT))
            else:
                await super().prepare()

    @allow_unauthenticated
    async def options(self, *args: str) -> None:  # type: ignore[override]
        """Answer as the table says: a preflight does not come this far."""
        await self._answer()

    def set_default_headers(self) -> None:
        """Let an allowed page read errors, too: Tornado drops all headers before it writes one."""
        super().set_default_headers()
        self._set_headers(self._page_headers)

    def set_cors_headers(self) -> None:
        """Leave jupyter-server's CORS headers out."""

    def check_origin(self, origin_to_satisfy_tornado: str = "") -> bool:
        """Pass: ``prepare`` has judged it."""
        return True

    def check_host(self) -> bool:
        """Pass: ``prepare`` has judged it."""
        return True

    def _user_name(self) -> str:
        """Return nothing: callers are not told apart here, and have no limit each."""
        return ""

    def _size_of_headers(self) -> int:
        """As they came, more or less."""
        fields = self.request.headers.get_all()
        return len(str(self.request.uri)) + sum(len(name) + len(value) for name, value in fields)

    def _host_allowed(self, host: str) -> bool:
        """Check the name only while listening on loopback: elsewhere it is anybody's guess."""
        if not is_loopback(self.serverapp.ip):
            return True
        return host_allowed(host, socket.gethostname(), _addresses)

    def _set_headers(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            self.set_header(name, value)

    def _send_empty(self, status: int) -> None:
        self.set_status(status)
        self.clear_header("Content-Type")
        self.finish()


class StandalonePublicHandler(StandaloneHandler, PublicHandler):
    """Answers the routes that need no token even where one is set."""


@functools.cache
def _addresses() -> tuple[str, ...]:
    """The machine's own addresses, as far as its name tells."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return ()
    return tuple({str(entry[4][0]) for entry in found})
