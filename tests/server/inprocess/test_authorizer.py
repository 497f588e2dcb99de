"""What jupyter-server's authorizer is asked, and that its word counts."""

import itertools
import json

import pytest
from jupyter_server.auth.authorizer import Authorizer
from traitlets.config import Config

ASKED = {
    ("GET", "tags"): ("read", "ollama:tags"),
    ("HEAD", "tags"): ("read", "ollama:tags"),
    ("GET", "ps"): ("read", "ollama:ps"),
    ("POST", "generate"): ("execute", "ollama:generate"),
    ("POST", "embed"): ("execute", "ollama:embed"),
    ("POST", "embeddings"): ("execute", "ollama:embed"),
    ("POST", "show"): ("read", "ollama:show"),
    ("POST", "copy"): ("write", "ollama:copy"),
    ("DELETE", "delete"): ("write", "ollama:delete"),
    ("POST", "delete"): ("write", "ollama:delete"),
    ("POST", "pull"): ("write", "ollama:pull"),
    ("POST", "push"): ("execute", "ollama:push"),
    ("HEAD", "blobs/x"): ("read", "ollama:blobs"),
    ("POST", "blobs/x"): ("write", "ollama:blobs"),
}
BELOW_THE_MOUNT = {
    ("POST", "v1/chat/completions"): ("execute", "ollama:chat"),
    ("POST", "v1/completions"): ("execute", "ollama:generate"),
    ("POST", "v1/embeddings"): ("execute", "ollama:embed"),
    ("GET", "v1/models"): ("read", "ollama:tags"),
    ("GET", "v1/models/ann/x"): ("read", "ollama:show"),
}
asked, refused = [], set()


class Recorder(Authorizer):
    """Remembers what it was asked and refuses what it was told to refuse."""

    def is_authorized(self, handler, user, action, resource):
        asked.append((action, resource))
        return resource not in refused


@pytest.fixture
def jp_server_config(jp_server_config):
    config = Config(jp_server_config)
    config.ServerApp.authorizer_class = Recorder
    asked.clear()
    refused.clear()
    return config


@pytest.mark.parametrize("order", [1, -1])
async def test_every_route_asks_about_itself_in_any_order(fetch, order):
    for mount, (method, name) in itertools.product(("", "ollama"), list(ASKED)[::order]):
        asked.clear()
        await fetch(mount, "api", name, method=method)
        assert asked == [ASKED[method, name]]


@pytest.mark.parametrize("order", [1, -1])
async def test_routes_of_other_dialects_ask_about_the_same_things(fetch, order):
    for method, path in list(BELOW_THE_MOUNT)[::order]:
        asked.clear()
        await fetch("ollama", *path.split("/"), method=method)
        assert asked == [BELOW_THE_MOUNT[method, path]]


async def test_public_routes_ask_nobody(fetch):
    for path in (("ollama",), ("api", "version"), ("ollama", "api", "version")):
        await fetch(*path)
    assert asked == []


async def test_nobody_is_asked_about_strangers(fetch):
    await fetch("api", "tags", token=False)
    await fetch("api", "generate", token=False, body="{}")
    assert asked == []


async def test_what_it_refuses_is_refused(fetch):
    refused.add("ollama:generate")
    answer = await fetch("api", "generate", body="{}")
    assert answer.code == 403
    assert json.loads(answer.body) == {
        "error": "User is not authorized to execute on resource: ollama:generate."
    }
    assert (await fetch("api", "tags")).code == 200
