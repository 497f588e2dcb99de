"""The verb chat: the next message of a conversation (reference: Ollama API, 7 and 8)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.engine.sequence import Finish, Piece
from ollama_nb.errors import BadRequest, UnsupportedCapability
from ollama_nb.prompt.parsers import AnswerFormat, Call, ForcedCall, Parsed, Parser
from ollama_nb.store import Model, Store
from ollama_nb.wire import (
    AnswerMessage,
    ChatMessage,
    ChatRequest,
    ChatResponse,
    FunctionCall,
    ToolCall,
)
from ollama_nb.wire.codec import encode_value
from ollama_nb.wire.durations import now_utc
from ollama_nb.wire.fold import fold_chat
from ollama_nb.wire.schema import answer_schema

from .call_ids import CallIds
from .completion import Completion
from .finding import find_model
from .logprobs import named_logprobs
from .prompt import Prompt, PromptWriter, Written
from .stream import Stream
from .tools import call_schema, chosen_tools, offered_tools
from .turns import turns

_MOST_MESSAGES, _MOST_TOOLS = 10_000, 512


def chat(
    store: Store, scheduler: Scheduler, request: ChatRequest, *, owner: str, arrived_ns: int
) -> Stream[ChatResponse]:
    """Answer ``request``, which arrived at ``arrived_ns`` (perf_counter). See Service.chat."""
    return _Chat(request, arrived_ns).stream(store, scheduler, owner)


class _Chat(Completion[ChatRequest, ChatResponse]):
    """A conversation on its way to its next message."""

    verb: ClassVar[str] = "chat"
    fold = staticmethod(fold_chat)

    def __init__(self, request: ChatRequest, arrived_ns: int) -> None:
        """Take a request. Raises BadRequest for too much of anything, and tools that are none."""
        super().__init__(request, arrived_ns)
        _check_count("messages", request.messages, _MOST_MESSAGES)
        _check_count("tools", request.tools, _MOST_TOOLS)
        offered = offered_tools(request.tools or ())
        self.tools, self._must_call = chosen_tools(offered, request.tool_choice)
        self._messages: Sequence[ChatMessage] = request.messages or ()
        self._num_calls = 0
        self._ids: CallIds | None = None

    @property
    def is_empty(self) -> bool:
        return not self._messages

    @property
    def images(self) -> Sequence[str]:
        return [image for message in self._messages for image in message.images or ()]

    def size(self) -> int:
        said = sum(len(one.content) + len(one.thinking) for one in self._messages)
        calls = [one.tool_calls for one in self._messages if one.tool_calls]
        # In one go: a microsecond or two for each tool, a tenth of what walking through them takes.
        return said + len(encode_value([calls, self.tools]))

    def find(self, store: Store) -> Model:
        if not self.request.model.strip():
            raise BadRequest("model is required")
        return find_model(store, self.request.model)

    def check_abilities(self, model: Model) -> None:
        super().check_abilities(model)
        if self.tools and "tools" not in model.capabilities:
            raise UnsupportedCapability.named(model.name.full, "tools")

    def forced(self, format: AnswerFormat) -> dict[str, Any] | None:
        if not self._must_call:
            return None
        return answer_schema(call_schema(self.tools, format.arguments_key))

    def parser(self, format: AnswerFormat, *, thinks: bool, inside: bool) -> Parser:
        if self._must_call:
            return ForcedCall(format, thinks=thinks, inside=inside)
        return super().parser(format, thinks=thinks, inside=inside)

    def write(self, writer: PromptWriter, model: Model) -> Written:
        renderer = writer.renderer
        begun = renderer.format.call_prefix if self._must_call and not renderer.thinks else ""
        return writer.chat(list(turns(self._messages, model)), self.tools, begun=begun)

    def bare(self, reason: str) -> ChatResponse:
        return ChatResponse(
            model=self.request.model,
            created_at=now_utc(),
            message=AnswerMessage(role="assistant", content=""),
            done=True,
            done_reason=reason,
        )

    def rendered(self, written: Written) -> ChatResponse:
        answer = self.bare("")
        answer.debug_info = written.debug_info
        answer.prompt_eval_count = len(written.tokens)
        return answer

    def chunk(self, parsed: Parsed, event: Piece, prompt: Prompt) -> ChatResponse | None:
        if not (any(parsed) or event.logprobs):
            return None
        return ChatResponse(
            model=self.request.model,
            created_at=now_utc(),
            message=self._message(parsed, prompt),
            done=False,
            logprobs=named_logprobs(event.logprobs),
        )

    def last(self, parsed: Parsed, end: Finish, prompt: Prompt) -> ChatResponse:
        return ChatResponse(
            model=self.request.model,
            created_at=now_utc(),
            message=self._message(parsed, prompt),
            done=True,
            done_reason=end.done_reason,
            logprobs=named_logprobs(end.logprobs),
            **self.counts(end),
        )

    def _message(self, parsed: Parsed, prompt: Prompt) -> AnswerMessage:
        calls = [self._named(call, prompt) for call in parsed.calls]
        return AnswerMessage(
            role="assistant", content=parsed.text, thinking=parsed.thinking, tool_calls=calls
        )

    def _named(self, call: Call, prompt: Prompt) -> ToolCall:
        if self._ids is None:
            self._ids = CallIds(prompt.tokens)
        index = self._num_calls
        self._num_calls += 1
        return ToolCall(
            id=self._ids.name(index, call),
            function=FunctionCall(index=index, name=call.name, arguments=call.arguments),
        )


def _check_count(what: str, given: Sequence[Any] | None, most: int) -> None:
    if len(given or ()) > most:
        raise BadRequest(f"more than {most} {what}")
