"""A whole answer of chat in OpenAI's form, and the parts that its chunks share with it (14.2)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ollama_nb.wire import ChatResponse, Logprob, ToolCall
from ollama_nb.wire.codec import encode_value
from ollama_nb.wire.openai_chat_types import (
    CalledFunction,
    ChatCompletionAnswer,
    ChatCompletionCall,
    ChatCompletionChoice,
    ChatCompletionResponse,
    ChatLogprobs,
    ChosenLogprob,
    TokenLogprob,
)

from .identity import finish_reason, usage_of


def chat_completion(answer: ChatResponse, named: dict[str, Any]) -> ChatCompletionResponse:
    """Shape the whole answer; ``named`` is its identity."""
    message = answer.message
    choice = ChatCompletionChoice(
        message=ChatCompletionAnswer(
            role=message.role,
            content=message.content,
            reasoning=message.thinking,
            tool_calls=openai_calls(message.tool_calls),
        ),
        finish_reason=chat_finish_reason(answer, called=bool(message.tool_calls)),
        logprobs=openai_logprobs(answer.logprobs),
    )
    return ChatCompletionResponse(**named, choices=[choice], usage=usage_of(answer))


def chat_finish_reason(answer: ChatResponse, *, called: bool) -> str:
    """Why it ended, once it is known whether it has called a tool."""
    reason = finish_reason(answer)
    return "tool_calls" if called and reason == "stop" else reason


def openai_calls(calls: Sequence[ToolCall]) -> list[ChatCompletionCall]:
    """Calls with their arguments as a JSON text."""
    return [
        ChatCompletionCall(
            id=call.id,
            index=call.function.index,
            function=CalledFunction(
                name=call.function.name, arguments=encode_value(call.function.arguments)
            ),
        )
        for call in calls
    ]


def openai_logprobs(logprobs: Sequence[Logprob]) -> ChatLogprobs | msgspec.UnsetType:
    """Log probabilities; unset where there are none, since they were not asked for."""
    if not logprobs:
        return msgspec.UNSET
    return ChatLogprobs(
        content=[
            ChosenLogprob(
                token=one.token,
                logprob=one.logprob,
                bytes=one.bytes,
                top_logprobs=[
                    TokenLogprob(token=other.token, logprob=other.logprob, bytes=other.bytes)
                    for other in one.top_logprobs
                ],
            )
            for one in logprobs
        ]
    )
