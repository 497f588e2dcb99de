"""Blobs and manifests written: what is there afterwards, with which rights, and what is refused."""

import hashlib
import json
import os
import stat

import pytest
import store_children as work
from store_invariants import entries, faults, leftovers, state, tree

from ollama_nb.errors import (
    DigestMismatch,
    DiskFull,
    InvalidDigest,
    InvalidName,
    ReadOnlyStore,
    StoreError,
)
from ollama_nb.names import Name
from ollama_nb.store import Store

CONFIG = b"{}\n"
NAME = Name.parse("m")


@pytest.fixture
def store(disk):
    return Store([disk.root])


def digest_of(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_nothing_is_written_before_somebody_asks_for_a_change(disk, store):
    assert store.models() == []
    assert list(store.verify()) == []
    assert not disk.root.exists()


def test_a_blob_has_the_name_of_its_content(disk, store):
    with store.new_blob() as blob:
        blob.write(b"one")
        blob.write(memoryview(b"two"))
        assert (blob.digest, blob.size) == (digest_of(b"onetwo"), 6)
        assert entries(disk.root / "blobs") == []
        assert blob.keep(digest_of(b"onetwo").upper().replace("SHA256:", "sha256-")) == blob.digest
    assert faults(disk.root) == leftovers(disk.root) == []
    assert (disk.root / "blobs" / blob.digest.replace(":", "-")).read_bytes() == b"onetwo"


def test_an_empty_blob_that_is_not_empty_is_replaced(disk, store):
    path = disk.root / "blobs" / digest_of(b"").replace(":", "-")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    with store.new_blob() as blob:
        blob.keep(digest_of(b""))
    assert path.read_bytes() == b""


def test_a_blob_that_is_not_kept_leaves_nothing(disk, store):
    with store.new_blob() as blob:
        blob.write(b"x" * 100_000)
    assert leftovers(disk.root) == entries(disk.root / "blobs") == []


def test_what_does_not_match_is_not_kept_under_any_name(disk, store):
    with store.new_blob() as blob:
        blob.write(b"other")
        with pytest.raises(DigestMismatch) as refused:
            blob.keep(digest_of(b"this"))
        with pytest.raises(InvalidDigest):
            blob.keep("sha256:../../x")
    expected, got = digest_of(b"this"), digest_of(b"other")
    assert str(refused.value) == f'digest mismatch, expected "{expected}", got "{got}"'
    assert leftovers(disk.root) == entries(disk.root / "blobs") == []


def test_a_blob_that_is_there_stays_and_is_young_again(disk, store):
    digest = disk.blob(b"content")
    path = disk.root / "blobs" / digest.replace(":", "-")
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    with store.new_blob() as blob:
        blob.write(b"content")
        blob.keep()
    assert path.stat().st_ino == inode
    assert path.stat().st_mtime > 1


def test_a_blob_that_is_cut_off_is_replaced(disk, store):
    digest = disk.blob(b"content")
    path = disk.root / "blobs" / digest.replace(":", "-")
    path.write_bytes(b"")
    assert store.bring(digest, 7) is None
    with store.new_blob() as blob:
        blob.write(b"content")
        blob.keep()
    assert store.bring(digest, 7) == path
    assert faults(disk.root) == []


def test_a_manifest_is_stored_byte_for_byte(disk, store):
    layer = disk.layer("system", b"hi")
    data = json.dumps({"layers": [layer], "later": None}, indent=3).encode() + b" \n\n"
    assert store.save(Name.parse("hf.co/User/Repo:Q4"), data) == 0
    file = disk.root / "manifests" / "hf.co" / "User" / "Repo" / "Q4"
    assert file.read_bytes() == data
    assert leftovers(disk.root) == []


def test_a_name_is_spelled_as_it_is_there(disk, store):
    disk.model("MixedCase:Tag", disk.layer("system", b"old"))
    store.save(Name.parse("mixedcase:TAG"), work.document((b"{}",)).replace(b"sha", b"sha"))
    assert list(state(disk.root)) == ["MixedCase:Tag"]


def test_what_only_the_replaced_model_needed_goes(disk, store):
    for contents in ((CONFIG, b"shared", b"first"), (CONFIG, b"shared", b"second")):
        freed = work.pull([disk.root], "m", contents)
    assert freed == len(b"first")
    assert store.bring(digest_of(b"first")) is None
    assert store.bring(digest_of(b"shared")) is not None


def test_noprune_keeps_what_was_replaced_and_deletes_all_the_same(disk):
    keeping = Store([disk.root], keep_replaced=True)
    work.pull([disk.root], "m", (CONFIG, b"first"))
    options = {"keep_replaced": True}
    assert work.pull([disk.root], "m", (CONFIG, b"second"), options) == 0
    assert keeping.bring(digest_of(b"first")) is not None
    assert keeping.delete(NAME) == len(CONFIG) + len(b"second")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"layers":[{"digest":5}]}'])
