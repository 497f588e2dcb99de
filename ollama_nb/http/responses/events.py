"""What chat answers, as the events of a response stream."""

from collections.abc import Iterator

from msgspec.structs import replace

from ollama_nb.errors import OllamaError
from ollama_nb.http.sse import named_event
from ollama_nb.wire import ChatResponse, ToolCall
from ollama_nb.wire.responses_events import (
    ContentPartAdded,
    ContentPartDone,
    FunctionCallArgumentsDelta,
    FunctionCallArgumentsDone,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    OutputTextDone,
    ReasoningSummaryTextDelta,
    ReasoningSummaryTextDone,
    ResponseCompleted,
    ResponseCreated,
    ResponseEvent,
    ResponseFailed,
    ResponseInProgress,
)
from ollama_nb.wire.responses_types import Item, MessageItem, OutputText, ReasoningItem

from .draft import Draft

_Events = Iterator[ResponseEvent]


class ResponsesTeller:
    """Tells an answer item by item: one is open at a time, and none is opened again."""

    def __init__(self, draft: Draft) -> None:
        """Take the response that is to be told."""
        self._draft = draft
        self._number = 0
        self._items: list[Item] = []
        self._open: ReasoningItem | MessageItem | None = None
        self._said: list[str] = []

    def tell(self, chunk: ChatResponse) -> Iterator[bytes]:
        """Write what is new."""
        return self._written(self._events(chunk))

    def fail(self, error: OllamaError) -> Iterator[bytes]:
        """Write the last event of an answer that does not come to its end."""
        response = self._draft.failed(self._items, str(error))
        return self._written(iter([ResponseFailed(response=response)]))

    def _written(self, events: _Events) -> Iterator[bytes]:
        for event in events:
            event.sequence_number = self._number
            self._number += 1
            yield named_event(event)

    def _events(self, chunk: ChatResponse) -> _Events:
        if self._number == 0:
            yield ResponseCreated(response=self._draft.begun)
            yield ResponseInProgress(response=self._draft.begun)
        message = chunk.message
        if message.thinking:
            yield from self._think(message.thinking)
        if message.content:
            yield from self._say(message.content)
        for call in message.tool_calls:
            yield from self._call(call)
        if chunk.done:
            yield from self._end(chunk)

    def _think(self, text: str) -> _Events:
        if not isinstance(self._open, ReasoningItem):
            yield from self._close()
            self._open = self._draft.reasoning(self._index)
            yield OutputItemAdded(output_index=self._index, item=self._open)
        self._said.append(text)
        yield ReasoningSummaryTextDelta(item_id=self._open.id, output_index=self._index, delta=text)

    def _say(self, text: str) -> _Events:
        if not isinstance(self._open, MessageItem):
            yield from self._begin_message()
        assert self._open is not None
        self._said.append(text)
        yield OutputTextDelta(item_id=self._open.id, output_index=self._index, delta=text)

    def _begin_message(self) -> _Events:
        yield from self._close()
        index = self._index
        self._open = replace(self._draft.message(index, ""), status="in_progress", content=[])
        yield OutputItemAdded(output_index=index, item=self._open)
        yield ContentPartAdded(item_id=self._open.id, output_index=index, part=OutputText(text=""))

    def _call(self, call: ToolCall) -> _Events:
        yield from self._close()
        index, item = self._index, self._draft.call(self._index, call)
        begun = replace(item, status="in_progress", arguments="")
        yield OutputItemAdded(output_index=index, item=begun)
        yield FunctionCallArgumentsDelta(item_id=item.id, output_index=index, delta=item.arguments)
        yield FunctionCallArgumentsDone(
            item_id=item.id, output_index=index, arguments=item.arguments
        )
        yield self._done(item)

    def _end(self, last: ChatResponse) -> _Events:
        """Without a call there is a text, be it empty."""
        yield from self._close()
        if all(isinstance(one, ReasoningItem) for one in self._items):
            yield from self._begin_message()
            yield from self._close()
        yield ResponseCompleted(response=self._draft.ended(self._items, last))

    def _close(self) -> _Events:
        """Complete the open item, if there is one."""
        index, text = self._index, "".join(self._said)
        item: Item
        match self._open:
            case None:
                return
            case ReasoningItem(id=item_id):
                item = self._draft.reasoning(index, text)
                yield ReasoningSummaryTextDone(item_id=item_id, output_index=index, text=text)
            case MessageItem(id=item_id):
                item = self._draft.message(index, text)
                yield OutputTextDone(item_id=item_id, output_index=index, text=text)
                yield ContentPartDone(item_id=item_id, output_index=index, part=item.content[0])
        self._open = None
        self._said.clear()
        yield self._done(item)

    def _done(self, item: Item) -> OutputItemDone:
        self._items.append(item)
        return OutputItemDone(output_index=self._index - 1, item=item)

    @property
    def _index(self) -> int:
        """Where the open item stands in the output, or the next one will."""
        return len(self._items)
