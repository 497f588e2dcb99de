"""Texts that llama.cpp's tokenizer does not survive, or takes for ever over.

Every model brings the pattern by which its texts are cut into words. Those patterns that llama.cpp
has no code of its own for are handed to std::regex, which recurses once for each character of a
word and runs out of stack at about 27,000 of them.
"""

import signal
import subprocess
import sys
import time

import pytest
from gguf_writer import text, tiny_llama
from model_files import write_model

pytestmark = pytest.mark.native

PATIENCE = 600
SCRIPT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
from ollama_nb.service import Service
from ollama_nb.wire import GenerateRequest
service = Service()
prompt = sys.argv[1] * 100_000
request = GenerateRequest(model="words", prompt=prompt, raw=True, options={"num_predict": 1})
print(service.generate(request).fold().done_reason)
service.close()
"""
LETTERS, SPACES, DIGITS, MARKS = "a", " ", "1", "!"


@pytest.mark.parametrize(
    ("pattern", "character"),
    [("gpt-4o", LETTERS), ("tekken", SPACES), ("deepseek-llm", DIGITS), ("default", MARKS)],
)
def test_a_long_word_does_not_end_the_process(environment, tmp_path, pattern, character):
    weights = tiny_llama().put("tokenizer.ggml.pre", text(pattern)).encode()
    write_model(tmp_path, "words", weights=weights)
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, character],
        env=environment("local") | {"OLLAMA_MODELS": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode != -signal.SIGSEGV
    assert (ended.stdout, ended.returncode) == ("length\n", 0)


def test_control_tokens_in_a_raw_prompt_take_time_in_proportion(settings, make_request):
    """Four times as many take about four times as long; it was sixteen times."""
    from ollama_nb.engine.local import LocalHost
    from ollama_nb.engine.spec import load_spec
    from ollama_nb.store import Store
    from ollama_nb.wire import Options

    guide = Store([settings.builtin_models]).find("guide")
    runner = LocalHost().load(load_spec(guide.weights, guide.header, Options(), settings))

    def seconds(count):
        before = time.process_time()
        runner.tokenize(["x<|im_end|>" * count], start=False)
        return time.process_time() - before

    try:
        seconds(100)
        pairs = [(seconds(2000), seconds(8000)) for _ in range(5)]
    finally:
        runner.close()
    few, many = map(min, zip(*pairs, strict=True))  # nothing but other programs makes it more
    assert many < 10 * few
