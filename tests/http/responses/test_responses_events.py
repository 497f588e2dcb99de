"""Chat's answers become OpenAI's responses: whole objects, and the events of a stream (14.6)."""

import json

import pytest
from chat_chunks import answers, call, chunk, joined, last, told_events
from hypothesis import given

from ollama_nb.errors import EngineError
from ollama_nb.http.responses.draft import Draft
from ollama_nb.http.responses.events import ResponsesTeller
from ollama_nb.wire.codec import encode
from ollama_nb.wire.fold import fold_chat
from ollama_nb.wire.responses_types import ResponsesRequest

REQUEST = ResponsesRequest(model="m")
NAMESPACE = {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]}


def told(*chunks, request=REQUEST):
    teller = ResponsesTeller(Draft(request))
    return told_events(piece for one in chunks for piece in teller.tell(one))


def whole(*chunks, request=REQUEST):
    return json.loads(encode(Draft(request).whole(fold_chat(chunks))))


def kinds(events):
    return [one["type"].removeprefix("response.") for one in events]


def nameless(value):
    """Without ids and moments."""
    if isinstance(value, dict):
        ids = ("id", "item_id", "created_at", "completed_at", "sequence_number")
        return {key: nameless(one) for key, one in value.items() if key not in ids}
    return [nameless(one) for one in value] if isinstance(value, list) else value


