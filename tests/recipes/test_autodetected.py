"""create recognises chat templates: the layers that it adds, and what takes their place."""

import pytest
from gguf_writer import text, tiny_llama

from ollama_nb.recipes.known_templates import known_template
from ollama_nb.service.create import creation
from ollama_nb.service.show import show
from ollama_nb.service.work import start
from ollama_nb.settings import BUILTIN_MODELS, Settings
from ollama_nb.store import Store
from ollama_nb.wire import CreateRequest, ShowRequest

CHATML = (
    "{% for one in messages %}<|im_start|>{{ one.role }}\n{{ one.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STOP = ["<|im_start|>", "<|im_end|>"]


@pytest.fixture
def store(tmp_path):
    return Store([tmp_path / "models", BUILTIN_MODELS])


@pytest.fixture
def make(store):
    def make(**fields):
        settings = Settings(models=store.disk.root)
        stream = start(creation(store, CreateRequest(**fields), settings, None, pull=None))
        return [one.status for one in stream]

    return make


@pytest.fixture
def weights(store):
    """Upload a model whose chat template is known."""

    def weights(jinja=CHATML):
        model = tiny_llama().put("tokenizer.chat_template", text(jinja))
        with store.new_blob() as blob:
            blob.write(model.encode())
            return {"tiny.gguf": blob.keep()}

    return weights


def kinds(model):
    return [layer.kind for layer in model.manifest.layers]


def layers_of(model):
    return {(layer.kind, layer.digest) for layer in model.manifest.layers}


def test_a_known_chat_template_becomes_a_template_and_stop_parameters(store, make, weights):
    lines = make(model="m", files=weights(), system="Be brief.")
    made = store.find("m")
    assert kinds(made) == ["model", "template", "params", "system"]
    assert made.template == known_template("chatml").text
    assert made.options == {"stop": STOP}
    model, _, params, _ = made.manifest.layers
    assert lines[1:4] == [
        f"using existing layer {model.digest}",
        "using autodetected template chatml",
        f"creating new layer {params.digest}",
    ]
    assert made.files("params")[0].read_bytes() == (
        rb'{"stop":["\u003c|im_start|\u003e","\u003c|im_end|\u003e"]}' + b"\n"
    )


def test_a_template_of_the_users_own_takes_its_place_and_the_stops_stay(store, make, weights):
    lines = make(model="m", files=weights(), template="{{ .Prompt }}!")
    made = store.find("m")
    assert kinds(made) == ["model", "params", "template"]
    assert (made.template, made.options) == ("{{ .Prompt }}!", {"stop": STOP})
    assert not any("autodetected" in line for line in lines)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"temperature": 0.5}, {"stop": STOP, "temperature": 0.5}),
        ({"stop": ["END"]}, {"stop": ["END"]}),
    ],
)
def test_parameters_of_the_users_own_win_by_name(store, make, weights, given, kept):
    make(model="m", files=weights(), parameters=given)
    made = store.find("m")
    assert made.options == kept
    assert kinds(made) == ["model", "template", "params"]


@pytest.mark.parametrize("jinja", ["", "{{ messages }}", CHATML + "{{ tools }}"])
def test_an_unknown_chat_template_stays_the_files_own(store, make, weights, jinja):
    make(model="m", files=weights(jinja))
    assert kinds(store.find("m")) == ["model"]


def test_a_model_made_from_another_keeps_what_that_has(store, make, weights):
    make(model="base", files=weights(), template="{{ .Prompt }}!")
    make(model="m", from_="base", system="S")
    assert store.find("m").template == "{{ .Prompt }}!"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"system": "Be brief."},
        {"template": "{{ .Prompt }}!", "parameters": {"top_k": 3}},
        {"parameters": {"stop": ["a", "b"], "seed": 1}, "license": ["MIT"]},
    ],
)
def test_what_show_prints_makes_the_same_model_again(store, make, weights, fields):
    make(model="first", files=weights(), **fields)
    modelfile = show(store, ShowRequest(model="first")).modelfile
    make(model="second", modelfile=modelfile)
    first, second = store.find("first"), store.find("second")
    assert layers_of(second) == layers_of(first)
    assert second.manifest.config.digest == first.manifest.config.digest


def test_no_blob_is_left_that_the_model_does_not_need(store, make, weights):
    make(model="m", files=weights(), template="T {{ .Prompt }}", parameters={"top_k": 1})
    made = store.find("m")
    needed = {digest for _, digest in layers_of(made)} | {made.manifest.config.digest}
    there = {path.name for path in (store.disk.root / "blobs").iterdir()}
    assert there == {digest.replace(":", "-") for digest in needed}
