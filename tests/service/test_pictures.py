"""Images of a request become pixels, or are refused by name: nothing else is ever read."""

import base64
import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ollama_nb.errors import BadRequest
from ollama_nb.service.pictures import read_images

ORIENTATION, MAKER, VERSION = 0x0112, 0x010F, 0x9000
WIDE = Image.frombytes("RGB", (3, 2), bytes(range(0, 180, 10)))
"""Six pixels, all of them different."""


def encoded(image, form="PNG", **options):
    with io.BytesIO() as file:
        image.save(file, form, **options)
        return file.getvalue()


def text(data):
    return base64.b64encode(data).decode()


def read(data):
    (picture,) = read_images([data if isinstance(data, str) else text(data)])
    assert len(picture.pixels) == picture.width * picture.height * 3
    return picture


def colour(data):
    """The colour of the first pixel."""
    return tuple(read(data).pixels[:3])


def fault(*images):
    with pytest.raises(BadRequest) as caught:
        read_images([image if isinstance(image, str) else text(image) for image in images])
    assert caught.value.status == 400
    return str(caught.value)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *, bits=8, kind=2, row=b""):
    """A PNG of equal rows; with none of them it is little more than a header."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress((b"\0" + row) * (height if row else 1)))
        + chunk(b"IEND", b"")
    )


# ---- what is taken


@pytest.mark.parametrize(
    ("form", "options"), [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})]
)
def test_three_formats_are_taken(form, options):
    image = Image.new("RGB", (40, 30), (200, 30, 60))
    picture = read(encoded(image, form, **options))
    assert (picture.width, picture.height) == (40, 30)
    assert picture.pixels[:3] == pytest.approx((200, 30, 60), abs=4)


def test_pixels_go_row_by_row_from_the_top_left():
    picture = read(encoded(WIDE))
    assert (picture.width, picture.height) == (3, 2)
    assert picture.pixels == bytes(range(0, 180, 10))


def test_several_images_keep_their_order():
    red, blue = (encoded(Image.new("RGB", (2, 1), name)) for name in ("red", "blue"))
    pictures = read_images([text(red), text(blue), text(red)])
    assert [tuple(one.pixels[:3]) for one in pictures] == [(255, 0, 0), (0, 0, 255), (255, 0, 0)]
    assert pictures[0] == pictures[2]
    assert read_images([]) == ()


def test_one_pixel():
    assert read(encoded(Image.new("RGB", (1, 1), (1, 2, 3)))).pixels == b"\1\2\3"


@pytest.mark.parametrize(
    ("mode", "value", "seen"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 100, (100, 100, 100)),
        ("LA", (100, 255), (100, 100, 100)),
        ("LA", (100, 0), (255, 255, 255)),
        ("RGBA", (200, 30, 60, 255), (200, 30, 60)),
        ("RGBA", (200, 30, 60, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 128), (127, 127, 127)),
    ],
)
def test_grey_and_what_is_transparent_on_white(mode, value, seen):
    assert colour(encoded(Image.new(mode, (2, 2), value))) == seen


def test_palettes():
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 200, 30, 60])
    assert colour(encoded(image)) == (200, 30, 60)
    assert colour(encoded(image, transparency=1)) == (255, 255, 255)
    assert colour(encoded(image, transparency=0)) == (200, 30, 60)


def test_one_colour_that_counts_as_transparent():
    image = Image.new("RGB", (2, 2), (200, 30, 60))
    assert colour(encoded(image, transparency=(200, 30, 60))) == (255, 255, 255)
    assert colour(encoded(Image.new("L", (2, 2), 100), transparency=100)) == (255, 255, 255)


def test_transparent_webp():
    image = Image.new("RGBA", (2, 2), (200, 30, 60, 0))
    assert colour(encoded(image, "WEBP", lossless=True, exact=True)) == (255, 255, 255)


def test_four_inks():
    assert colour(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")) == (255, 0, 0)


@pytest.mark.parametrize(("grey", "seen"), [(0, 0), (256, 1), (0x4000, 64), (0xFFFF, 255)])
def test_sixteen_bits_of_grey(grey, seen):
    assert colour(png(2, 2, bits=16, kind=0, row=struct.pack(">2H", grey, 0))) == (seen,) * 3


def test_sixteen_bits_of_each_colour():
    row = struct.pack(">6H", 0xFFFF, 0x8000, 0, 0, 0, 0)
    assert colour(png(2, 2, bits=16, row=row)) == (255, 128, 0)
    row = struct.pack(">8H", 0xFFFF, 0x8000, 0, 0, 0, 0, 0, 0)
    assert colour(png(2, 2, bits=16, kind=6, row=row)) == (255, 255, 255)


def test_of_a_film_the_first_picture():
    first, second = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    for form in ("PNG", "WEBP"):
        film = encoded(first, form, save_all=True, append_images=[second], lossless=True)
        assert colour(film) == (255, 0, 0)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(10))
def test_pictures_stand_upright(form, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(WIDE, form, lossless=True, exif=exif)
    with io.BytesIO(data) as file:
        upright = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    picture = read(data)
    assert (picture.width, picture.height) == upright.size
    assert picture.pixels == upright.tobytes()


def test_photographs_stand_upright():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    photograph = read(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif))
    assert (photograph.width, photograph.height) == (20, 40)


@pytest.mark.filterwarnings("ignore")
def test_a_broken_exif_does_not_cost_the_picture():
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "somebody"
    whole = encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif)
    at = whole.index(b"Exif") + 6
    end = whole.index(b"somebody")
    for place in range(at, end):
        for byte in (0, 1, 127, 255):
            broken = whole[:place] + bytes([byte]) + whole[place + 1 :]
            picture = read(broken)
            assert {picture.width, picture.height} == {40, 20}


def test_line_breaks_are_no_fault():
    data = encoded(WIDE)
    assert read(base64.encodebytes(data).decode()) == read(data)
    assert read(base64.encodebytes(data).decode().replace("\n", "\r\n")) == read(data)


# ---- what is not


@pytest.mark.parametrize(
    ("given", "position"),
    [
        ("!", 0),
        ("aGk=!", 4),
        ("aGk", 0),
        ("aGkx\naG", 5),
        ("a", 0),
        ("abcda", 4),
        ("=", 0),
        ("a===", 1),
        ("ab==c", 4),
        ("ab=", 3),
        ("ab=c", 2),
        ("ab=\n=", None),
        ("aGk==", 4),
        ("aGk=aGk=", 4),
        ("aG\nk=\n", None),
        ("a\nb\n!", 4),
        ("aGk-", 3),
        ("aGk_", 3),
        ("aGk ", 3),
        ("aé==", 1),
        ("aGk=\0", 4),
        ("file:///etc/passwd", 4),
        ("http://example.com/cat.png", 4),
        ("https://example.com/cat.png", 5),
        ("data:image/png;base64,aGk=", 4),
        ("/etc/passwd", 8),
        ("./cat.png", 0),
        ("C:\\cat.png", 1),
    ],
)
def test_what_is_no_base64_is_refused_at_its_byte(given, position):
    """Positions as Go's encoding/base64 gives them."""
    if position is None:
        assert fault(given) == "image 0 is none of PNG, JPEG and WebP"
    else:
        assert fault(given) == f"illegal base64 data at input byte {position}"


