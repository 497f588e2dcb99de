"""The key that proves to registries who we are: the one of Ollama, in the user's home."""

import contextlib
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from ollama_nb.errors import UnusableKey

_MOST_BYTES = 64 << 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """An ed25519 key pair."""

    private: Ed25519PrivateKey

    @property
    def line(self) -> str:
        """``ssh-ed25519 …``, as it is shown to registries' users."""
        public = self.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return public.decode()

    @property
    def public(self) -> str:
        """Base64 of the SSH public key."""
        return self.line.split()[1]

    def sign(self, text: bytes) -> bytes:
        """The raw signature, 64 bytes."""
        return self.private.sign(text)


def own_key() -> Key:
    """The key in ``~/.ollama``; made if there is none. Raises UnusableKey."""
    path = Path.home() / ".ollama" / "id_ed25519"
    try:
        if not path.exists():
            _log.warning("Couldn't find '%s'. Generating new private key.", path)
            _make(path)
        with path.open("rb") as file:
            private = load_ssh_private_key(file.read(_MOST_BYTES), None)
    except OSError as error:
        raise UnusableKey(error.strerror) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey("it is no unencrypted OpenSSH key") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise UnusableKey("it is not of the kind ed25519")
    return Key(private)


def _make(path: Path) -> None:
    """Write a new pair, unless somebody else does so first."""
    key = Key(Ed25519PrivateKey.generate())
    data = key.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
            path.with_name(f"{path.name}.pub").write_text(f"{key.line}\n")
    finally:
        draft.unlink(missing_ok=True)
