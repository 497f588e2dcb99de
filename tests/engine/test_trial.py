"""A kernel loads only what a child has survived."""

import os
import signal

import msgspec
import pytest

from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.trial import TrialHost
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import LoadFailed


class Counting:
    """A host that counts, and may end the process of what it has loaded."""

    def __init__(self, host, kill=None):
        self.host, self.kill, self.specs = host, kill, []

    def load(self, spec):
        self.specs.append(spec)
        model = self.host.load(spec)
        if self.kill is not None:
            os.kill(model._process.pid, self.kill)
        return model


@pytest.fixture
def spec(make_endless_spec):
    return make_endless_spec("sha256-abc", num_parallel=2)


@pytest.fixture
def make(tmp_path):
    def make(kill=None, trusted=tmp_path / "nothing"):
        local, worker = Counting(LocalHost()), Counting(WorkerHost(), kill)
        host = TrialHost(local, worker, remembered=tmp_path / "trials", trusted=trusted)
        return host, local, worker

    return make


def test_the_first_load_is_tried_and_later_ones_are_not(make, spec, tmp_path):
    host, local, worker = make()
    for _ in range(2):
        host.load(spec).close()
    assert (len(worker.specs), len(local.specs)) == (1, 2)
    assert local.specs[0] == spec
    assert worker.specs[0].window <= 64
    again, _, worker = make()
    again.load(spec).close()
    assert not worker.specs


def test_other_contents_are_another_trial(make, spec, tmp_path):
    host, _, worker = make()
    host.load(spec).close()
    other = tmp_path / "sha256-def"
    other.write_bytes((tmp_path / "sha256-abc").read_bytes())
    host.load(msgspec.structs.replace(spec, path=str(other))).close()
    assert len(worker.specs) == 2


def test_files_of_our_own_need_no_trial(make, spec, tmp_path):
    host, _, worker = make(trusted=tmp_path)
    host.load(spec).close()
    assert not worker.specs


def test_a_file_that_kills_is_refused_and_tried_again_next_time(make, spec):
    host, local, worker = make(kill=signal.SIGSEGV)
    for _ in range(2):
        with pytest.raises(LoadFailed, match=r"sha256-abc: a trial of it failed.*SIGSEGV"):
            host.load(spec)
    assert (len(worker.specs), len(local.specs)) == (2, 0)


def test_a_folder_that_cannot_be_written_costs_only_time(make, spec, tmp_path):
    (tmp_path / "trials").write_text("not a folder")
    host, local, worker = make()
    for _ in range(2):
        host.load(spec).close()
    assert (len(worker.specs), len(local.specs)) == (2, 2)
