"""The built-in store: digests, manifests, sizes, and a GGUF of the promised form."""

import hashlib
import json

import pytest

from ollama_nb.guide import BUILTIN_MODELS
from ollama_nb.store import Store

TAGS = ("latest", "think")
MANIFESTS = BUILTIN_MODELS / "manifests" / "registry.ollama.ai" / "library" / "guide"
BLOBS = BUILTIN_MODELS / "blobs"


def manifest_of(tag: str) -> dict:
    return json.loads((MANIFESTS / tag).read_text(encoding="utf-8"))


def layer(tag: str, kind: str) -> bytes:
    media_type = f"application/vnd.ollama.image.{kind}"
    (found,) = [one for one in manifest_of(tag)["layers"] if one["mediaType"] == media_type]
    return (BLOBS / found["digest"].replace(":", "-")).read_bytes()


def test_every_blob_has_the_name_of_its_content():
    for path in BLOBS.iterdir():
        assert path.name == "sha256-" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("tag", TAGS)
def test_the_manifest_names_blobs_that_exist_with_their_sizes(tag):
    manifest = manifest_of(tag)
    assert list(manifest) == ["schemaVersion", "mediaType", "config", "layers"]
    for one in (manifest["config"], *manifest["layers"]):
        assert list(one) == ["mediaType", "digest", "size"]
        assert (BLOBS / one["digest"].replace(":", "-")).stat().st_size == one["size"]


@pytest.mark.parametrize("tag", TAGS)
def test_the_manifest_is_compact_json_and_one_newline(tag):
    text = (MANIFESTS / tag).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), separators=(",", ":")) + "\n"


def test_no_blob_is_left_over():
    used = {one["digest"] for tag in TAGS for one in manifest_of(tag)["layers"]}
    used |= {manifest_of(tag)["config"]["digest"] for tag in TAGS}
    assert {path.name.replace("-", ":", 1) for path in BLOBS.iterdir()} == used


def test_the_names_share_their_weights():
    assert layer("latest", "model") is not None
    assert layer("latest", "model") == layer("think", "model")


@pytest.mark.parametrize("tag", TAGS)
def test_the_config_is_what_create_writes(tag):
    digest = manifest_of(tag)["config"]["digest"]
    config = json.loads((BLOBS / digest.replace(":", "-")).read_text(encoding="utf-8"))
    assert list(config) == [
        "model_format", "model_family", "model_families", "model_type", "file_type",
        "architecture", "os",
    ]  # fmt: skip
    assert (config["model_type"], config["file_type"]) == ("4.72M", "Q8_0")


@pytest.mark.parametrize(("tag", "more"), [("latest", ()), ("think", ("thinking",))])
def test_the_names_say_what_the_model_can_do(tag, more):
    found = Store([BUILTIN_MODELS]).find(f"guide:{tag}")
    assert found.capabilities == ("completion", "tools", "insert", *more)


def test_the_weights_are_a_small_gguf_without_a_path_of_the_machine_that_made_it():
    weights = layer("latest", "model")
    assert weights[:4] == b"GGUF"
    assert len(weights) <= 8 * 1024 * 1024
    assert b"/tmp/" not in weights
    assert b"/work/" not in weights


def test_templates_and_licence_and_parameters():
    latest, think = (layer(tag, "template").decode() for tag in TAGS)
    assert ".Thinking" not in latest
    assert ".Thinking" in think
    for text in (latest, think):
        assert all(name in text for name in (".System", ".Tools", ".Messages", ".Suffix"))
    assert b"BSD 3-Clause" in layer("latest", "license")
    assert layer("latest", "params") == b'{"temperature":0}\n'
