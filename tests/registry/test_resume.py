"""Going on where something stopped: we, another process that was killed, or a real Ollama."""

import json
import random
import re
import shutil
import signal
import threading
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from plain_client import digest_of
from pulls import QUICK, Puller, Told
from wire_faults import Cut, Hold, Stall

import ollama_nb
from ollama_nb.errors import Cancelled, RetriesExceeded
from ollama_nb.registry.parts import Partial, Vanished

WEIGHTS = random.Random(2).randbytes(350_000)
WEIGHTS_DIGEST = digest_of(WEIGHTS)
PACKAGE = Path(ollama_nb.__file__).parent


@pytest.fixture
def name(plain, proxy, repository):
    """A model in the registry, by way of the proxy."""
    plain.push_model(f"{repository}:latest", model=WEIGHTS, template=b"{{ .Prompt }}")
    return f"{proxy.host}/{repository}:latest"


def leave_as_ollama(puller, completed, data=WEIGHTS, sizes=(100_000,) * 3 + (50_000,)):
    """What a real Ollama leaves of a download of which so much of each part was there."""
    puller.blobs.mkdir(parents=True)
    partial = puller.blob(f"{WEIGHTS_DIGEST}-partial")
    content, offset = bytearray(len(WEIGHTS)), 0
    for number, (done, size) in enumerate(zip(completed, sizes, strict=True)):
        content[offset : offset + done] = data[offset : offset + done]
        text = f'{{"N":{number},"Offset":{offset},"Size":{size},"Completed":{done}}}\n'
        partial.with_name(f"{partial.name}-{number}").write_text(text)
        offset += size
    partial.write_bytes(content)


def test_what_ollama_left_is_not_downloaded_again(puller, name, proxy):
    leave_as_ollama(puller, (100_000, 60_000, 0, 49_999))
    told = puller.pull(name)
    ranges = sorted(each.header("Range") for each in proxy.seen(WEIGHTS_DIGEST))
    assert ranges == ["bytes=160000-199999", "bytes=200000-299999", "bytes=349999-349999"]
    assert told.completed(WEIGHTS_DIGEST)[0] >= 209_999
    assert puller.blob(WEIGHTS_DIGEST).read_bytes() == WEIGHTS
    puller.check()


def test_what_we_leave_is_what_ollama_would(puller, name, proxy, until):
    proxy.on(
        f"{WEIGHTS_DIGEST}",
        Stall(30_000),
        where=lambda each: "=100" in (each.header("Range") or ""),
    )
    stop, told = threading.Event(), Told()
    worker = threading.Thread(target=_cancelled, args=(puller, name, stop, told))
    worker.start()
    partial = puller.blob(f"{WEIGHTS_DIGEST}-partial")
    journal = partial.with_name(f"{partial.name}-1")
    assert until(lambda: _all_noted(puller) == len(WEIGHTS) - 70_000)
    stop.set()
    worker.join(120)
    assert not worker.is_alive()
    assert partial.stat().st_size == len(WEIGHTS)
    assert [path.name.rpartition("-")[2] for path in sorted(puller.blobs.glob("*-partial-*"))] == [
        "0", "1", "2", "3",
    ]  # fmt: skip
    assert journal.read_bytes() == b'{"N":1,"Offset":100000,"Size":100000,"Completed":30000}\n'
    assert partial.read_bytes()[:130_000] == WEIGHTS[:130_000]
    proxy.forget()
    puller.pull(name)
    assert [each.header("Range") for each in proxy.seen(WEIGHTS_DIGEST)] == ["bytes=130000-199999"]
    puller.check()


def _cancelled(puller, name, stop, told):
    with pytest.raises(Cancelled):
        puller.pull(name, stop=stop, told=told)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.with_name(f"{path.name}-1").write_text(""),
        lambda path: path.with_name(f"{path.name}-1").write_text("[]"),
        lambda path: path.with_name(f"{path.name}-1").write_text(
            '{"N":1,"Offset":100000,"Size":100000,"Completed":100001}'
        ),
        lambda path: path.with_name(f"{path.name}-1").unlink(),
        lambda path: path.with_name(f"{path.name}-1").rename(path.with_name(f"{path.name}-7")),
        lambda path: path.with_name(f"{path.name}-9").write_bytes(
            path.with_name(f"{path.name}-1").read_bytes()
        ),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"short"),
        lambda path: path.write_bytes(bytes(400_000)),
        lambda path: path.with_name(f"{path.name}-x").mkdir(),
        lambda path: path.with_name(f"{path.name}-12").symlink_to("/dev/zero"),
    ],
)
def test_leftovers_that_make_no_sense(puller, name, spoil):
    leave_as_ollama(puller, (100_000, 60_000, 0, 49_999))
    spoil(puller.blob(f"{WEIGHTS_DIGEST}-partial"))
    puller.pull(name)
    assert puller.blob(WEIGHTS_DIGEST).read_bytes() == WEIGHTS


def test_leftovers_with_wrong_bytes_are_fetched_again_in_one_piece(puller, name, proxy):
    leave_as_ollama(puller, (100_000, 60_000, 0, 0), data=bytes(350_000))
    told = puller.pull(name)
    assert proxy.seen(WEIGHTS_DIGEST)[-1].header("Range") == "bytes=0-349999"
    assert told.monotone
    puller.check()


