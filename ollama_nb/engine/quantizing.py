"""Quantize in a child process: it can be stopped, and a native fault costs nothing but the work."""

import threading
from collections.abc import Callable
from pathlib import Path

from ollama_nb.gguf import Header

from .child import do_task, run_task
from .threads import usable_cores

_CHILD = """
from ollama_nb.engine.quantizing import main
main(*sys.argv[1:])
"""


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

    def begins(name: str) -> None:
        nonlocal done, current
        done += sizes.get(current, 0)
        current = name
        progress(done)

    run_task(_CHILD, str(header.path), str(target), format, told=begins, stop=stop)
    progress(sum(sizes.values()))


def main(source: str, target: str, format: str) -> None:
    """In the child: say each tensor's name when it begins, and what goes wrong."""
    from .native.quantizer import quantize_file

    do_task(
        lambda tell: quantize_file(
            Path(source), Path(target), format, threads=usable_cores(), begins=tell
        )
    )
