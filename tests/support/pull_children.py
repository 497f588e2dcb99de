"""Pulls in processes of their own, which may be killed or stopped at any moment.

They are forked from a clean one, this file as a program, that has everything imported already.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import asdict
from itertools import count
from pathlib import Path

_PATIENCE = 180


class Child:
    """A pull, or a push, somewhere else."""

    def __init__(self, children, pid, output):
        self._children = children
        self._output = output
        self.pid = pid

    @property
    def told(self):
        """The lines so far: dictionaries with status, completed, or error."""
        text = self._output.read_text() if self._output.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        """Its exit status, as subprocess gives it, and what it told."""
        return self._children.ask(wait=self.pid), self.told


class Children:
    """Use it in a ``with``."""

    def __init__(self, folder):
        self._folder = folder
        self._numbers = count()

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(_PATIENCE)
        self._process.stdout.close()

    def start(self, puller, name, *, failpoint="", verb="pull", largest=None):
        """Begin. ``largest``: no file may become larger than so many bytes."""
        output = self._folder / str(next(self._numbers))
        patience = asdict(puller.patience)
        job = [verb, str(puller.root), name, patience, failpoint, largest, str(output)]
        return Child(self, self.ask(start=job), output)

    def run(self, puller, name, **keywords):
        return self.start(puller, name, **keywords).wait()

    def ask(self, **question):
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _serve():
    from ollama_nb.registry import pull, push  # noqa: F401 - so that no child has to

    for line in sys.stdin:
        question = json.loads(line)
        answer = _fork(*question["start"]) if "start" in question else _wait(question["wait"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _wait(pid):
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _fork(verb, root, name, patience, failpoint, largest, output):
    pid = os.fork()
    if pid:
        return pid
    code = 2
    try:
        code = _work(verb, root, name, patience, failpoint, largest, output)
    except BaseException:  # noqa: BLE001 - said in the output of the tests
        traceback.print_exc()
    os._exit(code)


def _work(verb, root, name, patience, failpoint, largest, output):
    from pulls import Puller

    from ollama_nb import failpoints
    from ollama_nb.errors import OllamaError
    from ollama_nb.registry.patience import Patience

    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    puller = Puller(Path(root), patience=Patience(**patience))
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:

        def write(**line):
            file.write(json.dumps(line) + "\n")
            file.flush()

        failpoints.arm(failpoint)
        try:
            getattr(puller, verb)(
                name, told=lambda line: write(status=line.status, completed=line.completed)
            )
        except OllamaError as error:
            failpoints.arm("")
            write(error=str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.path[:] = sys.argv[1:]
    _serve()
