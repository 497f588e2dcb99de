"""A store written by hand, from the reference alone (models, 2): no code of ours takes part."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

IMAGE = "application/vnd.ollama.image."


class Disk:
    """One store directory."""

    def __init__(self, root):
        self.root = root

    def blob(self, data):
        """Write a blob; return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.root / "blobs" / f"sha256-{digest}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return f"sha256:{digest}"

    def layer(self, kind, data):
        """A layer for a manifest, its blob written."""
        return {"mediaType": IMAGE + kind, "digest": self.blob(data), "size": len(data)}

    def config(self, **fields):
        """A config for a manifest, its blob written."""
        data = json.dumps(fields).encode()
        media_type = "application/vnd.docker.container.image.v1+json"
        return {"mediaType": media_type, "digest": self.blob(data), "size": len(data)}

    def manifest(self, path, data=None, *, at=None, **fields):
        """Write a manifest under host/namespace/model/tag: these bytes, or these fields."""
        file = self.root / "manifests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(json.dumps(fields).encode() if data is None else data)
        if at is not None:
            os.utime(file, (at, at))
        return file

    def model(self, name, *layers, at=None, **config):
        """Write a model of the default host and namespace."""
        return self.manifest(
            f"registry.ollama.ai/library/{name.replace(':', '/')}",
            at=at,
            schemaVersion=2,
            config=self.config(**config),
            layers=list(layers),
        )


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path / "models")


@pytest.fixture
def other(tmp_path):
    return Disk(tmp_path / "beneath")


@pytest.fixture(scope="session")
def children():
    from store_children import Children

    return Children()


@pytest.fixture(scope="session")
def memory(tmp_path_factory):
    """A folder where fsync costs nothing, if the system has one. Everybody may enter it."""
    shared = Path("/dev/shm")
    base = shared if os.access(shared, os.W_OK) else tmp_path_factory.getbasetemp()
    folder = Path(tempfile.mkdtemp(dir=base, prefix="ollama_nb_"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def scratch(memory):
    """A folder of this test's own in it."""
    folder = Path(tempfile.mkdtemp(dir=memory))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mounted(tmp_path):
    """Small disks in memory. Skips where none may be mounted."""
    mounts = Mounts(tmp_path)
    yield mounts
    mounts.unmount()


class Mounts:
    """Called with options, it mounts a disk and gives its folder."""

    def __init__(self, folder):
        self._folder = folder
        self._mounted = []

    def __call__(self, options):
        path = self._folder / f"disk{len(self._mounted)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no disk may be mounted here")
        self._mounted.append(path)
        return path

    def remount(self, path, options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)

    def unmount(self):
        for path in self._mounted:
            subprocess.run(["umount", str(path)], check=True)
