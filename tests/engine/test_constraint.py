"""Structured output on the real guide: what comes out obeys, what cannot be obeyed is refused."""

import json

import numpy as np
import pytest
from schema_suite import Judge

from ollama_nb.engine import native
from ollama_nb.engine.sequence import FreePart
from ollama_nb.errors import BadRequest
from ollama_nb.wire.schema import answer_schema

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


@pytest.mark.parametrize("begun", [True, False])
def test_what_comes_before_may_end_in_control_tokens_with_words_between(make_spec, begun):
    begin, end = "<|fim_prefix|>analysis<|fim_suffix|>", "<|fim_middle|>final<|fim_suffix|>"
    model = native.Model(make_spec())
    free = FreePart(begin="" if begun else begin, end=end)
    try:
        constraint = model.constrain({"const": 7}, free)
        before = "" if begun else begin
        tokens = model.tokenize(
            f"{before}I think it is final.{end}7", add_special=False, parse_special=True
        )
        logits = np.zeros(model.num_vocab, np.float32)
        for token in tokens[:-1]:
            assert not constraint.accept(token)
        constraint.restrict(logits)
        assert constraint.accept(tokens[-1])
    finally:
        model.close()
    assert np.isfinite(logits[tokens[-1]])
    assert not np.isfinite(logits[tokens[0]])


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
        ({"type": "string", "pattern": "("}, "unclosed group at #/pattern"),
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


@pytest.fixture(scope="module")
def judge(make_spec):
    model = native.Model(make_spec())
    yield Judge(model)
    model.close()


NOT = {"items": {"not": {}}, "type": "array"}


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"properties": {"a": NOT}}, '"not".* at #/properties/a/items'),
        ({"properties": {"not": {"type": "string"}, "a": NOT}}, "at #/properties/a/items"),
        ({"const": {"not": 1}, "allOf": [NOT]}, "at #/allOf/0/items"),
        ({"items": {"$dynamicRef": "#a"}}, r"\$dynamicRef.* at #/items"),
        ({"items": {"$dynamicAnchor": "a"}}, r"\$dynamicAnchor.* at #/items"),
        (
            {
                "$schema": "https://json-schema.org/draft/2019-09/schema",
                "items": {"$recursiveRef": "#"},
            },
            r"\$recursiveRef.* at #/items",
        ),
        ({"items": {"pattern": "a(?=b)"}}, "look-ahead.* at #/items/pattern"),
        ({"items": {"pattern": "("}, "pattern": "a"}, "unclosed group at #/items/pattern"),
        ({"items": {"pattern": "[a]\n("}, "pattern": "a"}, "unclosed group at #/items/pattern"),
        ({"patternProperties": {"a": {}, "(": {}}}, r"unclosed group at #/patternProperties/\("),
        ({"patternProperties": {"^[a]": {}, "[a]$": {}}}, r"/\^\[a\]/ and /\[a\]\$/ .* at #"),
        ({"items": {"minItems": 2.5}, "minItems": 3}, "minItems.* at #/items"),
        ({"items": {"$ref": "#/$defs/none"}}, "'/\\$defs/none'.* at #/items"),
        ({"items": {"type": "no such"}, "type": "array"}, "no such at #/items"),
        ({"items": {"enum": 3}}, "enum.* at #/items"),
        ({"items": {"multipleOf": 0.07}}, "multipleOf.* at #/items"),
        ({"minProperties": 1, "properties": {"a": {}}}, "min/maxProperties.* at #"),
        (
            {
                "properties": {
                    "a": {"oneOf": [{"const": 1}, {"const": 2}]},
                    "b": {"oneOf": [{}, {}]},
                }
            },
            "oneOf works only where no value can fit two of its choices at #/properties/b",
        ),
    ],
)
def test_a_refused_keyword_is_pointed_at(judge, schema, named):
    with pytest.raises(BadRequest, match=f"^invalid format: .*{named}") as refused:
        judge.compile(answer_schema(schema))
    assert "%json" not in str(refused.value)
    assert "coerce" not in str(refused.value)


def test_a_key_with_escapes_is_that_key(judge):
    schema = {"properties": {"a": {"type": "integer"}, "b/c": {"type": "integer"}}}
    assert judge.completes(schema, '{"a":1,"d\\n\\t":"x"}')
    assert not judge.completes(schema, r'{"\u0061":"x"}')
    assert not judge.completes(schema, r'{"b\/c":"x"}')


