"""Images on the real engine: a tiny random model that sees, on both hosts."""

import threading
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from tiny_vision import (
    NUM_PATCHES,
    SIDE,
    projector,
    projector_in_two_dimensions,
    seeing_weights,
    weights_in_two_dimensions,
)

from ollama_nb.engine import runner as runner_module
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.native import Projector
from ollama_nb.engine.sequence import Picture
from ollama_nb.engine.spec import Beside, load_spec
from ollama_nb.engine.trial import TrialHost
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import BadRequest, ContextTooLong, EngineError, LoadFailed
from ollama_nb.gguf import check_model
from ollama_nb.settings import Settings
from ollama_nb.wire import Options


def plain(red, green, blue, side=SIDE):
    return Picture(side, side, bytes((red, green, blue)) * side * side)


RED, BLUE = plain(255, 0, 0), plain(0, 0, 255)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seer")
    (folder / "model.gguf").write_bytes(seeing_weights())
    (folder / "projector.gguf").write_bytes(projector().encode())
    return folder


@pytest.fixture(scope="module")
def spec(files):
    path = files / "model.gguf"
    beside = Beside(projector=files / "projector.gguf")
    return load_spec(path, check_model(path), Options(), Settings(num_parallel=2), beside)


@pytest.fixture(scope="module", params=[LocalHost, WorkerHost], ids=["local", "worker"])
def seer(request, spec):
    seer = request.param().load(spec)
    yield seer
    seer.close()


@pytest.fixture
def see(seer, submit):
    """Tell what the model sees: the distribution after the prompt, and the end."""

    def see(*parts, on=seer, **more):
        tokens = on.tokenize(parts, start=True)
        images = tuple(part for part in parts if isinstance(part, Picture))
        one = submit(tokens, on=on, images=images, top_logprobs=20, num_predict=3, **more)
        _, told, end = one.finish_told()
        return dict(told[0].top), end

    return see


def differ(first, second):
    common = first.keys() & second.keys()
    return len(common) < len(first) or max(abs(first[k] - second[k]) for k in common) > 1e-3


def test_the_window_is_large_enough_to_see(spec):
    path, beside = Path(spec.path), Beside(projector=Path(spec.projector))
    small = load_spec(path, check_model(path), Options(num_ctx=100), Settings(), beside)
    assert (spec.window, small.window) == (4096, 2048)


def test_an_image_changes_what_comes_out(see):
    red, _ = see(RED, " what is it?")
    blue, _ = see(BLUE, " what is it?")
    nothing, _ = see(" what is it?")
    assert differ(red, blue)
    assert differ(red, nothing)


def test_an_image_counts_as_its_patches(see):
    _, without = see(" what is it?")
    _, end = see(RED, " what is it?")
    assert end.prompt_count == without.prompt_count + NUM_PATCHES


def test_the_order_of_images_is_kept(see):
    first, end = see("a ", RED, " b ", BLUE, " c")
    second, _ = see("a ", BLUE, " b ", RED, " c")
    assert differ(first, second)
    assert end.prompt_count > 2 * NUM_PATCHES


def test_the_same_image_is_not_looked_at_again(see):
    seen, _ = see("look: ", RED, " what is it?")
    again, end = see("look: ", RED, " what is it?")
    assert not differ(seen, again)
    assert end.reused_count == end.prompt_count - 1
    _, other = see("look: ", BLUE, " what is it?")
    assert other.reused_count < NUM_PATCHES


def test_equal_images_side_by_side_are_two(see):
    _, end = see(RED, RED, " x")
    _, one = see(RED, " x")
    assert end.prompt_count == one.prompt_count + NUM_PATCHES


def test_two_sequences_with_images_do_not_disturb_each_other(see, seer, submit):
    alone, _ = see("a", BLUE, "b", "c")
    many = [
        submit(
            seer.tokenize(["a", picture, "b", "c"], start=True),
            on=seer, images=(picture,), top_logprobs=20, num_predict=3,
        )
        for picture in (RED, BLUE, plain(0, 255, 0), BLUE)
    ]  # fmt: skip
    told = [dict(one.finish_told()[1][0].top) for one in many]
    assert not differ(told[1], alone)
    assert not differ(told[3], alone)
    assert differ(told[0], told[2])


def test_a_picture_of_any_shape_is_taken(see):
    for width, height in ((1, 1), (500, 3), (3, 500), (640, 480)):
        noise = np.random.default_rng(1).integers(0, 256, 3 * width * height, np.uint8)
        _, end = see(Picture(width, height, noise.tobytes()), " x")
        assert end.done_reason == "length"


def test_text_after_an_image_is_needed(seer, submit):
    tokens = seer.tokenize(["a ", RED], start=True)
    with pytest.raises(BadRequest, match="ends with an image"):
        submit(tokens, on=seer, images=(RED,))


