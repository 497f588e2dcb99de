"""Bit flips and losses are found and named, nothing is deleted, and a pull repairs them."""

import hashlib
import os
import threading

import pytest
import store_children as work
from store_invariants import blobs, faults, leftovers, tree

from ollama_nb.errors import Cancelled
from ollama_nb.names import Name
from ollama_nb.store import Store, blob_path, verifying

CONFIG = b"{}\n"
CONTENTS = (CONFIG, b"first layer", b"second layer" * 500_000)


@pytest.fixture
def store(scratch):
    root = scratch / "models"
    work.pull([root], "a", CONTENTS)
    work.pull([root], "b", CONTENTS[:2])
    return Store([root])


def path_of(root, content):
    (path,) = (path for path in blobs(root) if path.read_bytes() == content)
    return path


def flip(path, at):
    """Change one bit where it lies, as a disk does: neither size nor times tell."""
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes((byte ^ 1,)))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def damages(store):
    return [one.damage for one in store.verify() if one.damage]


def test_a_sound_store_has_no_damage_and_is_read_whole(store):
    seen = list(store.verify())
    total = sum(map(len, CONTENTS))
    assert {one.total for one in seen} == {total}
    assert [one.completed for one in seen] == sorted(one.completed for one in seen)
    assert seen[-1].completed == total
    assert len(seen) >= 2 * len(CONTENTS)
    assert not any(one.damage for one in seen)
    assert damages(Store([store.disk.root, store.disk.root])) == []


@pytest.mark.parametrize("at", [0, 5, 10])
def test_one_bit_is_found_and_all_models_that_need_it_are_named(store, at):
    path = path_of(store.disk.root, CONTENTS[1])
    flip(path, at)
    before = tree(store.disk.root, without=[store.disk.own])
    (damage,) = damages(store)
    assert damage.digest == path.name.replace("-", ":")
    assert damage.models == ("a:latest", "b:latest")
    assert damage.fault.startswith("has other content, sha256:")
    assert tree(store.disk.root, without=[store.disk.own]) == before


def test_what_is_missing_or_cut_off_or_in_the_way_is_told_apart(store):
    root = store.disk.root
    path_of(root, CONFIG).unlink()
    large = path_of(root, CONTENTS[2])
    path_of(root, CONTENTS[1]).write_bytes(b"")
    large.unlink()
    large.mkdir()
    found = {damage.fault: damage.models for damage in damages(store)}
    assert found == {
        "is missing": ("a:latest",),
        "is 0 bytes long instead of 11": ("a:latest", "b:latest"),
    }
    assert len(damages(store)) == 3


def test_manifests_that_are_none_and_digests_that_are_none_are_named(disk):
    disk.manifest("h/n/broken/t", b"{")
    disk.manifest("h/n/odd/t", layers=[{"digest": "sha256:../../x", "size": 1}])
    broken, odd = damages(Store([disk.root]))
    assert (broken.digest, broken.models) == ("", ("h/n/broken:t",))
    assert "cannot be read" in broken.fault
    assert (odd.digest, odd.fault, odd.models) == (
        "sha256:../../x", "is no digest", ("h/n/odd:t",),
    )  # fmt: skip


def test_a_pull_replaces_what_is_known_to_be_damaged_and_nothing_else(store):
    root = store.disk.root
    bad, good = path_of(root, CONTENTS[1]), path_of(root, CONTENTS[2])
    inodes = bad.stat().st_ino, good.stat().st_ino
    flip(bad, 3)
    digest = bad.name.replace("-", ":")
    assert store.bring(digest) == bad  # nobody knows it yet
    assert len(damages(store)) == 1
    assert Store([root]).bring(digest) is None
    assert store.find("b").manifest.size  # the model is still there
    work.pull([root], "a", CONTENTS)
    assert faults(root) == leftovers(root) == []
    assert bad.stat().st_ino != inodes[0]
    assert good.stat().st_ino == inodes[1]
    assert store.bring(digest) == bad
    assert damages(store) == []
    assert store.prune() == 0
    assert list((store.disk.own / "damaged").iterdir()) == []


def test_a_new_blob_is_sound_whatever_its_inode_was_before(store):
    """Systems give the numbers of removed files out again."""
    content = b"an eighth of a day"
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with store.new_blob() as blob:
        blob.write(content)
        (draft,) = (store.disk.own / "drafts").iterdir()
        blob_of_before = blob_path(store.disk.root, digest)
        mark_as_damaged(store, blob_of_before.name, draft.stat().st_ino)
        blob.keep()
    assert store.bring(digest) == blob_of_before


def mark_as_damaged(store, name, inode):
    folder = store.disk.own / "damaged"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.{inode}").touch()


def test_what_turned_out_to_be_sound_is_no_longer_held_for_damaged(store):
    path = path_of(store.disk.root, CONTENTS[1])
    for expected in (1, 0):
        flip(path, 3)
        assert len(damages(store)) == expected
    assert store.bring(path.name) == path


def test_stores_beneath_are_verified_too_and_their_damage_is_not_taken_over(scratch, store):
    site = scratch / "site"
    work.pull([site], "s", (CONFIG, b"of the site"))
    flip(path_of(site, b"of the site"), 3)
    both = Store([store.disk.root, site])
    before = tree(site)
    (damage,) = damages(both)
    assert damage.models == ("s:latest",)
    assert both.bring(damage.digest) is None
    assert tree(site) == before


def test_it_can_be_cancelled_between_two_pieces(store, monkeypatch):
    monkeypatch.setattr(verifying, "_CHUNK", 1 << 16)
    cancelled = threading.Event()
    steps = store.verify(cancelled)
    for _ in range(10):
        assert next(steps).completed < sum(map(len, CONTENTS))
    cancelled.set()
    with pytest.raises(Cancelled):
        list(steps)
    assert damages(store) == []


def test_what_was_replaced_meanwhile_is_not_marked(store):
    path = path_of(store.disk.root, CONTENTS[2])
    flip(path, 10)
    steps = store.verify()
    for step in steps:
        if step.completed >= len(CONTENTS[2]):  # its last piece has been read
            break
    new = path.with_name("new")
    new.write_bytes(CONTENTS[2])
    new.rename(path)
    list(steps)
    assert store.has(f"sha256:{path.name[7:]}")


def test_models_may_come_and_go_meanwhile(store):
    steps = store.verify()
    next(steps)
    store.delete(Name.parse("a"))
    found = [one.damage for one in steps if one.damage]
    assert {damage.fault for damage in found} <= {
        "is missing",
        "cannot be read: No such file or directory",
    }
    assert damages(store) == []
