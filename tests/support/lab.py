"""A real JupyterLab in a process of its own, and a real Chromium that looks at it."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from servers import TOKEN, environment, reserved_port

PATIENCE = 300
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # Every cell is in the page, seen or not, so that a test can look for its output.
    "notebook-extension/tracker": {"windowingMode": "none"},
}


def chromium() -> str:
    """The browser's path. Without a browser the test fails, for it has shown nothing."""
    found = [path for name in _NAMES if (path := shutil.which(name))]
    found += [path for path in _MAC if Path(path).exists()]
    if not found:
        pytest.fail("there is no Chromium: run .ci/system-packages, or apt install chromium")
    return found[0]


@contextmanager
def lab(root: Path, models: Path) -> Iterator[str]:
    """JupyterLab on ``root/work``, nothing of the user's around it: its address, with the token."""
    settings = root / "settings"
    for name, content in _SETTINGS.items():
        path = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    env = environment(root, models) | {
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / "workspaces"),
        "OLLAMA_NB_DISPLAY": "stream",
    }
    arguments = (
        "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port-retries=0",
        f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    )  # fmt: skip
    with reserved_port() as port:
        log = root / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *arguments, f"--port={port}"],
                env=env, cwd=root / "work", stdout=output, stderr=output,
            )  # fmt: skip
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={TOKEN}", process, log)
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={TOKEN}&reset"
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:  # how Lab ends is not what is tested here
                process.kill()
                process.wait()


@contextmanager
def page() -> Iterator[Page]:
    """An empty page."""
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), headless=True, args=flags, env=dict(os.environ),
            timeout=PATIENCE * 1000,
        )  # fmt: skip
        page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
        page.set_default_timeout(PATIENCE * 1000)
        yield page
        browser.close()


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")
