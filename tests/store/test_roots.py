"""Stores of a site and a group, and blobs with the names of 2023 (models, 2.1)."""

import os

import pytest
import store_children as work
from store_invariants import blobs, faults, state, tree

from ollama_nb.names import Name
from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.store import Store

CONFIG = b"{}\n"


def names(store):
    return sorted(str(model.name) for model in store.models())


def test_a_service_sees_the_users_the_sites_and_the_built_in_models(disk, other, tmp_path):
    disk.model("mine:1")
    other.model("site:1")
    environment = {
        "OLLAMA_MODELS": str(disk.root),
        "OLLAMA_NB_SITE_MODELS": f"{tmp_path / 'absent'}{os.pathsep}{other.root}",
    }
    service = Service(Settings.from_environment(environment))
    try:
        found = names(service.store)
    finally:
        service.close()
    assert found == ["guide:latest", "guide:think", "mine:1", "site:1"]
    assert not (tmp_path / "absent").exists()


def test_what_is_beneath_is_hidden_by_case_insensitive_name_and_comes_back(disk, other):
    other.model("Both:1", other.layer("system", b"site"))
    store = Store([disk.root, other.root])
    store.copy(Name.parse("both:1"), Name.parse("spare"))
    store.copy(Name.parse("spare"), Name.parse("BOTH:1"))
    assert names(store) == ["Both:1", "spare:latest"]
    assert list(state(disk.root)) == ["Both:1", "spare:latest"]  # spelled as beneath
    store.delete(Name.parse("both:1"))
    assert names(store) == ["Both:1", "spare:latest"]


def test_nothing_beneath_is_ever_changed(disk, other):
    other.model("site:1", other.layer("system", b"site"))
    before = tree(other.root)
    times = {path: path.stat().st_mtime_ns for path in other.root.rglob("*")}
    store = Store([disk.root, other.root])
    store.copy(Name.parse("site:1"), Name.parse("mine"))
    store.delete(Name.parse("mine"))
    store.prune(partials=True)
    list(store.verify())
    assert tree(other.root) == before
    assert times.keys() == set(other.root.rglob("*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
def test_members_of_a_group_change_one_store(children, scratch):
    root = scratch / "models"
    root.mkdir()
    os.chown(root, 0, 12345)
    root.chmod(0o2775)
    group = {"group": True}
    first, second = (Member(number) for number in (20001, 20002))
    assert children.run(work.pull, [root], "m", (CONFIG, b"one"), group, before=first) == 0
    assert children.run(work.copy, [root], "m", "n", group, before=second) is None
    assert children.run(work.pull, [root], "m", (CONFIG, b"two"), group, before=second) == 0
    assert children.run(work.delete, [root], "n", before=first) == len(b"one")
    assert {path.stat().st_gid for path in root.rglob("*")} == {12345}
    assert faults(root) == []


class Member:
    """A user of that group, who lets nobody else read what is made."""

    def __init__(self, number):
        self.number = number

    def __call__(self):
        os.umask(0o077)
        os.setgroups([12345])
        os.setgid(self.number)
        os.setuid(self.number)


def old_names(disk):
    for path in blobs(disk.root):
        path.rename(path.with_name(path.name.replace("-", ":")))


def test_a_linked_blob_is_young(disk, other):
    """So that a real Ollama does not prune it before a manifest names it."""
    other.model("site:1", other.layer("system", b"site"))
    path = next(path for path in blobs(other.root) if path.read_bytes() == b"site")
    os.utime(path, (1, 1))
    brought = Store([disk.root, other.root]).bring(path.name)
    assert brought.parent == disk.root / "blobs"
    assert brought.stat().st_mtime > 1


def test_blobs_of_2023_are_read_where_they_are(disk):
    disk.model("m:latest", disk.layer("system", b"hi"), model_family="llama")
    old_names(disk)
    before = tree(disk.root)
    store = Store([disk.root])
    assert store.find("m").system == "hi"
    assert store.find("m").config.model_family == "llama"
    assert [one.damage for one in store.verify() if one.damage] == []
    assert tree(disk.root) == before


@pytest.mark.parametrize("change", ["bring", "copy", "delete", "prune"])
def test_blobs_of_2023_are_renamed_with_the_first_change(disk, change):
    digest = disk.layer("system", b"hi")
    disk.model("m:latest", digest)
    disk.model("other:latest")
    old_names(disk)
    strange = disk.root / "blobs" / "sha256:short"
    strange.touch()
    store = Store([disk.root])
    if change == "bring":
        assert store.bring(digest["digest"], 2) is not None
    elif change == "copy":
        store.copy(Name.parse("m"), Name.parse("n"))
    elif change == "delete":
        assert store.delete(Name.parse("m")) == len(b"hi")
    else:
        assert store.prune() == 0
    assert faults(disk.root) == []
    assert {path.name[6] for path in blobs(disk.root)} == {"-"}
    assert strange.exists()


def test_blobs_of_2023_beneath_are_taken_over(disk, other):
    other.model("m:latest", other.layer("system", b"hi"))
    old_names(other)
    store = Store([disk.root, other.root])
    store.copy(Name.parse("m"), Name.parse("n"))
    assert faults(disk.root) == []
    assert store.find("n").system == "hi"
