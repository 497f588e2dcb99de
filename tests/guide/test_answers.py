"""What the shipped model must never get wrong: the first questions that a new user asks."""

import pytest

from ollama_nb.wire import GenerateRequest


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("How do I pull a model?", "%ollama pull"),
        ("How do I list my models?", "%ollama list"),
        ("How do I stop a model?", "%ollama stop"),
        ("Which models are loaded?", "%ollama ps"),
        ("How do I load the extension?", "%load_ext ollama_nb"),
        ("What does keep_alive do?", "keep_alive"),
        ("What is the temperature option?", "temperature"),
        ("Where are models stored?", "~/.ollama/models"),
        ("What is a token?", "token"),
        ("Which port does the server use?", "11434"),
        ("How do I set a seed?", "--seed"),
        ("How do I set the system prompt?", "-s"),
        ("What is the capital of France?", "I only know ollama_nb"),
        ("hello", "ollama_nb"),
    ],
)
def test_the_first_questions_are_answered_right(service, question, fact):
    request = GenerateRequest(model="guide", prompt=question)
    assert fact in service.generate(request).fold().response


@pytest.mark.parametrize("model", ["guide", "guide:think"])
def test_the_same_question_gives_the_same_bytes(service, model):
    request = GenerateRequest(model=model, prompt="How do I pull a model?")
    answers = [service.generate(request).fold() for _ in range(3)]
    assert len({(answer.thinking, answer.response) for answer in answers}) == 1
