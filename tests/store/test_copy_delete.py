"""Copying and deleting models (models, 2.7; Ollama API, copy and delete)."""

import json
import os
import threading

import pytest
import store_children as work
from store_invariants import blobs, entries, faults, leftovers, state

from ollama_nb.errors import ModelNotFound, ReadOnlyStore, StoreError
from ollama_nb.names import Name
from ollama_nb.store import Store

CONFIG = b"{}\n"
LIBRARY = "registry.ollama.ai/library"


@pytest.fixture
def store(disk):
    return Store([disk.root])


@pytest.fixture
def both(disk, other):
    """The user's store and a site's beneath it."""
    return Store([disk.root, other.root])


def parse(text):
    return Name.parse(text)


def test_a_copy_is_the_same_model_byte_for_byte(disk, store):
    spaced = json.dumps({"layers": [disk.layer("system", b"hi")], "x": [1]}, indent=2).encode()
    disk.manifest(f"{LIBRARY}/m/latest", spaced)
    store.copy(parse("m"), parse("hf.co/User/Copy:Tag"))
    copied = disk.root / "manifests" / "hf.co" / "User" / "Copy" / "Tag"
    assert copied.read_bytes() == spaced
    assert len(blobs(disk.root)) == 1
    assert store.find("hf.co/user/copy:tag").manifest.digest == store.find("m").manifest.digest


def test_a_copy_makes_its_blobs_young_again(disk, store):
    disk.model("m:latest", disk.layer("system", b"hi"))
    for path in blobs(disk.root):
        os.utime(path, (1, 1))
    store.copy(parse("m"), parse("n"))
    assert all(path.stat().st_mtime > 1 for path in blobs(disk.root))


def test_a_copy_onto_itself_in_any_case_changes_nothing(disk, store):
    file = disk.model("Mixed:Tag", at=5)
    store.copy(parse("mixed:tag"), parse("MIXED:TAG"))
    assert list(state(disk.root)) == ["Mixed:Tag"]
    assert file.stat().st_mtime == 5


def test_a_copy_over_another_model_frees_what_only_that_needed(disk, store):
    disk.model("m:latest", disk.layer("system", b"kept"))
    disk.model("n:latest", disk.layer("system", b"replaced"))
    store.copy(parse("M"), parse("N"))
    names = {path.read_bytes() for path in blobs(disk.root)}
    assert names == {b"{}", b"kept"}
    assert list(state(disk.root)) == ["m:latest", "n:latest"]


def test_what_is_not_there_is_neither_copied_nor_deleted(disk, store):
    disk.model("m:latest")
    before = state(disk.root)
    for change in (
        lambda: store.copy(parse("absent"), parse("n")),
        lambda: store.copy(parse("absent"), parse("absent")),
        lambda: store.delete(parse("absent")),
        lambda: store.delete(parse("m:other")),
    ):
        with pytest.raises(ModelNotFound):
            change()
    assert state(disk.root) == before


@pytest.mark.parametrize("damage", ["gone", "cut off", "a folder"])
def test_a_model_with_a_bad_blob_is_not_copied(disk, store, damage):
    disk.model("m:latest", disk.layer("system", b"a text"))
    (blob,) = (path for path in blobs(disk.root) if path.read_bytes() == b"a text")
    blob.unlink()
    if damage == "cut off":
        blob.write_bytes(b"a")
    elif damage == "a folder":
        blob.mkdir()
    with pytest.raises(StoreError, match=r"missing or damaged; .*ollama pull m:latest"):
        store.copy(parse("m"), parse("n"))
    assert list(state(disk.root)) == ["m:latest"]
    assert leftovers(disk.root) == []


def test_a_model_of_thousands_of_layers_is_copied_and_deleted(disk, store):
    layers = [disk.layer("tensor", b"%d" % number) for number in range(1500)]
    disk.model("m:latest", *layers)
    store.copy(parse("m"), parse("n"))
    assert store.delete(parse("m")) == 0
    assert store.delete(parse("n")) == 2 + sum(layer["size"] for layer in layers)
    assert blobs(disk.root) == []


