"""Structured output on the real guide: what comes out obeys, what cannot be obeyed is refused."""

import json

import pytest

from ollama_nb.engine.sequence import FreePart
from ollama_nb.errors import BadRequest

QUESTION = "<|im_start|>user\nHow do I pull a model?<|im_end|>\n<|im_start|>assistant\n"
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def obey(submit, schema, prompt=QUESTION, options=None, **limits):
    text, end = submit(
        prompt, options, num_predict=400, schema=json.dumps(schema), **limits
    ).finish()
    assert end.done_reason == "stop", text
    return text


@pytest.mark.parametrize("options", [{"temperature": 0}, {"temperature": 2.0, "seed": 5}])
def test_the_answer_has_the_shape_of_the_schema(submit, options):
    value = json.loads(obey(submit, PERSON, options=options))
    assert set(value) == {"name", "age"}
    assert isinstance(value["name"], str)
    assert isinstance(value["age"], int)


def test_a_bare_object_is_any_json_object(submit):
    assert isinstance(json.loads(obey(submit, {"type": "object"})), dict)


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"enum": ["rot", "grün", 3, None]}, ["rot", "grün", 3, None]),
        ({"const": {"a": [1, 2]}}, [{"a": [1, 2]}]),
        ({"type": "boolean"}, [True, False]),
    ],
)
def test_choices_are_kept_to(submit, schema, values):
    for seed in range(3):
        options = {"temperature": 1.5, "seed": seed}
        assert json.loads(obey(submit, schema, options=options)) in values


def test_the_answer_ends_when_the_json_does(submit):
    assert obey(submit, {"const": 7}) == "7"


def test_white_space_is_bounded(submit):
    text = obey(submit, {"type": "array", "items": {"const": 1}, "minItems": 5, "maxItems": 5})
    assert json.loads(text) == [1] * 5
    assert len(text) < 5 * 60


def test_obedience_begins_after_thinking(submit):
    thinking = QUESTION + "<think>\n"
    text = obey(submit, PERSON, thinking, free=FreePart(end="</think>"))
    reasoning, found, answer = text.partition("</think>")
    assert found
    assert reasoning.strip()
    assert set(json.loads(answer)) == {"name", "age"}


@pytest.mark.parametrize("begin", ["<think>", "Let me see: "])
def test_thinking_that_nobody_began_may_be_left_out(submit, begin):
    free = FreePart(begin=begin, end="</think>")
    text = obey(submit, {"enum": ["yes", "no"]}, free=free)
    assert json.loads(text.rpartition("</think>")[2]) in ("yes", "no")


def test_obedient_and_free_sequences_share_a_batch(submit):
    free = submit(QUESTION, num_predict=40).finish()[0]
    bound = [submit(QUESTION, num_predict=400, schema=json.dumps(PERSON)) for _ in range(3)]
    others = [submit(QUESTION, num_predict=40) for _ in range(3)]
    assert all(set(json.loads(one.finish()[0])) == {"name", "age"} for one in bound)
    assert {one.finish()[0] for one in others} == {free}


def test_probabilities_are_the_models_own_not_the_schemas(submit):
    sequence = submit(QUESTION, num_predict=1, schema=json.dumps({"const": 7}), top_logprobs=1)
    _, told, _ = sequence.finish_told()
    assert told[0].data == b"7"
    assert told[0].top[0][0] != b"7"


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"properties": {"a": {"not": {"type": "string"}}}}, "not"),
        ({"type": "object", "properties": {"a": {"if": True, "then": {}}}}, "if"),
        ({"type": "string", "pattern": "("}, "pattern|regex|parse"),
        ({"type": "no such type"}, "type"),
        ({"$ref": "#"}, "no answer fits|ref"),
        ({"$ref": "#/$defs/none"}, "none|ref"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no answer fits|minimum|maximum|Unsat"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_by_name(submit, schema, named):
    with pytest.raises(BadRequest, match=f"(?i)invalid format.*({named})"):
        submit(QUESTION, schema=json.dumps(schema))
    assert submit(QUESTION, num_predict=3).finish()[0]


def test_a_refused_keyword_is_pointed_at(submit):
    schema = {"type": "object", "properties": {"a": {"items": {"not": {}}, "type": "array"}}}
    with pytest.raises(BadRequest, match="#/properties/a/items"):
        submit(QUESTION, schema=json.dumps(schema))


def test_a_limit_of_tokens_ends_it_in_the_middle(submit):
    text, end = submit(QUESTION, num_predict=3, schema=json.dumps(PERSON)).finish()
    assert end.done_reason == "length"
    with pytest.raises(ValueError, match=r"."):
        json.loads(text)
