"""What must hold of a store whatever happened to it (faults and security, 4.2).

Written from the reference alone: no code of ours takes part.
"""

import hashlib
import json
import re
from pathlib import Path

BLOB = re.compile(r"sha256-([0-9a-f]{64})")


def faults(root):
    """Everything that is wrong with a store directory, as texts (I1, I2)."""
    found = [
        f"I1: {path.name} has other content"
        for path in blobs(root)
        if path.name != f"sha256-{hashlib.sha256(path.read_bytes()).hexdigest()}"
    ]
    for name, path in manifests(root):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            found.append(f"I2: the manifest of {name} is none")
            continue
        for layer in (document.get("config"), *document.get("layers", ())):
            blob = layer and root / "blobs" / layer["digest"].replace(":", "-")
            if blob and not blob.is_file():
                found.append(f"I2: {name} lacks {blob.name}")
            elif blob and blob.stat().st_size != layer["size"]:
                found.append(f"I2: {blob.name} of {name} has another size")
    return found


def leftovers(root):
    """Files of owners that are gone: all there are while nobody works on the store (I6)."""
    own = root / ".ollama_nb"
    kinds = ("drafts", "pins", "locks")
    strange = [path.name for path in entries(root / "blobs") if not BLOB.fullmatch(path.name)]
    return strange + [str(path) for kind in kinds for path in entries(own / kind)]


def blobs(root):
    return [path for path in entries(root / "blobs") if BLOB.fullmatch(path.name)]


def manifests(root):
    """``model:tag`` and path of every model."""
    paths = sorted(path for path in (root / "manifests").glob("*/*/*/*") if path.is_file())
    return [(f"{path.parent.name}:{path.name}", path) for path in paths]


def state(root):
    """Every model with the bytes of its manifest."""
    return {name: path.read_bytes() for name, path in manifests(root)}


def bytes_of_blobs(root):
    return sum(path.stat().st_size for path in blobs(root))


def tree(folder, *, without=()):
    """Everything in a folder with its content, but for some paths (I7)."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(Path(folder).rglob("*"))
        if not any(path.is_relative_to(one) for one in without)
    }


def entries(folder):
    return sorted(folder.iterdir()) if folder.is_dir() else []
