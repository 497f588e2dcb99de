"""What a Modelfile defines (reference: models, 4.2, 4.4 and 4.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import InvalidModelfile
from ollama_nb.recipes.definition import (
    Definition,
    define,
    request_of,
    warnings,
    write_modelfile,
)
from ollama_nb.recipes.modelfile import ROLES, Command, parse
from ollama_nb.wire import Options, ShownMessage
from ollama_nb.wire.codec import encode

FLOATS = [
    "top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty",
    "frequency_penalty", "mirostat_tau", "mirostat_eta", "rope_frequency_base",
    "rope_frequency_scale",
]  # fmt: skip
INTS = [
    "num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict", "num_keep",
    "seed", "num_predict", "top_k", "repeat_last_n", "mirostat",
]  # fmt: skip
BOOLS = ["use_mmap", "use_mlock", "repeatable"]

texts = st.text() | st.text('"#\n\r\t ax\u200b\u00a0')
some = texts.filter(bool)
parameters = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(INTS, st.integers(-(2**63), 2**63 - 1)),
        **dict.fromkeys(FLOATS, st.floats(width=32, allow_nan=False, allow_infinity=False)),
        **dict.fromkeys(BOOLS, st.booleans()),
        "stop": st.lists(st.text(max_size=50), min_size=1, max_size=5),
    },
)
definitions = st.builds(
    Definition,
    sources=st.lists(some, min_size=1, max_size=3),
    adapters=st.lists(some, max_size=1),
    drafts=st.lists(some, max_size=2),
    template=texts,
    system=texts,
    renderer=texts,
    parser=texts,
    requires=st.from_regex(r"(0|[1-9][0-9]?)(\.(0|[1-9]))?", fullmatch=True) | st.just(""),
    parameters=parameters,
    license=st.lists(texts, max_size=3),
    messages=st.lists(st.builds(ShownMessage, role=st.sampled_from(ROLES), content=texts)),
)


def defined(text):
    return define(parse(text))


def fault(text):
    with pytest.raises(InvalidModelfile) as caught:
        defined(text)
    return str(caught.value), caught.value.line


def test_everything_at_once():
    text = """\
