"""The response to one request: what is known before it ends, and what its output is made of."""

import time
from collections.abc import Sequence

from msgspec.structs import replace

from ollama_nb.http.openai.identity import new_number
from ollama_nb.http.openai.sampling import TEMPERATURE
from ollama_nb.wire import ChatResponse, ToolCall
from ollama_nb.wire.codec import encode_value
from ollama_nb.wire.responses_types import (
    FunctionCallItem,
    IncompleteDetails,
    Item,
    MessageItem,
    OutputText,
    ReasoningItem,
    ResponseError,
    ResponseObject,
    ResponsesRequest,
    ResponseUsage,
    SummaryText,
)

from .tools import namespaces


class Draft:
    """Makes the response object and its items; every id in them comes from one number."""

    def __init__(self, request: ResponsesRequest) -> None:
        """Begin the response to ``request`` at this moment."""
        self._number = new_number()
        self._namespaces = namespaces(request.tools or [])
        self.begun = ResponseObject(
            id=f"resp_{self._number}",
            created_at=int(time.time()),
            model=request.model,
            instructions=request.instructions or None,
            tools=request.tools or [],
            tool_choice=request.tool_choice or "auto",
            truncation=request.truncation or "disabled",
            text=request.text,
            top_p=request.top_p,
            temperature=TEMPERATURE if request.temperature is None else request.temperature,
            reasoning=request.reasoning,
            max_output_tokens=request.max_output_tokens,
            background=request.background,
        )

    def reasoning(self, index: int, text: str = "") -> ReasoningItem:
        """Make the item at ``index`` of the output, of thinking."""
        summary = [SummaryText(text=text)] if text else []
        return ReasoningItem(id=self._id("rs", index), summary=summary, encrypted_content=text)

    def message(self, index: int, text: str) -> MessageItem:
        """Make the item at ``index`` of the output, of text."""
        content = [OutputText(text=text)]
        return MessageItem(id=self._id("msg", index), status="completed", content=content)

    def call(self, index: int, call: ToolCall) -> FunctionCallItem:
        """Make the item at ``index`` of the output, of a call."""
        name = call.function.name
        namespace = self._namespaces.get(name, "")
        return FunctionCallItem(
            id=self._id("fc", index),
            status="completed",
            call_id=call.id,
            name=name[len(namespace) + 1 :] if namespace else name,
            namespace=namespace,
            arguments=encode_value(call.function.arguments),
        )

    def whole(self, answer: ChatResponse) -> ResponseObject:
        """Translate a whole answer: thinking, text, calls. Without a call there is a text."""
        message, items = answer.message, list[Item]()
        if message.thinking:
            items.append(self.reasoning(0, message.thinking))
        if message.content or not message.tool_calls:
            items.append(self.message(len(items), message.content))
        for call in message.tool_calls:
            items.append(self.call(len(items), call))
        return self.ended(items, answer)

    def ended(self, items: Sequence[Item], last: ChatResponse) -> ResponseObject:
        """The complete object. Of an answer that was cut off, its status says so, as OpenAI's."""
        cut = last.done_reason == "length"
        return replace(
            self.begun,
            completed_at=int(time.time()),
            status="incomplete" if cut else "completed",
            incomplete_details=IncompleteDetails(reason="max_output_tokens") if cut else None,
            output=list(items),
            usage=ResponseUsage(
                input_tokens=last.prompt_eval_count,
                output_tokens=last.eval_count,
                total_tokens=last.prompt_eval_count + last.eval_count,
            ),
        )

    def failed(self, items: Sequence[Item], text: str) -> ResponseObject:
        """What there is of an answer that did not come to its end."""
        error = ResponseError(message=text)
        return replace(self.begun, status="failed", output=list(items), error=error)

    def _id(self, prefix: str, index: int) -> str:
        return f"{prefix}_{self._number}_{index}"
