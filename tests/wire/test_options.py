"""Options: defaults, merging, leniency and refusals (Ollama API, 5; rule S19)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, InvalidOption
from ollama_nb.wire import Options

DEFAULTS = {
    "num_ctx": 0, "num_batch": 512, "num_gpu": -1, "use_mmap": None, "num_thread": 0,
    "num_keep": 4, "seed": -1, "num_predict": -1, "top_k": 40, "top_p": 0.9, "min_p": 0.0,
    "typical_p": 1.0, "repeat_last_n": 64, "temperature": 0.8, "repeat_penalty": 1.0,
    "presence_penalty": 0.0, "frequency_penalty": 0.0, "mirostat": 0, "mirostat_tau": 5.0,
    "mirostat_eta": 0.1, "stop": (),
}  # fmt: skip

# Everything at once, as one example of the older documents has it.
ALL_AT_ONCE = {
    "num_keep": 5, "seed": 42, "num_predict": 100, "top_k": 20, "top_p": 0.9, "min_p": 0.0,
    "tfs_z": 0.5, "typical_p": 0.7, "repeat_last_n": 33, "temperature": 0.8,
    "repeat_penalty": 1.2, "presence_penalty": 1.5, "frequency_penalty": 1.0, "mirostat": 1,
    "mirostat_tau": 0.8, "mirostat_eta": 0.6, "penalize_newline": True, "stop": ["\n", "user:"],
    "numa": False, "num_ctx": 1024, "num_batch": 2, "num_gqa": 1, "num_gpu": 1, "main_gpu": 0,
    "low_vram": False, "f16_kv": True, "vocab_only": False, "use_mmap": True, "use_mlock": False,
    "embedding_only": False, "rope_frequency_base": 1.1, "rope_frequency_scale": 0.8,
    "logits_all": True, "num_thread": 8,
}  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda items: st.lists(items) | st.dictionaries(st.text(), items),
    max_leaves=5,
)


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items())
def test_the_defaults_are_ollamas(name, value):
    assert getattr(Options.merge(), name) == value


def test_every_option_of_the_old_documents_is_accepted_at_once():
    options = Options.merge(ALL_AT_ONCE)
    assert (options.seed, options.mirostat, options.stop) == (42, 1, ("\n", "user:"))


def test_later_layers_win_and_lists_replace():
    options = Options.merge(
        {"top_k": 1, "stop": ["a", "b"]}, None, {"top_k": 2, "seed": None}, {"stop": ["c"]}
    )
    assert (options.top_k, options.stop, options.seed) == (2, ("c",), -1)


def test_unknown_options_and_nulls_are_ignored():
    assert Options.merge({"no_such_option": object(), "top_p": None}) == Options()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"num_ctx": "4096"}, 'option "num_ctx" must be of type integer'),
        ({"num_ctx": True}, 'option "num_ctx" must be of type integer'),
        ({"seed": [1]}, 'option "seed" must be of type integer'),
        ({"temperature": "hot"}, 'option "temperature" must be of type float32'),
        ({"temperature": False}, 'option "temperature" must be of type float32'),
        ({"temperature": math.inf}, 'option "temperature" must be of type float32'),
        ({"top_p": math.nan}, 'option "top_p" must be of type float32'),
        ({"num_predict": -math.inf}, 'option "num_predict" must be of type integer'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "x"}, 'option "stop" must be of type array'),
        ({"stop": ["x", 1]}, 'option "stop" must be of an array of strings'),
    ],
)
def test_a_wrong_type_is_named_with_status_500(options, text):
    with pytest.raises(InvalidOption) as caught:
        Options.merge(options)
    assert (str(caught.value), caught.value.status) == (text, 500)


def test_any_json_number_serves():
    options = Options.merge({"top_k": 5.7, "num_keep": -5.7, "temperature": 1})
    assert (options.top_k, options.num_keep) == (5, -5)
    assert isinstance(options.temperature, float)


@pytest.mark.parametrize("huge", [10**400, -(10**400), 1e308, -1e308])
def test_numbers_stay_within_what_native_code_can_hold(huge):
    options = Options.merge(dict.fromkeys(["num_ctx", "top_k", "temperature", "seed"], huge))
    assert abs(options.num_ctx) == abs(options.top_k) == 2**31 - 1
    assert abs(options.temperature) == pytest.approx(3.4028235e38)
    assert options.seed < 2**32 - 1


def test_no_seed_becomes_the_one_that_means_random_to_llama_cpp():
    assert Options.merge({"seed": 2**32 - 1}).seed != 2**32 - 1
    assert Options.merge({"seed": 2**32 - 2}).seed == 2**32 - 2


def test_empty_stops_do_not_count_and_too_many_are_refused():
    assert Options.merge({"stop": ["", "a"]}).stop == ("a",)
    assert len(Options.merge({"stop": ["é" * 128] * 64}).stop) == 64
    for stops in (["a"] * 65, ["é" * 129]):
        with pytest.raises(BadRequest, match="stop"):
            Options.merge({"stop": stops})


@given(st.dictionaries(st.sampled_from(sorted(ALL_AT_ONCE)), json_values))
def test_any_map_is_merged_or_refused(options):
    try:
        merged = Options.merge(options)
    except (InvalidOption, BadRequest):
        return
    for name in Options.__struct_fields__:
        value = getattr(merged, name)
        assert not isinstance(value, float) or math.isfinite(value)
        assert not isinstance(value, int) or name == "seed" or abs(value) < 2**31
