"""SIGKILL, a full disk and a broken disk at every step of every change (faults, 4.2 and 4.3)."""

import os
import re
import shutil
from pathlib import Path

import pytest
import store_children as work
from store_invariants import blobs, bytes_of_blobs, faults, leftovers, state, tree

import ollama_nb
from ollama_nb.errors import OllamaError

OLD, NEW, SHARED, SITE = b"old weights", b"new weights", b"a licence", b"of the site"
CONFIG = b'{"model_format":"gguf"}\n'
DAY = 86_400
TESTED = {"store", "registry"}
"""Packages with failpoints; tests/registry sees to those of its own."""


class Ground:
    """A store with two models that share a blob, another beneath it, and a neighbour."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "models"
        self.site = folder / "site"
        self.roots = [self.root, self.site]

    def sow(self):
        for name, contents in (("m", (CONFIG, OLD, SHARED)), ("other", (CONFIG, SHARED))):
            work.pull(self.roots, name, contents)
        work.pull([self.site], "site", (CONFIG, SITE))
        shutil.rmtree(self.root / ".ollama_nb")
        (self.folder / "neighbour").write_bytes(b"not ours")
        return self


def nothing(_):
    pass


def unused(ground):
    """Leave what a prune removes: an old blob that no model needs, an old broken download."""
    for name in ("sha256-" + "0" * 64 + "-partial", "sha256-123456"):
        (ground.root / "blobs" / name).write_bytes(b"part")
    work.upload(ground.roots, [b"unused"])
    for path in (ground.root / "blobs").iterdir():
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 8 * DAY))


def old_names(ground):
    for path in blobs(ground.root):
        path.rename(path.with_name(path.name.replace("-", ":")))


def no_links(ground):
    """Make the site's blobs such that they must be copied."""
    for path in blobs(ground.site):
        path.rename(ground.folder / path.name)
        path.symlink_to(ground.folder / path.name)


M = {"m:latest": (CONFIG, OLD, SHARED), "other:latest": (CONFIG, SHARED)}
N = {"m:latest": (CONFIG, NEW, SHARED), "other:latest": (CONFIG, SHARED)}
N_ONLY = (CONFIG, NEW)
OPERATIONS = {
    # what is made ready, the change, the models after it
    "upload": (nothing, (work.upload, ([b"one", b"two"],)), M),
    "pull over": (nothing, (work.pull, ("m", (CONFIG, NEW, SHARED))), N),
    "pull": (nothing, (work.pull, ("new/space", (CONFIG, NEW))), M | {"space:latest": N_ONLY}),
    "copy": (nothing, (work.copy, ("m", "n")), M | {"n:latest": M["m:latest"]}),
    "copy over": (nothing, (work.copy, ("other", "m")), {**M, "m:latest": M["other:latest"]}),
    "link": (nothing, (work.copy, ("site", "own")), M | {"own:latest": (CONFIG, SITE)}),
    "import": (no_links, (work.copy, ("site", "own")), M | {"own:latest": (CONFIG, SITE)}),
    "delete": (nothing, (work.delete, ("m",)), {"other:latest": M["other:latest"]}),
    "prune": (unused, (work.prune, ()), M),
    "old names": (old_names, (work.bring, ("sha256:" + "1" * 64,)), M),
}  # fmt: skip


@pytest.fixture(scope="module")
def sown(memory):
    """One ground for each operation, to be copied for each way to fail."""
    made = {}
    for operation, (prepare, *_) in OPERATIONS.items():
        folder = memory / "sown" / operation
        folder.mkdir(parents=True)
        prepare(Ground(folder).sow())
        made[operation] = folder
    return made


def fresh(sown, operation, folder):
    shutil.copytree(sown[operation], folder, symlinks=True)
    return Ground(folder)


def moments(children, sown, operation, folder):
    """The names of the steps that an operation takes."""
    ground = fresh(sown, operation, folder / "traced")
    trace = folder / "trace"
    function, arguments = OPERATIONS[operation][1]
    children.run(function, ground.roots, *arguments, failpoint=f"*:trace:{trace}")
    return trace.read_text().split()


def documents(models):
    return {name: work.document(contents) for name, contents in models.items()}


@pytest.mark.parametrize("action", ["kill", "enospc", "eio"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_change_that_fails_anywhere_leaves_the_store_whole(
    children, sown, scratch, operation, action
):
    _, (function, arguments), after = OPERATIONS[operation]
    steps = moments(children, sown, operation, scratch)
    assert steps
    for number, step in enumerate(steps, 1):
        ground = fresh(sown, operation, scratch / f"{number}")
        outside = tree(ground.folder, without=[ground.root])
        answer = children.run(function, ground.roots, *arguments, failpoint=f"*:{action}:{number}")
        said = f"{operation} failed at step {number}, {step}: {answer}"
        if action == "kill":
            assert answer == work.KILLED, said
        else:
            assert not str(answer).startswith("OSError"), said
        _check_failed(ground, operation, after, said, done=answer == 0 or answer is None)
        again = in_process(function, ground.roots, *arguments)
        if not (operation == "delete" and again == "ModelNotFound"):
            assert again not in ("StoreError", "DiskFull", work.KILLED), said
        _check_done(ground, after, said)
        assert tree(ground.folder, without=[ground.root]) == outside, said
        shutil.rmtree(ground.folder)


def in_process(function, *arguments):
    try:
        return function(*arguments)
    except OllamaError as error:
        return type(error).__name__


def _check_failed(ground, operation, after, said, *, done):
    """Each model is as it was, or as it shall be; and nothing visible is half."""
    before, later = documents(M), documents(after)
    found = state(ground.root)
    for name in before.keys() | later.keys() | found.keys():
        allowed = (later.get(name),) if done else (before.get(name), later.get(name))
        assert found.get(name) in allowed, said
    if operation != "old names":
        assert faults(ground.root) == [], said


def _check_done(ground, after, said):
    assert state(ground.root) == documents(after), said
    assert faults(ground.root) == [], said
    # The next run sweeps away what dead ones left, and all blobs can be given back (I6, I8).
    for name in after:
        model = "new/space" if name.startswith("space") else name
        assert isinstance(in_process(work.delete, ground.roots, model), int), said
    for path in (ground.root / "blobs").iterdir():
        os.utime(path, (0, 0))
    assert isinstance(in_process(work.prune, ground.roots), int), said
    assert bytes_of_blobs(ground.root) == 0, said
    assert leftovers(ground.root) == [], said


def test_no_step_is_left_out(children, sown, scratch):
    taken = set()
    for number, operation in enumerate(OPERATIONS):
        folder = scratch / f"{number}"
        folder.mkdir()
        taken.update(moments(children, sown, operation, folder))
    package = Path(ollama_nb.__file__).parent
    assert steps_of(package / "store") == taken
    folders = {path.name for path in package.iterdir() if path.is_dir() and steps_of(path)}
    assert folders <= TESTED, "a package with failpoints that no test reaches"


def steps_of(folder):
    texts = (path.read_text() for path in folder.rglob("*.py"))
    return {step for text in texts for step in re.findall(r'\bhit\("([^"]+)"\)', text)}
