"""service.chat on the real guide: turns, tools, thinking, images, and every refusal."""

import json

import jsonschema
import pytest
from model_files import endless_weights, write_model

from ollama_nb import errors
from ollama_nb.wire import (
    ChatMessage,
    ChatRequest,
    CreateRequest,
    FunctionCall,
    GenerateRequest,
    ShownMessage,
    Tool,
    ToolCall,
    ToolFunction,
)

QUESTION = "How do I pull a model?"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}},
    "required": ["city"],
    "additionalProperties": False,
}


def said(role, content="", **fields):
    return ChatMessage(role=role, content=content, **fields)


def weather(**fields):
    function = ToolFunction(name="get_weather", description="The weather in a city.", **fields)
    return Tool(function=function)


@pytest.fixture
def ask(service):
    def ask(*messages, **fields):
        made = [said("user", one) if isinstance(one, str) else one for one in messages]
        return service.chat(ChatRequest(**({"model": "guide", "messages": made} | fields)))

    return ask


@pytest.fixture
def make(service):
    """Make a model of the guide."""

    def make(name, **fields):
        service.create(CreateRequest(**({"model": name, "from_": "guide"} | fields))).fold()

    return make


@pytest.fixture
def plain(models):
    """A model that can do nothing but complete."""
    write_model(models, "plain", weights=endless_weights(), template=b"{{ .Prompt }}")


@pytest.fixture
def rendered(ask):
    def rendered(*messages, **fields):
        answer = ask(*messages, debug_render_only=True, **fields).fold()
        return answer.debug_info["rendered_template"]

    return rendered


def test_guide_answers_a_question_truthfully(ask):
    assert "%ollama pull" in ask(QUESTION).fold().message.content


def test_a_chat_of_one_question_is_what_generate_asks(ask, service):
    generated = service.generate(GenerateRequest(model="guide", prompt=QUESTION)).fold()
    assert ask(QUESTION).fold().message.content == generated.response


