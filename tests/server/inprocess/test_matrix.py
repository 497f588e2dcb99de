"""Who is let in, all of it: route by method by caller by page by host name, on every front.

Two small tables say who should be; the server says who is. What has passed the door is counted
there, so nothing is loaded, stored or fetched.
"""

import itertools
import logging
import random
import re
from dataclasses import dataclass

import pytest
from raw_http import ask, request

from ollama_nb.http import ROUTES, Response
from ollama_nb.server.bridge import Bridge

PUBLIC, GUARDED = "public", "guarded"

# A new route stands here, or the first test fails.
DOORS = {
    "/": PUBLIC,
    "/api/version": PUBLIC,
    "/api/tags": GUARDED,
    "/api/ps": GUARDED,
    "/api/status": GUARDED,
    "/api/generate": GUARDED,
    "/api/chat": GUARDED,
    "/api/embed": GUARDED,
    "/api/embeddings": GUARDED,
    "/api/show": GUARDED,
    "/api/create": GUARDED,
    "/api/copy": GUARDED,
    "/api/delete": GUARDED,
    "/api/pull": GUARDED,
    "/api/push": GUARDED,
    "/api/blobs/:digest": GUARDED,
    "/v1/chat/completions": GUARDED,
    "/v1/completions": GUARDED,
    "/v1/embeddings": GUARDED,
    "/v1/models": GUARDED,
    "/v1/models/:model": GUARDED,
    "/v1/responses": GUARDED,
    "/v1/messages": GUARDED,
    "/v1/messages/count_tokens": GUARDED,
    "/openapi.json": GUARDED,
}

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
CALLERS = ("nobody", "bad token", "token", "cookie", "cookie and xsrf")
PAGES = ("same", "foreign", "null", "absent")
HOSTS = ("good", "rebinding", "absent")

PASSED = 299
"""The status of what has come through the door."""
SAMPLED = 5
"""How many combinations are tried of the methods that a path does not have."""


@dataclass(frozen=True)
class Case:
    method: str
    path: str
    caller: str
    page: str
    host: str

    @property
    def public(self):
        return DOORS[self.path] is PUBLIC and self.method in ("GET", "HEAD")

    @property
    def foreign(self):
        return self.page in ("foreign", "null")


def in_jupyter(case):
    """jupyter-server's rules: a token is enough; a cookie must come from a page of its own.

    A cookie's name has the host in it, so that without one it is nobody's.
    """
    if case.host == "rebinding":
        return 403
    if case.method == "OPTIONS":
        return 200
    if case.caller == "token":
        return PASSED
    if case.foreign and case.host == "good":
        return 404
    xsrf = case.caller == "cookie and xsrf"
    if case.method in CHANGING and not xsrf:
        return 403
    known = case.host == "good" and (xsrf or case.caller == "cookie")
    return PASSED if known or case.public else 403


def alone(case, token):
    """Ollama's rules: no page from elsewhere, no name from elsewhere; and the token, if any."""
    if case.foreign or case.host == "rebinding":
        return 403
    if case.method == "OPTIONS":
        # Without a Host the page is not known to be ours, but it is a local one.
        return 204 if case.page == "same" and case.host == "absent" else PASSED
    return PASSED if case.public or not token or case.caller == "token" else 403


def cases(paths, most=60):
    """All of them, or ``most`` of each method, drawn in the same way each time."""
    draw = random.Random(54)
    for path in paths:
        methods = {method for route in ROUTES if route.path == path for method in route.methods}
        for method in METHODS:
            every = list(itertools.product(CALLERS, PAGES, HOSTS))
            count = min(most, len(every)) if method in methods else SAMPLED
            yield from (Case(method, path, *rest) for rest in draw.sample(every, count))


@pytest.fixture
def passed(monkeypatch):
    """Answer PASSED in place of the route table."""

    async def answer(self, request):
        return Response(PASSED, {})

    monkeypatch.setattr(Bridge, "handle", answer)
    monkeypatch.setattr(Bridge, "begin", answer)
    logging.disable()  # of thousands of refusals
    yield
    logging.disable(logging.NOTSET)


class Door:
    """Knocks at a server as each case says."""

    def __init__(self, address, prefix, token, cookies):
        self._address = address
        self._prefix = prefix
        self._own = f"{address[0]}:{address[1]}"
        self._callers = {
            "nobody": {},
            "bad token": {"Authorization": f"Bearer {token}x"},
            "token": {"Authorization": f"Bearer {token}"},
            "cookie": {"Cookie": cookies[0]},
            "cookie and xsrf": {"Cookie": cookies[0], "X-XSRFToken": cookies[1]},
        }

    async def knock(self, case):
        host = {"good": self._own, "rebinding": "evil.example", "absent": ""}[case.host]
        origin = {
            "same": f"http://{host or self._own}",
            "foreign": "https://evil.example:8443",
            "null": "null",
            "absent": "",
        }[case.page]
        headers = {"Host": host, "Origin": origin, "Content-Type": "application/json"}
        path = self._prefix + re.sub(":[a-z]+", "x", case.path)
        version = "1.1" if host else "1.0"
        data = request(case.method, path, headers | self._callers[case.caller], version=version)
        return (await ask(self._address, data)).status


async def compare(door, rule, cases):
    wrong = {}
    for case in cases:
        status = await door.knock(case)
        if status != rule(case):
            wrong[case] = (status, rule(case))
    assert not wrong, "\n".join(
        f"{case}: {was_and_should}" for case, was_and_should in wrong.items()
    )


def test_every_route_stands_in_the_table():
    assert DOORS.keys() == {route.path for route in ROUTES}


@pytest.mark.parametrize("mount", ["", "ollama"])
async def test_inside_jupyter_server(mount, passed, fetch, jp_serverapp, http_server_client):
    jp_serverapp.web_app.settings["allow_remote_access"] = False
    login = (await fetch("api", "tags")).headers["Set-Cookie"].split(";")[0]
    page = await fetch("login", token=False)
    xsrf = re.search(r"_xsrf=([^;]+)", page.headers["Set-Cookie"])[1]
    address = ("127.0.0.1", http_server_client.get_http_port())
    prefix = (jp_serverapp.base_url + mount).rstrip("/")
    token = jp_serverapp.identity_provider.token
    door = Door(address, prefix, token, (f"{login}; _xsrf={xsrf}", xsrf))
    beside = [path for path in DOORS if path.startswith("/api/") and path != "/api/status"]
    # The same handlers stand behind both mounts.
    await compare(door, in_jupyter, cases(DOORS) if mount else cases(beside, 15))


@pytest.mark.parametrize("token", ["", "s3cret"])
def test_alone(token, passed, serve_alone, jp_asyncio_loop):
    app = serve_alone(*([f"--token={token}"] if token else []))
    door = Door((app.ip, app.port), "", token, ("username=x; _xsrf=y", "y"))
    every = cases(DOORS) if token else cases(DOORS, 15)
    jp_asyncio_loop.run_until_complete(compare(door, lambda case: alone(case, token), every))