def test_what_is_no_manifest_is_not_saved(disk, store, data):
    with pytest.raises(StoreError):
        store.save(NAME, data)
    assert not (disk.root / "manifests").exists()


@pytest.mark.parametrize("part", ["config", "layers"])
@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "", "sha256:../../../etc/passwd"])
def test_a_manifest_whose_blobs_are_not_there_is_not_saved(disk, store, part, digest):
    layer = {"digest": digest, "size": 1, "mediaType": "x"}
    document = {"layers": [layer]} if part == "layers" else {"config": layer, "layers": []}
    if part == "config" and not digest:  # a model without a config is none the worse
        store.save(NAME, json.dumps(document).encode())
        return
    with pytest.raises((StoreError, InvalidDigest)):
        store.save(NAME, json.dumps(document).encode())
    assert not (disk.root / "manifests").exists()


def test_names_that_are_none_change_nothing(disk, store):
    disk.model("m:latest")
    before = tree(disk.root)
    for text in ("../m", "a/../../m", "m:", "m:../x", "host/dotted.ns/m", "%2e%2e/m"):
        name = Name.parse(text)
        for change in (
            lambda name=name: store.save(name, b"{}"),
            lambda name=name: store.delete(name),
            lambda name=name: store.copy(NAME, name),
        ):
            with pytest.raises(InvalidName):
                change()
    assert state(disk.root).keys() == {"m:latest"}
    assert {path: data for path, data in tree(disk.root).items() if path in before} == before


@pytest.mark.parametrize(
    ("before", "options", "folder", "file"),
    [
        ("private", {}, 0o700, 0o600),
        ("public", {}, 0o755, 0o644),
        ("private", {"group": True}, 0o2775, 0o664),
        ("public", {"group": True}, 0o2775, 0o664),
    ],
)
def test_rights_are_ollamas_less_the_umask_or_the_groups(
    children, scratch, before, options, folder, file
):
    root = scratch / "models"
    arguments = ([root], "m", (CONFIG, b"weights"), options)
    children.run(work.pull, *arguments, before=getattr(work, before))
    paths = [root, *root.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {folder}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {file}


@pytest.mark.parametrize("step", ["folder-made", "draft-made", "before-rename"])
def test_a_group_is_not_shut_out_by_who_died(children, scratch, step):
    root = scratch / "models"
    arguments = ([root], "m", (CONFIG, b"weights"), {"group": True})
    for count in range(1, 4):
        point = f"{step}:kill:{count}"
        children.run(work.pull, *arguments, before=work.private, failpoint=point)
    assert children.run(work.pull, *arguments, before=work.private) == 0
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o2775}


