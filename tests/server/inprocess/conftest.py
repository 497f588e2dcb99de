"""A jupyter-server in the test's own process, by pytest-jupyter, for what only shows inside."""

import contextlib
import json
import logging
import time

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from servers import reserved_port
from tornado.httpclient import HTTPClientError

from ollama_nb.server.standalone import OllamaServerApp

PATIENCE = 180
"""Seconds, for what hangs; nothing that works comes near it."""


@pytest.fixture
def jp_server_config(stocked):
    return {
        "ServerApp": {"jpserver_extensions": {"ollama_nb": True}},
        "OllamaApp": {"models": str(stocked), "num_parallel": 1},
    }


@pytest.fixture(autouse=True)
def engine_in_this_process(monkeypatch):
    """What only shows inside shows only here."""
    monkeypatch.setenv("OLLAMA_NB_ENGINE", "local")


@pytest.fixture
def app(jp_serverapp):
    """The extension."""
    return jp_serverapp.extension_manager.extension_points["ollama_nb"].app


@pytest.fixture
def serve_alone(jp_environ, jp_asyncio_loop, stocked):
    """Start a standalone server on the test's own loop, and return it."""
    started, held = [], contextlib.ExitStack()

    def serve_alone(*options):
        async def start():
            port = held.enter_context(reserved_port())
            app = OllamaServerApp.instance(jpserver_extensions={"ollama_nb": True})
            app.init_signal = lambda: None
            app.initialize([f"--port={port}", f"--models={stocked}", "--ip=127.0.0.1", *options])
            app.log.handlers, app.log.propagate = [], True
            app.log.setLevel(logging.INFO)
            started.append(app)
            return app

        return jp_asyncio_loop.run_until_complete(start())

    yield serve_alone
    for app in started:
        app.http_server.stop()
        jp_asyncio_loop.run_until_complete(app.http_server.close_all_connections())
        jp_asyncio_loop.run_until_complete(app.cleanup_extensions())
    held.close()
    OllamaServerApp.clear_instance()


@pytest.fixture
def fetch(jp_fetch):
    """Ask below the base URL; an answer is returned whatever its status."""

    async def fetch(*path, token=True, body=None, headers=None, **options):
        headers = dict(headers or {})
        if not token:
            headers.setdefault("Authorization", "")
        options.setdefault("method", "GET" if body is None else "POST")
        options |= {"request_timeout": PATIENCE, "connect_timeout": PATIENCE}
        if isinstance(body, dict):
            body = json.dumps(body)
        if body is None and options["method"] not in ("GET", "HEAD", "OPTIONS", "DELETE"):
            body = ""
        try:
            return await jp_fetch(
                *path, headers=headers, body=body, follow_redirects=False, **options
            )
        except HTTPClientError as error:
            if error.response is None:
                raise
            return error.response

    return fetch


@pytest.fixture
def until(jp_asyncio_loop):
    """Wait, with the loop running, until something holds."""
    import asyncio

    async def until(condition, patience=PATIENCE):
        end = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < end
            await asyncio.sleep(0.005)

    return until
