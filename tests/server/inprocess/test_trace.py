"""The call trace of a POST, walked. That of a cell is in tests/architecture."""

import json

from traces import MOST_HOPS, join, rooms, watch

from ollama_nb.server.bridge import Bridge


async def test_a_post_reaches_llama_cpp_in_at_most_six_hops(jp_fetch, monkeypatch):
    seen = watch(monkeypatch)
    handle = Bridge.handle

    async def watched(self, request):
        seen["bridge"] = rooms()
        return await handle(self, request)

    monkeypatch.setattr(Bridge, "handle", watched)
    body = json.dumps({"model": "guide", "prompt": "How do I pull a model?", "stream": False})
    response = await jp_fetch("api", "generate", method="POST", request_timeout=180, body=body)
    assert json.loads(response.body)["done"]
    trace = join(
        seen["bridge"], ["server/bridge.py"], seen["submit"], seen["decode"], ["engine/native"]
    )
    assert trace == [
        "server/handlers.py",
        "server/bridge.py",
        "http",
        "service",
        "engine/runner.py",
        "engine/native",
    ]
    assert len(trace) <= MOST_HOPS
