"""What goes and what stays when blobs are collected and the store is pruned (models, 2.7, 2.8)."""

import os
import time

import pytest
import store_children as work
from store_invariants import blobs, bytes_of_blobs, entries, state

from ollama_nb.errors import StoreError
from ollama_nb.names import Name
from ollama_nb.store import Store

CONFIG = b"{}\n"
HEX = "0123456789abcdef" * 4
HOUR, DAY = 3600, 86_400


@pytest.fixture
def store(disk):
    return Store([disk.root])


def aged(path, seconds):
    at = time.time() - seconds
    os.utime(path, (at, at))
    return path


def path_of(disk, digest):
    return disk.root / "blobs" / digest.replace(":", "-")


def put(disk, name, seconds, data=b"part"):
    path = disk.root / "blobs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return aged(path, seconds)


def test_prune_takes_old_blobs_that_no_model_needs(disk, store):
    disk.model("m:latest", disk.layer("system", b"needed"))
    old, young = (path_of(disk, disk.blob(data)) for data in (b"old", b"young"))
    for path in blobs(disk.root):
        aged(path, HOUR + 60)
    aged(young, HOUR - 60)
    assert store.prune() == len(b"old")
    assert not old.exists()
    assert young.exists()
    assert len(blobs(disk.root)) == 3


def test_prune_reads_digests_in_any_case_and_spelling(disk, store):
    digest = disk.blob(b"needed")
    disk.manifest(
        "h/n/m/t", layers=[{"digest": digest.upper().replace("SHA256:", "sha256-"), "size": 6}]
    )
    aged(path_of(disk, digest), DAY)
    assert store.prune() == 0
    assert path_of(disk, digest).exists()


def test_prune_spares_what_is_pinned_whatever_its_age(disk, store):
    digest = disk.blob(b"in flight")
    aged(path_of(disk, digest), 30 * DAY)
    with Store([disk.root]).pinned([digest]):
        assert store.prune() == 0
        assert store.collect([digest]) == 0
    assert store.prune() == len(b"in flight")


@pytest.mark.parametrize("partials", [False, True])
def test_leftovers_of_downloads_wait_a_week_to_be_resumed(disk, store, partials):
    names = [f"sha256-{HEX}-partial", f"sha256-{HEX}-partial-0", f"sha256-{HEX}-partial-12"]
    for name in names:
        put(disk, name, 8 * DAY)
    put(disk, names[1], 6 * DAY)  # one that moved keeps the others
    assert store.prune(partials=partials) == (12 if partials else 0)
    for name in names:
        put(disk, name, 8 * DAY)
    with Store([disk.root]).locks.held(f"download-{HEX}"):
        assert store.prune(partials=partials) == 0
    assert store.prune(partials=partials) == 12
    assert entries(disk.root / "blobs") == []


def test_a_download_that_moves_is_not_taken_away(disk, store):
    put(disk, f"sha256-{HEX}-partial", 5)
    put(disk, f"sha256-{HEX}-partial-0", DAY)
    assert store.prune(partials=True) == 0


def test_files_that_a_dead_ollama_was_writing_go_and_strange_ones_stay(disk, store):
    put(disk, "sha256-1234567", 2 * HOUR)
    put(disk, "sha256-7654321", 60)
    put(disk, "notes.txt", 99 * DAY)
    put(disk, ".hidden", 99 * DAY)
    (disk.root / "blobs" / f"sha256-{HEX}").mkdir()
    assert store.prune(partials=True) == 4
    assert [path.name for path in entries(disk.root / "blobs")] == [
        ".hidden", "notes.txt", f"sha256-{HEX}", "sha256-7654321",
    ]  # fmt: skip


def test_prune_touches_nothing_while_a_manifest_is_corrupt(disk, store):
    aged(path_of(disk, disk.blob(b"perhaps needed")), DAY)
    aged(disk.manifest("h/n/broken/t", b"{"), DAY)
    with pytest.raises(StoreError, match="manifest cannot be read"):
        store.prune(partials=True)
    assert len(blobs(disk.root)) == 1
    assert store.delete(Name.parse("h/n/broken:t")) == 0
    assert store.prune() == len(b"perhaps needed")


def test_delete_frees_what_it_needs_beside_an_old_corrupt_manifest(disk, store):
    aged(disk.manifest("h/n/broken/t", b"{"), DAY)
    work.pull([disk.root], "m", (CONFIG, b"weights"))
    assert store.delete(Name.parse("m")) == 10


def test_a_manifest_that_may_just_be_being_written_makes_delete_careful(disk, store):
    work.pull([disk.root], "m", (CONFIG, b"weights"))
    disk.manifest("h/n/new/t", b'{"layers":[')
    assert store.delete(Name.parse("m")) == 0
    assert (len(blobs(disk.root)), len(state(disk.root))) == (2, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_models_that_may_not_be_seen_keep_their_blobs(children, scratch):
    root = scratch / "models"
    for name in ("m", "hidden/m"):
        work.pull([root], name, (CONFIG, b"weights"))
    for path in (root, *root.rglob("*")):
        os.chown(path, 65534, 65534)
    hidden = root / "manifests" / "registry.ollama.ai" / "hidden"
    os.chown(hidden, 0, 0)
    hidden.chmod(0o700)
    assert children.run(work.delete, [root], "m", before=work.nobody) == 0
    assert len(blobs(root)) == 2


def test_an_empty_or_absent_store_is_pruned_to_nothing(store, disk):
    assert store.prune(partials=True) == 0
    assert store.prune() == 0
    assert entries(disk.root / "blobs") == []


def test_a_service_prunes_nothing_when_it_starts(disk):
    from ollama_nb.service import Service
    from ollama_nb.settings import Settings

    for seconds in (0, 99 * DAY):
        put(disk, f"sha256-{seconds:064x}", seconds)
    disk.manifest("h/n/broken/t", b"{")
    before = {path: path.stat().st_mtime_ns for path in disk.root.rglob("*")}
    service = Service(Settings(models=disk.root))
    service.list()
    service.close()
    assert before == {path: path.stat().st_mtime_ns for path in disk.root.rglob("*")}
    assert bytes_of_blobs(disk.root) == 8