MUTATING = {
    "upload": (work.upload, ([b"x"],)),
    "pull": (work.pull, ("new", (CONFIG, b"w"))),
    "pull over": (work.pull, ("m", (CONFIG, b"w"))),
    "copy": (work.copy, ("m", "n")),
    "delete": (work.delete, ("m",)),
    "prune": (work.prune, ()),
    "pin": (work.pin, (["sha256:" + "0" * 64],)),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("change", MUTATING)
def test_a_store_of_somebody_else_is_read_and_not_changed(children, scratch, change):
    root = scratch / "models"
    work.pull([root], "m", (CONFIG, b"weights"))
    before = tree(root)
    function, arguments = MUTATING[change]
    answer = children.run(function, [root], *arguments, before=work.nobody)
    assert answer == ReadOnlyStore.__name__
    assert children.run(work.listed, [root], before=work.nobody) == ["m:latest"]
    assert children.run(work.verified, [root], before=work.nobody) == []
    assert tree(root) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_store_may_not_be_made_where_nobody_may_write(children, scratch):
    answer = children.run(work.upload, [scratch / "models"], [b"x"], before=work.nobody)
    assert answer == ReadOnlyStore.__name__


@pytest.mark.parametrize("change", MUTATING)
def test_a_disk_that_is_mounted_to_be_read(children, mounted, change):
    folder = mounted("size=1m")
    root = folder / "models"
    work.pull([root], "m", (CONFIG, b"weights"))
    mounted.remount(folder, "ro")
    function, arguments = MUTATING[change]
    assert children.run(function, [root], *arguments) == ReadOnlyStore.__name__
    assert children.run(work.listed, [root]) == ["m:latest"]


GROWING = {name: MUTATING[name] for name in ("pull", "pull over", "copy")}
LARGE = [b"x" * 4096] * 100


@pytest.mark.parametrize("change", ["upload", *GROWING])
def test_on_a_full_disk_nothing_is_made_and_models_can_go(children, mounted, change):
    folder = mounted("size=200k,nr_inodes=40")
    root = folder / "models"
    work.pull([root], "m", (CONFIG, b"weights"))
    work.pull([root], "other", (CONFIG, b"others"))
    (root / "blobs" / ("sha256-" + "0" * 64)).write_bytes(b"")
    os.utime(root / "blobs" / ("sha256-" + "0" * 64), (1, 1))
    _fill(folder)
    before = state(root)
    function, arguments = GROWING.get(change, (work.upload, (LARGE,)))
    answer = children.run(function, [root], *arguments)
    assert answer == DiskFull.__name__
    assert state(root) == before
    assert children.run(work.delete, [root], "m") == len(b"weights")
    assert list(state(root)) == ["other:latest"]
    _fill(folder)
    assert children.run(work.prune, [root]) == 0
    assert {path.name for path in entries(root / "blobs")} == {
        digest_of(data).replace(":", "-") for data in (CONFIG, b"others")
    }


def _fill(folder):
    """Leave no room, neither for a byte nor for a name."""
    with (folder / "filler").open("ab", buffering=0) as file, pytest.raises(OSError, match="No sp"):
        file.write(bytes(4096)) and [file.write(bytes(4096)) for _ in range(1000)]
    with pytest.raises(OSError, match="No space"):
        [(folder / f"filler{number}").touch() for number in range(1000)]


def test_a_file_that_may_not_grow_is_a_full_disk(children, scratch):
    root = scratch / "models"
    work.pull([root], "m", (CONFIG, b"weights"))
    assert children.run(work.upload, [root], LARGE, before=work.no_large_files) == "DiskFull"
    assert children.run(work.delete, [root], "m", before=work.no_large_files) == 10
    assert leftovers(root) == []


def test_an_upload_is_written_in_pieces(children, mounted):
    """A disk that becomes full in the middle: nothing stays, and then there is room again."""
    folder = mounted("size=200k")
    assert children.run(work.upload, [folder / "models"], LARGE) == "DiskFull"
    assert leftovers(folder / "models") == []
    assert children.run(work.upload, [folder / "models"], LARGE[:20]) == digest_of(b"x" * 81_920)


@pytest.mark.parametrize(
    "link", ["blobs", "manifests", "manifests/registry.ollama.ai", ".ollama_nb"]
)
def test_no_folder_is_entered_through_a_symbolic_link(children, scratch, link):
    root, outside = scratch / "models", scratch / "outside"
    for name in ("m", "spare"):
        work.pull([root], name, (CONFIG, b"weights of " + name.encode()))
    (root / link).rename(outside) if (root / link).exists() else outside.mkdir()
    (root / link).symlink_to(outside)
    before = tree(outside)
    for function, arguments in (
        (work.pull, ("m", (CONFIG, b"w"))), (work.copy, ("m", "n")),
        (work.upload, ([b"x"],)), (work.delete, ("m",)),
    ):  # fmt: skip
        answer = children.run(function, [root], *arguments)
        if link == "blobs" and function in (work.copy, work.delete):
            continue  # manifests come and go, the blobs stay where they are
        if link.startswith("manifests") and function is work.upload:
            continue
        assert answer == "StoreError", (link, function.__name__)
    assert tree(outside) == before
    assert children.run(work.listed, [root])[-1:] == ["spare:latest"]


def test_a_symbolic_link_in_place_of_a_file_goes_itself(disk, store, tmp_path):
    file = disk.model("m:latest", disk.layer("system", b"hi"))
    blob = disk.root / "blobs" / digest_of(b"hi").replace(":", "-")
    for path in (file, blob):
        mine = tmp_path / f"mine {path.name}"
        path.rename(mine)
        path.symlink_to(mine)
    kept = tree(tmp_path, without=[disk.root])
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    assert store.find("m").system == "hi"
    store.copy(NAME, Name.parse("n"))
    store.delete(NAME)
    store.delete(Name.parse("n"))
    assert entries(disk.root / "blobs") == []
    assert tree(tmp_path, without=[disk.root]) == kept
    assert times == {path: path.stat().st_mtime_ns for path in times}
