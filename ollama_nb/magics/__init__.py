"""The IPython front: registers `%ollama` and `%%ollama` in a shell, and takes them back.

Quick and silent: neither the engine nor the store is touched before a magic asks for them.
"""

import sys

from IPython.core.interactiveshell import InteractiveShell

from .ollama_magics import OllamaMagics
from .source import prepare

_MAGIC = "ollama"


def load(shell: InteractiveShell) -> None:
    """Register magics and completion. Does nothing if they are there."""
    if _registered(shell) is not None:
        return
    magics = OllamaMagics(shell)
    shell.register_magics(magics)
    shell.Completer.custom_matchers.append(magics.matcher)
    shell.input_transformers_cleanup.append(prepare)


def unload(shell: InteractiveShell) -> None:
    """Remove what `load` registered and free the models of this process."""
    magics = _registered(shell)
    if magics is not None:
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop(_MAGIC, None)
        shell.magics_manager.registry.pop(type(magics).__name__, None)
        shell.configurables.remove(magics)  # type: ignore[arg-type]
        shell.Completer.custom_matchers.remove(magics.matcher)
        shell.input_transformers_cleanup.remove(prepare)
    shared = sys.modules.get("ollama_nb.service.shared")
    if shared is not None:  # else there is nothing to close
        shared.close_shared_service()


def _registered(shell: InteractiveShell) -> OllamaMagics | None:
    found = shell.magics_manager.registry.get(OllamaMagics.__name__)
    return found if isinstance(found, OllamaMagics) else None
