"""The extension as a guest: what stays jupyter-server's, settings, activity, start and end."""

import json
import subprocess
import sys
import warnings

import pytest
from jupyter_server.serverapp import JupyterServerAuthWarning

from ollama_nb.server.app import OllamaApp
from ollama_nb.server.mounts import mounted_rules, standalone_rules
from ollama_nb.settings import Settings


async def test_jupyters_own_routes_stay(fetch):
    status = await fetch("api", "status")
    assert "kernels" in json.loads(status.body)
    assert "version" in json.loads((await fetch("api")).body)
    assert (await fetch("api", "me")).code == 200
    assert b"<title>Jupyter Server</title>" in (await fetch("")).body


async def test_unknown_paths_outside_the_mount_are_jupyters(fetch):
    answer = await fetch("api", "nothing")
    assert answer.code == 404
    assert b"<html" in answer.body.lower()


@pytest.mark.parametrize("rules", [mounted_rules, standalone_rules])
def test_every_method_says_whether_it_needs_authentication(rules, jp_serverapp, monkeypatch):
    monkeypatch.setitem(jp_serverapp.web_app.settings, "allow_unauthenticated_access", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", JupyterServerAuthWarning)
        jp_serverapp.web_app.add_handlers(
            ".*$",
            [
                (path, handler, {"name": "ollama_nb", "bridge": None} | kwargs)
                for path, handler, kwargs in rules()
            ],
        )


@pytest.fixture
def strict(monkeypatch):
    monkeypatch.setenv("JUPYTER_SERVER_ALLOW_UNAUTHENTICATED_ACCESS", "false")


async def test_a_server_that_allows_no_unauthenticated_access(strict, fetch, jp_serverapp):
    assert jp_serverapp.web_app.settings["allow_unauthenticated_access"] is False
    assert (await fetch("ollama", token=False)).code == 200
    assert (await fetch("ollama", "api", "version", token=False)).code == 200
    assert (await fetch("api", "tags", token=False)).code == 403
    assert (await fetch("api", "generate", token=False, body="{}")).code == 403
    assert (await fetch("api", "generate", body="{}")).code == 404


@pytest.mark.parametrize(
    "jp_argv",
    [["--OllamaApp.keep_alive=1h", "--OllamaApp.num_parallel=7", "--OllamaApp.max_queue=3",
      "--OllamaApp.context_length=1000", "--OllamaApp.max_loaded_models=2",
      "--OllamaApp.models=/x/y", "--OllamaApp.origins=https://a.example,b"]],
)  # fmt: skip
async def test_traits_lie_over_the_environment(app):
    settings = app.bridge.settings
    assert settings.keep_alive_ns == 3_600_000_000_000
    assert (settings.num_parallel, settings.max_queue) == (7, 3)
    assert (settings.context_length, settings.max_loaded_models) == (1000, 2)
    assert settings.models.as_posix() == "/x/y"
    assert settings.origins == ("https://a.example", "b")


async def test_traits_that_are_not_set_follow_the_environment(app, stocked):
    expected = Settings.from_environment()
    assert app.bridge.settings.keep_alive_ns == expected.keep_alive_ns
    assert app.bridge.settings.models == stocked


def test_every_trait_explains_itself():
    for name, trait in OllamaApp.class_own_traits(config=True).items():
        assert trait.help, name


async def test_looking_is_no_activity_and_generating_is(fetch, jp_serverapp):
    settings = jp_serverapp.web_app.settings
    settings.pop("api_last_activity", None)
    for path in ("tags", "ps", "version"):
        await fetch("api", path)
    assert "api_last_activity" not in settings
    await fetch("api", "generate", body={"model": "guide"})
    assert "api_last_activity" in settings


async def test_a_request_at_work_keeps_the_server_awake(app, jp_serverapp):
    settings = jp_serverapp.web_app.settings
    settings.pop("api_last_activity", None)
    app._touch()
    assert "api_last_activity" not in settings
    assert not app.current_activity()
    with app.bridge.working():
        assert app.current_activity() == {"requests": 1}
        app._touch()
    assert "api_last_activity" in settings


async def test_stopping_twice(app):
    await app.stop_extension()
    await app.stop_extension()


@pytest.mark.parametrize(
    ("argv", "mounted"),
    [
        (["--IdentityProvider.token=", "--ip=127.0.0.1"], True),
        (["--IdentityProvider.token=x", "--ip=0.0.0.0"], True),
        (["--IdentityProvider.token=", "--ip=0.0.0.0"], False),
        (["--IdentityProvider.token=", "--ip=0.0.0.0",
          "--OllamaApp.allow_unauthenticated_remote=True"], True),
    ],
)  # fmt: skip
def test_a_server_open_to_all_does_not_get_the_routes(jp_configurable_serverapp, argv, mounted):
    server = jp_configurable_serverapp(argv=argv)
    app = server.extension_manager.extension_points["ollama_nb"].app
    assert bool(app.handlers) is mounted


def test_starting_loads_no_native_code():
    code = (
        "import sys, ollama_nb, ollama_nb.server.app, ollama_nb.server.standalone\n"
        "print([name for name in ('llama_cpp', 'torch') if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout == "[]\n"
