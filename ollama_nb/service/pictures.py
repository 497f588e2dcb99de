"""Images of a request: base64 to pixels, within limits (faults and security, S13).

Nothing but base64 is read: no path and no address. What is decoded is decoded here, by Pillow and
before the engine, whose own decoder has a history of dying.
"""

import io
import re
from binascii import a2b_base64
from collections.abc import Mapping, Sequence

from PIL import ExifTags, Image, UnidentifiedImageError

from ollama_nb.engine.sequence import Picture
from ollama_nb.errors import BadRequest

_FORMATS = ("PNG", "JPEG", "WEBP")
_MOST_IMAGES = 16
MOST_BYTES = 32 << 20
"""Of one image, as it comes."""
_MOST_PIXELS = 40_000_000
"""Of one image, and of all that come with one request."""
_LONGEST_SIDE = 16_384
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/\r\n]")
_TURNS: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF's number for how the camera was held."""


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
    if len(text) > MOST_BYTES * 4 // 3 + 4:
        raise BadRequest(f"an image is larger than {MOST_BYTES >> 20} MiB")
    try:
        return a2b_base64(text.replace("\r", "").replace("\n", ""), strict_mode=True)
    except ValueError:
        raise BadRequest(f"illegal base64 data at input byte {_fault(text)}") from None


def _fault(text: str) -> int:
    """Find the byte that Go names: it reads four characters at a time, the last with padding."""
    strange = _NO_BASE64.search(text)
    at = strange.start() if strange else len(text)
    place = (at - text.count("\r", 0, at) - text.count("\n", 0, at)) % 4
    if strange is None:
        return at - place
    if text[at] != "=" or place < 2:
        return at
    after = _after_breaks(text, at + 1)
    if place == 2:
        if text[after : after + 1] != "=":
            return after - (after < len(text))
        after = _after_breaks(text, after + 1)
    return after


def _after_breaks(text: str, at: int) -> int:
    while text[at : at + 1] in ("\r", "\n"):
        at += 1
    return at


def _decode(data: bytes, number: int, most_pixels: int) -> Picture:
    try:
        with io.BytesIO(data) as file:
            image = Image.open(file, formats=_FORMATS)
            _check_size(image.size, number, most_pixels)
            turned = upright(image)
            return Picture(*turned.size, _rgb(turned).tobytes())
    except BadRequest:
        raise
    except UnidentifiedImageError:
        raise BadRequest(f"image {number} is none of PNG, JPEG and WebP") from None
    except Image.DecompressionBombError:
        raise _too_large(number) from None
    except Exception as error:  # foreign code on foreign bytes may raise anything
        fault = str(error) or type(error).__name__
        raise BadRequest(f"image {number} cannot be decoded: {fault}") from error


def _check_size(size: tuple[int, int], number: int, most_pixels: int) -> None:
    """Judge the header, before any pixel is decoded."""
    width, height = size
    if max(size) > _LONGEST_SIDE or width * height > most_pixels:
        raise _too_large(number, f" of {width} x {height} pixels")


def _too_large(number: int, size: str = "") -> BadRequest:
    return BadRequest(
        f"image {number}{size} is too large: at most {_LONGEST_SIDE} pixels "
        f"a side and {_MOST_PIXELS // 1_000_000} million in all images together"
    )


def upright(image: Image.Image) -> Image.Image:
    """Turn it as its EXIF says. A broken EXIF says nothing; the picture may be whole."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # noqa: BLE001 - as above
        turn = None
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    """Three colours; what is transparent lies on white, as it would on paper."""
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow would make white of all but black
        return image.convert("I").point(lambda grey: grey / 256).convert("RGB")
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
