"""Results: what they hold, how they are written, how they are shown."""

import dataclasses

import pytest

from ollama_nb.commands.answering import Answering
from ollama_nb.commands.result import Result, Stats, answer_bundle
from ollama_nb.commands.table import Message, Table
from ollama_nb.commands.text_view import TextView
from ollama_nb.wire import GenerateRequest

STATS = Stats(
    prompt_tokens=23,
    answer_tokens=41,
    total_seconds=0.07,
    prompt_seconds=0.01,
    answer_seconds=0.05,
    tokens_per_second=812.3,
    done_reason="stop",
)
RESULT = Result(model="guide", text="Hello.\n", thinking="", stats=STATS)


def test_a_result_is_its_text():
    assert str(RESULT) == f"{RESULT}" == "Hello.\n"
    assert repr(RESULT) == "<Result of guide: 41 tokens, stop>"


def test_results_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RESULT.text = "other"
    with pytest.raises(dataclasses.FrozenInstanceError):
        STATS.prompt_tokens = 1


def test_the_line_below_the_answer():
    assert RESULT.line() == "guide · 23 prompt + 41 answer tokens · 812 tokens/s"
    quiet = dataclasses.replace(RESULT, rates=False)
    assert quiet.line() == "guide · 23 prompt + 41 answer tokens"
    cut = dataclasses.replace(quiet, stats=dataclasses.replace(STATS, done_reason="length"))
    assert cut.line() == "guide · stopped at the token limit · 23 prompt + 41 answer tokens"
    assert Result("guide", "", "", Stats()).line() == "guide"


def test_bundle_has_text_and_markdown():
    bundle = RESULT._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == f"Hello.\n\n{RESULT.line()}"
    assert bundle["text/markdown"].startswith("Hello.\n\n<small")
    assert RESULT.line() in bundle["text/markdown"]


def test_interrupted_says_so():
    stats = dataclasses.replace(STATS, done_reason="interrupted")
    result = Result("guide", "Hel", "", stats)
    assert result.interrupted
    assert result.bundle()["text/plain"].startswith("Hel\n\n(interrupted)\n\nguide · interrupted")
    assert Result("guide", "", "", stats).bundle()["text/plain"].startswith("(interrupted)")


def test_an_interrupted_code_block_is_closed_first():
    stats = dataclasses.replace(STATS, done_reason="interrupted")
    bundle = Result("guide", "```\nx", "", stats).bundle()
    assert "```\nx\n```\n\n*(interrupted)*" in bundle["text/markdown"]


def test_thinking_is_folded_and_escaped():
    bundle = answer_bundle("4", thinking="2 + 2 </details><script>\nsecond", line="guide")
    assert bundle["text/plain"] == (
        "Thinking...\n2 + 2 </details><script>\nsecond\n...done thinking.\n\n4\n\nguide"
    )
    assert "<details><summary>" in bundle["text/markdown"]
    assert bundle["text/markdown"].count("</details>") == 1
    assert "<script>" not in bundle["text/markdown"]
    assert "<details open>" in answer_bundle("", thinking="2", thinking_now=True)["text/markdown"]


def test_model_names_in_the_line_are_escaped():
    assert "<b>" not in Result("<b>", "", "", STATS).bundle()["text/markdown"]


def test_stats_as_a_table():
    text = str(STATS.table())
    assert "812 tokens/s" in text
    assert "2300 tokens/s" in text
    assert "50.0 ms" in text
    assert "prompt" in str(Stats().table())


def test_tables_as_text_and_html():
    table = Table(("NAME", "SIZE"), (("a<b>", "1 B"), ("longer-name", "2 B")), empty="none")
    assert str(table) == "NAME          SIZE\na<b>          1 B\nlonger-name   2 B"
    assert repr(table) == str(table)
    assert "a&lt;b&gt;" in table._repr_html_()
    assert list(table)[1] == {"NAME": "longer-name", "SIZE": "2 B"}
    assert len(table) == 2


def test_an_empty_table_says_why():
    table = Table(("NAME",), (), empty="none <here>")
    assert str(table) == "none <here>"
    assert table._repr_html_() == "<em>none &lt;here&gt;</em>"
    assert repr(Message("done")) == str(Message("done")) == "done"


def test_the_reused_tokens_of_a_prompt_are_told(service):
    def stats():
        request = GenerateRequest(model="guide", prompt="How do I pull a model? " * 5)
        view = TextView(lambda _: None, stream=False)
        answering = Answering("guide", lambda: view)
        return answering.follow(lambda: service.generate(request)).stats

    first, second = stats(), stats()
    assert second.reused_tokens == second.prompt_tokens - 1 > first.reused_tokens
    assert f"from the cache   {second.reused_tokens}" in str(second.table())