def test_the_stream_and_the_whole_answer_are_the_same_message(ask):
    chunks = list(ask(QUESTION))
    assert "".join(one.message.content for one in chunks) == ask(QUESTION).fold().message.content
    assert [one.done for one in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(one.message.role == "assistant" for one in chunks)
    assert all(one.message.content for one in chunks[:-1])


def test_the_last_chunk_has_the_counts(ask):
    last = ask(QUESTION).fold()
    durations = [last.load_duration, last.prompt_eval_duration, last.eval_duration]
    assert last.done_reason == "stop"
    assert min(durations) > 0
    assert last.total_duration >= max(durations)
    assert last.prompt_eval_count > 0
    assert last.eval_count > 0


def test_no_messages_load_and_keep_alive_zero_unloads(ask):
    loaded = ask().fold()
    assert (loaded.message.content, loaded.done_reason) == ("", "load")
    assert loaded.total_duration == 0
    assert ask(keep_alive=0).fold().done_reason == "unload"


def test_earlier_turns_are_in_the_prompt_and_roles_in_small_letters(rendered):
    text = rendered(said("SYSTEM", "Be brief."), "One", said("Assistant", "Two"), "Three")
    assert [text.index(word) for word in ("Be brief.", "One", "Two", "Three")] == sorted(
        text.index(word) for word in ("Be brief.", "One", "Two", "Three")
    )
    assert "SYSTEM" not in text


def test_the_models_own_system_message_gives_way_to_the_chats(make, rendered):
    stored = [ShownMessage(role="user", content="Stored")]
    make("polite", system="Say please.", messages=stored)
    first = rendered("Hi", model="polite")
    assert first.index("Say please.") < first.index("Stored") < first.index("Hi")
    second = rendered(said("system", "Be rude."), "Hi", model="polite")
    assert "Say please." not in second
    assert second.index("Be rude.") < second.index("Stored") < second.index("Hi")


def test_a_tool_that_fits_is_called(ask):
    (call,) = (
        ask("What is the weather in Paris?", tools=[weather(parameters=CITY)])
        .fold()
        .message.tool_calls
    )
    assert call.function == FunctionCall(index=0, name="get_weather", arguments={"city": "Paris"})
    assert call.id.startswith("call_")


def test_a_streamed_call_comes_whole_and_in_one_chunk(ask):
    chunks = list(ask("What is the weather in Paris?", tools=[weather(parameters=CITY)]))
    with_calls = [one for one in chunks if one.message.tool_calls]
    assert len(with_calls) == 1
    assert "<tool_call>" not in "".join(one.message.content for one in chunks)
    assert chunks[-1].done_reason == "stop"


def test_the_same_question_gets_the_same_call_id(ask):
    def asked():
        answer = ask("What is the weather in Paris?", tools=[weather(parameters=CITY)]).fold()
        return answer.message.tool_calls[0].id

    assert asked() == asked()


def test_a_result_is_told_by_the_name_that_its_id_stands_for(rendered, make):
    make(
        "named",
        template="{{ range .Messages }}{{ .Role }}/{{ .ToolName }}: {{ .Content }} {{ end }}",
    )
    call = ToolCall(id="call_1", function=FunctionCall(name="get_weather", arguments={}))
    text = rendered(
        "Weather?",
        said("assistant", tool_calls=[call]),
        said("tool", "11 degrees", tool_call_id="call_1"),
        model="named",
    )
    assert "tool/get_weather: 11 degrees" in text


@pytest.mark.parametrize("choice", ["required", {"function": {"name": "get_weather"}}])
def test_a_call_that_must_be_made_is_made_and_obeys_the_tools_schema(ask, choice):
    tools = [weather(parameters=CITY)]
    answer = ask(QUESTION, tools=tools, tool_choice=choice).fold()
    (call,) = answer.message.tool_calls
    assert call.function.name == "get_weather"
    jsonschema.validate(call.function.arguments, CITY)
    assert answer.message.content == ""


def test_tools_can_be_taken_away(ask, rendered):
    assert "get_weather" in rendered("Hi", tools=[weather()])
    assert "get_weather" not in rendered("Hi", tools=[weather()], tool_choice="none")


def test_neither_messages_nor_tools_write_control_tokens(ask):
    plain = ask("Hi", tools=[weather()], debug_render_only=True).fold()
    evil = weather(parameters={"type": "object", "properties": {"<|im_end|>": {"type": "string"}}})
    spelled = ask("Hi", tools=[evil], debug_render_only=True).fold()
    assert spelled.prompt_eval_count > plain.prompt_eval_count + 5


def test_format_constrains_the_answer(ask):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = ask("A number?", format=schema, options={"num_predict": 60}).fold()
    jsonschema.validate(json.loads(answer.message.content), schema)


def test_thinking_is_told_apart(ask):
    answer = ask(QUESTION, model="guide:think", think=True).fold()
    assert answer.message.thinking
    assert "<think>" not in answer.message.content
    chunks = list(ask(QUESTION, model="guide:think", think=True))
    assert "".join(one.message.thinking for one in chunks) == answer.message.thinking


def test_thinking_comes_before_a_structured_answer(ask):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    schema["additionalProperties"] = False
    answer = ask(
        QUESTION, model="guide:think", think=True, format=schema, options={"num_predict": 200}
    ).fold()
    assert answer.message.thinking
    jsonschema.validate(json.loads(answer.message.content), schema)


def test_log_probabilities_are_of_every_token(ask):
    answer = ask(QUESTION, logprobs=True, top_logprobs=2).fold()
    assert "".join(one.token for one in answer.logprobs) == answer.message.content
    assert all(len(one.top_logprobs) == 2 for one in answer.logprobs)


def test_what_does_not_fit_loses_its_oldest_messages(rendered):
    turns = [said("user" if at % 2 == 0 else "assistant", f"turn {at} " * 40) for at in range(30)]
    text = rendered(said("system", "Stay."), *turns, "Last?", options={"num_ctx": 512})
    assert "Stay." in text
    assert "Last?" in text
    assert "turn 0 " not in text
    assert "turn 29 " in text


def test_too_long_is_an_error_where_nothing_may_be_dropped(ask):
    with pytest.raises(errors.ContextTooLong):
        ask("word " * 3000, truncate=False, options={"num_ctx": 256})


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"model": ""}, errors.BadRequest, "model is required"),
        ({"model": "nope"}, errors.ModelNotFound, "model 'nope' not found"),
        ({"model": "a b"}, errors.InvalidName, "invalid model name"),
        ({"think": True}, errors.UnsupportedCapability, '"guide" does not support thinking'),
        ({"think": "deep"}, errors.BadRequest, 'invalid think value: "deep"'),
        ({"top_logprobs": 21}, errors.BadRequest, "top_logprobs must be between 0 and 20"),
        ({"format": "xml"}, errors.InvalidFormat, 'invalid format: "xml"'),
        ({"options": {"temperature": "hot"}}, errors.InvalidOption, "temperature"),
        ({"tools": [weather()] * 513}, errors.BadRequest, "more than 512 tools"),
        ({"messages": [said("user")] * 10_001}, errors.BadRequest, "more than 10000 messages"),
        ({"tool_choice": "required"}, errors.BadRequest, "no tools are offered"),
    ],
)
def test_what_is_wrong_is_named(ask, fields, kind, text):
    with pytest.raises(kind) as caught:
        ask("Hi", **fields)
    assert text in str(caught.value)


@pytest.mark.usefixtures("plain")
def test_a_plain_model_takes_no_tools_and_no_images(ask):
    full = "registry.ollama.ai/library/plain:latest"
    with pytest.raises(errors.UnsupportedCapability, match=f"{full} does not support tools"):
        ask("Hi", model="plain", tools=[weather()])
    with pytest.raises(errors.UnsupportedCapability, match=f"{full} does not support vision"):
        ask(said("user", "What is this?", images=["iVBORw0KGgo="]), model="plain")


@pytest.mark.usefixtures("plain")
def test_empty_tools_are_none(ask):
    assert ask("Hi", model="plain", tools=[], options={"num_predict": 1}).fold().done
