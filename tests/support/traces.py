"""Who stands on the stack when a request goes by: the rooms of a call trace."""

import traceback
from pathlib import Path

import ollama_nb
from ollama_nb.engine import native
from ollama_nb.engine.runner import Runner
from ollama_nb.service import Asking

PACKAGE = Path(ollama_nb.__file__).parent
ONE_DOOR = ("http", "service")
MOST_HOPS = 6


def rooms():
    """The files of the package on this thread's stack, outermost first; one-door folders once."""
    found = []
    for frame in traceback.extract_stack():
        path = Path(frame.filename)
        if path.is_relative_to(PACKAGE):
            parts = path.relative_to(PACKAGE).parts
            room = parts[0] if parts[0] in ONE_DOOR else "/".join(parts)
            if room not in found:
                found.append(room)
    return found


def watch(monkeypatch):
    """From now on, note the rooms on the stack where a way to the engine changes threads."""
    seen = {}
    for owner, name in ((Asking, "stream"), (Runner, "submit"), (native.Context, "decode")):
        _watch(monkeypatch, owner, name, seen)
    return seen


def _watch(monkeypatch, owner, name, seen):
    original = getattr(owner, name)

    def watched(self, *args, **kwargs):
        seen.setdefault(name, rooms())
        return original(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, watched)


def join(*stacks):
    trace = []
    for stack in stacks:
        trace += [room for room in stack if room not in trace]
    return trace
