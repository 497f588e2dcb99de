"""--image in a shell: files, and variables that hold images."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from IPython.utils.capture import capture_output
from model_files import endless_weights, write_model
from PIL import Image
from tiny_vision import NUM_PATCHES, projector

from ollama_nb.errors import UsageProblem
from ollama_nb.service.pictures import read_images
from ollama_nb.service.shared import close_shared_service

ORIENTATION = 0x0112
WIDE = Image.frombytes("RGB", (3, 2), bytes(range(0, 180, 10)))


class Figure:
    """What matplotlib's figures look like from here."""

    def savefig(self, file, *, format):
        assert format == "png"
        WIDE.save(file, format)


class Broken:
    def savefig(self, file, *, format):
        raise RuntimeError("no canvas")


def encoded(image, form="PNG", **options):
    with io.BytesIO() as file:
        image.save(file, form, **options)
        return file.getvalue()


@pytest.fixture
def sent(fake_service, shell, run):
    """The images of the request that a line with these variables makes, as bytes."""

    def sent(line="--image it", **variables):
        shell.user_ns.update(variables)
        with capture_output():
            run(f"%%ollama generate {line}\nWhat is it?")
        images = fake_service.requests[-1].images
        return images and [base64.b64decode(image) for image in images]

    return sent


@pytest.fixture
def seen(sent):
    """What a model would see of one variable: size and pixels."""

    def seen(value):
        (data,) = sent(it=value)
        assert data.startswith(b"\x89PNG")
        (picture,) = read_images([base64.b64encode(data).decode()])
        return (picture.width, picture.height), picture.pixels

    return seen


@pytest.fixture
def problem(fake_service, sent):
    def problem(value):
        with pytest.raises(UsageProblem) as caught:
            sent(it=value)
        assert not fake_service.requests
        return str(caught.value)

    return problem


def test_without_it_there_are_none(sent):
    assert sent("") is None


# ---- files and bytes stay as they are


