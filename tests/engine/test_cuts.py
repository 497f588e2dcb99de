"""Where texts are cut before they are tokenized."""

from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.cuts import control_pattern, cut_text

CONTROLS = ("<|end|>", "<|end|>\n", "<s>")
PATTERN = control_pattern(CONTROLS)
PARTS = st.sampled_from([*CONTROLS, "a" * 3000, " " * 3000, "word ", "<|e"])


@given(st.lists(PARTS, max_size=30).map("".join) | st.text())
def test_nothing_is_lost_and_no_control_token_is_cut(text):
    pieces = cut_text(text, PATTERN)
    assert "".join(pieces) == text
    assert [one for piece in pieces for one in PATTERN.findall(piece)] == PATTERN.findall(text)


def test_ordinary_texts_are_not_cut():
    text = "An ordinary text, 東京 and all. " * 10_000
    assert cut_text(text, PATTERN) == [text]
    assert cut_text("", None) == [""]


def test_long_words_and_gaps_are_cut():
    for character in "a ":
        assert max(map(len, cut_text(character * 100_000, PATTERN))) <= 4096


def test_many_control_tokens_are_cut():
    pieces = cut_text("x<s>" * 1000, PATTERN)
    assert max(piece.count("<s>") for piece in pieces) == 64


def test_ordinary_answers_do_not_change(runner):
    text = "How do I pull a model?\n\n" * 300
    assert runner.tokenize([text], start=False) == runner.tokenize([text], start=False)
    assert runner.detokenize(runner.tokenize(["a" * 10_000 + " b"], start=False)).endswith("a b")
