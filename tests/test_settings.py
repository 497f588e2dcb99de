"""OLLAMA_*, from the table of the reference (models, 8.3; Ollama API, 4.1)."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.settings import Settings
from ollama_nb.wire.durations import FOREVER

SECOND = 1_000_000_000
POSITIVE = {
    "OLLAMA_CONTEXT_LENGTH": "context_length",
    "OLLAMA_NUM_PARALLEL": "num_parallel",
    "OLLAMA_MAX_LOADED_MODELS": "max_loaded_models",
    "OLLAMA_MAX_QUEUE": "max_queue",
}


def read(**environment):
    return Settings.from_environment(environment)


def test_an_empty_environment_gives_the_defaults():
    settings = read()
    assert settings == Settings()
    assert settings.models == Path.home() / ".ollama" / "models"
    assert (settings.host, settings.port) == ("127.0.0.1", 11434)
    assert settings.keep_alive_ns == 300 * SECOND
    assert (settings.context_length, settings.max_queue) == (4096, 512)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("1.2.3.4", "1.2.3.4", 11434),
        ("1.2.3.4:5", "1.2.3.4", 5),
        ("host", "host", 11434),
        ("host:", "host", 11434),
        (":8080", "127.0.0.1", 8080),
        ("http://host", "host", 80),
        ("https://host", "host", 443),
        ("https://host:99/path", "host", 99),
        ("http://host:99/", "host", 99),
        ("[::1]", "::1", 11434),
        ("[::1]:99", "::1", 99),
        ("::1", "::1", 11434),
        ("::", "::", 11434),
        ("fe80::1:2", "fe80::1:2", 11434),
        ("host:nonsense", "host", 11434),
        ("host:65536", "host", 11434),
        ("host:-1", "host", 11434),
        ("host:" + "9" * 5000, "host", 11434),
        (' "host:7" ', "host", 7),
        ("'host:7'", "host", 7),
    ],
)
def test_the_address(text, host, port):
    settings = read(OLLAMA_HOST=text)
    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", 600 * SECOND), ("1h30m", 5400 * SECOND), ("20", 20 * SECOND), ("0", 0),
        ("0s", 0), ("-1", FOREVER), ("-1m", FOREVER), ("", 300 * SECOND), ("1d", 300 * SECOND),
        ("???", 300 * SECOND), ("9" * 5000, 300 * SECOND), (' "7" ', 7 * SECOND),
    ],
)  # fmt: skip
def test_keep_alive_is_a_duration_or_whole_seconds(text, expected):
    assert read(OLLAMA_KEEP_ALIVE=text).keep_alive_ns == expected


@pytest.mark.parametrize(("variable", "attribute"), POSITIVE.items())
@pytest.mark.parametrize("text", ["0", "-3", "2.5", "many", "", "٣", "²", "9" * 5000, "0x10"])
def test_a_number_that_makes_no_sense_counts_as_not_set(variable, attribute, text):
    assert getattr(read(**{variable: text}), attribute) == getattr(Settings(), attribute)


@pytest.mark.parametrize(("variable", "attribute"), POSITIVE.items())
def test_numbers_are_read_with_blanks_and_quotes_around_them(variable, attribute):
    assert getattr(read(**{variable: ' "17" '}), attribute) == 17


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("OLLAMA_KEEP_ALIVE", "bad"), ("OLLAMA_NUM_PARALLEL", "x"), ("OLLAMA_KV_CACHE_TYPE", "f8"),
        ("OLLAMA_NB_DISK_RESERVE", "1 GB"), ("OLLAMA_NB_TENSOR_SPLIT", "3;1"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_logged(variable, text, caplog):
    read(**{variable: text})
    assert caplog.messages == [f"{variable}={text} makes no sense and counts as not set"]


def test_nothing_is_said_of_what_is_not_set_or_zero(caplog):
    read(
        OLLAMA_KEEP_ALIVE="", OLLAMA_NUM_PARALLEL="0", OLLAMA_MAX_QUEUE=" ", OLLAMA_KV_CACHE_TYPE=""
    )
    assert caplog.messages == []


def test_the_store_may_stand_anywhere():
    assert read(OLLAMA_MODELS=' "/data/my models" ').models == Path("/data/my models")
    assert read(OLLAMA_MODELS="~/m").models == Path.home() / "m"
    assert read(OLLAMA_MODELS="~nobody-has-this-name/m").models == Settings().models


def test_origins_are_separated_by_commas():
    origins = read(OLLAMA_ORIGINS="http://a.example, app://*,,").origins
    assert origins == ("http://a.example", "app://*")


@given(
    st.dictionaries(
        st.sampled_from(
            ["OLLAMA_HOST", "OLLAMA_MODELS", "OLLAMA_KEEP_ALIVE", "OLLAMA_ORIGINS", *POSITIVE]
        ),
        st.text() | st.text("0123456789:.[]/-~\"' hms"),
    )
)
def test_no_environment_keeps_the_package_from_starting(environment):
    settings = Settings.from_environment(environment)
    assert 0 <= settings.port < 65_536
    assert settings.host
    assert settings.keep_alive_ns >= 0
    assert min(settings.context_length, settings.max_queue) > 0
    assert settings.num_parallel >= 0


@pytest.mark.parametrize(
    ("text", "expected"), [("", True), ("0", False), ("false", False), ("1", True), ("yes", True)]
)
def test_users_are_isolated_unless_told_otherwise(text, expected):
    assert read(OLLAMA_NB_ISOLATE_USERS=text).isolate_users is expected


def test_the_length_of_a_step_is_milliseconds():
    assert read(OLLAMA_NB_STEP_MS="50").step_ns == 50_000_000
    assert read(OLLAMA_NB_STEP_MS="soon").step_ns == Settings().step_ns


def test_the_cache():
    assert (read().flash_attention, read().kv_cache_type) == (None, "f16")
    assert read(OLLAMA_FLASH_ATTENTION="1").flash_attention is True
    assert read(OLLAMA_FLASH_ATTENTION="false").flash_attention is False
    assert read(OLLAMA_KV_CACHE_TYPE="Q8_0").kv_cache_type == "q8_0"
    assert read(OLLAMA_KV_CACHE_TYPE="q2_k").kv_cache_type == "f16"


def test_gpus():
    assert read().tensor_split == ()
    assert read(OLLAMA_NB_TENSOR_SPLIT=" 3, 1.5 ").tensor_split == (3.0, 1.5)
    assert read(OLLAMA_NB_TENSOR_SPLIT="3,lots").tensor_split == ()
    assert read(OLLAMA_GPU_OVERHEAD="17179869184").gpu_overhead == 16 << 30
    assert read(OLLAMA_GPU_OVERHEAD="-1").gpu_overhead == 0
    assert read(OLLAMA_SCHED_SPREAD="1").sched_spread is True
    assert read().sched_spread is read().unified_cache is False


def test_stores_of_a_site_lie_beneath_the_users():
    home = Path.home()
    settings = read(OLLAMA_NB_SITE_MODELS=f" '/a/b{os.pathsep} ~/c{os.pathsep}{os.pathsep}d ' ")
    assert settings.site_models == (Path("/a/b"), home / "c", Path("d"))
    assert read(OLLAMA_NB_SITE_MODELS=" ").site_models == ()
    assert read(OLLAMA_NB_SITE_MODELS=f"~nobody-of-that-name/x{os.pathsep}/y").site_models == (
        Path("/y"),
    )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("OLLAMA_NB_GROUP_STORE", "group_store"),
        ("OLLAMA_NOPRUNE", "keep_replaced"),
        ("OLLAMA_NB_STRICT", "strict"),
    ],
)
def test_what_is_off_unless_it_is_asked_for(name, field):
    assert [getattr(read(**{name: text}), field) for text in ("", "0", "false", "1", "yes")] == [
        False, False, False, True, True,
    ]  # fmt: skip
