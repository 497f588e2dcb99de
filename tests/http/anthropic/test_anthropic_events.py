"""Chat's answers become Anthropic's: messages of blocks, and the events of a stream (14.7)."""

import json
import re

import pytest
from chat_chunks import answers, call, chunk, joined, last, told_events
from hypothesis import given

from ollama_nb.errors import EngineError
from ollama_nb.http.anthropic.answer import whole_message
from ollama_nb.http.anthropic.events import MessagesTeller, estimated_tokens
from ollama_nb.wire import ChatMessage, ChatRequest, Tool, ToolFunction
from ollama_nb.wire.codec import encode
from ollama_nb.wire.fold import fold_chat


def told(*chunks, stop_sequence=None):
    teller = MessagesTeller(3, lambda: stop_sequence)
    return told_events(piece for one in chunks for piece in teller.tell(one))


def whole(*chunks, stop_sequence=None):
    return json.loads(encode(whole_message(fold_chat(chunks), stop_sequence)))


def test_a_stream_of_text():
    start, *rest = told(chunk("Hé"), chunk("y"), last())
    message = start.pop("message")
    assert start == {"type": "message_start"}
    assert re.fullmatch("msg_[0-9a-f]{24}", message.pop("id"))
    assert message == {
        "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 0},
    }  # fmt: skip
    assert rest == [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Hé"},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "y"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"input_tokens": 7, "output_tokens": 5},
        },
        {"type": "message_stop"},
    ]


def test_a_piece_that_spans_the_border_becomes_two_blocks_and_a_call_a_third():
    events = told(chunk("Let me see.", thinking="hm", calls=[call(city="Paris")]), last())
    begun = [one["content_block"] for one in events if one["type"] == "content_block_start"]
    assert begun == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "call_00000000", "name": "get_weather", "input": {}},
    ]
    deltas = [one["delta"] for one in events if one["type"] == "content_block_delta"]
    assert deltas == [
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "text_delta", "text": "Let me see."},
        {"type": "input_json_delta", "partial_json": '{"city":"Paris"}'},
    ]
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


def test_an_event_goes_over_the_wire_with_its_name():
    *_, stop = MessagesTeller(1, lambda: None).tell(last())
    assert stop == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_an_answer_of_nothing():
    assert [one["type"] for one in told(last())] == [
        "message_start", "message_delta", "message_stop",
    ]  # fmt: skip
    assert whole(last())["content"] == []


def test_a_whole_answer():
    message = whole(chunk(thinking="hm"), chunk("It is "), chunk("sunny."), last())
    assert list(message) == [
        "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage",
    ]  # fmt: skip
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "It is sunny."},
    ]
    assert message["usage"] == {"input_tokens": 7, "output_tokens": 5}


@pytest.mark.parametrize(
    ("reason", "calls", "expected"),
    [
        ("stop", [], "end_turn"),
        ("length", [], "max_tokens"),
        ("load", [], "stop_sequence"),
        ("", [], None),
        ("stop", [call()], "tool_use"),
        ("length", [call()], "tool_use"),
    ],
)
def test_why_it_ends(reason, calls, expected):
    assert whole(chunk(calls=calls), last(reason=reason))["stop_reason"] == expected


@pytest.mark.parametrize(
    ("calls", "expected"), [([], ("stop_sequence", "\n\n")), ([call()], ("tool_use", None))]
)
def test_the_stop_sequence_that_ends_it_is_told_unless_a_tool_is_used(calls, expected):
    chunks = [chunk(calls=calls), last()]
    message = whole(*chunks, stop_sequence="\n\n")
    assert (message["stop_reason"], message["stop_sequence"]) == expected
    delta = told(*chunks, stop_sequence="\n\n")[-2]["delta"]
    assert (delta["stop_reason"], delta["stop_sequence"]) == expected


def test_a_failure_is_the_last_event():
    teller = MessagesTeller(1, lambda: None)
    list(teller.tell(chunk("a")))
    (event,) = told_events(teller.fail(EngineError("broken")))
    assert re.fullmatch("req_[0-9a-f]{24}", event.pop("request_id"))
    assert event == {"type": "error", "error": {"type": "api_error", "message": "broken"}}


def test_the_prompts_length_is_guessed_by_its_characters():
    tool = Tool(function=ToolFunction(name="f", description="x" * 400))
    short = ChatRequest(messages=[ChatMessage(role="user", content="x" * 76)])
    assert estimated_tokens(short) == 20
    assert estimated_tokens(ChatRequest(messages=short.messages, tools=[tool])) > 120
    assert estimated_tokens(ChatRequest()) == 1


@given(answers())
def test_any_answer_is_told_block_by_block(chunks):
    events = told(*chunks)
    kinds = [one["type"] for one in events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    blocks = read_blocks(events[1:-2])
    message = whole(*chunks)
    for kind, field in (("thinking", "thinking"), ("text", "content")):
        said = "".join(block[kind] for block in blocks if block["type"] == kind)
        assert said == joined(chunks, field)
        assert said == "".join(one[kind] for one in message["content"] if one["type"] == kind)
    calls = [block for block in blocks if block["type"] == "tool_use"]
    assert calls == [one for one in message["content"] if one["type"] == "tool_use"]
    assert events[-2]["delta"]["stop_reason"] == message["stop_reason"]
    assert events[-2]["usage"] == message["usage"]


def read_blocks(events):
    """The blocks, if each is begun, told and ended before the next one, in rising order."""
    blocks, parts = [], None
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert parts is None
                assert event["index"] == len(blocks)
                blocks.append(event["content_block"])
                parts = []
            case "content_block_delta":
                assert event["index"] == len(blocks) - 1
                kind, part = event["delta"].values()
                parts.append(part)
                assert kind == DELTAS[blocks[-1]["type"]]
            case "content_block_stop":
                assert event["index"] == len(blocks) - 1
                assert parts
                fill(blocks[-1], "".join(parts))
                parts = None
            case other:
                raise AssertionError(other)
    assert parts is None
    return blocks


DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}


def fill(block, said):
    if block["type"] == "tool_use":
        assert block["input"] == {}
        block["input"] = json.loads(said)
    else:
        assert block[block["type"]] == ""
        block[block["type"]] = said
