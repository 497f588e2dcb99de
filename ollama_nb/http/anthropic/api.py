"""The routes of Anthropic's API."""

from ollama_nb.http.messages import Request, Response
from ollama_nb.http.sse import shaped, told
from ollama_nb.service import Service
from ollama_nb.wire import ChatRequest
from ollama_nb.wire.anthropic_types import CountTokensRequest, MessagesRequest, TokenCount
from ollama_nb.wire.codec import decode_request

from .answer import whole_message
from .events import MessagesTeller, estimated_tokens
from .request import counting_request, generation_request


def messages(service: Service, request: Request) -> Response:
    """POST /v1/messages: answer a conversation."""
    asked = decode_request(request.body, MessagesRequest)
    wanted = generation_request(asked)
    _forgive_thinking(service, wanted)
    stream = service.chat(wanted, owner=request.user)

    def stop_sequence() -> str | None:
        """What has ended the answer, unless it is a stop of the model's own."""
        found = stream.stopped_by
        return found if found in (asked.stop_sequences or ()) else None

    if wanted.stream:
        return told(stream, MessagesTeller(estimated_tokens(wanted), stop_sequence))
    return shaped(stream, lambda answer: whole_message(answer, stop_sequence()))


def count_tokens(service: Service, request: Request) -> Response:
    """POST /v1/messages/count_tokens: how long the prompt would be. Ours; Ollama has none."""
    wanted = counting_request(decode_request(request.body, CountTokensRequest))
    _forgive_thinking(service, wanted)
    stream = service.chat(wanted, owner=request.user)
    return shaped(stream, lambda rendered: TokenCount(rendered.prompt_eval_count))


def _forgive_thinking(service: Service, wanted: ChatRequest) -> None:
    """Ask no model to think that cannot: these clients ask for it whatever the model is."""
    if wanted.think and "thinking" not in service.capabilities(wanted.model):
        wanted.think = None
