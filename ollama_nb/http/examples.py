"""Requests that succeed on a fresh machine, by the paths that they are for.

The description shows them, and a test sends every one of them.
"""

from typing import Any

_QUESTION = "How do I pull a model?"
_SHORT = {"num_predict": 16}
_ASKED = {"model": "guide", "messages": [{"role": "user", "content": _QUESTION}]}
_WEATHER = {"role": "user", "content": "What is the weather in Paris?"}
_CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_FUNCTION = {"name": "get_weather", "description": "Tell the weather of a place."}
_TOOLS = [{"type": "function", "function": _FUNCTION | {"parameters": _CITY}}]

EXAMPLES: dict[str, dict[str, dict[str, Any]]] = {
    "/api/generate": {
        "streamed": {"model": "guide", "prompt": _QUESTION, "options": _SHORT},
        "whole": {"model": "guide", "prompt": _QUESTION, "options": _SHORT, "stream": False},
        "load": {"model": "guide"},
        "unload": {"model": "guide", "keep_alive": 0},
    },
    "/api/chat": {
        "streamed": _ASKED | {"options": _SHORT},
        "whole": _ASKED | {"options": _SHORT, "stream": False},
        "tools": {
            "model": "guide",
            "messages": [_WEATHER],
            "tools": _TOOLS,
            "options": {"num_predict": 64},
        },
    },
    "/api/embed": {
        "one": {"model": "guide", "input": _QUESTION},
        "several": {"model": "guide", "input": [_QUESTION, "What is keep_alive?"]},
    },
    "/api/embeddings": {"one": {"model": "guide", "prompt": _QUESTION}},
    "/api/show": {"one": {"model": "guide"}},
    "/api/create": {
        "from": {"model": "librarian", "from": "guide", "system": "You keep the models."},
        "modelfile": {"model": "librarian", "modelfile": "FROM guide\nSYSTEM You keep the models."},
    },
    "/api/copy": {"one": {"source": "guide", "destination": "librarian"}},
    "/api/delete": {"one": {"model": "librarian"}},
    "/api/pull": {"one": {"model": "all-minilm"}},
    "/api/push": {"one": {"model": "ann/librarian"}},
    "/v1/chat/completions": {
        "streamed": _ASKED | {"max_tokens": 16, "stream": True},
        "whole": _ASKED | {"max_tokens": 16},
        "tools": {"model": "guide", "messages": [_WEATHER], "tools": _TOOLS, "max_tokens": 64},
    },
    "/v1/completions": {"one": {"model": "guide", "prompt": _QUESTION, "max_tokens": 16}},
    "/v1/embeddings": {
        "several": {"model": "guide", "input": [_QUESTION, "What is keep_alive?"]},
        "packed": {"model": "guide", "input": _QUESTION, "encoding_format": "base64"},
    },
    "/v1/responses": {
        "streamed": {"model": "guide", "input": _QUESTION, "max_output_tokens": 16, "stream": True},
        "whole": {"model": "guide", "input": _ASKED["messages"], "max_output_tokens": 16},
        "tools": {
            "model": "guide",
            "input": _WEATHER["content"],
            "tools": [{"type": "function"} | _FUNCTION | {"parameters": _CITY}],
            "max_output_tokens": 64,
        },
    },
    "/v1/messages": {
        "streamed": _ASKED | {"max_tokens": 16, "stream": True},
        "whole": _ASKED | {"max_tokens": 16},
        "tools": {
            "model": "guide",
            "messages": [_WEATHER],
            "tools": [_FUNCTION | {"input_schema": _CITY}],
            "max_tokens": 64,
        },
    },
    "/v1/messages/count_tokens": {"one": _ASKED},
}
