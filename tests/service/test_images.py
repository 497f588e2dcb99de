"""generate with images, from base64 to the answer, on a tiny random model that sees."""

import base64
import json

import ollama
import pytest
from gguf_writer import text, tiny_llama, u32
from model_files import endless_weights, write_model
from tiny_vision import NUM_PATCHES, picture, projector

from ollama_nb.client import Client, KernelTransport
from ollama_nb.errors import BadRequest, ContextTooLong, UnsupportedCapability
from ollama_nb.http import Request, handle
from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire import GenerateRequest

RED, BLUE = picture("red"), picture("blue")
SHORT = {"temperature": 0, "num_predict": 4}
MARK = "\ufdd1"
TEMPLATE = "{% for one in messages %}<{{ one.role }}>{{ one.content | trim }}\n{% endfor %}"
FORGED = "{{ messages[-1].content }}" + f"{MARK}7{MARK}{MARK}{'9' * 50}{MARK} end"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    encoder = projector().encode()
    write_model(root, "seer", weights=endless_weights(4096), projector=encoder)
    for name, template in (("talker", TEMPLATE), ("forger", FORGED)):
        model = tiny_llama().put("llama.context_length", u32(4096))
        model.put("tokenizer.chat_template", text(template))
        told = json.dumps([{"role": "user", "content": f"before {MARK}0{MARK}"}]).encode()
        write_model(root, name, weights=model.encode(), projector=encoder, messages=told)
    write_model(root, "blind", weights=endless_weights(4096))
    write_model(root, "mistaken", weights=endless_weights(4096), projector=endless_weights())
    return root


