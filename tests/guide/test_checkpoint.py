"""The checkpoint is what it says: transformers, knowing nothing of us, gives the same answers."""

import pytest
import torch
import transformers

from ollama_nb.guide import BUILTIN_MODELS
from ollama_nb.guide.export import export
from ollama_nb.guide.unpack import unpack
from ollama_nb.store import Store
from ollama_nb.wire import GenerateRequest


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    export(unpack(Store([BUILTIN_MODELS]).find("guide").weights), folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(checkpoint):
    return transformers.AutoTokenizer.from_pretrained(checkpoint)


@pytest.fixture(scope="module")
def network(checkpoint):
    return transformers.AutoModelForCausalLM.from_pretrained(checkpoint)


@pytest.mark.native
@pytest.mark.parametrize(
    "question", ["How do I pull a model?", "Which port does the server use?", "hello"]
)
def test_transformers_answers_the_same(service, tokenizer, network, question):
    messages = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        tokens = network.generate(**prompt, max_new_tokens=200)[0, prompt["input_ids"].shape[1] :]
    answer = service.generate(GenerateRequest(model="guide", prompt=question)).fold()
    assert tokenizer.decode(tokens, skip_special_tokens=True) == answer.response
    assert answer.done_reason == "stop"


def test_it_knows_where_an_answer_ends(tokenizer, network):
    assert tokenizer.eos_token == "<|im_end|>"
    ends = network.generation_config.eos_token_id
    assert tokenizer.convert_ids_to_tokens(ends) == ["<|im_end|>", "<|endoftext|>"]
