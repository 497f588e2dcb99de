"""Who a request is from, as the engine hears it: users take turns, and their prompts stay apart."""

import json

import pytest
from jupyter_server.auth import IdentityProvider, User

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
        await jp_fetch("api", "generate", method="POST", body=BODY)
    assert users == ["", ""]


@pytest.mark.parametrize(
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
async def test_a_server_of_many_tells_them_apart(jp_fetch, users):
    for person in ("ann", "bob"):
        headers = {"X-Person": person, "Content-Type": "application/json"}
        await jp_fetch("api", "generate", method="POST", body=BODY, headers=headers)
    assert users == ["ann", "bob"]
