"""One blob on its way from the store into a registry."""

import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx

from ollama_nb.errors import (
    NotInRegistry,
    RegistryError,
    RegistryRefused,
    RegistryUnreachable,
    StoreError,
    UnusableAnswer,
)
from ollama_nb.failpoints import hit

from .manifest import Blob
from .patience import Patience
from .remote import Content, Remote, Repository
from .retrying import Tries

_PIECE = 256 << 10
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,19})")
_SPOILED = (404, 410, 416)
"""What registries say of a session that is no more: another one may go well."""


class Upload:
    """A blob that a registry shall have. ``run`` it once, on any thread."""

    def __init__(
        self, repository: Repository, blob: Blob, path: Path, patience: Patience, origin: str = ""
    ) -> None:
        """``origin``: another repository of the registry that may have it (``library/name``)."""
        self._repository = repository
        self._blob = blob
        self._path = path
        self._patience = patience
        self._origin = origin
        self._session: httpx.URL | None = None
        self._redirects = False
        """Whether the registry sends parts elsewhere, each of which can be sent again."""
        self._gone_on = False
        """Whether what the registry says that it has of a session was taken for true."""
        self._at = 0
        self._furthest = 0
        self._sums: list[bytes] = []
        self._sum = b""
        self._most = 0

    @property
    def completed(self) -> int:
        """Bytes that have gone; never fewer than before, even if some go again."""
        return self._most

    def run(self, stop: threading.Event) -> None:
        """Return when the registry has it. Raises RegistryError, StoreError or Cancelled."""
        with self._opened() as descriptor, self._repository.connect(self._patience, stop) as remote:
            tries = Tries(self._patience)
            while not self._tried(descriptor, remote, tries, stop):
                pass
        self._most = self._blob.size

    def _tried(self, descriptor: int, remote: Remote, tries: Tries, stop: threading.Event) -> bool:
        """Whether the registry has it now."""
        try:
            if self._is_there(remote) or not self._start(remote):
                return True
            self._forgive(tries)
            while self._at < self._blob.size:
                self._send_part(descriptor, remote)
                self._forgive(tries)
                hit("part-sent")
            self._commit(remote)
        except RegistryRefused as error:
            self._check_sound(descriptor, error)
            lost = error.code in _SPOILED or (self._gone_on and error.code == 400)
            if self._session is None or not lost:
                tries.failed(error, stop)
                return False
            self._session = None
            tries.failed(RegistryUnreachable(self._repository.host, "the upload is lost"), stop)
            return False
        except RegistryError as error:
            tries.failed(error, stop)
            return False
        return True

    def _forgive(self, tries: Tries) -> None:
        """Count failures afresh where more has arrived than ever before."""
        if self._at - self._furthest >= self._patience.progress:
            self._furthest = self._at
            tries.forgive()

    def _is_there(self, remote: Remote) -> bool:
        try:
            with remote.answer("HEAD", f"blobs/{self._blob.digest}") as response:
                return response.status_code < 300
        except NotInRegistry:
            return False
        except RegistryRefused as error:
            if error.code == 405:
                return False
            raise

    def _start(self, remote: Remote) -> bool:
        """Open a session, or go on with one. False: the blob was mounted instead."""
        if self._session and (self._redirects or self._resumed(remote)):
            return True
        self._session, self._gone_on, self._at, self._sums = None, False, 0, []
        mount = {"mount": self._blob.digest, "from": self._origin} if self._origin else {}
        url = httpx.URL("blobs/uploads/", params=mount) if mount else httpx.URL("blobs/uploads/")
        with remote.answer("POST", url, {"Content-Length": "0"}, patient=True) as response:
            if response.status_code == 201:
                return False
            self._session = self._next(remote, response)
        hit("session-opened")
        return True

    def _resumed(self, remote: Remote) -> bool:
        """Whether the registry still has what it got in a session that broke off."""
        assert self._session
        try:
            with remote.answer("GET", self._session) as response:
                there = _RANGE.fullmatch(response.headers.get("range", ""))
                # "0-0" is said by some of nothing at all.
                if (
                    response.status_code != 204
                    or not there
                    or not 0 < int(there[1]) < self._blob.size
                ):
                    return False
                self._session = self._next(remote, response)
                self._gone_on, self._at = True, int(there[1]) + 1
        except RegistryError:
            return False
        return True

    def _send_part(self, descriptor: int, remote: Remote) -> None:
        assert self._session
        first, size = self._at, self._patience.part_size(self._blob.size)
        end = min(first + size, self._blob.size)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": f"{end - first}",
            "Content-Range": f"{first}-{end - 1}",
            "X-Redirect-Uploads": "1",
        }
        content = self._content(descriptor, first, end)
        with (
            _in_words_of_parts(),
            remote.answer("PATCH", self._session, headers, content, patient=True) as response,
        ):
            following = self._next(remote, response)
            target = response.headers.get("location", "")
            self._redirects = response.status_code == 307
        if self._redirects:
            self._send_elsewhere(remote, remote.next_url(self._session, target), content, headers)
        self._session, self._at = following, end
        self._sums.append(self._sum)

    def _send_elsewhere(
        self, remote: Remote, target: httpx.URL, content: Content, headers: dict[str, str]
    ) -> None:
        kept = {name: headers[name] for name in ("Content-Type", "Content-Length")}
        tries = Tries(self._patience)
        while True:
            try:
                with (
                    _in_words_of_parts(),
                    remote.answer("PUT", target, kept, content, patient=True),
                ):
                    return
            except RegistryError as error:
                tries.failed(error, remote.stop)

    def _commit(self, remote: Remote) -> None:
        assert self._session
        hit("before-commit")
        etag = f"{_md5(b''.join(self._sums))}-{len(self._sums)}"
        query = urlencode({"digest": self._blob.digest, "etag": etag}).encode()
        query = b"&".join(filter(None, [self._session.query, query]))
        url = self._session.copy_with(query=query)
        with remote.answer("PUT", url, {"Content-Length": "0"}, patient=True):
            hit("committed")

    def _check_sound(self, descriptor: int, error: RegistryRefused) -> None:
        """Raise StoreError where a registry does not take what we have sent, and it is right."""
        if error.code != 400 or self._at < self._blob.size:
            return
        with open(descriptor, "rb", closefd=False) as file:
            file.seek(0)
            if hashlib.file_digest(file, "sha256").hexdigest() != self._blob.hex:
                raise self._damaged() from error

    def _damaged(self) -> StoreError:
        return StoreError(f"blob {self._blob.digest} is damaged; pull or create it again")

    def _next(self, remote: Remote, response: httpx.Response) -> httpx.URL:
        """The session's address from now on. Raises UnusableAnswer."""
        headers = response.headers
        location = headers.get("docker-upload-location") or headers.get("location")
        if not location:
            raise UnusableAnswer(self._repository.host, "no address for the upload")
        return remote.next_url(self._session or self._repository.url, location)

    def _content(self, descriptor: int, first: int, end: int) -> Content:
        """Makes the bytes of a part, and their sum when they are at their end."""

        def pieces() -> Iterator[bytes]:
            total = hashlib.md5(usedforsecurity=False)
            at = first
            while at < end:
                piece = os.pread(descriptor, min(_PIECE, end - at), at)
                if not piece:
                    raise StoreError(f"blob {self._blob.digest} is shorter than it was")
                hit("upload-piece")
                yield piece
                total.update(piece)
                at += len(piece)
                self._most = max(self._most, at)
            self._sum = total.digest()

        return pieces

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            file = self._path.open("rb", buffering=0)
        except OSError as error:
            raise StoreError(
                f"blob {self._blob.digest} cannot be read: {error.strerror}"
            ) from error
        with file:
            if os.fstat(file.fileno()).st_size != self._blob.size:
                raise self._damaged()
            yield file.fileno()


@contextlib.contextmanager
def _in_words_of_parts() -> Iterator[None]:
    try:
        yield
    except NotInRegistry:
        raise
    except RegistryRefused as error:
        raise error.of_upload() from error.__cause__


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
