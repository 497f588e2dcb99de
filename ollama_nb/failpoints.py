"""Named moments at which a test can make this process die, or its disk fail.

OLLAMA_NB_FAILPOINT=name:action[:count] arms one of them: from its count-th hit on (the first, if it
is not said) the action happens. Actions: ``kill`` (SIGKILL), ``enospc``, ``eio``, ``pause`` (for a
minute). Without the variable a hit costs a look at an empty string.
"""

import errno
import os
import signal
import time

_NAME, _, _REST = os.environ.get("OLLAMA_NB_FAILPOINT", "").partition(":")
_ACTION, _, _COUNT = _REST.partition(":")
_ERRORS = {"enospc": errno.ENOSPC, "eio": errno.EIO}
_PAUSE_SECONDS = 60.0
_left = int(_COUNT or 1)


def hit(name: str) -> None:
    """Pass the moment ``name``. Raises OSError if a test has asked for it."""
    if name == _NAME:
        _act()


def _act() -> None:
    global _left
    _left -= 1
    if _left > 0:
        return
    if _ACTION == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _ACTION == "pause":
        time.sleep(_PAUSE_SECONDS)
    else:
        code = _ERRORS[_ACTION]
        raise OSError(code, os.strerror(code))
