"""Quantize in a child process: it can be stopped, and a native fault costs nothing but the work."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ollama_nb.errors import Cancelled, EngineError
from ollama_nb.gguf import Header

from .child import child_command
from .threads import usable_cores

_CHILD = """
from ollama_nb.engine.quantizing import main
main(*sys.argv[1:])
"""
_LOOK_SECONDS = 0.1
_ERROR = "error "


def quantize(
    header: Header,
    target: Path,
    format: str,
    *,
    progress: Callable[[int], None],
    stop: threading.Event,
) -> None:
    """Write the model of ``header`` to ``target`` in ``format``, one of native.quantizer.FORMATS.

    ``progress`` gets the bytes of the source's tensors that are done. Raises EngineError, and
    Cancelled soon after ``stop`` is set; what is at ``target`` then is worth nothing.
    """
    sizes = {tensor.name: tensor.size_bytes for tensor in header.tensors}
    done, current = 0, ""
    with _child(header.path, target, format) as process:
        threading.Thread(target=_watch, args=(process, stop), daemon=True).start()
        assert process.stdout is not None
        for line in process.stdout:
            said = line.rstrip("\n")
            if said.startswith(_ERROR):
                raise EngineError(said.removeprefix(_ERROR))
            done += sizes.get(current, 0)
            current = said
            progress(done)
        code = process.wait()
    if stop.is_set():
        raise Cancelled
    if code:
        raise EngineError(f"the process that quantizes ended with {code}")
    progress(sum(sizes.values()))


@contextlib.contextmanager
def _child(source: Path, target: Path, format: str) -> Iterator["subprocess.Popen[str]"]:
    """Run until done with; it does not outlive its use."""
    with subprocess.Popen(
        child_command(_CHILD, str(source), str(target), format),
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


def main(source: str, target: str, format: str) -> None:
    """In the child: say each tensor's name when it begins, and what goes wrong."""
    from .native.quantizer import quantize_file

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        quantize_file(Path(source), Path(target), format, threads=usable_cores(), begins=say)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it
        named = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
        say(_ERROR + " ".join(named.split()))
    os._exit(0)