FROM llama3
FROM ./mmproj.gguf
ADAPTER ./a.gguf
ADAPTER ./b.gguf
TEMPLATE old
TEMPLATE \"\"\"{{ .System }}
{{ .Prompt }}\"\"\"
SYSTEM You are Mario.
RENDERER qwen3
PARSER qwen3
REQUIRES v0.14.0
PARAMETER temperature 1
PARAMETER temperature 0.7
PARAMETER num_ctx 4096
PARAMETER use_mmap F
PARAMETER stop <|a|>
PARAMETER stop "b "
PARAMETER stop <|a|>
LICENSE MIT
LICENSE "BSD"
MESSAGE user Is: it?
MESSAGE assistant yes
"""
    assert defined(text) == Definition(
        sources=["llama3", "./mmproj.gguf"],
        adapters=["./b.gguf"],
        template="{{ .System }}\n{{ .Prompt }}",
        system="You are Mario.",
        renderer="qwen3",
        parser="qwen3",
        requires="0.14.0",
        parameters={
            "temperature": 0.7,
            "num_ctx": 4096,
            "use_mmap": False,
            "stop": ["<|a|>", "b ", "<|a|>"],
        },
        license=["MIT", "BSD"],
        messages=[
            ShownMessage(role="user", content="Is: it?"),
            ShownMessage(role="assistant", content="yes"),
        ],
    )


# PARAMETER


@pytest.mark.parametrize("name", INTS)
@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-1", -1), ("+5", 5), ("007", 7)])
def test_whole_numbers(name, text, number):
    (value,) = defined(f"FROM a\nPARAMETER {name} {text}").parameters.values()
    assert (value, type(value)) == (number, int)


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize(
    ("text", "number"), [("0.7", 0.7), ("1", 1.0), ("-.5", -0.5), ("1.", 1.0), ("1e-3", 0.001)]
)
def test_numbers(name, text, number):
    (value,) = defined(f"FROM a\nPARAMETER {name} {text}").parameters.values()
    assert (value, type(value)) == (number, float)


@pytest.mark.parametrize("name", BOOLS)
@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_truth(name, text):
    assert defined(f"FROM a\nPARAMETER {name} {text}").parameters == {name: True}


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_untruth(text):
    assert defined(f"FROM a\nPARAMETER use_mmap {text}").parameters == {"use_mmap": False}


def test_every_option_of_the_engine_can_be_a_parameter():
    assert {*Options.__struct_fields__} == {*FLOATS, *INTS, *BOOLS, "stop"} - {"draft_num_predict"}


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("top_k x", "invalid int value [x]"),
        ("top_k 1.5", "invalid int value [1.5]"),
        ("top_k 1_0", "invalid int value [1_0]"),
        ("top_k ٣", "invalid int value [٣]"),
        ('top_k ""', "invalid int value []"),
        ("num_ctx 9223372036854775808", "invalid int value [9223372036854775808]"),
        ("temperature hot", "invalid float value [hot]"),
        ("temperature nan", "invalid float value [nan]"),
        ("temperature inf", "invalid float value [inf]"),
        ("temperature 1e39", "invalid float value [1e39]"),
        ("temperature 1e999", "invalid float value [1e999]"),
        ("temperature 0x1p2", "invalid float value [0x1p2]"),
        ("use_mmap yes", "invalid bool value [yes]"),
        ("use_mmap tRUE", "invalid bool value [tRUE]"),
        ("foo 1", "unknown parameter 'foo'"),
        ("NUM_CTX 1", "unknown parameter 'NUM_CTX'"),
        (" top_k 1", "unknown parameter ''"),
        ("template x", "unknown parameter 'template'"),
        ("numa true", "unknown parameter 'numa'"),
        ("num_gqa 8", "unknown parameter 'num_gqa'"),
        ("tfs_z 1", "unknown parameter 'tfs_z'"),
        ("num_vocab 1", "unknown parameter 'num_vocab'"),
    ],
)
def test_what_is_no_parameter_is_refused_with_its_line(parameter, message):
    assert fault(f"FROM a\n\nPARAMETER {parameter}\nSYSTEM x") == (f"(line 3): {message}", 3)


def test_a_number_of_a_million_digits_is_refused_at_once():
    for name in ("seed", "top_p"):
        message, _ = fault(f"FROM a\nPARAMETER {name} {'9' * 10**6}")
        assert len(message) < 500


def test_stops_that_no_request_could_use_are_refused():
    text = "FROM a\n" + "PARAMETER stop x\n" * 65 + "SYSTEM y"
    assert fault(text) == ('(line 66): option "stop" takes at most 64 texts of 256 bytes', 66)


@pytest.mark.parametrize(
    "name", ["penalize_newline", "low_vram", "f16_kv", "logits_all", "vocab_only"]
)
def test_what_is_deprecated_is_skipped_with_a_warning(name):
    commands = parse(f"FROM a\nPARAMETER {name} what\nPARAMETER {name} ever\nPARAMETER seed 1")
    assert define(commands).parameters == {"seed": 1}
    assert warnings(commands) == [f"warning: parameter {name} is deprecated"]


# The other checks


@pytest.mark.parametrize(
    "text", ["0.14.0", "v0.14.0", "1", "1.2", "v1.2.3-rc.1+build.5", "1.0.0-0a", "1.0.0-alpha-.1"]
)
def test_versions(text):
    assert defined(f"FROM a\nREQUIRES {text}").requires == text.removeprefix("v")


@pytest.mark.parametrize(
    "text",
    ["", "x", "1.2.3.4", "01.2.3", "1.2-rc", "1.0.0-01", "1.0.0-", "1.0.0-a..b", "vv1", "1."],
)
def test_what_is_no_version(text):
    message = "(line 2): requires must be a valid semver (e.g. 0.14.0)"
    assert fault(f"FROM a\nREQUIRES {text}\n") == (message, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM \n", "(line 1): FROM needs a value"),
        ('FROM a\nADAPTER ""', "(line 2): ADAPTER needs a value"),
        (f"FROM a\nSYSTEM {'x' * ((1 << 20) + 1)}", "(line 2): SYSTEM is longer than 1 MiB"),
    ],
)
def test_values_are_there_and_not_too_long(text, message):
    assert fault(text)[0] == message


def test_a_licence_may_be_longer():
    text = "é" * (1 << 20)
    assert defined(f"FROM a\nLICENSE {text}").license == [text]


# Writing


def test_the_head_and_the_order_are_ollamas():
    definition = Definition(
        sources=["/blobs/sha256-1", "/blobs/sha256-2"],
        adapters=["/blobs/sha256-3"],
        template="{{ .Prompt }}",
        system="hi\nthere",
        renderer="r",
        parser="p",
        requires="0.14.0",
        parameters={"top_k": 1.0, "stop": ["a", " b"], "temperature": 0.5, "use_mmap": True},
        license=["MIT"],
        messages=[ShownMessage(role="user", content='say "x"')],
    )
    assert write_modelfile(definition, "mario:latest") == (
        """\
