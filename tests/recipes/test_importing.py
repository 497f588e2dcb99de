"""Files become blobs, as large as they were when they were opened."""

import threading
from pathlib import Path

import pytest

from ollama_nb.errors import UnusableFiles
from ollama_nb.recipes.importing import Importing
from ollama_nb.recipes.local_files import file_in
from ollama_nb.recipes.model_folder import model_files
from ollama_nb.store import Store, blob_path

CONTENT = b"GGUF" * 600_000
"""More than one piece."""


@pytest.fixture
def store(tmp_path):
    return Store([tmp_path / "models"])


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a.gguf").write_bytes(CONTENT)
    return file_in(tmp_path, "a.gguf")


def imported(store, file, *, meanwhile=lambda: None):
    """The file's content as a blob; ``meanwhile`` is done after the first piece."""
    doing = [meanwhile]

    def report(_):
        while doing:
            doing.pop()()

    with Importing(store, report, threading.Event()) as importing:
        (digest,) = importing.take([file]).values()
        return blob_path(store.disk.root, digest).read_bytes()


def test_a_file_becomes_a_blob(store, file):
    assert imported(store, file) == CONTENT


def test_a_file_that_grows_ends_where_it_did(store, file):
    def grow():
        with file.path.open("ab") as opened:
            opened.write(b"more")

    assert imported(store, file, meanwhile=grow) == CONTENT


def test_a_file_that_becomes_shorter_is_refused(store, file):
    with pytest.raises(UnusableFiles, match=r"a\.gguf became shorter while it was read"):
        imported(store, file, meanwhile=lambda: file.path.write_bytes(b""))


def test_nobody_collects_what_was_there_already_while_it_is_needed(store, file):
    with store.new_blob() as blob:
        blob.write(CONTENT)
        digest = blob.keep()
    with Importing(store, print, threading.Event()) as importing:
        assert importing.take([file]) == {"a.gguf": digest}
        Store([store.disk.root]).collect({digest})  # as who deletes the one model that has it does
        assert store.has(digest)
    store.collect({digest})
    assert not store.has(digest)


def test_what_an_error_leaves_is_what_was_there(store, file, tmp_path):
    (tmp_path / "b.gguf").write_bytes(b"there")
    old = file_in(tmp_path, "b.gguf")
    with Importing(store, print, threading.Event()) as importing:
        kept = importing.take([old])["b.gguf"]
    digests = {}

    def fail():
        with Importing(store, print, threading.Event()) as importing:
            digests.update(importing.take([file, old]))
            raise UnusableFiles("no model can be made of them")

    with pytest.raises(UnusableFiles):
        fail()
    assert not store.has(digests["a.gguf"])
    assert store.has(kept)


def test_a_file_that_is_removed_is_read_all_the_same(store, file):
    assert imported(store, file, meanwhile=file.path.unlink) == CONTENT


@pytest.fixture
def process():
    """Where Linux shows a process: files that say to be regular and empty."""
    folder = Path("/proc/self")
    if not folder.exists():
        pytest.skip("needs Linux")
    return folder.resolve()


def test_what_says_to_be_empty_and_never_ends_is_empty(store, process):
    assert imported(store, file_in(process, "pagemap")) == b""


def test_what_cannot_be_read_is_named(process, monkeypatch):
    file = file_in(process, "mem")
    with pytest.raises(UnusableFiles, match="mem cannot be read"), file.reading() as opened:
        opened.read(1)
    monkeypatch.setattr("ollama_nb.recipes.model_folder._WEIGHTS", ("mem",))
    with pytest.raises(UnusableFiles, match="mem cannot be read"):
        model_files(process)
