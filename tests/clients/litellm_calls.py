"""LiteLLM's three ways to a server of ours: what each answers, as JSON.

Not collected here: `test_litellm.py` runs this file, with a server and a token, where LiteLLM is
installed.
"""

import asyncio
import json
import sys

import litellm

server, token = sys.argv[1:]
PROVIDERS = {
    "ollama": {"api_base": server, "api_key": token},
    "ollama_chat": {"api_base": server, "api_key": token},
    "openai": {"api_base": f"{server}/v1", "api_key": token},
}
ASKED = {
    "messages": [{"role": "user", "content": "How do I pull a model?"}],
    "temperature": 0,
    "max_tokens": 100,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather for a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The name of the city"}},
            "required": ["city"],
        },
    },
}


def text(parts):
    return "".join(part.choices[0].delta.content or "" for part in parts if part.choices)


def whole(provider, where):
    answer = litellm.completion(f"{provider}/guide", **ASKED, **where)
    return {
        "text": answer.choices[0].message.content,
        "reason": answer.choices[0].finish_reason,
        "usage": [answer.usage.prompt_tokens, answer.usage.completion_tokens],
    }


def streamed(provider, where):
    return text(litellm.completion(f"{provider}/guide", **ASKED, **where, stream=True))


def awaited(provider, where):
    async def ask():
        parts = await litellm.acompletion(f"{provider}/guide", **ASKED, **where, stream=True)
        return text([part async for part in parts])

    return asyncio.run(ask())


def called(provider, where):
    asked = ASKED | {"messages": [{"role": "user", "content": "What is the weather in Paris?"}]}
    answer = litellm.completion(f"{provider}/guide", **asked, **where, tools=[WEATHER])
    calls = answer.choices[0].message.tool_calls or []
    return [[call.function.name, json.loads(call.function.arguments)] for call in calls]


def embedded(provider, where):
    answer = litellm.embedding(f"{provider}/guide", input=["a", "b"], **where)
    return [len(one["embedding"]) for one in answer.data]


def unknown(provider, where):
    try:
        litellm.completion(f"{provider}/nope", **ASKED, **where)
    except Exception as error:  # noqa: BLE001 - told, whatever it is
        return [type(error).__name__, getattr(error, "status_code", None), str(error)]


def told(ask, provider, where):
    """What it returns, or the error that it should not have raised."""
    try:
        return ask(provider, where)
    except Exception as error:  # noqa: BLE001 - told, whatever it is
        return f"{type(error).__name__}: {error}"


said = {
    provider: {ask.__name__: told(ask, provider, where) for ask in (whole, streamed, awaited)}
    | {"unknown": unknown(provider, where)}
    for provider, where in PROVIDERS.items()
}
for provider in ("ollama_chat", "openai"):
    said[provider]["called"] = told(called, provider, PROVIDERS[provider])
for provider in ("ollama", "openai"):
    said[provider]["embedded"] = told(embedded, provider, PROVIDERS[provider])
print(json.dumps(said))  # noqa: T201
