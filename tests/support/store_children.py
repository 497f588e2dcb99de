"""Changes to a store made by processes of their own, which may die or find the disk full.

The processes are forked from a clean one that has the package imported already.
"""

import json
import multiprocessing
import os
import sys
import time
from multiprocessing import forkserver

from ollama_nb import failpoints
from ollama_nb.errors import OllamaError
from ollama_nb.names import Name
from ollama_nb.store import Store

KILLED = -9
_PATIENCE = 180


class Children:
    """Runs functions of this module elsewhere."""

    def __init__(self):
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        # The server does not look where this process looks, and would fork without the package.
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
        try:
            forkserver.ensure_running()
        finally:
            os.environ.pop("PYTHONPATH")
            if before is not None:
                os.environ["PYTHONPATH"] = before

    def start(self, function, *arguments):
        process = self._context.Process(target=function, args=arguments, daemon=True)
        process.start()
        return process

    def run(self, function, *arguments, failpoint="", before=None):
        """The function's result, the name of the error it raised, or KILLED."""
        receiver, sender = self._context.Pipe(duplex=False)
        process = self.start(_answer, sender, failpoint, before, function, arguments)
        sender.close()
        try:
            answer = receiver.recv()
        except EOFError:
            answer = None
        process.join(_PATIENCE)
        code = process.exitcode
        receiver.close()
        process.close()
        return KILLED if code == KILLED else answer


def _answer(sender, failpoint, before, function, arguments):
    if before is not None:
        before()
    failpoints.arm(failpoint)
    try:
        answer = function(*arguments)
    except OllamaError as error:
        answer = type(error).__name__
    except OSError as error:  # which no caller should ever see
        answer = f"OSError {error}"
    failpoints.arm("")
    sender.send(answer)


def nobody():
    """Become a user who owns nothing."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def no_large_files():
    """Make the disk full, as far as a user who is not root can."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def private():
    """Let nobody else read what is made."""
    os.umask(0o077)


def public():
    """Let everybody do everything with what is made."""
    os.umask(0)


def document(blobs):
    """A manifest of these contents, the first of which is the config."""
    import hashlib

    config, *layers = (
        {
            "mediaType": f"application/vnd.ollama.image.{kind}",
            "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
            "size": len(data),
        }
        for kind, data in zip(("config", *["system"] * len(blobs)), blobs, strict=False)
    )
    fields = {"schemaVersion": 2, "config": config, "layers": layers}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def pull(roots, name, blobs, options=None, *, pause=0.0):
    """Do to the store what a pull does, with a pause before the manifest."""
    store = Store(roots, **(options or {}))
    data = document(blobs)
    fields = json.loads(data)
    layers = [fields["config"], *fields["layers"]]
    with store.pinned(layer["digest"] for layer in layers):
        for layer, content in zip(layers, blobs, strict=True):
            if store.bring(layer["digest"], layer["size"]) is None:
                with store.new_blob() as blob:
                    blob.write(content)
                    blob.keep(layer["digest"])
        time.sleep(pause)
        return store.save(Name.parse(name), data)


def upload(roots, pieces, expected=""):
    with Store(roots).new_blob() as blob:
        for piece in pieces:
            blob.write(piece)
        return blob.keep(expected)


def copy(roots, source, destination, options=None):
    return Store(roots, **(options or {})).copy(Name.parse(source), Name.parse(destination))


def delete(roots, name):
    return Store(roots).delete(Name.parse(name))


def prune(roots, partials=False):
    return Store(roots).prune(partials=partials)


def bring(roots, digest):
    return bool(Store(roots).bring(digest))


def pin(roots, digests):
    with Store(roots).pinned(digests):
        return True


def listed(roots):
    store = Store(roots)
    return sorted(str(store.find(str(model.name)).name) for model in store.models())


def verified(roots):
    return [one.damage for one in Store(roots).verify() if one.damage]


def hold_pin(roots, digests, ready, done):
    """Keep a pin until the other end is closed."""
    with Store(roots).pinned(digests):
        ready.send(True)
        done.poll(_PATIENCE)
