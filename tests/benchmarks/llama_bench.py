"""llama-bench of exactly the llama.cpp that is installed: found, or built once, and run."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from .cache import cache_folder

_PACKAGE = "llama-cpp-python"
_OFF = ("OPENSSL", "BUILD_UI", "USE_PREBUILT_UI", "BUILD_TESTS", "BUILD_EXAMPLES", "BUILD_APP")


@dataclass(frozen=True)
class Speeds:
    """Tokens per second of one run."""

    prompt: float
    decode: float


def find_program() -> Path:
    """LLAMA_BENCH if it is set, else the cached build, which is made on first use."""
    given = os.environ.get("LLAMA_BENCH")
    if given:
        return Path(given)
    version = importlib.metadata.version(_PACKAGE)
    program = cache_folder() / f"build-{version}" / "bin" / "llama-bench"
    if not program.exists():
        print(f"building llama-bench of {_PACKAGE} {version}: once, takes minutes …", flush=True)
        _build(_source(version), program.parent.parent)
    return program


def run_program(
    program: Path, model: Path, *, threads: int, num_prompt: int, num_decode: int
) -> Speeds:
    """One warmed-up round of a prompt and of a generation from an empty context."""
    numbers = {"-t": threads, "-p": num_prompt, "-n": num_decode, "-r": 1, "-o": "json"}
    arguments = [str(part) for pair in numbers.items() for part in pair]
    done = subprocess.run(
        [program, "-m", model, *arguments], check=True, capture_output=True, text=True
    )
    tests = json.loads(done.stdout)
    return Speeds(
        prompt=next(test["avg_ts"] for test in tests if test["n_prompt"]),
        decode=next(test["avg_ts"] for test in tests if test["n_gen"]),
    )


def _source(version: str) -> Path:
    """The folder of llama.cpp inside the package's source distribution."""
    folder = cache_folder() / f"source-{version}"
    inside = f"{_PACKAGE.replace('-', '_')}-{version}/vendor/llama.cpp"
    if not (folder / inside).is_dir():
        archive = _archive(version)
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        with tarfile.open(archive) as file:
            members = [one for one in file.getmembers() if one.name.startswith(f"{inside}/")]
            file.extractall(part, members, filter="data")
        part.rename(folder)
    return folder / inside


def _archive(version: str) -> Path:
    found = list(cache_folder().glob(f"llama_cpp_python-{version}.tar.gz"))
    if found:
        return found[0]
    wanted = f"{_PACKAGE}=={version}"
    options = ["--no-deps", "--no-binary", ":all:", "--dest", str(cache_folder())]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, wanted], check=True)
    return next(cache_folder().glob(f"llama_cpp_python-{version}.tar.gz"))


def _build(source: Path, target: Path) -> None:
    """Configure and compile; a log stays beside the build. Raises if a tool is missing."""
    if shutil.which("cmake") is None:
        raise RuntimeError("llama-bench needs cmake and a C++ compiler to be built")
    switches = [f"-DLLAMA_{name}=OFF" for name in _OFF]
    configure = ["cmake", "-S", source, "-B", target, "-DCMAKE_BUILD_TYPE=Release", *switches]
    jobs = str(os.cpu_count() or 1)
    compile_it = ["cmake", "--build", target, "--target", "llama-bench", "--parallel", jobs]
    log = target.with_suffix(".log")
    with log.open("w") as file:
        for command in (configure, compile_it):
            done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
            if done.returncode:
                raise RuntimeError(f"llama-bench could not be built, see {log}")
