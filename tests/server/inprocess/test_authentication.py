"""Who is let in: the matrix of token, cookie, XSRF, Origin and Host for every route."""

import json
import re

import pytest

from ollama_nb.http import ROUTES

NEEDS_TOKEN = 'this server needs its token: send it as "Authorization: Bearer TOKEN"'
GUARDED = [(method, route.path) for route in ROUTES if not route.public for method in route.methods]
MOUNTS = ["", "ollama"]
FOREIGN = {"Origin": "https://evil.example"}


def is_beside(path):
    """Whether jupyter-server has room for it outside of our mount."""
    return path.startswith("/api/") and path != "/api/status"


def said(answer):
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    (key,) = json.loads(answer.body)
    assert key == "error"
    return json.loads(answer.body)["error"]


@pytest.fixture
def cookies(fetch):
    """Headers of a browser that has logged in, and the one that says what its XSRF cookie says."""

    async def cookies():
        answer = await fetch("api", "tags")
        login = answer.headers["Set-Cookie"].split(";")[0]
        page = await fetch("login", token=False)
        xsrf = re.search(r"_xsrf=([^;]+)", page.headers["Set-Cookie"])[1]
        return {"Cookie": f"{login}; _xsrf={xsrf}"}, {"X-XSRFToken": xsrf}

    return cookies


async def test_no_token_no_answer(fetch):
    for mount in MOUNTS:
        for method, path in GUARDED:
            if not mount and not is_beside(path):
                continue
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dTpw"}):
                answer = await fetch(mount, path, token=False, method=method, headers=headers)
                assert answer.code == 403, (method, path)
                if method != "HEAD":
                    told = json.loads(answer.body)["error"]
                    text = told["message"] if path.startswith("/v1/") else told
                    assert text.startswith(NEEDS_TOKEN)


@pytest.mark.parametrize("path", ["ollama/nothing", "ollama/api/tags/", "ollama/api/me"])
async def test_unknown_paths_below_the_mount_need_a_token_too(fetch, path):
    answer = await fetch(*path.split("/"), token=False)
    assert (answer.code, said(answer)) == (403, NEEDS_TOKEN)


@pytest.mark.parametrize("path", ["ollama", "ollama/", "ollama/api/version", "api/version"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_heartbeat_and_the_version_need_none(fetch, path, method):
    assert (await fetch(*path.split("/"), token=False, method=method)).code == 200


@pytest.mark.parametrize("scheme", ["token", "Bearer", "bearer"])
async def test_a_token(fetch, jp_serverapp, scheme):
    token = jp_serverapp.identity_provider.token
    for mount in MOUNTS:
        headers = {"Authorization": f"{scheme} {token}"}
        assert (await fetch(mount, "api", "tags", headers=headers)).code == 200
        assert (await fetch(mount, "api", "generate", headers=headers, body={})).code == 404


async def test_the_status_below_the_mount_is_ours_and_beside_it_jupyters(fetch):
    ours, jupyters = await fetch("ollama", "api", "status"), await fetch("api", "status")
    assert json.loads(ours.body) == {"cloud": {"disabled": True, "source": "env"}}
    assert "kernels" in json.loads(jupyters.body)


async def test_a_token_in_the_query(fetch, jp_serverapp):
    params = {"token": jp_serverapp.identity_provider.token}
    for path in ("tags", "ps"):
        assert (await fetch("api", path, token=False, params=params)).code == 200


async def test_a_token_in_the_body_counts_for_nothing(fetch, jp_serverapp):
    token = jp_serverapp.identity_provider.token
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    stolen = await fetch("api", "generate", token=False, body=f"token={token}", headers=form)
    assert stolen.code == 403
    prompt = '{"model":"nope","prompt":"a&token=x&_xsrf=y"}'
    assert (await fetch("api", "generate", body=prompt, headers=form)).code == 404


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", "x/y"]
)
async def test_with_a_token_any_content_type_is_json(fetch, kind):
    answer = await fetch("api", "generate", body="{}", headers={"Content-Type": kind})
    assert said(answer) == "model '' not found"


async def test_with_a_token_multipart_is_refused_all_the_same(fetch):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await fetch("api", "generate", body="--x--", headers=headers)
    assert (answer.code, said(answer)) == (
        415,
        "multipart request bodies are not accepted; send JSON",
    )


async def test_a_cookie(fetch, cookies):
    cookie, xsrf = await cookies()
    assert (await fetch("api", "tags", token=False, headers=cookie)).code == 200
    post = cookie | {"Content-Type": "application/json"}
    without = await fetch("api", "generate", token=False, body="{}", headers=post)
    assert without.code == 403
    assert "X-XSRFToken" in said(without)
    answer = await fetch("api", "generate", token=False, body="{}", headers=post | xsrf)
    assert (answer.code, said(answer)) == (404, "model '' not found")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_cookie_with_what_a_form_can_send(fetch, cookies, kind):
    cookie, xsrf = await cookies()
    headers = cookie | xsrf | {"Content-Type": kind}
    answer = await fetch("api", "generate", token=False, body="{}", headers=headers)
    assert (answer.code, said(answer)) == (
        415,
        "requests without a token must be sent as application/json",
    )


async def test_a_cookie_from_a_foreign_page(fetch, cookies):
    cookie, xsrf = await cookies()
    headers = cookie | xsrf | FOREIGN | {"Content-Type": "application/json"}
    for options in ({"body": "{}"}, {}):
        answer = await fetch("api", "generate", token=False, headers=headers, **options)
        assert answer.code == 404
        assert said(answer) == "requests of pages from other origins are not answered"


async def test_a_token_from_a_foreign_page(fetch):
    assert (await fetch("api", "tags", headers=FOREIGN)).code == 200


async def test_a_foreign_host_name(fetch, jp_serverapp):
    jp_serverapp.web_app.settings["allow_remote_access"] = False
    for path in ("api/tags", "ollama/", "ollama/api/version"):
        answer = await fetch(*path.split("/"), headers={"Host": "evil.example"})
        assert answer.code == 403
        assert said(answer) == "requests to this host name are not answered"


async def test_methods_that_nobody_knows(fetch):
    answer = await fetch("api", "tags", method="BREW", allow_nonstandard_methods=True)
    assert (answer.code, answer.body) == (405, b"405 method not allowed")


async def test_preflights_are_jupyters(fetch):
    answer = await fetch("api", "generate", token=False, method="OPTIONS", headers=FOREIGN)
    assert answer.code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["api/tags", "ollama/api/tags"])
async def test_nothing_is_answered_with_304(fetch, path):
    answer = await fetch(*path.split("/"), headers={"If-None-Match": "*"})
    assert answer.code == 200
    assert "Etag" not in answer.headers