def test_a_path_that_happens_to_be_base64_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "image123").write_bytes(encoded(WIDE))
    assert fault("image123") == "image 0 is none of PNG, JPEG and WebP"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.4",
        *(encoded(WIDE, form) for form in ("GIF", "BMP", "TIFF", "ICO", "PPM", "TGA")),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\0\0\0\0WEBP",
    ],
)
def test_other_formats_are_refused(data):
    assert fault(data) == "image 0 is none of PNG, JPEG and WebP"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_files_that_are_cut_off(form):
    image = Image.effect_noise((64, 64), 50).convert("RGB")
    whole = encoded(image, form)
    for size in range(0, len(whole) - 16, max(1, len(whole) // 40)):
        assert fault(whole[:size]).startswith("image 0 ")
    assert fault(whole[: len(whole) // 2]).startswith("image 0 cannot be decoded: ")


def test_the_refusal_names_which():
    good = encoded(WIDE)
    assert fault(good, good, b"GIF89a") == "image 2 is none of PNG, JPEG and WebP"
    assert fault(good, good[:50]).startswith("image 1 cannot be decoded: ")


SEEDS = [
    encoded(WIDE.resize((9, 7)), form, **options)
    for form, options in (("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}))
]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), min_size=1, max_size=4),
)
def test_whatever_bytes_come_they_are_pixels_or_a_bad_request(seed, changes):
    data = bytearray(seed)
    for at, new in changes:
        data[at : at + len(new)] = new
    with suppress(BadRequest):
        read(bytes(data))


def test_requests_at_a_time_leave_the_warnings_of_the_process_alone():
    """Filters are global: what one thread sets for a moment, another puts back for ever."""
    image, before = text(SEEDS[0]), list(warnings.filters)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read_images, [[image]] * 400))
    finally:
        sys.setswitchinterval(interval)
    assert warnings.filters == before


# ---- limits


def test_seventeen_images_are_too_many():
    good = text(encoded(WIDE))
    assert len(read_images([good] * 16)) == 16
    assert fault(*[good] * 17) == "17 images are more than the 16 that are taken"


def test_a_long_side_is_too_long():
    limits = "at most 16384 pixels a side and 40 million in all images together"
    assert read(png(16_384, 1, kind=0, row=bytes(16_384))).width == 16_384
    assert fault(png(16_385, 1)) == f"image 0 of 16385 x 1 pixels is too large: {limits}"
    assert fault(png(1, 16_385)) == f"image 0 of 1 x 16385 pixels is too large: {limits}"


def test_all_images_together_have_a_limit():
    square = text(png(4000, 4000, kind=0, row=bytes(4000)))
    assert len(read_images([square, square])) == 2
    assert fault(square, square, square).startswith("image 2 of 4000 x 4000 pixels is too large")
    assert fault(png(8000, 5001)).startswith("image 0 of 8000 x 5001 pixels is too large")


def test_a_large_file_is_refused_before_it_is_decoded():
    assert fault("A" * ((32 << 20) * 4 // 3 + 8)) == "an image is larger than 32 MiB"


BOMBS = """
import base64, resource, sys
from pathlib import Path
from ollama_nb.errors import BadRequest
from ollama_nb.service.pictures import read_images

pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for bomb in sys.argv[1:]:
    try:
        read_images([bomb])
    except BadRequest as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited in Linux's way")
def test_a_bomb_is_known_by_its_header():
    """None of these can be decoded in the memory that the child has."""
    jpeg = bytearray(encoded(WIDE, "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 30_000, 30_000)
    webp = bytearray(encoded(WIDE, "WEBP"))
    at = webp.index(b"VP8 ") + 14
    webp[at : at + 4] = struct.pack("<HH", 16_383, 16_383)
    bombs = [png(30_000, 30_000), png(8000, 5001), bytes(jpeg), bytes(webp)]
    child = subprocess.run(
        [sys.executable, "-c", BOMBS, *map(text, bombs)],
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    limits = "too large: at most 16384 pixels a side and 40 million in all images together"
    lines = child.stdout.splitlines()
    assert len(lines) == len(bombs)
    assert all(line.startswith("image 0 ") and line.endswith(limits) for line in lines)


def test_the_largest_text_is_judged_without_a_copy_for_each_letter():
    """A pattern with a group for each four letters took ten seconds and a gigabyte."""
    broken = "A" * (8 << 20) + "!"
    assert fault(broken) == f"illegal base64 data at input byte {8 << 20}"