def test_images_must_be_those_of_the_prompt(seer, submit):
    tokens = seer.tokenize(["a ", RED, " b"], start=True)
    for images in ((), (RED, BLUE)):
        with pytest.raises(EngineError, match="image"):
            submit(tokens, on=seer, images=images)


def test_too_many_images_for_the_window(seer, submit):
    parts = ["a", *[RED] * (4096 // NUM_PATCHES), " b"]
    tokens = seer.tokenize(parts, start=True)
    with pytest.raises(ContextTooLong):
        submit(tokens, on=seer, images=tuple(one for one in parts if isinstance(one, Picture)))


def test_a_model_without_projector_sees_nothing(endless):
    with pytest.raises(EngineError, match="projector"):
        endless().tokenize(["a", RED], start=True)


def test_a_window_with_images_ends_when_it_is_full(seer, submit):
    tokens = seer.tokenize([RED, " a" * 1900], start=True)
    one = submit(tokens, on=seer, images=(RED,), num_predict=3000)
    _, end = one.finish()
    assert end.done_reason == "length"
    assert end.prompt_count + end.eval_count == 4097


def test_a_picture_for_a_model_that_is_gone_is_refused(spec, submit):
    seer = LocalHost().load(spec)
    tokens = seer.tokenize(["a ", RED, " b"], start=True)
    seer.close()
    with pytest.raises(EngineError, match="unloaded"):
        submit(tokens, on=seer, images=(RED,))


def test_a_model_that_counts_in_two_dimensions(files, submit, tmp_path):
    path, beside = tmp_path / "model.gguf", tmp_path / "projector.gguf"
    path.write_bytes(weights_in_two_dimensions())
    beside.write_bytes(projector_in_two_dimensions().encode())
    settings = Settings(num_parallel=2)
    seer = LocalHost().load(
        load_spec(path, check_model(path), Options(), settings, Beside(projector=beside))
    )

    def see(*parts, **more):
        tokens = seer.tokenize(parts, start=True)
        images = tuple(part for part in parts if isinstance(part, Picture))
        one = submit(tokens, on=seer, images=images, top_logprobs=20, **more)
        _, told, end = one.finish_told()
        return dict(told[0].top), end, tokens

    try:
        red, first, tokens = see("look ", wide(RED), " what is it")
        again, second, _ = see("look ", wide(RED), " what is it")
        blue, third, _ = see("look ", wide(BLUE), " what is it")
        both, fourth, _ = see(
            "look ", wide(BLUE), " and ", wide(RED), " what is it", num_predict=99
        )
        with pytest.raises(ContextTooLong):
            see(*[plain(1, 2, number, side=320) for number in range(12)], " what is it")
    finally:
        seer.close()
    assert first.prompt_count > len(tokens)  # patches of an area, counted by its longer side
    assert (first.reused_count, second.reused_count) == (0, len(tokens) - 1)
    assert not differ(red, again)
    assert differ(red, blue)
    assert differ(blue, both)
    assert (third.eval_count, fourth.eval_count) == (20, 99)


def wide(one):
    return Picture(4 * one.width, 2 * one.height, one.pixels[:3] * (8 * one.width * one.height))


def test_cancelling_while_an_image_is_encoded(spec, submit, monkeypatch):
    encoding, go_on = threading.Event(), threading.Event()
    decode = Projector.decode

    def slow(self, context, patch, sequence, position):
        encoding.set()
        assert go_on.wait(180)
        return decode(self, context, patch, sequence, position)

    monkeypatch.setattr(runner_module.native.Projector, "decode", slow)
    seer = LocalHost().load(spec)
    try:
        tokens = seer.tokenize(["a ", RED, " b"], start=True)
        one = submit(tokens, on=seer, images=(RED,))
        assert encoding.wait(180)
        one.cancel()
        go_on.set()
        assert one.finish()[1].done_reason == "cancelled"
        assert submit(tokens, on=seer, images=(RED,)).finish()[1].eval_count == 20
    finally:
        seer.close()


def test_a_file_that_is_no_projector_is_refused(files, spec):
    with pytest.raises(LoadFailed, match=r"model\.gguf"):
        LocalHost().load(replace(spec, projector=spec.path))


def test_a_projector_that_dies_of_an_image_dies_in_its_trial(spec, tmp_path):
    broken = projector()
    broken.tensors = [one for one in broken.tensors if not one.name.startswith("mm.")]
    path = tmp_path / "broken.gguf"
    path.write_bytes(broken.encode())
    host = TrialHost(
        LocalHost(), WorkerHost(), remembered=tmp_path / "marks", trusted=tmp_path / "none"
    )
    with pytest.raises(LoadFailed):
        host.load(replace(spec, projector=str(path)))
    host.load(spec).close()