def test_files(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(b"cat")
    Path("a dog").write_bytes(b"dog")
    Path("cow").write_bytes(b"cow")
    assert sent("--image cat.png --image 'a dog' --image cow") == [b"cat", b"dog", b"cow"]
    assert sent(f"--image {tmp_path / 'cat.png'}") == [b"cat"]


def test_a_variable_comes_before_a_file(sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("it").write_bytes(b"the file")
    assert sent(it=b"the variable") == [b"the variable"]
    assert sent("--image ./it") == [b"the file"]


def test_variables_of_bytes_and_paths(sent, tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(b"cat")
    assert sent(it=path) == [b"cat"]
    for value in (b"cat", bytearray(b"cat"), memoryview(b"cat")):
        assert sent(it=value) == [b"cat"]


def test_several_in_their_order(sent):
    line = "--image one --image two --image one"
    assert sent(line, one=b"1", two=b"2") == [b"1", b"2", b"1"]


def test_a_line_takes_them_too(fake_service, shell, run):
    shell.user_ns["it"] = b"cat"
    with capture_output():
        run("%ollama run guide --image it What is it?")
    request = fake_service.requests[-1]
    assert (request.prompt, request.images) == ("What is it?", ["Y2F0"])


def test_variables_of_a_function(fake_service, run):
    with capture_output():
        run(
            "def f(picture):\n"
            "    return get_ipython().run_line_magic('ollama', 'run guide --image picture Hi')\n"
            "f(b'cat')"
        )
    assert fake_service.requests[-1].images == ["Y2F0"]


# ---- pictures in memory


def test_figures(seen):
    assert seen(Figure()) == ((3, 2), WIDE.tobytes())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "F", "I"])
def test_pillow_images_of_every_mode(seen, mode):
    size, pixels = seen(WIDE.convert(mode))
    assert size == (3, 2)
    assert len(pixels) == 18
    if mode in ("RGB", "RGBA", "CMYK"):
        assert pixels == WIDE.tobytes()


def test_pillow_images_that_were_opened_stand_upright(seen):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    opened = Image.open(io.BytesIO(encoded(WIDE, exif=exif)))
    assert seen(opened) == ((2, 3), WIDE.transpose(Image.Transpose.ROTATE_270).tobytes())
    assert opened.size == (3, 2)


def test_arrays(seen):
    colours = np.arange(0, 180, 10, np.uint8).reshape(2, 3, 3)
    assert seen(colours) == ((3, 2), colours.tobytes())
    assert seen(colours[:, :, 0])[1] == np.repeat(colours[:, :, :1], 3, axis=2).tobytes()
    clear = np.dstack([colours, np.zeros((2, 3), np.uint8)])
    assert seen(clear) == ((3, 2), b"\xff" * 18)
    assert seen(colours[::-1, ::-1])[1] == colours[::-1, ::-1].tobytes()
    assert seen(np.asfortranarray(colours)) == ((3, 2), colours.tobytes())


# ---- what cannot be used


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("cat.png", "str"),
        (None, "NoneType"),
        (3.5, "float"),
        ([1, 2], "list"),
        ({"a": 1}, "dict"),
        (object(), "object"),
        (np.uint8(3), "numpy.uint8"),
    ],
)
def test_other_variables_are_named_with_their_type(problem, value, kind):
    assert problem(value) == (
        f"--image it: the variable it is of type {kind}, not an image; take bytes, a pathlib.Path, "
        "a PIL image, a figure with savefig or a numpy array"
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.zeros((4, 4)), "float64 with shape (4, 4)"),
        (np.zeros((4, 4), bool), "bool with shape (4, 4)"),
        (np.zeros(4, np.uint8), "uint8 with shape (4,)"),
        (np.zeros((4, 4, 2), np.uint8), "uint8 with shape (4, 4, 2)"),
        (np.zeros((1, 4, 4, 3), np.uint8), "uint8 with shape (1, 4, 4, 3)"),
        (np.zeros((0, 4), np.uint8), "uint8 with shape (0, 4)"),
    ],
)
def test_arrays_that_are_no_images_are_named_with_their_shape(problem, value, what):
    assert problem(value) == (
        f"--image it: the variable it is a numpy array of {what}; an image is of uint8, "
        "with shape (height, width), (height, width, 3) or (height, width, 4)"
    )


def test_pictures_that_cannot_be_written(problem, tmp_path):
    fault = "--image it: it cannot be made a PNG: "
    assert problem(Broken()) == f"{fault}RuntimeError: no canvas"
    path = tmp_path / "half.png"
    path.write_bytes(encoded(Image.effect_noise((64, 64), 50))[:2000])
    with Image.open(path) as half:
        assert problem(half).startswith(f"{fault}OSError: ")
    assert problem(half).startswith(fault)
    assert problem(path.parent) == f"--image {path.parent}: that is no file"


def test_names_of_nothing(run, fake_service):
    for word, fault in (
        ("nope", "there is neither a variable nor a file of that name"),
        ("nope.png", "No such file or directory"),
    ):
        with pytest.raises(UsageProblem) as caught, capture_output():
            run(f"%%ollama generate --image {word}\nWhat is it?")
        assert str(caught.value) == f"--image {word}: {fault}"
    assert not fake_service.requests


# ---- the real engine


@pytest.fixture
def seer(models):
    manifest = write_model(
        models, "seer", weights=endless_weights(4096), projector=projector().encode()
    )
    yield "seer"
    close_shared_service()
    manifest.unlink()


@pytest.mark.usefixtures("seer")
def test_a_cell_about_a_figure(shell, run):
    shell.user_ns["figure"] = Figure()
    options = "-m seer --options num_predict=3 temperature=0"
    with capture_output():
        run(f"%%ollama generate {options} -o alone\nWhat is it?")
        run(f"%%ollama generate {options} -o about --image figure\nWhat is it?")
    alone, about = shell.user_ns["alone"], shell.user_ns["about"]
    assert about.stats.prompt_tokens == alone.stats.prompt_tokens + NUM_PATCHES
