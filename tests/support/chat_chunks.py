"""Chat's answers in pieces, as the service hands them out, and events as clients read them."""

import json
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from ollama_nb.wire import AnswerMessage, ChatResponse, FunctionCall, ToolCall

AT = "2026-01-01T00:00:00Z"


def call(name: str = "get_weather", number: int = 0, **arguments) -> ToolCall:
    """A call with an id of its own."""
    function = FunctionCall(index=number, name=name, arguments=arguments)
    return ToolCall(id=f"call_{number:08d}", function=function)


def chunk(
    content: str = "", *, thinking: str = "", calls: Sequence[ToolCall] = (), **fields
) -> ChatResponse:
    """A piece of an answer, not the last one unless the fields say so."""
    message = AnswerMessage(
        role="assistant", content=content, thinking=thinking, tool_calls=list(calls)
    )
    return ChatResponse(**{"model": "m", "created_at": AT, "done": False} | fields, message=message)


def last(content: str = "", *, reason: str = "stop", **fields) -> ChatResponse:
    """The last piece."""
    counts = {"prompt_eval_count": 7, "eval_count": 5}
    return chunk(content, done=True, done_reason=reason, **counts | fields)


@st.composite
def answers(draw) -> list[ChatResponse]:
    """Any mixture of thinking, text and calls, which ends."""
    texts = st.text(max_size=4)
    pieces = draw(st.lists(st.tuples(texts, texts, st.integers(0, 2)), max_size=6))
    ending = draw(st.tuples(texts, texts, st.integers(0, 2)))
    number = 0
    chunks = []
    for content, thinking, count in [*pieces, ending]:
        calls = [call(number=number + at, city=draw(texts)) for at in range(count)]
        number += count
        chunks.append(chunk(content, thinking=thinking, calls=calls))
    end = chunks.pop().message
    reason = draw(st.sampled_from(["stop", "length"]))
    ended = last(end.content, reason=reason)
    ended.message = end
    return [*chunks, ended]


def told_events(pieces: Iterable[bytes]) -> list[dict]:
    """The data of each event, whose name is the data's type; nothing stands between them."""
    events = []
    for event in b"".join(pieces).decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = event.partition("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def joined(chunks: Iterable[ChatResponse], field: str) -> str:
    """All of the thinking, or all of the content."""
    return "".join(getattr(one.message, field) for one in chunks)
