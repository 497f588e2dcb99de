"""A store written by hand, from the reference alone (models, 2): no code of ours takes part."""

import hashlib
import json
import os

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