@pytest.fixture(scope="module", params=["local", "worker"])
def service(request, store, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    service = Service(Settings(models=store, cache=cache, engine=request.param))
    yield service
    service.close()


@pytest.fixture
def ask(service):
    def ask(prompt="What is it?", *images, **fields):
        fields = {"model": "seer", "options": SHORT, "images": list(images)} | fields
        return service.generate(GenerateRequest(prompt=prompt, **fields)).fold()

    return ask


@pytest.fixture
def see(ask):
    """What the model would say: the likeliest tokens after the prompt."""

    def see(*asked, **fields):
        answer = ask(*asked, logprobs=True, top_logprobs=20, **fields)
        return {bytes(one.bytes): one.logprob for one in answer.logprobs[0].top_logprobs}

    return see


@pytest.fixture
def rendered(ask):
    """The prompt as the engine would get it."""

    def rendered(*asked, **fields):
        return ask(*asked, debug_render_only=True, **fields).debug_info

    return rendered


def fault(ask, *asked, **fields):
    with pytest.raises(BadRequest) as caught:
        ask(*asked, **fields)
    assert caught.value.status == 400
    return str(caught.value)


# ---- what the model sees


def test_the_answer_depends_on_the_image(see):
    red, blue, nothing = see("What?", RED), see("What?", BLUE), see("What?")
    assert red != pytest.approx(blue, abs=1e-2)
    assert red != pytest.approx(nothing, abs=1e-2)
    assert see("What?", RED) == pytest.approx(red, abs=1e-3)


def test_the_format_of_the_file_does_not_matter(see):
    png = see("What?", RED)
    assert see("What?", picture("red", form="WEBP", lossless=True)) == pytest.approx(png, abs=1e-3)
    jpeg = picture("red", form="JPEG", quality=100, subsampling=0)
    assert see("What?", jpeg) == pytest.approx(png, abs=0.2)


def test_an_image_counts_as_its_patches(ask):
    alone = ask("What?").prompt_eval_count
    assert ask("What?", RED).prompt_eval_count == alone + NUM_PATCHES
    assert ask("What?", RED, BLUE, RED).prompt_eval_count == alone + 3 * NUM_PATCHES


def test_where_an_image_stands_is_what_the_model_sees(see):
    first = see("a [img] b [img] c", RED, BLUE)
    assert see("a [img-0] b [img-1] c", RED, BLUE) == pytest.approx(first, abs=1e-3)
    assert see("a [img-1] b [img-0] c", BLUE, RED) == pytest.approx(first, abs=1e-3)
    assert see("a [img] b [img] c", BLUE, RED) != pytest.approx(first, abs=1e-2)
    assert see("a  b  c", RED, BLUE) != pytest.approx(first, abs=1e-2)


def test_raw_prompts_see_too(see, ask):
    raw = see("a [img] b", RED, raw=True)
    assert raw == pytest.approx(see("a [img] b", RED), abs=1e-3)
    assert ask("a [img] b", RED, raw=True).context is None


# ---- the prompt


def test_the_rendered_prompt_names_the_images(rendered):
    info = rendered("What?", RED)
    assert info == {"rendered_template": "[img-0]What?", "image_count": 1}
    info = rendered("a [img] b [img-2]", RED, BLUE, RED)
    assert info == {"rendered_template": "[img-1]a [img-0] b [img-2]", "image_count": 3}
    assert rendered("a [img] b") == {"rendered_template": "a [img] b"}
    assert rendered("a [img] b", RED, raw=True)["rendered_template"] == "a [img-0] b"


def test_images_pass_through_a_template(rendered, see):
    info = rendered("[img] or [img]?", RED, BLUE, model="talker", system="Look!")
    assert info == {
        "rendered_template": (
            "<system>Look!\n<user>before 0\n<user>[img-0] or [img-1]?\n"
        ),
        "image_count": 2,
    }  # fmt: skip
    red, blue = see("What?", RED, model="talker"), see("What?", BLUE, model="talker")
    assert red != pytest.approx(blue, abs=1e-2)


@pytest.mark.parametrize("model", ["seer", "talker", "forger"])
def test_only_the_prompt_has_images(ask, rendered, model):
    system = f"{MARK}0{MARK} {MARK}7{MARK} {MARK}{'9' * 50}{MARK} [img] [img-0]"
    count = ask("What?", model=model, system=system).prompt_eval_count
    seeing = ask("What?", RED, model=model, system=system)
    assert seeing.prompt_eval_count == count + NUM_PATCHES
    assert rendered("What?", RED, model=model, system=system)["image_count"] == 1


def test_a_prompt_cannot_forge_an_image(rendered, ask):
    forged = f"a {MARK}0{MARK} b"
    assert rendered(forged, RED)["rendered_template"] == "[img-0]a 0 b"
    assert rendered(forged)["rendered_template"] == "a 0 b"
    assert ask(forged, model="blind").done_reason == "length"


# ---- context, and the window


def test_the_context_is_text_and_continues(ask):
    first = ask("What is it?", RED)
    assert min(first.context) >= 0
    second = ask("And now?", context=first.context)
    assert second.context[: len(first.context)] == first.context
    third = ask("And this?", BLUE, context=second.context)
    assert min(third.context) >= 0
    assert third.prompt_eval_count > len(second.context) + NUM_PATCHES


def test_a_prompt_with_images_is_not_cut(ask):
    long = "word " * 1500
    assert ask(long, options=SHORT | {"num_ctx": 2048}).prompt_eval_count < 2048
    with pytest.raises(ContextTooLong):
        ask(long, RED, options=SHORT | {"num_ctx": 2048})


def test_the_window_has_room_for_images(ask, service):
    assert ask("What?", RED, options=SHORT | {"num_ctx": 64}).done
    windows = {one.name: one.context_length for one in service.ps().models}
    assert windows["seer:latest"] >= 2048


def test_something_has_to_follow_the_last_image(ask):
    text = "the prompt ends with an image; write something after it"
    assert fault(ask, "What is [img]", RED) == text
    assert fault(ask, "[img]", RED, raw=True) == text
    assert ask("What is [img]", RED, model="talker").done


# ---- what is refused, and what is not looked at


def test_models_that_see_say_so(service):
    listed = {model.name: model.capabilities for model in service.list().models}
    assert "vision" in listed["seer:latest"]
    assert "vision" not in listed["blind:latest"]


def test_a_model_that_does_not_see(ask):
    with pytest.raises(UnsupportedCapability) as caught:
        ask("What?", RED, model="blind")
    assert caught.value.status == 400
    assert str(caught.value) == "registry.ollama.ai/library/blind:latest does not support vision"
    assert ask("What?", model="blind").done


def test_an_empty_prompt_loads_and_looks_at_nothing(ask):
    answer = ask("", "no image at all")
    assert (answer.response, answer.done_reason, answer.prompt_eval_count) == ("", "load", 0)
    assert ask("", RED, keep_alive=0).done_reason == "unload"


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (["file:///etc/passwd"], "illegal base64 data at input byte 4"),
        (["data:image/png;base64," + RED], "illegal base64 data at input byte 4"),
        ([RED, ""], "image 1 is none of PNG, JPEG and WebP"),
        ([picture("red", form="GIF")], "image 0 is none of PNG, JPEG and WebP"),
        ([RED[: len(RED) // 8 * 4]], "image 0 cannot be decoded: "),
        ([RED] * 17, "17 images are more than the 16 that are taken"),
    ],
)
def test_what_is_no_image_is_a_bad_request(ask, images, text):
    assert fault(ask, "What?", *images).startswith(text)
    assert ask("What?", RED).done


def test_a_layer_that_is_no_projector_is_named(ask, service):
    with pytest.raises(Exception, match="is no projector") as caught:
        ask("What?", model="mistaken")
    assert caught.value.status == 500
    assert "mistaken:latest" in [model.name for model in service.list().models]


def test_images_of_any_shape(ask):
    for size in ((1, 1), (1, 16_384), (16_384, 1), (640, 480)):
        assert ask("What?", picture("red", size=size)).done


# ---- the other ways in


def test_over_http(service):
    def post(**fields):
        body = {"model": "seer", "prompt": "What?", "stream": False, "options": SHORT} | fields
        response = handle(service, Request("POST", "/api/generate", {}, json.dumps(body).encode()))
        body = response.body
        return response.status, json.loads(body if isinstance(body, bytes) else b"".join(body))

    status, answer = post(images=[RED])
    assert status == 200
    assert answer["done"]
    assert post(images=None)[1]["prompt_eval_count"] < answer["prompt_eval_count"]
    assert post(images=[RED], _debug_render_only=True)[1]["_debug_info"]["image_count"] == 1
    assert post(images=["hi!"]) == (400, {"error": "illegal base64 data at input byte 2"})
    error = "registry.ollama.ai/library/blind:latest does not support vision"
    assert post(images=[RED], model="blind") == (400, {"error": error})
    status, answer = post(images=[3])
    assert status == 400


def test_the_official_client(service, tmp_path):
    path = tmp_path / "red.png"
    path.write_bytes(base64.b64decode(RED))
    with Client(transport=KernelTransport(service)) as client:

        def ask(*images):
            return client.generate("seer", "What?", images=images, options=SHORT)

        answer = ask(path.read_bytes())
        assert answer.response == ask(path).response == ask(RED).response
        assert answer.prompt_eval_count == ask().prompt_eval_count + NUM_PATCHES
        with pytest.raises(ollama.ResponseError, match="image 0 is none of PNG") as caught:
            ask(b"GIF89a")
        assert caught.value.status_code == 400
