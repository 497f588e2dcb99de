"""What the server refuses below /v1, in the words of whom the path is for; and their keys."""

import json

import pytest

from ollama_nb.server import handlers

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
NEEDS_TOKEN = 'this server needs its token: send it as "Authorization: Bearer TOKEN"'


def openai(answer):
    assert answer.headers["Content-Type"] == "application/json"
    error = json.loads(answer.body)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    return answer.code, error["type"], error["message"].partition(" (")[0]


def anthropic(answer):
    assert answer.headers["Content-Type"] == "application/json"
    body = json.loads(answer.body)
    assert list(body) == ["type", "error", "request_id"]
    error = body["error"]
    return answer.code, error["type"], error["message"].partition(" (")[0]


@pytest.fixture
def ask(fetch):
    """POST below the mount."""

    async def ask(path, body="{}", **options):
        return await fetch("ollama", *path.strip("/").split("/"), body=body, **options)

    return ask


async def test_no_token_no_answer(ask):
    assert openai(await ask(CHAT, token=False)) == (403, "api_error", NEEDS_TOKEN)
    assert anthropic(await ask(MESSAGES, token=False)) == (403, "permission_error", NEEDS_TOKEN)


async def test_unknown_paths_need_a_token_in_the_same_words(ask):
    assert openai(await ask("/v1/nothing", token=False))[:2] == (403, "api_error")
    assert anthropic(await ask("/v1/messages/x", token=False))[:2] == (403, "permission_error")


async def test_a_missing_body(ask):
    assert openai(await ask(CHAT, "")) == (400, "invalid_request_error", "EOF")
    assert anthropic(await ask(MESSAGES, "")) == (400, "invalid_request_error", "EOF")


async def test_a_body_that_is_none_of_json(ask):
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    text = "multipart request bodies are not accepted; send JSON"
    assert openai(await ask(CHAT, headers=kind)) == (415, "api_error", text)
    assert anthropic(await ask(MESSAGES, headers=kind)) == (415, "api_error", text)


async def test_a_body_that_turns_out_to_be_too_large(ask, monkeypatch):
    monkeypatch.setattr(handlers, "BODY_LIMIT", 1 << 20)
    text = "request body is larger than 1 MiB"
    body = " " * (2 << 20)
    assert openai(await ask(CHAT, body)) == (413, "api_error", text)
    assert anthropic(await ask(MESSAGES, body)) == (413, "api_error", text)


async def test_a_foreign_host_name(ask, jp_serverapp):
    jp_serverapp.web_app.settings["allow_remote_access"] = False
    evil = {"Host": "evil.example"}
    text = "requests to this host name are not answered"
    assert openai(await ask(CHAT, headers=evil)) == (403, "api_error", text)
    assert anthropic(await ask(MESSAGES, headers=evil)) == (403, "permission_error", text)


async def test_paths_and_methods_that_are_none_are_plain_text(fetch, ask):
    for path in ("/v1/nothing", "/v1/messages/nothing"):
        answer = await ask(path)
        assert (answer.code, answer.body) == (404, b"404 page not found")
    for path in (CHAT, MESSAGES):
        answer = await fetch("ollama", *path.strip("/").split("/"))
        assert (answer.code, answer.body) == (405, b"405 method not allowed")


async def test_a_stream_that_fails_before_its_first_piece(ask, app, monkeypatch):
    fail_every_stream(app, monkeypatch)
    fields = {"model": "guide", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
    for stream in (True, False):
        body = fields | {"stream": stream}
        assert openai(await ask(CHAT, body)) == (500, "api_error", "the engine is gone")
        assert anthropic(await ask(MESSAGES, body)) == (500, "api_error", "the engine is gone")


def fail_every_stream(app, monkeypatch):
    """Let every answer of chat be an error of the engine."""
    from ollama_nb.errors import EngineError
    from ollama_nb.service import Stream
    from ollama_nb.wire.fold import fold_chat

    def chat(request, *, owner=""):
        stream = Stream(lambda chunk: [chunk], fold_chat)
        stream.put(EngineError("the engine is gone"))
        return stream

    monkeypatch.setattr(app.bridge._service, "chat", chat)


# Anthropic's clients send their key in a header of its own.


@pytest.mark.parametrize("name", ["x-api-key", "X-API-Key"])
async def test_their_key_is_a_token(ask, jp_serverapp, name):
    key = {name: jp_serverapp.identity_provider.token}
    answer = await ask(MESSAGES, token=False, headers=key)
    assert anthropic(answer)[:2] == (400, "invalid_request_error")


async def test_with_their_key_any_content_type_is_json(ask, jp_serverapp):
    key = {"x-api-key": jp_serverapp.identity_provider.token, "Content-Type": "text/plain"}
    assert anthropic(await ask(MESSAGES, token=False, headers=key))[0] == 400


async def test_a_wrong_key(ask):
    answer = await ask(MESSAGES, token=False, headers={"x-api-key": "wrong"})
    assert anthropic(answer) == (403, "permission_error", NEEDS_TOKEN)


async def test_their_key_counts_on_their_paths_alone(ask, jp_serverapp):
    key = {"x-api-key": jp_serverapp.identity_provider.token}
    assert openai(await ask(CHAT, token=False, headers=key))[0] == 403


async def test_their_key_gives_way_to_a_token(ask, jp_serverapp):
    token = jp_serverapp.identity_provider.token
    both = {"Authorization": "Bearer wrong", "x-api-key": token}
    assert anthropic(await ask(MESSAGES, headers=both))[0] == 403
    both = {"Authorization": f"Bearer {token}", "x-api-key": "wrong"}
    assert anthropic(await ask(MESSAGES, headers=both))[0] == 400
