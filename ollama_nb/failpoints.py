"""Named moments at which a test can make this process die, or its disk fail.

OLLAMA_NB_FAILPOINT=name:action[:count] arms one of them: from its count-th hit on (the first, if it
is not said) the action happens. The name ``*`` means every moment. Actions: ``kill`` (SIGKILL),
``enospc``, ``eio``, ``pause`` (for a minute); ``trace:file`` writes down the names. Without the
variable a hit costs a look at an empty string.
"""

import errno
import os
import signal
import time
from pathlib import Path

_ERRORS = {"enospc": errno.ENOSPC, "eio": errno.EIO}
_PAUSE_SECONDS = 60.0

_name = _action = _rest = ""
_hits = 0


def arm(text: str) -> None:
    """Ask for what happens, as the variable does; an empty text asks for nothing."""
    global _name, _action, _rest, _hits
    _name, _, rest = text.partition(":")
    _action, _, _rest = rest.partition(":")
    _hits = 0


def hit(name: str) -> None:
    """Pass the moment ``name``. Raises OSError if a test has asked for it."""
    if _name and _name in (name, "*"):
        _act(name)


def _act(name: str) -> None:
    global _hits
    _hits += 1
    if _action == "trace":
        with Path(_rest).open("a") as file:
            file.write(f"{name}\n")
    elif _hits < int(_rest or 1):
        pass
    elif _action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _action == "pause":
        time.sleep(_PAUSE_SECONDS)
    else:
        code = _ERRORS[_action]
        raise OSError(code, os.strerror(code))


arm(os.environ.get("OLLAMA_NB_FAILPOINT", ""))
