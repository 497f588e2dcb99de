"""The server extension: its settings, its mount points, and the service behind them.

jupyter-server creates it, at start, from ``jupyter_server_config.d/ollama_nb.json``. Loads no
native code: that comes with the first model.
"""

import os
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from tornado.ioloop import PeriodicCallback
from traitlets import Bool, Integer, TraitError, Unicode, validate

from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire.durations import parse_keep_alive_setting

from .bridge import Bridge
from .mounts import MOUNT, Rule, mounted_rules, standalone_rules
from .origins import is_loopback

_TOUCH_EVERY_MS = 30_000

# Traits that stand for OLLAMA_MODELS and so on.
_SETTINGS = (
    "models",
    "keep_alive",
    "context_length",
    "num_parallel",
    "max_loaded_models",
    "max_queue",
    "origins",
)


class OllamaApp(ExtensionApp):
    """Ollama's HTTP API inside jupyter-server. A trait that is not set follows OLLAMA_*."""

    name = "ollama_nb"
    extension_url = f"{MOUNT}/"
    description = "Ollama's HTTP API, with the engine in this server."

    models = Unicode(
        None,
        allow_none=True,
        help="Directory of the models. Default: OLLAMA_MODELS, else ~/.ollama/models.",
    ).tag(config=True)
    keep_alive = Unicode(
        None,
        allow_none=True,
        help="""How long a model stays loaded after its last request: a duration such as "10m" or
        "1h30m", or seconds; negative is for ever. Default: OLLAMA_KEEP_ALIVE, else 5 minutes.""",
    ).tag(config=True)
    context_length = Integer(
        None,
        allow_none=True,
        min=1,
        help="""Context window, in tokens, of requests that do not ask for one. Default:
        OLLAMA_CONTEXT_LENGTH, else 4096.""",
    ).tag(config=True)
    num_parallel = Integer(
        None,
        allow_none=True,
        min=1,
        help="""How many requests one loaded model answers at a time. Default:
        OLLAMA_NUM_PARALLEL, else up to 4 as memory allows.""",
    ).tag(config=True)
    max_loaded_models = Integer(
        None,
        allow_none=True,
        min=1,
        help="How many models may be loaded at a time. Default: OLLAMA_MAX_LOADED_MODELS, else 3.",
    ).tag(config=True)
    max_queue = Integer(
        None,
        allow_none=True,
        min=1,
        help="""How many requests may wait for a model to load; more are refused with 503.
        Default: OLLAMA_MAX_QUEUE, else 512.""",
    ).tag(config=True)
    origins = Unicode(
        None,
        allow_none=True,
        help="""Browser origins that a standalone server answers beside the local ones, separated
        by commas, such as "https://example.org,https://*.example.net". Inside jupyter-server its
        own allow_origin applies instead. Default: OLLAMA_ORIGINS.""",
    ).tag(config=True)
    allow_unauthenticated_remote = Bool(
        False,
        help="""Serve the routes even in a jupyter-server that has neither token nor password and
        listens for other machines: whoever reaches it may then use the engine.""",
    ).tag(config=True)

    @validate("keep_alive")
    def _check_keep_alive(self, proposal: Any) -> str | None:
        text: str | None = proposal["value"]
        if text is not None and parse_keep_alive_setting(text) is None:
            raise TraitError(f"keep_alive: {text!r} is neither a duration nor seconds")
        return text

    def initialize_settings(self) -> None:
        """Open the service; no model is loaded."""
        self.bridge = Bridge(Service(self._read_settings()))

    def initialize_handlers(self) -> None:
        """Mount the routes, unless anybody from anywhere could use them (S1)."""
        server = self._server
        if getattr(server, "serves_ollama_alone", False):
            self._mount(standalone_rules())
        elif self.allow_unauthenticated_remote or not _open_to_all(server):
            self._mount(mounted_rules())
        else:
            self.log.warning(
                "Ollama's routes are not served: this server has neither token nor password and "
                "listens for other machines. OllamaApp.allow_unauthenticated_remote=True serves "
                "them nevertheless."
            )

    def _mount(self, rules: list[Rule]) -> None:
        """Serve these paths; jupyter-server puts its base URL before them."""
        self.handlers.extend(
            (path, handler, {**arguments, "bridge": self.bridge})
            for path, handler, arguments in rules
        )

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Start to report long answers as activity, which no request may do for minutes."""
        self._touching = PeriodicCallback(self._touch, _TOUCH_EVERY_MS)
        self._touching.start()

    async def stop_extension(self) -> None:
        """Stop the engine and free its memory."""
        if hasattr(self, "_touching"):
            self._touching.stop()
        if hasattr(self, "bridge"):
            await self.bridge.close()

    def current_activity(self) -> dict[str, int] | None:
        """Tell a server that would shut itself down when idle what is going on."""
        return {"requests": self.bridge.busy} if self.bridge.busy else None

    def _touch(self) -> None:
        if self.bridge.busy:
            self._server.web_app.settings["api_last_activity"] = utcnow()

    @property
    def _server(self) -> ServerApp:
        assert self.serverapp is not None
        return self.serverapp

    def _read_settings(self) -> Settings:
        """Read OLLAMA_*, with the traits that are set in their place.

        A native fault shall cost a server one request, so models live in processes of their own.
        """
        own = {
            f"OLLAMA_{name.upper()}": str(value)
            for name in _SETTINGS
            if (value := getattr(self, name)) is not None
        }
        return Settings.from_environment({**os.environ, **own}, engine="worker")


def _open_to_all(server: ServerApp) -> bool:
    """Whether other machines reach this server and need nothing to be let in."""
    if server.identity_provider.auth_enabled or server.sock:
        return False
    return not is_loopback(server.ip)