def test_a_model_of_the_site_is_copied_into_the_users_store(disk, other, both):
    other.model("m:latest", other.layer("system", b"of the site"))
    both.copy(parse("m"), parse("mine"))
    assert Store([disk.root]).find("mine").system == "of the site"
    assert faults(disk.root) == []


def test_a_damaged_blob_of_the_site_is_not_taken_over(disk, other, both):
    other.model("m:latest", other.layer("system", b"of the site"))
    (blob,) = (path for path in blobs(other.root) if path.read_bytes() == b"of the site")
    kept = other.root / "kept"
    kept.write_bytes(b"of the sitE")
    blob.unlink()
    blob.symlink_to(kept)  # what is not ours to link is copied, and checked on the way
    with pytest.raises(StoreError, match="missing or damaged"):
        both.copy(parse("m"), parse("mine"))
    assert b"of the sitE" not in [path.read_bytes() for path in blobs(disk.root)]
    assert leftovers(disk.root) == []


def test_deleting_removes_the_model_its_blobs_and_empty_folders(disk, store):
    disk.model("m:latest", disk.layer("system", b"hello"))
    disk.manifest("hf.co/u/other/t", layers=[])
    assert store.delete(parse("m")) == len(b"hello") + len(b"{}")
    assert blobs(disk.root) == []
    assert [path.name for path in entries(disk.root / "manifests")] == ["hf.co"]
    assert store.delete(parse("hf.co/u/other:t")) == 0
    assert entries(disk.root / "manifests") == []


def test_names_are_deleted_in_any_case(disk, store):
    disk.model("MixedCase:Tag")
    store.delete(parse("mixedcase:TAG"))
    assert state(disk.root) == {}


def test_shared_blobs_stay_until_the_last_model_goes(disk, store):
    for name in ("a:1", "b:1"):
        disk.model(name, disk.layer("license", b"shared"), disk.layer("system", name.encode()))
    assert store.delete(parse("a:1")) == len("a:1")
    assert store.find("b:1").system == "b:1"
    assert store.delete(parse("b:1")) == len("b:1") + len(b"shared") + len(b"{}")


def test_a_blob_that_is_gone_already_is_no_error(disk, store):
    disk.model("m:latest", disk.layer("system", b"hello"))
    for path in blobs(disk.root):
        path.unlink()
    assert store.delete(parse("m")) == 0


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"layers":[{"digest":"sha256:../../x"}]}'])
def test_a_corrupt_model_can_be_deleted(disk, store, data):
    disk.manifest(f"{LIBRARY}/m/latest", data)
    assert store.delete(parse("m")) == 0
    assert state(disk.root) == {}


def test_models_beneath_are_not_deleted(disk, other, both):
    other.model("m:latest", other.layer("system", b"site"))
    with pytest.raises(ReadOnlyStore, match="model 'm:latest' is read-only"):
        both.delete(parse("m"))
    disk.model("m:latest", disk.layer("system", b"mine"))
    both.delete(parse("m"))
    assert both.find("m").system == "site"
    assert not (other.root / ".ollama_nb").exists()


def test_the_guide_is_copied_out_of_the_package_and_the_copy_deleted(disk):
    from ollama_nb.settings import BUILTIN_MODELS

    store = Store([disk.root, BUILTIN_MODELS])
    store.copy(parse("guide"), parse("mine"))
    assert faults(disk.root) == []
    assert store.find("mine").header.architecture == "llama"
    assert store.delete(parse("mine")) == store.find("guide").manifest.size
    assert store.find("guide").header.architecture == "llama"


def test_two_that_delete_models_with_a_common_blob_leave_none(scratch):
    root = scratch / "models"
    for _ in range(20):
        work.pull([root], "a", (CONFIG, b"common"))
        work.pull([root], "b", (CONFIG, b"common"))
        threads = [
            threading.Thread(target=work.delete, args=([root], name), daemon=True)
            for name in ("a", "b")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(180)
        assert blobs(root) == []