# Modelfile generated by "ollama show"
# To build a new Modelfile based on this, replace FROM with:
# FROM mario:latest

FROM /blobs/sha256-1
ADAPTER /blobs/sha256-3
FROM /blobs/sha256-2
TEMPLATE {{ .Prompt }}
SYSTEM "hi
there"
RENDERER r
PARSER p
REQUIRES 0.14.0
PARAMETER stop a
PARAMETER stop " b"
PARAMETER temperature 0.5
PARAMETER top_k 1
PARAMETER use_mmap true
LICENSE MIT
MESSAGE user say "x"
"""
    )


@given(definitions, st.sampled_from(["", "mario:latest"]))
def test_a_definition_is_read_as_it_was_written(definition, name):
    assert defined(write_modelfile(definition, name)) == definition


@pytest.mark.parametrize(
    "parameters",
    [
        {"num_gqa": 8}, {"temperature": "hot"}, {"seed": None}, {"seed": 1.5}, {"seed": True},
        {"stop": ["a", 1]}, {"seed": 10**5000}, {"temperature": 1e300}, {"use_mmap": 1},
        {"a\nSYSTEM b": "c\nSYSTEM d"}, {"temperature": float("nan")}, {"x": {"y": [1]}},
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_said_become_comments(parameters):
    text = write_modelfile(Definition(sources=["a"], parameters=parameters))
    assert defined(text) == Definition(sources=["a"])
    assert "# PARAMETER" in text


def test_messages_of_others_become_comments():
    messages = [ShownMessage(role="tool\nSYSTEM x", content="y\nSYSTEM z")]
    text = write_modelfile(Definition(sources=["a"], messages=messages))
    assert defined(text) == Definition(sources=["a"])
    assert "# MESSAGE" in text


def test_a_version_that_is_none_becomes_a_comment():
    text = write_modelfile(Definition(sources=["a"], requires="x\nSYSTEM y"))
    assert defined(text) == Definition(sources=["a"])


def test_older_programs_stored_single_stops():
    text = write_modelfile(Definition(sources=["a"], parameters={"stop": "x"}))
    assert defined(text).parameters == {"stop": ["x"]}


def test_a_name_with_a_line_break_does_not_leave_the_head():
    text = write_modelfile(Definition(sources=["a"]), "x\nSYSTEM y")
    assert defined(text) == Definition(sources=["a"])


@given(definitions)
def test_create_is_asked_for_the_same(definition):
    request = request_of(definition, "new")
    assert encode(request)
    assert (request.model, request.from_, request.files) == ("new", "", None)
    for name in ("template", "system", "renderer", "parser", "requires", "license"):
        assert getattr(request, name) == getattr(definition, name)
    assert (request.parameters or {}) == definition.parameters
    assert (request.messages or []) == definition.messages


@given(st.lists(st.builds(Command, st.text(), st.text(), st.text())))
def test_any_commands_are_taken_or_refused(commands):
    try:
        define(commands)
    except InvalidModelfile:
        return
