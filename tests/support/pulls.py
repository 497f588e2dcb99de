"""Pulling and pushing in tests: with little patience, noting what is told."""

import threading
from dataclasses import replace
from itertools import groupby
from types import SimpleNamespace

from store_invariants import faults, leftovers

from ollama_nb.names import Name
from ollama_nb.registry import Registry
from ollama_nb.registry.patience import Patience
from ollama_nb.settings import Settings
from ollama_nb.store import Store

QUICK = Patience(
    connect=120, stall=120, answer=120, rate_seconds=120, tries=4, backoff=0.01, most_backoff=0.05,
    retry_after=2, progress=100_000, ramp=0.01, journal=0.05, least_part=100_000,
    most_part=1_000_000,
)  # fmt: skip
"""Parts of 100 kB, and no pauses; but a machine that is busy is not held for a silent registry."""

HASTY = replace(QUICK, stall=0.5, answer=1, rate=1000, rate_seconds=1.2)
"""What takes half a minute in life takes half a second; to be used with ``only_pauses_count``."""


def only_pauses_count(monkeypatch, proxy):
    """Let time pass for the client while this proxy keeps somebody waiting, and only then."""
    clock = SimpleNamespace(monotonic=lambda: proxy.paused)
    for module in ("patience", "sockets"):
        monkeypatch.setattr(f"ollama_nb.registry.{module}.time", clock)


class Told:
    """What a pull told."""

    def __init__(self):
        self.lines = []

    def __call__(self, progress):
        self.lines.append(progress)

    @property
    def statuses(self):
        """Each once, in their order."""
        return [status for status, _ in groupby(line.status for line in self.lines)]

    def completed(self, digest):
        return [line.completed for line in self.lines if line.digest == digest]

    @property
    def monotone(self):
        digests = {line.digest for line in self.lines}
        return all(self.completed(digest) == sorted(self.completed(digest)) for digest in digests)


class Puller:
    """A store below a folder, and the registry's client on it."""

    def __init__(self, root, *lower, patience=QUICK, **settings):
        self.root = root
        self.patience = patience
        self.blobs = root / "blobs"
        self.store = Store([root, *lower])
        settings = {"disk_reserve": 0} | settings
        self.registry = Registry(self.store, Settings(models=root, **settings), patience)

    def pull(self, name, *, insecure=True, stop=None, told=None):
        """Pull and return what was told."""
        told = told or Told()
        self.registry.pull(
            Name.parse(name), insecure=insecure, report=told, stop=stop or threading.Event()
        )
        return told

    def push(self, name, *, insecure=True, stop=None, told=None):
        told = told or Told()
        self.registry.push(
            Name.parse(name), insecure=insecure, report=told, stop=stop or threading.Event()
        )
        return told

    def copy(self, source, destination):
        self.store.copy(Name.parse(source), Name.parse(destination))

    def blob(self, digest):
        return self.blobs / digest.replace(":", "-")

    def partials(self):
        """What is left of broken downloads."""
        return sorted(path.name for path in self.blobs.glob("*-partial*"))

    def check(self, *, broken=False):
        """The invariants; ``broken``: downloads may have been, and their owner killed."""
        assert faults(self.root) == []
        if not broken:
            assert leftovers(self.root) == []
