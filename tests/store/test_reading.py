"""Finding and listing models on disk (models, 1.3 and 2; rule S5)."""

import hashlib
import logging
import stat

import pytest

from ollama_nb.errors import InvalidDigest, InvalidName, ModelNotFound, StoreError
from ollama_nb.store import Store
from ollama_nb.store.blobs import blob_path

HEX = "0123456789abcdef" * 4
LIBRARY = "registry.ollama.ai/library"


def names(*disks):
    return [str(model.name) for model in Store([disk.root for disk in disks]).models()]


def find(disk, text="m"):
    return Store([disk.root]).find(text)


def test_a_store_that_is_not_there_is_empty(disk):
    assert names(disk) == []
    with pytest.raises(ModelNotFound, match=r"^model 'Some/Name' not found$"):
        find(disk, "Some/Name")


def test_names_are_found_whatever_their_case_and_keep_their_spelling(disk):
    disk.model("MixedCase:Tag")
    for text in ("MixedCase:Tag", "mixedcase:TAG", "REGISTRY.ollama.ai/Library/mixedcase:tag"):
        assert str(find(disk, text).name) == "MixedCase:Tag"
    with pytest.raises(ModelNotFound):
        find(disk, "mixedcase")


def test_every_part_of_a_name_has_its_level(disk):
    disk.manifest("hf.co/User/Repo.Name-GGUF/Q4_K_M")
    disk.manifest("host:5000/ns/m/latest")
    assert str(find(disk, "hf.co/user/repo.name-gguf:q4_k_m").name).endswith("Name-GGUF:Q4_K_M")
    assert sorted(names(disk)) == ["hf.co/User/Repo.Name-GGUF:Q4_K_M", "host:5000/ns/m:latest"]


def test_only_four_levels_of_visible_valid_names_count(disk):
    disk.model("good:latest")
    for path in (
        f"{LIBRARY}/three", f"{LIBRARY}/.DS_Store", ".hidden/library/m/latest", "a/b/c/d/e",
        f"{LIBRARY}/good/.hidden", f"{LIBRARY}/good/bad@tag", "host/dotted.ns/m/latest",
        f"{LIBRARY}/good/with blank",
    ):  # fmt: skip
        disk.manifest(path, b"{}")
    (disk.root / "manifests" / LIBRARY / "folder" / "latest").mkdir(parents=True)
    assert names(disk) == ["good:latest"]
    for text in ("folder", "dotted.ns/m"):
        with pytest.raises((ModelNotFound, InvalidName)):
            find(disk, text)


def test_the_newest_model_comes_first_and_ties_keep_the_order_of_names(disk):
    for name, at in (("b:1", 10), ("a:1", 10), ("old:1", 5), ("new:1", 20)):
        disk.model(name, at=at)
    assert names(disk) == ["new:1", "a:1", "b:1", "old:1"]


def test_an_earlier_root_hides_a_later_one(disk, other):
    disk.model("Both:1", disk.layer("system", b"first"), at=1)
    other.model("both:1", other.layer("system", b"second"), at=2)
    other.model("only:1", at=3)
    assert names(disk, other) == ["only:1", "Both:1"]
    assert Store([disk.root, other.root]).find("BOTH:1").system == "first"
    assert Store([other.root, disk.root]).find("BOTH:1").system == "second"
    assert Store([disk.root, other.root]).find("only:1").root == other.root


CORRUPT = {
    "empty": b"",
    "cut off": b'{"layers":[',
    "no object": b"[1]",
    "wrong types": b'{"layers":[{"digest":5}]}',
    "invalid UTF-8": b'{"config":{"digest":"\xff"}}',
    "deep": b'{"x":' + b"[" * 100_000,
    "binary": bytes(range(256)),
    "too large": b'{"x":"' + b"a" * (4 << 20) + b'"}',
}


@pytest.mark.parametrize("case", CORRUPT)
def test_a_corrupt_manifest_is_skipped_by_list_and_named_by_find(disk, caplog, case):
    disk.manifest(f"{LIBRARY}/broken/latest", CORRUPT[case])
    disk.model("good:latest")
    with caplog.at_level(logging.WARNING):
        assert names(disk) == ["good:latest"]
    assert "broken:latest" in caplog.text
    with pytest.raises(StoreError, match="broken:latest"):
        find(disk, "broken")


