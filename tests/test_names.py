"""Model names, from the grammar of the reference (models, 1; Ollama API, 3)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.names import Name

FIRST = string.ascii_letters + string.digits + "_"
DEFAULTS = ("registry.ollama.ai", "library")


def part(others, limit=80):
    tail = st.text(FIRST + others, max_size=limit - 1)
    return st.builds(str.__add__, st.sampled_from(FIRST), tail)


names = st.builds(Name, part(".:-", 350), part("-"), part(".-"), part(".-"))


def parts(text):
    name = Name.parse(text)
    return name.host, name.namespace, name.model, name.tag


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xx", (*DEFAULTS, "xx", "latest")),
        ("xx:1", (*DEFAULTS, "xx", "1")),
        ("ns/model:tag", ("registry.ollama.ai", "ns", "model", "tag")),
        ("host:5000/ns/model", ("host:5000", "ns", "model", "latest")),
        ("host:5000/ns/model:7", ("host:5000", "ns", "model", "7")),
        ("http://host/ns/model", ("host", "ns", "model", "latest")),
        (
            "hf.co/User/Repo.Name-GGUF:Q4_K_M",
            ("hf.co", "User", "Repo.Name-GGUF", "Q4_K_M"),
        ),
    ],
)
def test_a_name_is_cut_from_right_to_left_and_filled_with_defaults(text, expected):
    assert parts(text) == expected
    assert Name.parse(text).valid


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "mm:", ":tag", "/", "//", "/mm", "/nn/mm", "hh//", "ns//m", "hh/nn/", "m@d",
        "m@sha256:abc", "hh/nn/-mm:tt", "n.s/mm", "a/b/c/d", "http://mm", ".", "..", "../../etc",
        "a/../b", "m:..", "m:.hidden", "m m", " m", "m\n", "m:t\n", "m\0", "m\\n", "modèle", "м",
        "m:a:b/c", "m" * 81, "m:" + "t" * 81, "n" * 81 + "/m", "h" * 351 + "/n/m", "%2e%2e/m",
    ],
)  # fmt: skip
def test_what_is_outside_the_grammar_is_not_valid(text):
    assert not Name.parse(text).valid


def test_the_longest_parts_are_valid():
    longest = "h" * 350 + "/" + "n" * 80 + "/" + "m" * 80 + ":" + "t" * 80
    assert Name.parse(longest).valid


def test_dots_are_for_models_and_tags_and_colons_for_hosts():
    assert Name.parse("a.b:c.d").valid
    assert Name.parse("a.b:1/ns/m").valid
    assert not Name.parse("a.b/m").valid


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("llama3", "llama3:latest"),
        ("registry.ollama.ai/library/model:latest", "model:latest"),
        ("Registry.Ollama.AI/LIBRARY/Model:Tag", "Model:Tag"),
        ("registry.ollama.ai/me/x:1", "me/x:1"),
        ("host/library/model:tag", "host/library/model:tag"),
        ("hf.co/a/b:q4", "hf.co/a/b:q4"),
        ("https://host/ns/m", "host/ns/m:latest"),
    ],
)
def test_the_shortest_form_drops_what_is_default(text, shortest):
    assert str(Name.parse(text)) == shortest


@given(names)
def test_shortest_and_full_forms_parse_back(name):
    assert name.valid
    assert Name.parse(name.full) == name
    assert Name.parse(str(name)).same_as(name)


@given(names)
def test_case_is_kept_and_does_not_matter(name):
    shouted = Name.parse(name.full.upper())
    assert shouted.model == name.model.upper()
    assert shouted.same_as(name)


@given(st.text() | st.text("ab:/.@\\\0 -"))
def test_parsing_never_raises_and_valid_parts_are_safe_as_path_elements(text):
    name = Name.parse(text)
    if name.valid:
        for element in (name.host, name.namespace, name.model, name.tag):
            assert element.isascii()
            assert not element.startswith(".")
            assert not set(element) & set("/\\\0 ")


@given(names, st.sampled_from("/@ \\\n\0é"))
def test_one_foreign_character_makes_a_part_invalid(name, foreign):
    assert not Name(name.host, name.namespace, name.model + foreign, name.tag).valid
