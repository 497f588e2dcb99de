"""Golden lines: order of fields and what is left out when empty (Ollama API, 1.3, 6.7, 10)."""

import json

import pytest

from ollama_nb.wire import (
    GenerateResponse,
    ListedModel,
    ListResponse,
    ModelDetails,
    ProcessModel,
    ProcessResponse,
    VersionResponse,
)
from ollama_nb.wire.codec import encode
from ollama_nb.wire.fold import fold_generate

AT = "2026-08-21T18:48:22.123456Z"
DETAILS = {
    "parent_model": "", "format": "gguf", "family": "llama", "families": None,
    "parameter_size": "8.0B", "quantization_level": "Q4_K_M",
}  # fmt: skip


def line(**fields):
    defaults = {"model": "m", "created_at": AT, "response": "", "done": False}
    return encode(GenerateResponse(**defaults | fields)).decode()


GOLDEN = [
    ({"response": "Hé<>"}, f'{{"model":"m","created_at":"{AT}","response":"Hé<>","done":false}}'),
    (
        {"thinking": "hm"},
        f'{{"model":"m","created_at":"{AT}","response":"","thinking":"hm","done":false}}',
    ),
    (
        {"done": True, "done_reason": "load"},
        f'{{"model":"m","created_at":"{AT}","response":"","done":true,"done_reason":"load"}}',
    ),
    (
        {
            "done": True, "done_reason": "stop", "context": [1, 2], "total_duration": 6,
            "load_duration": 5, "prompt_eval_count": 4, "prompt_eval_duration": 3,
            "eval_count": 2, "eval_duration": 1, "sample_count": 8, "sample_duration": 9,
        },
        f'{{"model":"m","created_at":"{AT}","response":"","done":true,"done_reason":"stop",'
        '"context":[1,2],"total_duration":6,"load_duration":5,"prompt_eval_count":4,'
        '"prompt_eval_duration":3,"eval_count":2,"eval_duration":1,"sample_count":8,'
        '"sample_duration":9}',
    ),
    (
        {"debug_info": {"rendered_template": "x"}},
        f'{{"model":"m","created_at":"{AT}","response":"","done":false,'
        '"_debug_info":{"rendered_template":"x"}}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), GOLDEN)
def test_generate_lines(fields, expected):
    assert line(**fields) == expected


def test_a_model_without_name_or_text_still_has_its_four_fields():
    assert list(json.loads(line(model=""))) == ["model", "created_at", "response", "done"]


def listed(**fields):
    return ListedModel(
        name="m:latest",
        model="m:latest",
        modified_at=AT,
        size=7,
        digest="ab",
        details=ModelDetails(**DETAILS | fields.pop("details", {})),
        **fields,
    )


def test_a_listed_model():
    assert encode(ListResponse(models=[listed()])).decode() == (
        f'{{"models":[{{"name":"m:latest","model":"m:latest","modified_at":"{AT}","size":7,'
        '"digest":"ab","details":{"parent_model":"","format":"gguf","family":"llama",'
        '"families":null,"parameter_size":"8.0B","quantization_level":"Q4_K_M"}}]}'
    )


def test_lengths_and_capabilities_follow_where_there_are_any():
    full = listed(
        details={"families": ["llama"], "context_length": 4096, "embedding_length": 64},
        capabilities=["completion"],
    )
    written = json.loads(encode(full))
    assert list(written)[-2:] == ["details", "capabilities"]
    assert list(written["details"])[-3:] == [
        "quantization_level",
        "context_length",
        "embedding_length",
    ]


def test_a_running_model_writes_its_zeros():
    running = ProcessModel(
        name="m:latest",
        model="m:latest",
        size=0,
        digest="ab",
        details=ModelDetails(**DETAILS),
        expires_at=AT,
        size_vram=0,
        context_length=0,
    )
    written = json.loads(encode(ProcessResponse(models=[running])))["models"][0]
    assert list(written) == [
        "name", "model", "size", "digest", "details", "expires_at", "size_vram", "context_length",
    ]  # fmt: skip
    assert list(written["details"]) == list(DETAILS)


def test_empty_lists_are_written_and_the_version_stands_alone():
    assert encode(ListResponse(models=[])) == encode(ProcessResponse(models=[])) == b'{"models":[]}'
    assert encode(VersionResponse(version="0.33.0")) == b'{"version":"0.33.0"}'


def chunk(**fields):
    return GenerateResponse(
        **{"model": "m", "created_at": AT, "response": "", "done": False} | fields
    )


def test_folding_keeps_the_last_chunk_with_the_whole_texts():
    folded = fold_generate(
        chunk(**fields)
        for fields in (
            {"thinking": "h"},
            {"thinking": "m", "response": "H"},
            {"response": "i"},
            {"response": "!", "done": True, "done_reason": "stop", "eval_count": 3},
        )
    )
    assert (folded.thinking, folded.response) == ("hm", "Hi!")
    assert (folded.done, folded.done_reason, folded.eval_count) == (True, "stop", 3)


def test_one_chunk_folds_to_itself():
    only = chunk(done=True, done_reason="load")
    assert fold_generate([only]) == only
