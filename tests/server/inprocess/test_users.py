"""Who a request is from, as the engine hears it: users take turns, and their prompts stay apart."""

import asyncio
import json

import pytest
from jupyter_server.auth import IdentityProvider, User

from ollama_nb.server import bridge
from ollama_nb.server.bridge import Bridge

BODY = json.dumps({"model": "guide", "prompt": "", "stream": False})


class ManyPeople(IdentityProvider):
    """Knows its users by name, as a Hub's provider does."""

    def get_user(self, handler):
        return User(username=handler.request.headers.get("X-Person", "nobody"))


@pytest.fixture
def users(monkeypatch):
    """The users of all requests that reach the route table."""
    seen = []
    handle = Bridge.handle

    async def watched(self, request):
        seen.append(request.user)
        return await handle(self, request)

    monkeypatch.setattr(Bridge, "handle", watched)
    return seen


async def test_a_server_of_one_person_does_not_tell_browsers_and_scripts_apart(jp_fetch, users):
    for _ in range(2):
        await jp_fetch("api", "generate", method="POST", request_timeout=180, body=BODY)
    assert users == ["", ""]


OF_MANY = pytest.mark.parametrize(
    "jp_server_config",
    [
        {
            "ServerApp": {
                "jpserver_extensions": {"ollama_nb": True},
                "identity_provider_class": ManyPeople,
                "disable_check_xsrf": True,
            }
        }
    ],
)


@OF_MANY
async def test_a_server_of_many_tells_them_apart(jp_fetch, users):
    for person in ("ann", "bob"):
        headers = {"X-Person": person, "Content-Type": "application/json"}
        await jp_fetch(
            "api", "generate", method="POST", request_timeout=180, body=BODY, headers=headers
        )
    assert users == ["ann", "bob"]


@OF_MANY
async def test_no_user_takes_the_place_of_the_others(fetch, until, app, monkeypatch):
    monkeypatch.setattr(bridge, "REQUESTS_OF_A_USER", 1)
    go_on, handle = asyncio.Event(), Bridge.handle

    async def held(self, request):
        await go_on.wait()
        return await handle(self, request)

    def ask(person, *path):
        headers = {"X-Person": person, "Content-Type": "application/json"}
        return asyncio.ensure_future(fetch(*path, headers=headers, body=BODY, request_timeout=180))

    monkeypatch.setattr(Bridge, "handle", held)
    first = ask("ann", "api", "generate")
    await until(lambda: app.bridge.busy)
    for path in (("api", "generate"), ("api", "blobs", f"sha256:{'0' * 64}")):
        refused = await ask("ann", *path)
        assert refused.code == 429
        assert json.loads(refused.body) == {"error": "too many requests at once: a user may have 1"}
    others = ask("bob", "api", "generate")
    await until(lambda: app.bridge.busy == 2)
    go_on.set()
    assert [(await one).code for one in (first, others)] == [200, 200]
    assert (await ask("ann", "api", "generate")).code == 200
