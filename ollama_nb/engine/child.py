"""How a child that runs code of ours is started: this interpreter, importing what we import.

A child of one task tells what it does in lines, and what went wrong in the last one; it can be
stopped at any moment, and a native fault in it costs nothing but its work.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ollama_nb.errors import Cancelled, EngineError, OllamaError

_BEGINNING = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
"""
_LOOK_SECONDS = 0.1
_ERROR = "error "


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


def run_task(
    code: str, *arguments: str, told: Callable[[str], None], stop: threading.Event
) -> None:
    """Run ``code``, which calls ``do_task``, until it is done; ``told`` gets its lines.

    Raises EngineError with the child's words or how it ended, and Cancelled soon after ``stop``
    is set.
    """
    with _child(code, *arguments) as process:
        threading.Thread(target=_watch, args=(process, stop), daemon=True).start()
        assert process.stdout is not None
        for line in process.stdout:
            said = line.rstrip("\n")
            if said.startswith(_ERROR):
                raise EngineError(said.removeprefix(_ERROR))
            told(said)
        status = process.wait()
    if stop.is_set():
        raise Cancelled
    if status:
        raise EngineError(f"the process that does it {_ended(status)}")


@contextlib.contextmanager
def _child(code: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run until done with; it does not outlive its use."""
    with subprocess.Popen(
        child_command(code, *arguments),
        stdin=subprocess.PIPE,  # its end tells the child of ours
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _watch(process: "subprocess.Popen[str]", stop: threading.Event) -> None:
    """End the process when it is to stop."""
    while process.poll() is None:
        if stop.wait(_LOOK_SECONDS):
            process.kill()
            return


def _ended(code: int) -> str:
    names = {one.value: one.name for one in signal.Signals}
    return f"ended with {code}" if code > 0 else f"was ended by {names.get(-code, -code)}"


def do_task(task: Callable[[Callable[[str], None]], None]) -> None:
    """In the child: do it and end. ``task`` gets what tells the parent a line."""

    def tell(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        task(tell)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it
        named = str(error) if isinstance(error, OllamaError) else f"{type(error).__name__}: {error}"
        tell(_ERROR + " ".join(named.split()))
    # Not by way of the interpreter's end: threads may still be inside native code.
    os._exit(0)
