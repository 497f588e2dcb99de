"""Reading requests: lenient where Ollama is, BadRequest for all else (Ollama API, 1.2)."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest
from ollama_nb.wire import EmbedResponse, GenerateRequest
from ollama_nb.wire.codec import decode_request, encode, encode_items, encode_value

HOSTILE = {
    "only a key": b'{"model"',
    "single quotes": b"{'model':'a'}",
    "trailing comma": b'{"model":"a",}',
    "NaN": b'{"top_logprobs":NaN}',
    "Infinity": b'{"top_logprobs":-Infinity}',
    "NUL in front": b'\0{"model":"a"}',
    "NUL in a text": b'{"model":"a\0b"}',
    "5000 digits": b'{"top_logprobs":' + b"9" * 5000 + b"}",
    "1e400 for an integer": b'{"top_logprobs":1e400}',
    "1e400 for anything": b'{"keep_alive":-1e400}',
    "1e400 inside": b'{"options":{"temperature":1e400}}',
    "200 deep": b'{"format":' + b"[" * 200 + b"]" * 200 + b"}",
    "200,000 deep": b'{"format":' + b"[" * 200_000,
    "200,000 objects deep": b'{"a":' * 200_000,
    "100,001 keys": b"{" + b",".join(b'"%d":1' % i for i in range(100_001)) + b"}",
    "100,001 keys inside": b'{"a":[' + b",".join([b'{"k":1}'] * 100_001) + b"]}",
    "an array": b"[]",
    "a string": b'"model"',
    "a number": b"7",
    "a boolean": b"true",
    "form encoding": b"model=a&prompt=b",
    "a number for a text": b'{"model":5}',
    "a text for a boolean": b'{"stream":"false"}',
    "a number for options": b'{"options":5}',
    "texts for context": b'{"context":["a"]}',
    "not UTF-8 at all": b"\xff\xfe\x00\x01",
    "half a UTF-16 file": '{"model":"a"}'.encode("utf-16"),
}


def read(body):
    return decode_request(body if isinstance(body, bytes) else body.encode(), GenerateRequest)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_bodies_are_bad_requests_and_soon(case):
    started = time.process_time()
    with pytest.raises(BadRequest) as caught:
        read(HOSTILE[case])
    assert caught.value.status == 400
    assert len(str(caught.value)) < 500
    assert time.process_time() - started < 5


@pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"\xef\xbb\xbf"])
def test_an_empty_body_has_its_own_text(body):
    with pytest.raises(BadRequest, match=r"^missing request body$"):
        read(body)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("5000 digits", "a number has more than 4300 digits"),
        ("1e400 inside", "a number is out of range"),
        ("NaN", "invalid JSON: invalid character 'N' looking for beginning of value"),
    ],
)
def test_numbers_that_cannot_be_held_are_told_in_our_words(case, text):
    with pytest.raises(BadRequest) as caught:
        read(HOSTILE[case])
    assert str(caught.value) == text


def test_null_is_an_empty_object():
    assert read("null") == read("{}") == GenerateRequest()


def test_null_means_not_given():
    nulls = dict.fromkeys(["model", "stream", "raw", "options", "context", "think", "truncate"])
    assert read(json.dumps(nulls)) == GenerateRequest()


def test_keys_match_whatever_their_case_and_unknown_ones_are_ignored():
    request = read('{"MODEL":"a","Prompt":"b","_DEBUG_RENDER_ONLY":true,"new":{"x":[]}}')
    assert (request.model, request.prompt, request.debug_render_only) == ("a", "b", True)


@pytest.mark.parametrize(
    "body",
    [
        '{"model":"a","model":"b"}',
        '{"model":"a","Model":"b"}',
        '{"Model":"a","model":"b"}',
        '{"model":"a","Model":"c","model":"b"}',
        '{"MODEL":"c","model":"a","MODEL":"b"}',
    ],
)
def test_the_later_of_two_spellings_wins(body):
    assert read(body).model == "b"


@pytest.mark.parametrize(
    ("body", "model"),
    [
        ('{"name":"a"}', "a"),
        ('{"NAME":"a"}', "a"),
        ('{"name":"a","model":"b"}', "b"),
        ('{"model":"b","name":"a"}', "b"),
        ('{"name":"a","model":""}', "a"),
        ('{"name":"a","model":null}', "a"),
        ('{"name":"","model":"b"}', "b"),
    ],
)
def test_the_older_name_serves_where_model_is_empty(body, model):
    assert read(body).model == model


@pytest.mark.parametrize("tail", [b" trailing", b"\0\0", b'{"model":"z"}', b"}", b"\xff"])
def test_only_the_first_value_is_read(tail):
    assert read(b'{"model":"a"}' + tail).model == "a"


def test_a_byte_order_mark_does_no_harm():
    assert read(b'\xef\xbb\xbf{"model":"a"}').model == "a"


def test_invalid_utf8_and_half_surrogates_become_replacement_characters():
    assert read(b'{"prompt":"a\xffb"}').prompt == "a\ufffdb"
    assert read(rb'{"prompt":"\ud800a\uDC00\ud83d\ude00\ud83d"}').prompt == "\ufffda\ufffd😀\ufffd"
    assert read(rb'{"prompt":"\\ud800"}').prompt == r"\ud800"
    assert read(rb'{"prompt":"\u0000"}').prompt == "\0"
    assert read(rb'{"options":{"\ud800":["\udfff"]}}').options == {"\ufffd": ["\ufffd"]}


def test_what_is_just_within_the_limits_is_read():
    assert read(b'{"format":' + b"[" * 99 + b"]" * 99 + b"}").format
    keys = b",".join(b'"%d":1' % i for i in range(99_999))
    assert len(read(b'{"options":{' + keys + b"}}").options) == 99_999
    assert read(b'{"top_logprobs":' + b"9" * 4300 + b"}").top_logprobs > 10**4299
    assert read(b'{"options":{"temperature":1e308}}').options == {"temperature": 1e308}


@given(st.binary() | st.text('{}[]":,\\unmodeltrfasx0123456789.eE- ').map(str.encode))
def test_any_bytes_are_read_or_refused(body):
    with suppress(BadRequest):
        assert isinstance(read(body), GenerateRequest)


@given(
    st.dictionaries(
        st.sampled_from(["model", "Prompt", "STREAM", "options", "context", "think", "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda items: st.lists(items) | st.dictionaries(st.text(), items),
            max_leaves=5,
        ),
    )
)
def test_any_object_is_read_or_refused_and_can_be_answered(value):
    try:
        request = read(json.dumps(value))
    except BadRequest:
        return
    encode_value([request.model, request.prompt, request.options, request.think])


@given(st.text(st.characters(codec="utf-8")))
def test_text_arrives_unchanged(text):
    assert read(json.dumps({"prompt": text})).prompt == text
    assert read(json.dumps({"prompt": text}, ensure_ascii=False)).prompt == text


@given(
    st.text(st.characters(codec="utf-8")) | st.just('"embeddings":[]'),
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False))),
    st.integers(0, 2),
)
def test_item_by_item_the_same_bytes_are_written(model, vectors, count):
    answer = EmbedResponse(model=model, embeddings=vectors, prompt_eval_count=count)
    assert b"".join(encode_items(answer, "embeddings")) == encode(answer)