def test_a_corrupt_manifest_hides_the_same_name_beneath(disk, other):
    disk.manifest(f"{LIBRARY}/m/latest", b"{")
    other.model("m:latest")
    assert names(disk, other) == []
    with pytest.raises(StoreError):
        Store([disk.root, other.root]).find("m")


def test_an_empty_manifest_is_a_model_without_anything(disk):
    disk.manifest(f"{LIBRARY}/m/latest", b"{}")
    model = find(disk)
    assert (model.manifest.size, model.system, model.options, model.messages) == (0, "", {}, [])
    assert model.capabilities == ()
    assert model.details(lengths=True).families is None
    with pytest.raises(StoreError, match="m:latest"):
        _ = model.weights


def test_digest_and_size_are_those_of_the_file_as_it_is(disk):
    spaced = b'{ "layers" : [ {"size":5},\n {"size":6} ],  "config":{"size":7}, "more":null }\n'
    disk.manifest(f"{LIBRARY}/m/latest", spaced)
    manifest = find(disk).manifest
    assert manifest.digest == hashlib.sha256(spaced).hexdigest()
    assert manifest.size == 18


def test_unknown_media_types_and_repeated_digests_are_tolerated(disk):
    layer = disk.layer("system", b"hello")
    strange = layer | {"mediaType": "application/x-unknown", "from": "x", "name": "y", "z": []}
    disk.model("m:latest", layer, strange, layer)
    assert find(disk).system == "hello"


def test_the_last_layer_of_a_kind_wins(disk):
    disk.model("m:latest", disk.layer("system", b"one"), disk.layer("system", b"two"))
    assert find(disk).system == "two"


def test_details_come_from_the_config(disk):
    disk.model(
        "m:latest",
        disk.layer("model", b"no gguf") | {"from": "parent:latest"},
        model_format="gguf",
        model_family="llama",
        model_families=["llama", "clip"],
        model_type="8.0B",
        file_type="Q4_K_M",
        rootfs={"type": "layers", "diff_ids": []},
    )
    details = find(disk).details(lengths=False)
    assert (details.parent_model, details.format, details.family) == (
        "parent:latest",
        "gguf",
        "llama",
    )
    assert (details.families, details.parameter_size) == (["llama", "clip"], "8.0B")


def test_null_families_stay_null(disk):
    disk.model("m:latest", model_family="llama", model_families=None)
    details = find(disk).details(lengths=True)
    assert (details.family, details.families) == ("llama", None)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"model_type":1}', b"[" * 100_000])
def test_an_unreadable_config_counts_as_empty(disk, data):
    config = {"digest": disk.blob(data), "size": len(data)}
    disk.manifest(f"{LIBRARY}/m/latest", config=config, layers=[])
    assert find(disk).details(lengths=True).family == ""


def test_a_missing_blob_is_named_with_what_helps(disk):
    layers = [
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{HEX}"}
        for kind in ("model", "system", "params", "messages")
    ]
    disk.manifest(f"{LIBRARY}/m/latest", layers=layers, config={"digest": f"sha256:{HEX}"})
    model = find(disk)
    with pytest.raises(StoreError, match=r"failed to load model.*ollama pull m:latest"):
        _ = model.weights
    for attribute in ("system", "options", "messages"):
        with pytest.raises(StoreError, match=f"sha256-{HEX}"):
            getattr(model, attribute)
    assert model.capabilities == ()
    assert names(disk) == ["m:latest"]


@pytest.mark.parametrize("kind", ["params", "messages"])
@pytest.mark.parametrize("data", [b"", b"5", b'"x"', b"\xff", b'{"a":"\xff"}', b"[" * 100_000])
def test_stored_json_that_is_none_is_named(disk, kind, data):
    disk.model("m:latest", disk.layer(kind, data))
    with pytest.raises(StoreError, match="m:latest"):
        _ = find(disk).options if kind == "params" else find(disk).messages


