"""Ollama for people who live in notebooks.

Holds the hooks that Jupyter looks for and loads nothing heavy: the engine is imported with the
first model, jupyter-server's parts by jupyter-server alone.
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .client import AsyncClient, Client, async_transport, transport

__all__ = ["AsyncClient", "Client", "__version__", "async_transport", "transport"]


def __getattr__(name: str) -> Any:
    """Import the client side when it is first asked for."""
    if name in __all__:
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name them before they are there, for completion."""
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """``%load_ext ollama_nb``: register the magics and their completion."""
    from .magics import load

    load(shell)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """``%unload_ext ollama_nb``: take them back and free the loaded models."""
    from .magics import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell jupyter-server where the extension is."""
    from .server.app import OllamaApp

    return [{"module": "ollama_nb.server.app", "app": OllamaApp}]