@pytest.mark.parametrize(
    ("pattern", "fitting", "unfit"),
    [
        # Control characters that no answer can hold were left out.
        ("^a\x01?b$", "ab", "b"),
        *((f"^(a{one}b|c)$", "c", "ab") for one in (
            "\x01", r"\x01", r"\x{01}", r"\u0001", r"\u{1}", r"\U00000001", r"\v", r"\a", r"\x7f",
            r"[\x01]", r"[\x00-\x1f&&\x01]", r"\p{Cc}", r"[[:cntrl:]]", r"[\x01\x02]", "[\x7f]",
        )),
        # Sets with all of them held the quotation mark and the backslash too.
        *((f"^{one}*$", "a z", text) for one in (
            r'[^"\\]', r"[\x00-\x20a-z]", r"[^[:punct:]]", r"\PP",
        ) for text in ('a"', "a\\")),
        ('^[^"]*$', "a\\", '"'),
        (r"^[^\\]*$", 'a"', "\\"),
        (r'^[^\]"]*$', "a[", "]"),
        (r'^[]"]*$', ']"', "["),
        (r"^\[\]$", "[]", "["),
        (r"^[^\x00-\x1f\x7f]+$", 'é"\\', "\n"),
        (r"^a[\x00-\x1f]b$", "a\nb", "ab"),
        (r"^[\w\-. ]+\\[\x41-\x5a]$", "a.b-c\\Z", "a.b-c\\z"),
        (r"^\s\S\W\D.$", "\n\"\"\"\"", "a\"\"\"\""),
    ],
)  # fmt: skip
def test_a_pattern_holds_for_what_json_escapes(judge, pattern, fitting, unfit):
    schema = answer_schema({"type": "string", "pattern": pattern})
    assert judge.completes(schema, json.dumps(fitting, ensure_ascii=False))
    assert not judge.completes(schema, json.dumps(unfit, ensure_ascii=False))
    schema = answer_schema({"patternProperties": {pattern: {"const": 1}}})
    assert judge.completes(schema, json.dumps({fitting: 1}, ensure_ascii=False))
    assert not judge.completes(schema, json.dumps({fitting: 2}, ensure_ascii=False))
    assert judge.completes(schema, json.dumps({unfit: 2}, ensure_ascii=False))


def test_many_choices_of_objects_do_not_fail_in_the_middle(judge):
    names = [f"p{n}" for n in range(20)]
    choices = [{"properties": {name: {"const": n} for name in names}} for n in range(200)]
    schema = answer_schema({"anyOf": [one | {"type": "object"} for one in choices]})
    assert judge.completes(schema, '{"p3":7,"p5":7}')
    assert not judge.completes(schema, '{"p3":7,"p5":8}')
    schema = answer_schema({"enum": [[n] for n in range(2000)]})
    assert judge.completes(schema, "[1999]")


TAGS = {
    name: {
        "properties": {
            "kind": {"const": name, "default": name, "type": "string"},
            "next": {
                "discriminator": {"propertyName": "kind"},
                "oneOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}],
            },
        },
        "type": "object",
        "additionalProperties": False,
    }
    for name in ("cat", "dog")
}


def test_the_unions_that_pydantic_tells_apart_by_a_tag_are_kept(judge):
    schema = answer_schema(TAGS["cat"]["properties"]["next"] | {"$defs": TAGS})
    assert judge.completes(schema, '{"kind":"cat"}')
    assert judge.completes(schema, '{"kind":"cat","next":{"kind":"dog","next":{"kind":"cat"}}}')
    # It would fit both: a tag with a default is not required, but the discriminator says it is.
    assert not judge.completes(schema, "{}")
    assert not judge.completes(schema, '{"kind":"fox"}')
    assert not judge.completes(schema, '{"kind":"cat","next":{}}')


VERSION = {"type": "object", "required": ["v"]}


@pytest.mark.parametrize(
    ("choices", "fitting", "unfit"),
    [
        ([{"$ref": "#/$defs/cat"}, {"type": "null"}], ["null", '{"kind":"cat"}'], ["1"]),
        ([{"const": 1}, {"enum": [2, "1"]}], ["1", "2", '"1"'], ["3"]),
        ([VERSION | {"properties": {"v": {"const": n}}} for n in (1, 2)], ['{"v":1}'], ["{}"]),
        ([{"type": "integer"}, {"type": ["string", "null"]}], ["1", "null"], ["1.5"]),
    ],
)
def test_choices_that_share_no_value_are_kept_apart(judge, choices, fitting, unfit):
    schema = answer_schema({"oneOf": choices, "$defs": TAGS})
    assert all(judge.completes(schema, text) for text in fitting)
    assert not any(judge.completes(schema, text) for text in unfit)


@pytest.mark.parametrize(
    "choices",
    [
        [{"type": "integer"}, {"type": "number"}],
        [{"const": 1}, {"const": 1.0}],
        [{"const": True}, {"enum": [False, True]}],
        [VERSION | {"properties": {"v": {"const": 1}}}, VERSION],
        [{"properties": {"v": {"const": n}}, "required": ["v"]} for n in (1, 2)],  # both take 3
        [{"type": "object", "properties": {"v": {"const": n}}} for n in (1, 2)],  # both take {}
        [{"$ref": "#/$defs/cat"}, {"type": "object"}],
    ],
)
def test_choices_that_share_a_value_are_refused(judge, choices):
    with pytest.raises(BadRequest, match=r"no value can fit two of its choices at #$"):
        judge.compile(answer_schema({"oneOf": choices, "$defs": TAGS}))


def test_a_limit_of_tokens_ends_it_in_the_middle(submit):
    text, end = submit(QUESTION, num_predict=3, schema=json.dumps(PERSON)).finish()
    assert end.done_reason == "length"
    with pytest.raises(ValueError, match=r"."):
        json.loads(text)
