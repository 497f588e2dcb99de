"""--image in the terminal: files become base64, what is no file is named."""

import base64
import os

import pytest

from ollama_nb.commands import terminal
from ollama_nb.commands.images import as_text, read_image_file
from ollama_nb.commands.parser import Help, split
from ollama_nb.commands.requests import request_of
from ollama_nb.commands.verbs import parse
from ollama_nb.commands.ways import CELL, LINE, TERMINAL
from ollama_nb.errors import UsageProblem

CAT, DOG = b"\x89PNG cat", b"\xff\xd8 dog"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current directory, with two files in it."""
    (tmp_path / "cat.png").write_bytes(CAT)
    (tmp_path / "a dog.jpg").write_bytes(DOG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problem(path):
    with pytest.raises(UsageProblem) as caught:
        read_image_file(path)
    return str(caught.value)


# ---- the option


@pytest.mark.parametrize("way", [LINE, CELL, TERMINAL])
def test_it_may_be_repeated(way):
    line = "generate --image cat.png --image 'a dog.jpg'"
    assert parse(split(line), way).arguments.image == ["cat.png", "a dog.jpg"]
    assert parse(["generate"], way).arguments.image == []


def test_run_takes_it_and_others_do_not():
    arguments = parse(split("run guide --image cat.png What is it?"), LINE).arguments
    assert (arguments.image, arguments.prompt) == (["cat.png"], ["What", "is", "it?"])
    with pytest.raises(UsageProblem, match="unknown option --image"):
        parse(split("embed --image cat.png x"), LINE)
    with pytest.raises(UsageProblem, match="--image"):
        parse(split("generate --image"), LINE)


def test_help_speaks_of_variables_where_there_are_some():
    for way, said in ((LINE, True), (CELL, True), (TERMINAL, False)):
        with pytest.raises(Help) as wanted:
            parse(["generate", "-h"], way)
        told = " ".join(wanted.value.text.split())
        assert "--image IMAGE an image for a model that sees: a PNG, JPEG or WebP file" in told
        assert ("or a variable that holds bytes" in told) is said


def test_a_request_carries_images_or_none():
    arguments = parse(split("generate x"), LINE).arguments
    assert request_of(arguments, prompt="x", system="").images is None
    assert request_of(arguments, prompt="x", system="", images=["aGk="]).images == ["aGk="]


# ---- files


@pytest.mark.usefixtures("folder")
def test_a_file_is_read_as_it_is(tmp_path):
    assert read_image_file("cat.png") == CAT
    assert read_image_file(tmp_path / "a dog.jpg") == DOG
    (tmp_path / "link.png").symlink_to("cat.png")
    assert read_image_file("link.png") == CAT
    assert base64.b64decode(as_text(CAT)) == CAT


def test_a_home_is_found(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert read_image_file("~/cat.png") == CAT
    assert problem("~nobody-of-that-name/cat.png").startswith("--image ~nobody")


@pytest.mark.usefixtures("folder")
def test_what_is_no_file():
    assert problem("cow.png") == "--image cow.png: No such file or directory"
    assert problem("cat.png/x") == "--image cat.png/x: Not a directory"
    assert problem(".") == "--image .: that is no file"
    assert problem("/dev/zero") == "--image /dev/zero: that is no file"
    os.mkfifo("pipe.png")
    assert problem("pipe.png") == "--image pipe.png: that is no file"
    assert problem("cat\0.png").startswith("--image cat\0.png: ")
    assert problem("x" * 5000).endswith("File name too long")
    assert problem("http://example.com/cat.png").endswith("No such file or directory")


def test_a_file_has_a_largest_size(folder):
    large = folder / "large.png"
    with large.open("wb") as file:
        file.truncate(32 << 20)
    assert len(read_image_file(large)) == 32 << 20
    with large.open("ab") as file:
        file.write(b"x")
    assert problem("large.png") == "--image large.png: the file is larger than 32 MiB"


# ---- the terminal


@pytest.mark.usefixtures("folder")
def test_the_terminal_sends_files(fake_service, capsys):
    words = ["run", "guide", "--image", "cat.png", "--image", "a dog.jpg", "What", "is it?"]
    assert terminal.main(words) == 0
    assert capsys.readouterr().out == "Hello, you.\n"
    (request,) = fake_service.requests
    assert request.prompt == "What is it?"
    assert [base64.b64decode(image) for image in request.images] == [CAT, DOG]


@pytest.mark.usefixtures("folder")
def test_a_missing_file_is_misuse(fake_service, capsys):
    assert terminal.main(["generate", "--image", "cow.png", "What is it?"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Error: --image cow.png: No such file or directory\n"
    assert not fake_service.requests
