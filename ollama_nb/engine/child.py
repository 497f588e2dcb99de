"""How a child that runs code of ours is started: this interpreter, importing what we import."""

import json
import sys
from pathlib import Path

_BEGINNING = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
"""


def child_command(code: str, *arguments: str) -> list[str]:
    """What to execute; ``code`` finds ``arguments`` in ``sys.argv`` from 1 on.

    The current folder comes last on the child's path: no module in it takes the place of the
    standard library's.
    """
    paths = [path for path in sys.path if path]
    return [
        sys.executable, "-P", "-c", _BEGINNING + code,
        json.dumps([*paths, str(Path.cwd())]), *arguments,
    ]  # fmt: skip
