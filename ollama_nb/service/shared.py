"""The one service of this process, for whatever runs in a kernel: magics, the client, widgets.

Created when it is first asked for; everybody in the process shares its engine.
"""

import atexit
import threading

from ollama_nb.settings import Settings

from .service import Service

_lock = threading.Lock()
_service: Service | None = None


def shared_service() -> Service:
    """Return the process's service; the environment decides its settings at its creation."""
    global _service
    with _lock:
        if _service is None:
            _service = Service(Settings.from_environment())
        return _service


@atexit.register
def close_shared_service() -> None:
    """Stop its models. The next ``shared_service`` creates another one."""
    global _service
    with _lock:
        service, _service = _service, None
    if service is not None:
        service.close()
