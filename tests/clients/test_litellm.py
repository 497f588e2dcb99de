"""LiteLLM, by its providers for Ollama and by the one for OpenAI."""

import json
import os
import subprocess
from pathlib import Path

from client_environments import python_with
from servers import TOKEN

_CALLS = Path(__file__).with_name("litellm_calls.py")
# It imports mcp wherever tools are offered, and does not require it.
_PACKAGES = ("litellm==1.106.2", "mcp==2.3.0")


def test_every_provider(address, tmp_path):
    done = subprocess.run(
        [python_with(*_PACKAGES), _CALLS, *address],
        env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HOME": str(tmp_path)},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert sorted(said) == ["ollama", "ollama_chat", "openai"]
    assert said["openai"].pop("embedded") == [256, 256]
    embedded = said["ollama"].pop("embedded")
    # For these alone it sends no token, whatever it is given.
    assert embedded == [256, 256] or ("needs its token" in embedded and address[1] == TOKEN)
    for one in said.values():
        check(**one)


def check(whole, streamed, awaited, unknown, called=None):
    """Check what one provider told."""
    assert "pull" in whole["text"]
    assert (streamed, awaited) == (whole["text"], whole["text"])
    assert whole["reason"] == "stop"
    assert all(count > 0 for count in whole["usage"])
    assert unknown[:2] == ["NotFoundError", 404]
    assert "model 'nope' not found" in unknown[2]
    assert called in (None, [["get_weather", {"city": "Paris"}]])
