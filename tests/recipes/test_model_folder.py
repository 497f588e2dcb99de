"""Which files of a directory are taken (reference: models, 4.3), and that no others are read."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import UnusableFiles
from ollama_nb.recipes import model_folder
from ollama_nb.recipes.local_files import file_in
from ollama_nb.recipes.model_folder import model_files

WEIGHTS = b"\x10\0\0\0\0\0\0\0{}"
GGUF = b"GGUF\x03\0\0\0"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
TOKENIZER = b"\n\x0e\n\x05<unk>\x15\0\0\0\0"
NOTHING = "no Modelfile or safetensors files found"


def fill(folder, *names, **contents):
    """Write files: weights by the end of their names, JSON, or the bytes given."""
    for name in [*names, *contents]:
        default = {
            "json": b"{}", "gguf": GGUF, "model": TOKENIZER, "jinja": b"{{ x }}", "txt": b"word\n"
        }  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents.get(name, default.get(name.rpartition(".")[2], WEIGHTS)))


def taken(folder):
    return [file.name for file in model_files(folder)]


def refusal(folder):
    with pytest.raises(UnusableFiles) as caught:
        model_files(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["model.safetensors", "x.safetensors", "a.gguf"], ["model.safetensors"]),
        (["model-2.safetensors", "model-1.safetensors", "consolidated.safetensors"],
         ["model-1.safetensors", "model-2.safetensors"]),
        (["a/model.safetensors"], ["a/model.safetensors"]),
        # A trainer's checkpoints are other models than the one above them.
        (["model.safetensors", "checkpoint-1/model.safetensors"], ["model.safetensors"]),
        (["a/b/model.safetensors"], None),
        (["consolidated.00.safetensors", "other.safetensors"], ["consolidated.00.safetensors"]),
        (["adapter_model.safetensors", "zzz.safetensors"], ["adapter_model.safetensors"]),
        (["x.safetensors", "a.gguf"], ["x.safetensors"]),
        (["b.gguf", "a.gguf", "x.bin"], ["a.gguf", "b.gguf"]),
        (["model.safetensors", "config.json", "1_Pooling/config.json", "a/b/c.json",
          "tokenizer.json", "tokenizer.model", "chat_template.jinja", "README.md"],
         ["model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json",
          "chat_template.jinja", "tokenizer.model"]),
        (["model.safetensors", "vocab.txt", "merges.txt"], ["model.safetensors", "vocab.txt"]),
        # A GGUF has it all inside; what lies beside it was written for others.
        (["a.gguf", "config.json", "tokenizer.json", "tokenizer.model"], ["a.gguf"]),
        (["model.safetensors", "a/tokenizer.model"], ["model.safetensors", "a/tokenizer.model"]),
        (["model.safetensors", ".hidden.json", ".ipynb_checkpoints/config.json"],
         ["model.safetensors"]),
        (["model.safetensors", "model.safetensors.index.json"],
         ["model.safetensors", "model.safetensors.index.json"]),
        (["MODEL.SAFETENSORS"], None),
        ([], None),
        (["config.json"], None),
    ],
)  # fmt: skip
def test_the_first_group_that_is_there_and_what_belongs_to_it(tmp_path, there, expected):
    fill(tmp_path, *there)
    if expected is None:
        assert refusal(tmp_path) == NOTHING
    else:
        assert taken(tmp_path) == expected


def test_gguf_may_be_called_bin(tmp_path):
    fill(tmp_path, "a.gguf.json", **{"old.bin": GGUF, "training_args.bin": b"PK\x03\x04"})
    assert taken(tmp_path) == ["old.bin"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "x.bin", "x.pt"])
def test_programs_are_not_read(tmp_path, name):
    fill(tmp_path, "config.json", **{name: b"PK\x03\x04"})
    assert refusal(tmp_path).startswith(f"{NOTHING}: {name} is a pickle")


def test_a_group_with_a_pointer_in_it_does_not_count(tmp_path):
    fill(tmp_path, "model-1.safetensors", "a.gguf", **{"model-2.safetensors": POINTER})
    assert taken(tmp_path) == ["a.gguf"]
    (tmp_path / "a.gguf").unlink()
    assert refusal(tmp_path).startswith(f"{NOTHING}: model-2.safetensors is a Git LFS pointer")


def test_a_tokenizer_that_is_a_pointer_is_left_out(tmp_path):
    fill(tmp_path, "model.safetensors", **{"tokenizer.model": POINTER})
    assert taken(tmp_path) == ["model.safetensors"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\0\1", "application/octet-stream"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b\x08\0", "application/x-gzip"),
        (b"\n <!DOCTYPE html><p>", "text/html"),
    ],
)
def test_json_must_look_like_text(tmp_path, content, kind):
    fill(tmp_path, "model.safetensors", **{"config.json": content})
    assert refusal(tmp_path) == f"invalid content type: expected {kind} for config.json"


def test_text_is_any_language_and_nothing_too(tmp_path):
    fill(tmp_path, "model.safetensors", **{"a.json": "{'é': '你'}".encode(), "b.json": b""})
    assert taken(tmp_path) == ["model.safetensors", "a.json", "b.json"]


# Confined


def test_links_inside_are_followed(tmp_path):
    fill(tmp_path, "blobs/1", "blobs/2")
    (tmp_path / "model.safetensors").symlink_to("blobs/1")
    (tmp_path / "sub").symlink_to("blobs")
    (file,) = model_files(tmp_path)
    with file.open() as opened:
        assert opened.read() == WEIGHTS
    assert (file.name, file.path) == ("model.safetensors", tmp_path / "blobs" / "1")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.model"])
@pytest.mark.parametrize("kind", ["relative", "absolute", "through a folder"])
def test_links_that_lead_out_are_refused(tmp_path, name, kind):
    inside, outside = tmp_path / "in", tmp_path / "out"
    fill(inside, "model.safetensors")
    fill(outside, name)
    (inside / name).unlink(missing_ok=True)
    if kind == "through a folder":
        (inside / "folder").symlink_to(outside)
        (inside / name).symlink_to(f"folder/{name}")
    else:
        (inside / name).symlink_to(outside / name if kind == "absolute" else f"../out/{name}")
    assert refusal(inside) == f"insecure path: {name}"


def test_a_link_into_a_download_cache_is_explained(tmp_path):
    fill(tmp_path, ".cache/hub/blobs/1")
    snapshot = tmp_path / ".cache" / "hub" / "snapshot"
    snapshot.mkdir()
    (snapshot / "model.safetensors").symlink_to("../blobs/1")
    assert refusal(snapshot).startswith("insecure path: model.safetensors; ")
    assert "--local-dir" in refusal(snapshot)


def test_folders_that_lead_out_are_not_looked_into(tmp_path):
    fill(tmp_path / "in", "model.safetensors")
    fill(tmp_path / "out", "config.json")
    (tmp_path / "in" / "sub").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "root").symlink_to("/")
    (tmp_path / "in" / "self").symlink_to(".")
    assert "self/model.safetensors" not in taken(tmp_path / "in")


def special(kind, path):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    elif kind == "circle":
        path.symlink_to(path.name)
    else:
        path.symlink_to("nowhere")


@pytest.mark.parametrize("kind", ["pipe", "socket", "zeros", "circle", "nowhere"])
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.model"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch, kind, name):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    if name != "model.safetensors":
        fill(tmp_path, "model.safetensors")
    special(kind, tmp_path.joinpath(name).relative_to(tmp_path))
    assert name in refusal(tmp_path)


def test_a_pipe_that_takes_the_files_place_is_seen(tmp_path):
    fill(tmp_path, "model.safetensors")
    (file,) = model_files(tmp_path)
    file.path.unlink()
    os.mkfifo(file.path)
    with pytest.raises(UnusableFiles, match="is not a regular file"):
        file.open()


@pytest.mark.parametrize("level", ["the file", "its folder"])
def test_a_link_that_is_put_there_later_is_not_followed(tmp_path, level):
    fill(tmp_path / "in", "a/model.safetensors")
    fill(tmp_path / "out", "model.safetensors")
    (file,) = model_files(tmp_path / "in")
    moved = file.path if level == "the file" else file.path.parent
    moved.rename(tmp_path / "moved")
    moved.symlink_to(tmp_path / "out" / ("model.safetensors" if level == "the file" else ""))
    with pytest.raises(UnusableFiles):
        file.open()


def test_files_that_may_not_be_read_are_named(tmp_path):
    with pytest.raises(UnusableFiles, match=r"nothing cannot be read: No such file"):
        model_files(tmp_path / "nothing")


def test_folders_of_any_size_end(tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "_MAX_ENTRIES", 20)
    fill(tmp_path, "model.safetensors", *(f"{number}.json" for number in range(10)))
    assert len(taken(tmp_path)) == 11
    fill(tmp_path, *(f"a/{number}.txt" for number in range(10)))
    assert refusal(tmp_path) == "more than 20 files in one directory"
    fill(tmp_path, *(f"{number}.txt" for number in range(20)))
    assert refusal(tmp_path) == "more than 20 files in one directory"


def test_too_many_files_for_one_model(tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "_MAX_FILES", 5)
    fill(tmp_path, "model.safetensors", *(f"{number}.json" for number in range(5)))
    assert refusal(tmp_path) == "more than 5 files in one directory"


def test_names_that_are_no_text_are_left_out(tmp_path):
    fill(tmp_path, "model.safetensors", "a\nb.json")
    (tmp_path / os.fsdecode(b"\xff.json")).write_bytes(b"{}")
    assert taken(tmp_path) == ["model.safetensors"]


def test_nothing_stays_open(tmp_path):
    fill(tmp_path, "model.safetensors", "a/b.json")
    before = len([*Path("/dev/fd").iterdir()])
    for _ in range(3):
        files = model_files(tmp_path)
        files[-1].path.unlink()
        with pytest.raises(UnusableFiles):
            files[-1].open()
        fill(tmp_path, "a/b.json")
    assert len([*Path("/dev/fd").iterdir()]) == before


@given(st.text("ab/.\0é") | st.sampled_from(["", ".", "..", "a/../..", "/etc/passwd", "x" * 300]))
def test_no_name_leads_out(tmp_path_factory, name):
    root = tmp_path_factory.getbasetemp().resolve() / "root"
    fill(root, "a/b")
    try:
        found = file_in(root, name)
    except UnusableFiles:
        return
    assert found.path.is_relative_to(root)
    assert ".." not in found.inside
