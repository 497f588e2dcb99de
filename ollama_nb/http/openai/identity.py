"""What every object of one answer says of it: an id, a moment, a model; and what it has cost."""

import secrets
import time
from typing import Any

from ollama_nb.wire import ChatResponse, GenerateResponse
from ollama_nb.wire.openai_types import StreamOptions, Usage

_IDS = 10**12


def new_number() -> int:
    """A number that makes the ids of one answer its own."""
    return secrets.randbelow(_IDS)


def identity(prefix: str, model: str) -> dict[str, Any]:
    """Fields of an answer that begins now: ``id``, ``created`` in seconds, ``model`` as sent."""
    return {
        "id": f"{prefix}-{new_number()}",
        "created": int(time.time()),
        "model": model,
    }


def wants_usage(options: StreamOptions | None) -> bool:
    """Whether a stream shall tell the usage, too."""
    return options is not None and options.include_usage


def usage_of(answer: ChatResponse | GenerateResponse) -> Usage:
    """Tokens of the prompt and of the answer."""
    return Usage(
        prompt_tokens=answer.prompt_eval_count,
        completion_tokens=answer.eval_count,
        total_tokens=answer.prompt_eval_count + answer.eval_count,
    )


def finish_reason(answer: ChatResponse | GenerateResponse) -> str:
    """Why it ended: OpenAI's clients know ``stop`` and ``length``."""
    return "length" if answer.done_reason == "length" else "stop"
