"""Files that ``--image`` names, on their way into a request.

Reads what is a file and not too large; whether it holds an image is for the service to say.
"""

import stat
from base64 import b64encode
from pathlib import Path

from ollama_nb.errors import UsageProblem
from ollama_nb.service.pictures import MOST_BYTES


def read_image_file(path: str | Path) -> bytes:
    """Read a file as it is. Raises UsageProblem naming it."""
    try:
        found = Path(path).expanduser()
        if not stat.S_ISREG(found.stat().st_mode):  # a pipe would block, a device never end
            raise UsageProblem(f"--image {path}: that is no file")
        with found.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageProblem(f"--image {path}: {error.strerror}") from None
    except (ValueError, RuntimeError) as error:  # a NUL in it, a home that nobody has
        raise UsageProblem(f"--image {path}: {error}") from None
    if len(data) > MOST_BYTES:
        raise UsageProblem(f"--image {path}: the file is larger than {MOST_BYTES >> 20} MiB")
    return data


def as_text(data: bytes) -> str:
    """Write the bytes of an image as a request carries them."""
    return b64encode(data).decode("ascii")