def test_texts_are_kept_as_they_are_up_to_a_mebibyte(disk):
    disk.model("m:latest", disk.layer("system", b" \xff\n"))
    assert find(disk).system == " \ufffd\n"
    disk.model("big:latest", disk.layer("system", b"x" * ((1 << 20) + 1)))
    with pytest.raises(StoreError, match="1 MiB"):
        _ = find(disk, "big").system


TRAVERSAL = [
    "", "sha256:", "sha256-", "sha256:../../../../etc/passwd", f"sha256:../{HEX}"[:71],
    f"sha256:{HEX}/../../x", f"sha256:{HEX}0", f"sha256:{HEX[1:]}", f"sha256:{HEX}\n",
    f"sha512:{HEX}", f"SHA256:{HEX}", HEX, f"sha256:{'g' * 64}", f"sha256:{'٣' * 64}",
    f"sha256-{HEX}\0", f" sha256:{HEX}",
]  # fmt: skip


@pytest.mark.parametrize("digest", TRAVERSAL)
def test_what_is_no_digest_makes_no_path(tmp_path, digest):
    with pytest.raises(InvalidDigest, match=r"^invalid digest format$"):
        blob_path(tmp_path, digest)


@pytest.mark.parametrize("digest", [f"sha256:{HEX}", f"sha256-{HEX}", f"sha256:{HEX.upper()}"])
def test_both_spellings_of_a_digest_name_one_file(tmp_path, digest):
    assert blob_path(tmp_path, digest) == tmp_path / "blobs" / f"sha256-{HEX}"


@pytest.mark.parametrize("digest", TRAVERSAL[1:])
def test_a_manifest_with_a_foreign_digest_breaks_no_listing(disk, digest):
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": 1}
    system = layer | {"mediaType": "application/vnd.ollama.image.system"}
    disk.manifest(f"{LIBRARY}/m/latest", config={"digest": digest}, layers=[layer, system])
    disk.model("good:latest")
    listed = Store([disk.root]).models()
    assert [model.capabilities for model in listed] == [(), ()]
    assert [model.details(lengths=True).family for model in listed] == ["", ""]
    with pytest.raises(StoreError, match="m:latest"):
        _ = find(disk).weights
    with pytest.raises(StoreError, match="m:latest"):
        _ = find(disk).system


@pytest.mark.parametrize(
    "text",
    [
        "", "../m", "..", "a/../../m", "/etc/passwd", "m:../x", "..:..", "./m", "m\0", "m:",
        "../../../../etc/passwd:latest", "host/../m", "%2e%2e/m", "..\\m", "~/m", "m:.hidden",
    ],
)  # fmt: skip
def test_names_that_leave_the_store_are_invalid(disk, text):
    disk.model("m:latest")
    with pytest.raises(InvalidName):
        find(disk, text)


def test_a_host_longer_than_a_file_name_is_just_not_found(disk):
    disk.model("m:latest")
    with pytest.raises(ModelNotFound):
        find(disk, "h" * 350 + "/n/m")


def test_a_store_that_cannot_be_written_is_read_all_the_same(disk):
    disk.model("m:latest", disk.layer("system", b"hi"))
    folders = [path for path in disk.root.rglob("*") if path.is_dir()]
    for path in folders:
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = {path: path.stat().st_mtime_ns for path in disk.root.rglob("*")}
    try:
        assert names(disk) == ["m:latest"]
        assert find(disk, "M").system == "hi"
        assert before == {path: path.stat().st_mtime_ns for path in disk.root.rglob("*")}
    finally:
        for path in folders:
            path.chmod(stat.S_IRWXU)


def test_what_may_not_be_read_is_named_without_its_path(disk, monkeypatch):
    disk.model("m:latest")

    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert names(disk) == []
    with pytest.raises(StoreError, match=r"'m:latest' cannot be read: Permission denied$"):
        find(disk)


def test_changes_by_other_processes_are_seen_at_once(disk):
    store = Store([disk.root])
    file = disk.model("m:latest", disk.layer("system", b"one"))
    assert store.find("m").system == "one"
    disk.model("m:latest", disk.layer("system", b"two"))
    assert store.find("m").system == "two"
    file.unlink()
    with pytest.raises(ModelNotFound):
        store.find("m")
