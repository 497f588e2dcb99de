"""An environment for other servers over the same wheel, made once in the cache folder."""

import importlib.metadata
import subprocess
import sysconfig
import venv
from pathlib import Path

from .cache import cache_folder

_PACKAGE = "llama-cpp-python"
_FOR_EXAMPLE = ("fastapi", "jinja2", "openai", "pydantic", "safetensors", "uvicorn", "websockets")
"""What the example's server wants besides, by its own first lines."""


def peer_python() -> Path:
    """An interpreter that has the package's servers' requirements, and our very llama_cpp.

    Our packages come after its own in the path, so pip finds the package installed, compiles
    nothing, and gets only what its extra adds.
    """
    version = importlib.metadata.version(_PACKAGE)
    folder = cache_folder() / f"peers-{version}-{sysconfig.get_python_version()}"
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        print(f"making an environment for the servers of {_PACKAGE} (once) …", flush=True)
        venv.create(folder, with_pip=True, clear=True)
    _link(folder)
    if not complete.exists():
        wanted = [f"{_PACKAGE}[server]=={version}", *_FOR_EXAMPLE]
        _run([python, "-m", "pip", "install", "--quiet", *wanted])
        complete.touch()
    return python


def _link(folder: Path) -> None:
    """Let it see what is installed here, wherever that is today."""
    own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    ours = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    Path(own, "ours.pth").write_text("\n".join(ours))


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip().rpartition("\n")[2])
