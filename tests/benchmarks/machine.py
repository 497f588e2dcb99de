"""Facts of the machine that figures are worth nothing without."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path

from ollama_nb.engine.threads import thread_counts, usable_cores


def describe() -> list[str]:
    """Lines to print above the table."""
    decode, prompt = thread_counts(0)
    load = os.getloadavg()[0]
    return [
        f"{_processor()}, {usable_cores()} usable cores, load {load:.1f}; "
        f"Python {platform.python_version()}",
        f"llama-cpp-python {importlib.metadata.version('llama-cpp-python')}, "
        f"llama.cpp {_llama_version()}",
        f"our default threads: {decode} for decoding, {prompt} for prompts",
        *([_BUSY] if load > 0.5 else []),
    ]


_BUSY = "the machine is busy: believe medians of many rounds only, and no row with all its cores"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"model name\s*: (.*)", text)
    return match[1] if match else platform.machine()


def _llama_version() -> str:
    """The library's own number, read from the names of its files."""
    import llama_cpp

    names = (path.name for path in (Path(llama_cpp.__file__).parent / "lib").iterdir())
    found = [re.search(r"libllama\.(?:so\.)?(\d+\.\d+\.\d+)", name) for name in names]
    return next((match[1] for match in found if match), "of an unknown version")
