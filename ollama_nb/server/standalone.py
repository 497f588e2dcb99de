"""``jupyter ollama serve``: Ollama's API at the root of a port of its own, 11434 as ever.

A jupyter-server stripped of everything that is Jupyter's: no kernels, no files, no login. It needs
no token on loopback, as Ollama needs none; for other machines it does.
"""

import secrets
import signal
import socket
from collections.abc import Sequence
from textwrap import dedent
from typing import Any

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.serverapp import ServerApp
from tornado.httpserver import HTTPServer
from traitlets import Bool, Dict, Integer, Type, Unicode, default

from ollama_nb._version import __version__
from ollama_nb.settings import Settings

from .app import OllamaApp
from .listener import Listener
from .origins import is_loopback

_ANYBODY = User("anybody")


class TokenOrAnybody(IdentityProvider):
    """Who presents the token where one is set; anybody where none is. No cookies, no pages."""

    login_available = False
    logout_available = False

    token = Unicode(
        help="""What callers must present as "Authorization: Bearer TOKEN". Without one anybody is
        served.""",
    ).tag(config=True)

    @default("token")
    def _token_default(self) -> str:
        return ""

    @property
    def auth_enabled(self) -> bool:
        """Whether a token is set."""
        return bool(self.token)

    async def get_user(self, handler: Any) -> User | None:
        """Return the caller, if the caller may call."""
        if not self.token:
            return _ANYBODY
        given = self.get_token(handler) or ""
        known = secrets.compare_digest(given.encode(), self.token.encode())
        handler._token_authenticated = known
        return _ANYBODY if known else None

    def validate_security(self, app: Any, ssl_options: dict[str, Any] | None = None) -> None:
        """Leave it to the server, which refuses to start where this would warn."""


class OllamaServerApp(ServerApp):
    """Serve Ollama's HTTP API, answered by an engine in this process."""

    name = "jupyter-ollama-serve"
    version = __version__
    description = __doc__
    examples = dedent(
        """
        jupyter ollama serve                  # http://127.0.0.1:11434, or OLLAMA_HOST
        jupyter ollama serve --port 8080
        jupyter ollama serve --ip 0.0.0.0 --token s3cret
        """
    )
    serves_ollama_alone = True
    """Tells the extension that every path is its own."""
    default_services = ()  # type: ignore[assignment]
    subcommands: dict[str, Any] = {}  # noqa: RUF012
    classes = [OllamaApp, TokenOrAnybody]  # noqa: RUF012
    aliases = Dict(
        {
            "ip": "OllamaServerApp.ip",
            "port": "OllamaServerApp.port",
            "token": "TokenOrAnybody.token",
            "certfile": "ServerApp.certfile",
            "keyfile": "ServerApp.keyfile",
            "models": "OllamaApp.models",
            "log-level": "Application.log_level",
        }
    )
    flags = Dict(
        {
            "debug": ({"Application": {"log_level": "DEBUG"}}, "Log everything but prompts."),
            "allow-unauthenticated-remote": (
                {"OllamaServerApp": {"allow_unauthenticated_remote": True}},
                "Listen for other machines without a token: whoever reaches the port is served.",
            ),
        }
    )

    allow_unauthenticated_remote = Bool(
        False,
        help="""Listen on an address that other machines reach although no token is set: whoever
        reaches the port is served.""",
    ).tag(config=True)

    ip = Unicode(help="Address to listen on. Default: OLLAMA_HOST, else 127.0.0.1.").tag(
        config=True
    )
    port = Integer(help="Port to listen on. Default: OLLAMA_HOST, else 11434.").tag(config=True)
    identity_provider_class = Type(TokenOrAnybody, klass=IdentityProvider).tag(config=True)

    port_retries = Integer(0).tag(config=True)
    # Without its one extension this server has nothing to serve.
    reraise_server_extension_failures = Bool(True).tag(config=True)
    # Nothing here runs the user's code, so root risks no more than with any other server.
    allow_root = Bool(True).tag(config=True)
    # The gate checks Host and Origin instead, and there is no cookie that XSRF could abuse.
    allow_remote_access = Bool(True).tag(config=True)
    disable_check_xsrf = Bool(True).tag(config=True)

    @default("ip")
    def _ip_default(self) -> str:
        return Settings.from_environment().host

    @default("port")
    def _port_default(self) -> int:
        return Settings.from_environment().port

    @default("cookie_secret")
    def _cookie_secret_default(self) -> bytes:
        return secrets.token_bytes(32)

    def initialize(self, argv: list[str] | None = None, *_: Any, **kwargs: Any) -> None:
        """Set up without the extensions that are installed for notebook servers."""
        super().initialize(argv, **{**kwargs, "find_extensions": False})

    def init_webapp(self) -> None:
        """Refuse what must not be served before anything is built."""
        self._refuse_open_door()
        self._refuse_taken_port()
        super().init_webapp()

    def init_httpserver(self) -> None:
        """Have jupyter-server build its HTTPServer as a Listener."""
        HTTPServer.configure(Listener)
        try:
            super().init_httpserver()
        finally:
            HTTPServer.configure(None)

    def init_signal(self) -> None:
        """Stop at the first Ctrl-C, without a question."""
        signal.signal(signal.SIGINT, self._signal_stop)
        signal.signal(signal.SIGTERM, self._signal_stop)

    def start_app(self) -> None:
        """Say where it listens and how to try it."""
        url = f"{'https' if self.certfile else 'http'}://{_in_url(self.ip)}:{self.port}"
        key = ' -H "Authorization: Bearer TOKEN"' if self.identity_provider.token else ""
        self.log.info(
            "Ollama's API is served at %s; try: curl%s %s/api/generate "
            '-d \'{"model": "guide", "prompt": "What is keep_alive?"}\'',
            url,
            key,
            url,
        )

    def _refuse_open_door(self) -> None:
        if is_loopback(self.ip) or self.identity_provider.auth_enabled:
            return
        if self.allow_unauthenticated_remote:
            self.log.warning("No token is set: whoever reaches port %i is served", self.port)
            return
        self.log.critical(
            "Not started: other machines reach %s and no token is set. Set one with --token, or "
            "say --allow-unauthenticated-remote to serve whoever reaches the port.",
            self.ip or "every address of this machine",
        )
        self.exit(1)

    def _refuse_taken_port(self) -> None:
        family = socket.AF_INET6 if ":" in self.ip else socket.AF_INET
        try:
            socket.create_server((self.ip, self.port), family=family).close()
        except OSError as error:
            reason = str(error.strerror).partition(" (")[0]
            self.log.critical("Not started: %s:%i: %s", self.ip, self.port, reason)
            self.exit(1)


def main(argv: Sequence[str]) -> int:
    """Serve until stopped; return the exit status."""
    try:
        OllamaServerApp.launch_instance(list(argv), jpserver_extensions={"ollama_nb": True})
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else int(bool(stopped.code))
    return 0


def _in_url(address: str) -> str:
    """An address as a client on this machine writes it."""
    if address in ("", "0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address
