"""Images of a request: base64 to pixels, within limits (faults and security, S13).

Nothing but base64 is read: no path and no address. What is decoded is decoded here, by Pillow and
before the engine, whose own decoder has a history of dying.
"""

import io
import re
import warnings
from base64 import b64decode
from collections.abc import Sequence

from PIL import Image, ImageOps, UnidentifiedImageError

from ollama_nb.engine.sequence import Picture
from ollama_nb.errors import BadRequest

_FORMATS = ("PNG", "JPEG", "WEBP")
_MOST_IMAGES = 16
_MOST_BYTES = 32 << 20
_MOST_PIXELS = 40_000_000
"""Of one image, and of all that come with one request."""
_LONGEST_SIDE = 16_384
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def read_images(images: Sequence[str]) -> tuple[Picture, ...]:
    """Decode all images of a request. Raises BadRequest naming what is wrong with which."""
    if len(images) > _MOST_IMAGES:
        raise BadRequest(f"{len(images)} images are more than the {_MOST_IMAGES} that are taken")
    pictures: list[Picture] = []
    left = _MOST_PIXELS
    for number, image in enumerate(images):
        pictures.append(_decode(_bytes(image), number, left))
        left -= pictures[-1].width * pictures[-1].height
    return tuple(pictures)


def _bytes(text: str) -> bytes:
    """Read standard base64, as strictly as Go does: line breaks are skipped, padding is needed."""
    if len(text) > _MOST_BYTES * 4 // 3 + 4:
        raise BadRequest(f"an image is larger than {_MOST_BYTES >> 20} MiB")
    text = text.replace("\r", "").replace("\n", "")
    good = _BASE64.match(text)
    if good is None or good.end() != len(text):
        strange = re.search(r"[^A-Za-z0-9+/]", text)
        at = strange.start() if strange else len(text)
        raise BadRequest(f"illegal base64 data at input byte {at}")
    return b64decode(text)


def _decode(data: bytes, number: int, most_pixels: int) -> Picture:
    try:
        with warnings.catch_warnings(action="ignore"), io.BytesIO(data) as file:
            image = Image.open(file, formats=_FORMATS)
            _check_size(image.size, number, most_pixels)
            upright = ImageOps.exif_transpose(image)
            return Picture(*upright.size, _rgb(upright).tobytes())
    except UnidentifiedImageError:
        raise BadRequest(f"image {number} is none of PNG, JPEG and WebP") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadRequest(f"image {number} cannot be decoded: {error}") from None


def _check_size(size: tuple[int, int], number: int, most_pixels: int) -> None:
    """Judge the header, before any pixel is decoded."""
    width, height = size
    if max(size) > _LONGEST_SIDE or width * height > most_pixels:
        raise BadRequest(
            f"image {number} of {width} x {height} pixels is too large: at most {_LONGEST_SIDE} "
            f"a side and {_MOST_PIXELS // 1_000_000} million in all images together"
        )


def _rgb(image: Image.Image) -> Image.Image:
    """Three colours; what is transparent lies on white, as it would on paper."""
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