def test_a_whole_answer():
    response = whole(chunk(thinking="hm"), chunk("It is "), last("sunny."))
    number = response["id"].removeprefix("resp_")
    assert number.isdigit()
    assert isinstance(response.pop("created_at"), int)
    assert isinstance(response.pop("completed_at"), int)
    assert response == {
        "id": f"resp_{number}", "object": "response", "status": "completed",
        "incomplete_details": None, "model": "m", "previous_response_id": None,
        "instructions": None,
        "output": [
            {"id": f"rs_{number}_0", "type": "reasoning", "encrypted_content": "hm",
             "summary": [{"type": "summary_text", "text": "hm"}]},
            {"id": f"msg_{number}_1", "type": "message", "status": "completed",
             "role": "assistant", "content": [
                {"type": "output_text", "text": "It is sunny.", "annotations": [],
                 "logprobs": []}]},
        ],
        "error": None, "tools": [], "tool_choice": "auto", "truncation": "disabled",
        "parallel_tool_calls": True, "text": {"format": {"type": "text"}}, "top_p": None,
        "presence_penalty": 0, "frequency_penalty": 0, "top_logprobs": 0, "temperature": 1.0,
        "reasoning": None,
        "usage": {
            "input_tokens": 7, "output_tokens": 5, "total_tokens": 12,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        "max_output_tokens": None, "max_tool_calls": None, "store": False, "background": False,
        "service_tier": "default", "metadata": {}, "safety_identifier": None,
        "prompt_cache_key": None,
    }  # fmt: skip


def test_what_was_asked_is_repeated():
    asked = {
        "instructions": "Be brief.", "tools": [NAMESPACE], "tool_choice": "required",
        "truncation": "auto", "top_p": 0.5, "temperature": 0.0, "max_output_tokens": 9,
        "reasoning": {"effort": "low", "summary": None}, "background": True,
    }  # fmt: skip
    response = whole(last(), request=ResponsesRequest(model="m", **asked))
    assert {key: response[key] for key in asked} == asked


def test_calls_stand_after_the_text():
    *_, first, second = whole(
        chunk("a", calls=[call(city="Paris")]),
        last("b", calls=[]),
        chunk(calls=[call("now", 1)], done=True),
    )["output"]
    assert nameless(first) == {
        "type": "function_call", "status": "completed", "call_id": "call_00000000",
        "name": "get_weather", "arguments": '{"city":"Paris"}',
    }  # fmt: skip
    assert second["name"] == "now"


def test_without_text_a_call_stands_alone():
    (only,) = whole(last(), chunk(calls=[call()], done=True))["output"]
    assert only["type"] == "function_call"


def test_a_call_names_its_namespace():
    request = ResponsesRequest(model="m", tools=[NAMESPACE])
    (only,) = whole(chunk(calls=[call("crm.find")], done=True), request=request)["output"]
    assert (only["namespace"], only["name"]) == ("crm", "find")


def test_an_answer_that_was_cut_off_says_so():
    response = whole(last("a", reason="length"))
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    final = told(last("a", reason="length"))[-1]
    assert final["type"] == "response.completed"
    assert final["response"]["status"] == "incomplete"
    assert final["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_a_stream_of_text():
    created, in_progress, *events, completed = told(chunk("Hé"), last("y"))
    assert (created["type"], in_progress["type"]) == ("response.created", "response.in_progress")
    begun = created["response"]
    assert begun == in_progress["response"]
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    text = {"type": "output_text", "annotations": [], "logprobs": []}
    item = {"type": "message", "role": "assistant"}
    at = {"output_index": 0}
    within = at | {"content_index": 0}
    assert nameless(events) == [
        at | {"type": "response.output_item.added",
              "item": item | {"status": "in_progress", "content": []}},
        within | {"type": "response.content_part.added", "part": text | {"text": ""}},
        within | {"type": "response.output_text.delta", "delta": "Hé", "logprobs": []},
        within | {"type": "response.output_text.delta", "delta": "y", "logprobs": []},
        within | {"type": "response.output_text.done", "text": "Héy", "logprobs": []},
        within | {"type": "response.content_part.done", "part": text | {"text": "Héy"}},
        at | {"type": "response.output_item.done",
              "item": item | {"status": "completed", "content": [text | {"text": "Héy"}]}},
    ]  # fmt: skip
    assert completed["type"] == "response.completed"
    assert completed["response"]["output"] == [events[-1]["item"]]
    assert completed["response"]["id"] == begun["id"]


def test_a_stream_of_thinking_and_a_call():
    events = told(
        chunk(thinking="h"), chunk(thinking="m"), chunk(calls=[call(city="Paris")]), last()
    )
    assert kinds(events) == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_text.delta", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]  # fmt: skip
    assert events[5]["text"] == "hm"
    assert nameless(events[2]["item"]) == {"type": "reasoning", "summary": []}
    assert (events[7]["item"]["status"], events[7]["item"]["arguments"]) == ("in_progress", "")
    assert events[8]["delta"] == events[9]["arguments"] == '{"city":"Paris"}'


@pytest.mark.parametrize("chunks", [[last()], [chunk(thinking="hm"), last()]])
def test_an_answer_of_nothing_has_an_empty_text(chunks):
    streamed = told(*chunks)[-1]["response"]["output"]
    assert streamed[-1]["content"][0]["text"] == ""
    assert nameless(streamed) == nameless(whole(*chunks)["output"])


def test_a_failure_is_the_last_event_and_keeps_what_is_complete():
    teller = ResponsesTeller(Draft(REQUEST))
    list(teller.tell(chunk("a", thinking="hm")))
    (event,) = told_events(teller.fail(EngineError("broken")))
    assert (event["type"], event["sequence_number"]) == ("response.failed", 9)
    assert event["response"]["status"] == "failed"
    assert event["response"]["error"] == {"code": "server_error", "message": "broken"}
    assert [one["type"] for one in event["response"]["output"]] == ["reasoning"]


@given(answers())
def test_any_answer_is_told_item_by_item(chunks):
    events = told(*chunks)
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert kinds(events)[:2] == ["created", "in_progress"]
    final = events[-1]["response"]
    assert final["output"] == read_items(events[2:-1])
    answer = whole(*chunks)
    for field in ("status", "usage", "incomplete_details"):
        assert final[field] == answer[field]
    for response in (final, answer):
        assert thoughts(response) == joined(chunks, "thinking")
        assert texts(response) == joined(chunks, "content")
    assert calls(final) == calls(answer)
    assert len({item["id"] for item in final["output"]}) == len(final["output"])


def thoughts(response):
    items = [one for one in response["output"] if one["type"] == "reasoning"]
    for one in items:
        assert one["summary"] == [{"type": "summary_text", "text": one["encrypted_content"]}]
    return "".join(one["encrypted_content"] for one in items)


def texts(response):
    items = [one for one in response["output"] if one["type"] == "message"]
    return "".join(one["content"][0]["text"] for one in items)


def calls(response):
    return [nameless(one) for one in response["output"] if one["type"] == "function_call"]


def read_items(events):
    """The items, if each is begun, told and ended before the next one, in rising order."""
    items = []
    while events:
        added, done = events[0], kinds(events).index("output_item.done")
        assert added["type"] == "response.output_item.added"
        assert added["output_index"] == events[done]["output_index"] == len(items)
        item = events[done]["item"]
        assert added["item"]["id"] == item["id"]
        check_item(item, events[1:done])
        items.append(item)
        events = events[done + 1 :]
    return items


def check_item(item, events):
    """What was told between its beginning and its end is what it has become."""
    for event in events:
        assert event["item_id"] == item["id"]
    said = "".join(one["delta"] for one in events if one["type"].endswith(".delta"))
    told = [one for one in kinds(events) if not one.endswith(".delta")]
    match item["type"]:
        case "message":
            assert told == ["content_part.added", "output_text.done", "content_part.done"]
            assert said == item["content"][0]["text"] == events[-2]["text"]
            assert events[-1]["part"] == item["content"][0]
        case "reasoning":
            assert told == ["reasoning_summary_text.done"]
            assert said == item["encrypted_content"] == events[-1]["text"]
        case "function_call":
            assert told == ["function_call_arguments.done"]
            assert said == item["arguments"] == events[-1]["arguments"]
