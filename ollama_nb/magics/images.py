"""What ``--image`` names in a notebook: a variable that holds an image, else a file.

Pictures that live in memory become PNG; what is bytes or a file already stays as it is.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ollama_nb.commands.images import as_text, read_image_file
from ollama_nb.errors import UsageProblem
from ollama_nb.service.pictures import upright

_TAKEN = "bytes, a pathlib.Path, a PIL image, a figure with savefig or a numpy array"
_MODES_OF_PNG = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")
_CHANNELS = (3, 4)


def images_of(words: Iterable[str], namespace: Mapping[str, Any]) -> list[str]:
    """Read the images, in base64. Raises UsageProblem naming one that cannot be used."""
    return [as_text(_image(word, namespace)) for word in words]


def _image(word: str, namespace: Mapping[str, Any]) -> bytes:
    if word in namespace:
        return _of_variable(word, namespace[word])
    if word.isidentifier() and not Path(word).exists():
        raise UsageProblem(f"--image {word}: there is neither a variable nor a file of that name")
    return read_image_file(word)


def _of_variable(name: str, value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Path):
        return read_image_file(value)
    if isinstance(value, np.ndarray):
        picture = _of_array(name, value)
        return _written(name, lambda file: _save(picture, file))
    if isinstance(value, Image.Image):
        return _written(name, lambda file: _save(upright(value), file))
    if hasattr(value, "savefig"):
        return _written(name, lambda file: value.savefig(file, format="png"))
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    raise UsageProblem(
        f"--image {name}: the variable {name} is of type {kind}, not an image; take {_TAKEN}"
    )


def _of_array(name: str, array: NDArray[Any]) -> Image.Image:
    flat = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in _CHANNELS)
    if array.dtype != np.uint8 or not array.size or not flat:
        raise UsageProblem(
            f"--image {name}: the variable {name} is a numpy array of {array.dtype} with shape "
            f"{array.shape}; an image is of uint8, with shape (height, width), "
            "(height, width, 3) or (height, width, 4)"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _save(image: Image.Image, file: io.BytesIO) -> None:
    """Write it as it is shown: what its EXIF said has been done."""
    if image.mode not in _MODES_OF_PNG:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.save(file, "PNG", exif=b"")


def _written(name: str, write: Callable[[io.BytesIO], object]) -> bytes:
    """Let a picture write itself, which is foreign code."""
    with io.BytesIO() as file:
        try:
            write(file)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            raise UsageProblem(f"--image {name}: it cannot be made a PNG: {fault}") from error
        return file.getvalue()