def test_a_file_that_ollama_prunes_is_begun_again(puller, name, proxy):
    gate = threading.Event()
    proxy.on(WEIGHTS_DIGEST, Hold(20_000, gate), times=4)
    told = Told()
    gone = []

    def prune(progress):
        told(progress)
        if progress.completed > 50_000 and not gone:
            for path in puller.blobs.glob("*-partial*"):
                path.unlink()
                gone.append(path)
            gate.set()

    puller.pull(name, told=prune)
    assert gone
    assert told.monotone
    assert puller.blob(WEIGHTS_DIGEST).read_bytes() == WEIGHTS
    puller.check()


def test_what_somebody_else_finishes_is_not_fetched_again(puller, name, proxy, monkeypatch):
    def finished(partial):
        partial.path.rename(partial.target)
        raise Vanished

    monkeypatch.setattr(Partial, "finish", finished)
    puller.pull(name)
    assert proxy.served(WEIGHTS_DIGEST) == len(WEIGHTS)
    puller.check()


def test_connections_that_break_off_cost_only_what_had_not_come(puller, name, proxy):
    proxy.on(WEIGHTS_DIGEST, Cut(30_000), times=12)
    told = puller.pull(name)
    assert told.monotone
    assert proxy.served(WEIGHTS_DIGEST) == len(WEIGHTS)
    puller.check()


def test_a_broken_pull_keeps_what_had_come(puller, name, proxy):
    proxy.on(WEIGHTS_DIGEST, Cut(10_000))
    with pytest.raises(RetriesExceeded, match=r"^max retries exceeded: cannot reach 127.0.0.1:"):
        puller.pull(name)
    proxy.forget()
    puller.pull(name)
    assert proxy.served(WEIGHTS_DIGEST) < len(WEIGHTS)
    puller.check()


def test_a_process_killed_in_the_middle(tmp_path, name, proxy, children, until):
    puller = Puller(tmp_path / "models", patience=PATIENT)
    proxy.on(WEIGHTS_DIGEST, Stall(30_000))
    child = children.start(puller, name)
    assert until(lambda: _all_noted(puller) == 120_000)
    child.signal(signal.SIGKILL)
    assert child.wait()[0] == -signal.SIGKILL
    puller.check(broken=True)
    proxy.forget()
    puller.pull(name)
    assert proxy.served(WEIGHTS_DIGEST) == len(WEIGHTS) - 120_000
    puller.check()


def _all_noted(puller):
    """How many bytes the journals tell of."""
    journals = puller.blobs.glob("*-partial-*")
    return sum(json.loads(path.read_bytes())["Completed"] for path in journals)


PATIENT = replace(QUICK, stall=600, rate_seconds=600)
BEFORE = random.Random(3).randbytes(1000)


@pytest.fixture
def steps(plain, proxy, repository, children, tmp_path):
    """Give a store that has an old version of a model, and do harm to a pull of the new one."""
    old = plain.push_model(f"{repository}:latest", model=BEFORE)
    first = Puller(tmp_path / "first")
    name = f"{proxy.host}/{repository}:latest"
    first.pull(name)
    new = plain.push_model(f"{repository}:latest", model=WEIGHTS, template=b"{{ .Prompt }}")
    numbers = count()

    def harm(failpoint):
        puller = Puller(tmp_path / f"store{next(numbers)}")
        shutil.copytree(first.root, puller.root)
        code, told = children.run(puller, name, failpoint=failpoint)
        puller.check(broken=True)
        stored = puller.store.find(name).manifest.data
        assert stored in (old, new)
        if code == 0:
            assert stored == new
        assert puller.pull(name).statuses[-1] == "success"
        assert puller.store.find(name).manifest.data == new
        puller.store.prune()
        puller.check()
        shutil.rmtree(puller.root)
        return code, told

    return harm


def test_every_step_of_a_pull_may_be_its_last(steps, tmp_path):
    names = traced(steps, tmp_path)
    assert set(names) >= own_points("pull", "download", "fetch", "parts")
    for point, times in Counter(names).items():
        for number in sorted({1, times}):
            code, told = steps(f"{point}:kill:{number}")
            # How often the state is noted, and in how many pieces bytes come, is left to chance.
            assert code == -signal.SIGKILL or (code == 0 and number > 1), point
            assert code == 0 or {"status": "success", "completed": 0} not in told


@pytest.mark.parametrize(("action", "says"), [("enospc", "not enough disk"), ("eio", "cannot be")])
def test_the_disk_may_fail_at_every_step_of_a_pull(steps, tmp_path, action, says):
    names = traced(steps, tmp_path)
    for point in dict.fromkeys(names):
        if point not in NO_WRITES:
            code, told = steps(f"{point}:{action}")
            # What is noted last is not needed any more, and what is not removed does no harm.
            assert code == 1 or point.startswith(("journal", "collect")), point
            assert code == 0 or says in told[-1]["error"], point


NO_WRITES = {
    "manifest-fetched", "download-locked", "part-done", "last-byte", "between-blobs",
    "before-manifest", "blob-placed",
}  # fmt: skip
"""Moments at which nothing is asked of the disk."""


def traced(steps, tmp_path):
    """The names of the moments in a pull."""
    assert steps(f"*:trace:{tmp_path / 'trace'}")[0] == 0
    return (tmp_path / "trace").read_text().split()


def own_points(*modules):
    text = "".join((PACKAGE / "registry" / f"{module}.py").read_text() for module in modules)
    return set(re.findall(r'hit\("([a-z-]+)"\)', text))
