"""Programs of exactly the llama.cpp that is installed: found, built or unpacked once."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from .cache import cache_folder

_PACKAGE = "llama-cpp-python"
_OFF = ("OPENSSL", "BUILD_UI", "USE_PREBUILT_UI", "BUILD_TESTS", "BUILD_EXAMPLES", "BUILD_APP")


def find_program(name: str) -> Path:
    """What LLAMA_BENCH (or LLAMA_SERVER) says, else the cached build, made on first use."""
    given = os.environ.get(name.upper().replace("-", "_"))
    if given:
        return Path(given)
    version = importlib.metadata.version(_PACKAGE)
    program = cache_folder() / f"build-{version}" / "bin" / name
    if not program.exists():
        print(f"building {name} of {_PACKAGE} {version}: once, takes minutes …", flush=True)
        _build(source("vendor/llama.cpp"), program.parent.parent, name)
    return program


def source(inside: str) -> Path:
    """A folder of the package's source distribution."""
    version = importlib.metadata.version(_PACKAGE)
    folder = cache_folder() / f"source-{version}"
    name = f"{_PACKAGE.replace('-', '_')}-{version}/{inside}"
    if not (folder / name).is_dir():
        archive = _archive(version)
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        with tarfile.open(archive) as file:
            members = [one for one in file.getmembers() if one.name.startswith(f"{name}/")]
            file.extractall(part, members, filter="data")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).rename(folder / name)
        shutil.rmtree(part)
    return folder / name


def _archive(version: str) -> Path:
    found = list(cache_folder().glob(f"llama_cpp_python-{version}.tar.gz"))
    if found:
        return found[0]
    wanted = f"{_PACKAGE}=={version}"
    options = ["--no-deps", "--no-binary", ":all:", "--dest", str(cache_folder())]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, wanted], check=True)
    return next(cache_folder().glob(f"llama_cpp_python-{version}.tar.gz"))


def _build(source: Path, target: Path, name: str) -> None:
    """Configure and compile; a log stays beside the build. Raises if a tool is missing."""
    if shutil.which("cmake") is None:
        raise RuntimeError(f"{name} needs cmake and a C++ compiler to be built")
    switches = [f"-DLLAMA_{name}=OFF" for name in _OFF]
    configure = ["cmake", "-S", source, "-B", target, "-DCMAKE_BUILD_TYPE=Release", *switches]
    jobs = str(os.cpu_count() or 1)
    compile_it = ["cmake", "--build", target, "--target", name, "--parallel", jobs]
    log = target.with_name(f"{target.name}.log")
    with log.open("a") as file:
        for command in (configure, compile_it):
            done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
            if done.returncode:
                raise RuntimeError(f"{name} could not be built, see {log}")
