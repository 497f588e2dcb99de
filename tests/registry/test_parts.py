"""The file of a broken download: nothing but what was hashed becomes the blob."""

import pytest

from ollama_nb.registry import parts
from ollama_nb.registry.parts import Partial, Vanished

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def partial(puller):
    with Partial(puller.store, DIGEST, 3, 3) as partial:
        partial.write(b"abc", 0)
        yield partial


def test_what_was_hashed_becomes_the_blob(partial):
    partial.finish()
    assert partial.target.read_bytes() == b"abc"


def test_a_blob_is_sound_whatever_its_inode_was_before(puller, partial):
    """Systems give the numbers of removed files out again, also that of a damaged blob."""
    damaged = puller.store.disk.own / "damaged"
    damaged.mkdir(parents=True)
    (damaged / f"{partial.target.name}.{partial.path.stat().st_ino}").touch()
    partial.finish()
    assert puller.store.bring(DIGEST) == partial.target


def test_what_is_gone_becomes_nothing(partial):
    partial.path.unlink()
    with pytest.raises(Vanished):
        partial.finish()
    assert not partial.target.exists()


@pytest.mark.parametrize("point", ["after-blob-sync", "before-rename"])
def test_a_strangers_file_becomes_nothing(partial, monkeypatch, point):
    points = [point]

    def replaced(name):
        if name in points:
            points.clear()
            partial.path.unlink()
            partial.path.write_bytes(b"xyz")

    monkeypatch.setattr(parts, "hit", replaced)
    monkeypatch.setattr("ollama_nb.store.disk.hit", replaced)
    with pytest.raises(Vanished):
        partial.finish()
    assert not partial.target.exists()


def test_what_goes_in_the_last_moment_becomes_nothing(partial, monkeypatch):
    monkeypatch.setattr(
        "ollama_nb.store.disk.hit",
        lambda name: partial.path.unlink() if name == "before-rename" else None,
    )
    with pytest.raises(Vanished):
        partial.finish()
    assert not partial.target.exists()
