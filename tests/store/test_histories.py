"""Several processes change one store at random, some are killed; what was acknowledged is there."""

import json
import random
import time

import pytest
import store_children as work
from store_invariants import bytes_of_blobs, faults, leftovers, state

from ollama_nb.errors import ModelNotFound, StoreError
from ollama_nb.names import Name
from ollama_nb.store import Store, collecting

SECONDS, LONGEST = 3.5, 20
ENOUGH = 60
"""Lines of all journals: a busy machine gets more time for them."""
NAMES = ("a", "b", "c")
CONTENTS = tuple(f"layer {number}".encode() * 50 for number in range(6))
CONFIG = b"{}\n"


def work_at_random(roots, seed, journal, enough):
    """Make changes, noting each before and after it is made."""
    collecting.GRACE_SECONDS = 0  # nothing but pins saves what is not yet named
    draw = random.Random(seed)
    store = Store(roots)
    with journal.open("a") as file:

        def note(*words):
            print(json.dumps([time.monotonic(), *words]), file=file, flush=True)

        number = 0
        while not enough.exists():
            number += 1
            name, kind = draw.choice(NAMES), draw.choice("ppppccddxl")
            if kind == "p":
                contents = (CONFIG, *draw.sample(CONTENTS, draw.randint(1, 3)))
                note(number, name, work.document(contents).decode())
                work.pull(roots, name, contents, pause=draw.choice((0, 0.01, 0.05)))
                note(number, name)
            elif kind in "cd":
                _copy_or_delete(store, kind, draw, (number, name), note)
            elif kind == "x":
                store.prune(partials=True)
            else:
                for model in store.models():
                    assert model.capabilities is not None


def _copy_or_delete(store, kind, draw, what, note):
    number, name = what
    try:
        if kind == "d":
            note(number, name, "")
            store.delete(Name.parse(name))
        else:
            note(number, name, "any")
            source = Name.parse(draw.choice([one for one in NAMES if one != name]))
            store.copy(source, Name.parse(name))
    except ModelNotFound:
        note(number, name, "nothing was done")
    except StoreError as error:
        if "missing" not in str(error):
            raise
        note(number, name, "nothing was done")  # the source went while it was copied
    else:
        note(number, name)


class Change:
    """One change of one name: when it began and ended, and what it made of the name."""

    def __init__(self, begun, effect):
        self.begun, self.effect = begun, effect
        self.ended = float("inf")
        self.acknowledged = False


def read_journal(path, died):
    """The changes of one process. One that was cut off may have had its effect, or not."""
    changes = {}
    for line in path.read_text().splitlines():
        at, number, name, *rest = json.loads(line)
        if number not in changes:
            changes[number] = name, Change(at, rest[0])
        elif rest:
            del changes[number]
        else:
            changes[number][1].ended, changes[number][1].acknowledged = at, True
    for _, change in changes.values():
        change.ended = min(change.ended, died)
    return list(changes.values())


def possible(changes):
    """What a name may be now: the effects that no acknowledged change came after for certain."""
    last = [
        one
        for one in changes
        if not any(other.acknowledged and other.begun > one.ended for other in changes)
    ]
    effects = {one.effect for one in last}
    return effects | ({""} if not any(one.acknowledged for one in last) else set())


@pytest.mark.parametrize("processes", [2, 5])
def test_processes_side_by_side(children, scratch, processes):
    root = scratch / "models"
    draw = random.Random(processes)
    running, journals, ended = {}, [], {}
    enough, begun = scratch / "enough", time.monotonic()

    def start():
        journal = scratch / f"journal{len(journals)}"
        journal.touch()
        journals.append(journal)
        seed = processes * 1000 + len(journals)
        running[journal] = children.start(work_at_random, [root], seed, journal, enough)

    for _ in range(processes):
        start()
    codes = []
    while _goes_on(begun, journals):
        time.sleep(draw.uniform(0.05, 0.4))
        victim = draw.choice(list(running))
        running[victim].kill()
        running[victim].join()
        ended[victim] = time.monotonic()
        codes.append(running.pop(victim).exitcode)
        start()
    enough.touch()
    for journal, process in running.items():
        process.join(180)
        ended[journal] = time.monotonic()
        codes.append(process.exitcode)
    assert set(codes) <= {0, work.KILLED}
    _check(root, journals, ended)
    _check_empty_in_the_end(children, root)


def _goes_on(begun, journals):
    seconds = time.monotonic() - begun
    lines = sum(path.read_bytes().count(b"\n") for path in journals)
    return seconds < SECONDS or (lines < ENOUGH and seconds < LONGEST)


def _check(root, journals, ended):
    assert faults(root) == []
    by_name = {}
    for journal in journals:
        for name, change in read_journal(journal, ended[journal]):
            by_name.setdefault(name, []).append(change)
    found = state(root)
    for name in NAMES:
        now = found.get(f"{name}:latest", b"").decode()
        allowed = possible(by_name.get(name, []))
        assert now in allowed or (now and "any" in allowed), name


def _check_empty_in_the_end(children, root):
    work.pull([root], "last", (CONFIG,))
    for model in Store([root]).models():
        assert isinstance(children.run(work.delete, [root], str(model.name)), int)
    assert isinstance(children.run(_prune_at_once, [root]), int)
    assert (bytes_of_blobs(root), leftovers(root), state(root)) == (0, [], {})


def _prune_at_once(roots):
    collecting.GRACE_SECONDS = -1
    return Store(roots).prune(partials=True)
