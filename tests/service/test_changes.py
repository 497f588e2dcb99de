"""Copy and delete of the service: what is freed, what stays, what leaves the memory when."""

import threading
import time
from dataclasses import replace

import pytest
from held_engine import hold_after
from model_files import endless_weights, write_model

from ollama_nb.errors import InvalidName, ModelNotFound, ReadOnlyStore
from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire import CopyRequest, DeleteRequest, GenerateRequest

_PATIENCE = 180


@pytest.fixture
def store(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def service(store):
    write_model(store, "endless", weights=endless_weights(8192))
    service = Service(replace(Settings.from_environment({}), models=store))
    yield service
    service.close()


def copy(service, source, destination):
    service.copy(CopyRequest(source=source, destination=destination))


def names(service):
    return {model.name for model in service.list().models}


def loaded(service):
    return [model.name for model in service.ps().models]


def wait_until(condition):
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_shared_stays(service, store):
    size = sum(path.stat().st_size for path in (store / "blobs").iterdir())
    copy(service, "endless", "other")
    assert service.delete(DeleteRequest(model="endless")) == 0
    assert "other:latest" in names(service)
    assert service.delete(DeleteRequest(model="OTHER")) == size
    assert list((store / "blobs").iterdir()) == []


def test_builtin_models_are_copied_and_not_deleted(service):
    copy(service, "guide", "mine/guide:v1")
    assert "mine/guide:v1" in names(service)
    assert service.delete(DeleteRequest(model="mine/guide:v1")) > 1_000_000
    with pytest.raises(ReadOnlyStore):
        service.delete(DeleteRequest(model="guide"))


def test_local_is_no_part_of_a_name(service):
    assert service.delete(DeleteRequest(model=" endless:local ")) > 0


@pytest.mark.parametrize("name", ["a b", "x:", "../../etc/passwd", "/", "x" * 81])
def test_names_that_are_none(service, store, name):
    before = sorted(store.rglob("*"))
    for ask in (
        lambda: copy(service, name, "x"),
        lambda: copy(service, "endless", name),
        lambda: service.delete(DeleteRequest(model=name)),
    ):
        with pytest.raises(InvalidName, match="is invalid"):
            ask()
    assert sorted(store.rglob("*")) == before


def test_models_that_are_not_there(service):
    with pytest.raises(ModelNotFound, match='model "nope" not found'):
        copy(service, "nope", "x")
    with pytest.raises(ModelNotFound, match="model 'nope' not found"):
        service.delete(DeleteRequest(model="nope"))


def test_a_deleted_model_ends_its_answers_first(service, monkeypatch):
    service.generate(GenerateRequest(model="endless")).fold()
    gate = hold_after(monkeypatch, 20)
    request = GenerateRequest(model="endless", prompt="x", options={"num_predict": 200})
    stream = service.generate(request)
    chunks = iter(stream)
    next(chunks)
    assert service.delete(DeleteRequest(model="endless")) > 0
    assert loaded(service) == ["endless:latest"]
    gate.set()
    *_, last = chunks
    assert last.eval_count == 200
    wait_until(lambda: not loaded(service))


def test_a_deleted_model_leaves_the_memory(service):
    service.generate(GenerateRequest(model="endless", keep_alive=-1))
    service.delete(DeleteRequest(model="endless"))
    wait_until(lambda: not loaded(service))


def test_one_that_another_name_keeps_stays_in_memory(service):
    copy(service, "endless", "other")
    service.generate(GenerateRequest(model="endless", keep_alive=-1))
    service.delete(DeleteRequest(model="other"))
    threading.Event().wait(0.2)
    assert loaded(service) == ["endless:latest"]
