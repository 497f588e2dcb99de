"""What FROM, ADAPTER and DRAFT name (reference: models, 4.2; rule S7)."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, InvalidDigest, InvalidModelfile, UnusableFiles
from ollama_nb.recipes.definition import Definition
from ollama_nb.recipes.modelfile import parse
from ollama_nb.recipes.sources import Place, Sources, find_sources, open_modelfile

DIGEST = "ab" * 32
HTTP = Place()


def found(place, *sources, **more):
    return find_sources(Definition(sources=[*sources], **more), place)


def names(files):
    return [file.name for file in files]


@pytest.fixture
def here(tmp_path):
    for name in ("a.gguf", "b.gguf", "sub/a.gguf", "st/model.safetensors", "lora/x.gguf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"GGUF\3\0\0\0")
    (tmp_path / "st" / "config.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    return Place(folder=tmp_path)


@pytest.mark.parametrize(
    "text", ["llama3", "hf.co/user/repo:Q4", "./nothing.gguf", "a\0b", "~nobody"]
)
def test_what_is_not_there_is_a_models_name(here, text):
    assert found(here, text) == Sources(model=text)


def test_the_last_name_wins_and_files_add_up(here):
    sources = found(here, "one", "a.gguf", "./b.gguf", "two", "st")
    assert sources.model == "two"
    assert names(sources.files) == ["a.gguf", "b.gguf", "model.safetensors", "config.json"]


@pytest.mark.parametrize("form", ["a.gguf", "./a.gguf", "sub/../a.gguf", "absolute", "~/a.gguf"])
def test_paths(here, monkeypatch, form):
    monkeypatch.setenv("HOME", str(here.folder))
    text = str(here.folder / "a.gguf") if form == "absolute" else form
    (file,) = found(here, text).files
    assert (file.name, file.path) == ("a.gguf", here.folder / "a.gguf")
    with file.open() as opened:
        assert opened.read(4) == b"GGUF"


def test_a_link_to_a_file_keeps_its_name(here):
    (here.folder / "link.gguf").symlink_to(here.folder / "sub" / "a.gguf")
    (file,) = found(here, "link.gguf").files
    assert (file.name, file.path) == ("link.gguf", here.folder / "sub" / "a.gguf")


def test_two_files_of_one_name_are_refused(here):
    with pytest.raises(InvalidModelfile, match=r"called a\.gguf"):
        found(here, "a.gguf", "sub/a.gguf")


def test_a_directory_without_a_model(here):
    with pytest.raises(UnusableFiles, match="no Modelfile or safetensors files found"):
        found(here, "empty")


def test_adapters_and_drafts_must_exist(here):
    sources = found(here, "m", adapters=["lora"], drafts=["b.gguf"])
    assert names(sources.adapter_files) == ["x.gguf"]
    for more in ({"adapters": ["nothing"]}, {"drafts": ["nothing"]}):
        with pytest.raises(InvalidModelfile, match="there is no such file"):
            found(here, "m", **more)


def test_a_draft_is_another_file(here):
    text = r"DRAFT must not reference the same local path as FROM: \./a\.gguf"
    with pytest.raises(InvalidModelfile, match=text):
        found(here, "a.gguf", drafts=["./a.gguf"])


# Blobs of the store


@pytest.mark.parametrize("text", [f"@sha256:{DIGEST}", f"@sha256-{DIGEST.upper()}"])
@pytest.mark.parametrize("place", ["http", "here"])
def test_uploaded_blobs(here, place, text):
    sources = found(HTTP if place == "http" else here, text, adapters=[text], drafts=[text])
    blobs = {f"sha256-{DIGEST}": f"sha256:{DIGEST}"}
    assert sources == Sources(blobs=blobs, adapter_blobs=blobs)


def test_what_show_prints_names_the_blob_and_no_file():
    store = Path("/somewhere/models")
    path = f"{store}/blobs/sha256-{DIGEST}"
    sources = found(Place(stores=(store,)), path, adapters=[path])
    assert [*sources.blobs.values()] == [*sources.adapter_blobs.values()] == [f"sha256:{DIGEST}"]
    assert found(HTTP, path) == Sources(model=path)


@pytest.mark.parametrize("text", ["@", "@x", "@sha256:../x", f"@sha512:{DIGEST}"])
def test_digests_are_checked(text):
    with pytest.raises(InvalidDigest):
        found(HTTP, text)


# Confined


@pytest.mark.parametrize("text", ["/etc/passwd", "~", "/dev/zero", "a.gguf", ".", "/"])
def test_over_http_nothing_is_a_path(here, monkeypatch, text):
    monkeypatch.chdir(here.folder)
    monkeypatch.setattr(os, "open", None)
    assert found(HTTP, text) == Sources(model=text)
    with pytest.raises(InvalidModelfile, match="there is no such file"):
        found(HTTP, "m", adapters=[text])


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "../x", "/nothing/there", "sub/../../x", "~/x", "out", "out/nothing"]
)
def test_nothing_outside_of_the_root_is_named_whether_it_exists_or_not(here, monkeypatch, text):
    monkeypatch.setenv("HOME", "/")
    (here.folder / "out").symlink_to("/etc")
    place = Place(folder=here.folder, root=here.folder)
    for instruction in ({"sources": [text]}, {"adapters": [text]}, {"drafts": [text]}):
        with pytest.raises(UnusableFiles) as caught:
            find_sources(Definition(**instruction), place)
        assert str(caught.value) == f"insecure path: {text}"


def test_inside_of_the_root_all_is_well(here):
    place = Place(folder=here.folder / "sub", root=here.folder)
    assert found(place, "llama3").model == "llama3"
    (file,) = found(place, "../a.gguf").files
    assert (file.root, file.inside) == (here.folder, ("a.gguf",))
    assert names(found(place, "../st").files) == ["model.safetensors", "config.json"]


def test_a_link_out_of_the_root_that_is_put_there_later_is_not_followed(here, tmp_path_factory):
    (file,) = found(Place(folder=here.folder, root=here.folder), "sub/a.gguf").files
    outside = tmp_path_factory.mktemp("outside")
    (here.folder / "sub").rename(outside / "sub")
    (here.folder / "sub").symlink_to(outside / "sub")
    with pytest.raises(UnusableFiles):
        file.open()


@pytest.mark.parametrize("text", ["/dev/zero", "/dev/random", "/dev/null", "pipe"])
def test_devices_and_pipes_are_refused_at_once(here, text):
    os.mkfifo(here.folder / "pipe")
    with pytest.raises(UnusableFiles, match="is not a regular file"):
        found(here, text)


@given(
    st.text() | st.text("./~\0ab") | st.sampled_from(["x" * 300, "a/" * 3000, "/" * 5000, "~x/y"])
)
def test_any_text_names_something_or_is_refused(tmp_path_factory, text):
    root = tmp_path_factory.getbasetemp().resolve()
    for place in (HTTP, Place(folder=root / "not-there", root=root)):
        try:
            sources = found(place, text)
        except BadRequest:
            continue
        assert all(file.path.is_relative_to(root) for file in sources.files)


# The Modelfile itself


def test_paths_in_a_modelfile_begin_beside_it(here):
    (here.folder / "sub" / "Modelfile").write_bytes(b"FROM ./a.gguf")
    data, place = open_modelfile("sub/Modelfile", here)
    assert data == b"FROM ./a.gguf"
    (file,) = found(place, "./a.gguf").files
    assert file.path == here.folder / "sub" / "a.gguf"


@pytest.mark.parametrize("text", ["nothing", "/dev/zero", "sub", "pipe", "/x/y", "a\0b"])
def test_what_is_no_modelfile(here, text):
    os.mkfifo(here.folder / "pipe")
    with pytest.raises(UnusableFiles):
        open_modelfile(text, here)


def test_a_modelfile_outside_of_the_root(here):
    place = Place(folder=here.folder, root=here.folder)
    with pytest.raises(UnusableFiles, match="insecure path: /etc/passwd"):
        open_modelfile("/etc/passwd", place)


def test_of_a_huge_modelfile_little_is_read(here):
    with (here.folder / "Modelfile").open("wb") as file:
        file.truncate(1 << 34)
    data, _ = open_modelfile("Modelfile", here)
    with pytest.raises(InvalidModelfile, match="8 MiB"):
        parse(data)
