"""The items of an input become messages of chat."""

from collections.abc import Sequence
from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.http.openai.arguments import call_arguments
from ollama_nb.http.openai.go_types import go_type
from ollama_nb.http.openai.images import inline_image
from ollama_nb.http.openai.roles import chat_role
from ollama_nb.wire import ChatMessage, FunctionCall, ToolCall
from ollama_nb.wire.codec import read_object
from ollama_nb.wire.responses_types import (
    FunctionCallOutputParam,
    FunctionCallParam,
    ImagePartParam,
    ItemParam,
    MessageParam,
    PartParam,
    ReasoningItemParam,
    TextPartParam,
)

from .tools import called_name

_IGNORED = "web_search_call"


def chat_messages(instructions: str, given: Any) -> list[ChatMessage]:
    """Translate, after the instructions. Raises BadRequest naming what is unusable."""
    conversation = _Conversation()
    if instructions:
        conversation.messages.append(ChatMessage(role="system", content=instructions))
    if isinstance(given, str):
        given = [{"role": "user", "content": given}] if given else []
    if not isinstance(given, list):
        raise BadRequest(f"input must be a string or array: got {go_type(given)}")
    for item in given:
        if not isinstance(item, dict):
            raise BadRequest(f"input items must be objects: got {go_type(item)}")
        conversation.add(item)
    return conversation.messages


class _Conversation:
    """Gathers what an assistant's turn said in several items into one message."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []

    def add(self, item: dict[str, Any]) -> None:
        """Take the next item."""
        told = read_object(item, ItemParam)
        match told.type or ("message" if told.role else ""):
            case "message":
                self._say(read_object(item, MessageParam))
            case "reasoning":
                self._think(read_object(item, ReasoningItemParam))
            case "function_call":
                self._call(read_object(item, FunctionCallParam))
            case "function_call_output":
                self._bring(read_object(item, FunctionCallOutputParam))
            case "":
                raise BadRequest("input item missing required 'type' field")
            case kind if kind != _IGNORED:
                raise BadRequest(f'unknown input item type: "{kind}"')

    def _think(self, item: ReasoningItemParam) -> None:
        """Begin a message of the assistant: what it said or called follows."""
        summary = "\n\n".join(part.text for part in item.summary or ())
        thinking = item.encrypted_content or summary
        self.messages.append(ChatMessage(role="assistant", thinking=thinking))

    def _say(self, item: MessageParam) -> None:
        text, images = _content(item.content)
        role = chat_role(item.role)
        message = self._begun() if role == "assistant" else None
        if message is None or message.content or message.tool_calls:
            message = ChatMessage(role=role)
            self.messages.append(message)
        message.content, message.images = text, images

    def _call(self, item: FunctionCallParam) -> None:
        message = self._begun()
        if message is None:
            message = ChatMessage(role="assistant")
            self.messages.append(message)
        name = called_name(item.namespace, item.name)
        calls = message.tool_calls = message.tool_calls or []
        arguments = call_arguments(item.arguments or "{}")
        function = FunctionCall(index=len(calls), name=name, arguments=arguments)
        calls.append(ToolCall(id=item.call_id, function=function))

    def _bring(self, item: FunctionCallOutputParam) -> None:
        text, images = _content(item.output)
        self.messages.append(
            ChatMessage(
                role="tool",
                content=text,
                images=images,
                tool_call_id=item.call_id,
            )
        )

    def _begun(self) -> ChatMessage | None:
        """The assistant's message that an item of the same turn belongs to."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.role == "assistant" else None


def _content(content: str | Sequence[dict[str, Any]]) -> tuple[str, list[str]]:
    """Texts of all parts joined, and the images."""
    if isinstance(content, str):
        return content, []
    texts: list[str] = []
    images: list[str] = []
    for part in content:
        match read_object(part, PartParam).type:
            case "input_text" | "output_text" | "text":
                texts.append(read_object(part, TextPartParam).text)
            case "input_image":
                images.append(inline_image(read_object(part, ImagePartParam).image_url))
            case "input_file":
                raise BadRequest("file inputs are not currently supported")
            case kind:
                raise BadRequest(f'unknown content type: "{kind}"')
    return "".join(texts), images
