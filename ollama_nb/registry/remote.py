"""One repository of a registry: requests with their authorization, redirects and refusals."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from platform import machine, python_version, system

import httpx

from ollama_nb._version import __version__
from ollama_nb.errors import (
    AccessDenied,
    InsecureProtocol,
    InvalidName,
    NotInRegistry,
    RegistryRefused,
    UnsafeAddress,
    UnusableAnswer,
)
from ollama_nb.names import Name

from .addresses import Reach
from .challenge import Challenge, fetch_token
from .patience import Patience
from .transport import Transport

MOST_REDIRECTS = 10
MOST_TEXT = 64 << 10
"""Bytes of an error's body, or of a token's, that are read."""
_SHOWN_TEXT = 2000
_REDIRECTS = (301, 302, 303, 307, 308)
_AGENT = f"ollama_nb/{__version__} ({machine()} {system().lower()}) Python/{python_version()}"
_HEADERS = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}

Content = Callable[[], Iterable[bytes]]
"""Makes a request's body, anew for each time that it is sent."""


@dataclass
class Repository:
    """Where a model lives, and what its registry has told us so far."""

    url: httpx.URL
    """``https://host/v2/namespace/model/``."""
    reach: Reach
    token: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, name: Name, *, insecure: bool) -> "Repository":
        """The one that a name means. Raises InvalidName."""
        scheme = "http" if insecure else "https"
        try:
            url = httpx.URL(f"{scheme}://{name.host}/v2/{name.namespace}/{name.model}/")
        except httpx.InvalidURL:
            raise InvalidName from None
        if not 0 < (url.port or 1) < 65_536:
            raise InvalidName
        return cls(url, Reach(url.raw_host.decode("ascii")))

    @property
    def host(self) -> str:
        """With its port, where that is not the usual one."""
        return self.url.netloc.decode()

    def owns(self, url: httpx.URL) -> bool:
        """Whether it is the same origin, which alone may see our token."""
        return (url.scheme, url.netloc.lower()) == (self.url.scheme, self.url.netloc.lower())

    def connect(self, patience: Patience, stop: threading.Event) -> "Remote":
        """Open a door to it. Setting ``stop`` ends whatever goes on there with Cancelled."""
        return Remote(self, patience, stop)


class Remote:
    """A door to a repository. Threads may share it. Use it in a ``with``."""

    def __init__(self, repository: Repository, patience: Patience, stop: threading.Event) -> None:
        self.repository = repository
        self.patience = patience
        self.stop = stop
        self._transport = Transport(repository.reach, patience, stop)

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    @contextlib.contextmanager
    def answer(
        self,
        method: str,
        url: str | httpx.URL,
        headers: dict[str, str] | None = None,
        content: Content | None = None,
        *,
        patient: bool = False,
    ) -> Iterator[httpx.Response]:
        """The answer to a request, its body still to be read.

        ``url`` may be relative to the repository. GET and HEAD follow redirects. ``patient``: the
        answer may take long. Raises RegistryError for anything from 400 on, and for redirects that
        are not followed.
        """
        request = _Request(method, self.repository.url.join(url), headers or {}, content, patient)
        response = self._redirected(request)
        try:
            self._check(response)
            yield response
        finally:
            response.close()

    def text(self, response: httpx.Response, most: int = MOST_TEXT) -> bytes:
        """A small body. Raises UnusableAnswer if it is larger than that, or encoded."""
        data = self._read(response, most)
        if len(data) > most:
            raise UnusableAnswer(self.repository.host, f"it is longer than {most:,} bytes")
        return data

    def plain(self, response: httpx.Response) -> httpx.Response:
        """The same. Raises UnusableAnswer if its body is encoded, which nobody asked for."""
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding not in ("", "identity"):
            raise UnusableAnswer(self.repository.host, f"its content is encoded as {encoding:.20}")
        return response

    def _redirected(self, request: "_Request") -> httpx.Response:
        for _ in range(MOST_REDIRECTS + 1):
            response = self._authorized(request)
            location = response.headers.get("location")
            follows = request.method in ("GET", "HEAD") and response.status_code in _REDIRECTS
            if not follows or not location:
                return response
            response.close()
            request = request.to(self.next_url(request.url, location))
        raise UnsafeAddress.redirects(MOST_REDIRECTS)

    def next_url(self, url: httpx.URL, location: str) -> httpx.URL:
        """Where an answer of ``url`` leads. Raises InsecureProtocol, UnusableAnswer."""
        try:
            target = url.join(location)
        except httpx.InvalidURL:
            raise UnusableAnswer(self.repository.host, "it leads to no address") from None
        if target.scheme not in ("http", "https") or (url.scheme, target.scheme) == (
            "https", "http",
        ):  # fmt: skip
            raise InsecureProtocol(target.scheme)
        return target

    def _authorized(self, request: "_Request") -> httpx.Response:
        """Send it, and once more with a token if the registry asks for one."""
        token = self.repository.token
        response = self._send(request, token)
        if response.status_code != 401 or not self.repository.owns(request.url):
            return response
        self._read(response, MOST_TEXT)
        response.close()
        with self.repository.lock:
            if self.repository.token == token:
                self.repository.token = self._token(response, request.url)
            token = self.repository.token
        response = self._send(request, token)
        if response.status_code == 401:
            response.close()
            raise AccessDenied
        return response

    def _token(self, response: httpx.Response, url: httpx.URL) -> str:
        challenge = Challenge.parse(response.headers.get("www-authenticate", ""))
        if challenge is None:
            raise AccessDenied

        def get(target: httpx.URL, authorization: str) -> bytes:
            self.next_url(url, str(target))
            headers = {"Authorization": authorization}
            answer = self._exchange(_Request("GET", target, headers, None, patient=False), headers)
            try:
                self._check(answer)
                return self.text(self.plain(answer))
            finally:
                answer.close()

        return fetch_token(challenge, url, get)

    def _send(self, request: "_Request", token: str) -> httpx.Response:
        headers = dict(request.headers)
        if token and self.repository.owns(request.url):
            headers["Authorization"] = f"Bearer {token}"
        return self._exchange(request, headers)

    def _exchange(self, request: "_Request", headers: dict[str, str]) -> httpx.Response:
        """One request, as it is. An httpx.Client would look into redirects, and keep cookies."""
        patience = self.patience
        reading = patience.answer if request.patient else patience.stall
        limits = httpx.Timeout(patience.stall, read=reading, connect=patience.connect, pool=None)
        made = httpx.Request(
            request.method,
            request.url,
            # httpx would look at the host as IDNA, which a name from outside need not be.
            headers={"Host": request.url.netloc.decode()} | _HEADERS | headers,
            content=request.content() if request.content else None,
            extensions={"timeout": limits.as_dict()},
        )
        response = self._transport.handle_request(made)
        response.request = made
        return response

    def _check(self, response: httpx.Response) -> None:
        code, method = response.status_code, response.request.method
        if code < 400:
            # Only a part of an upload may be sent elsewhere, by who sends it.
            if code < 300 or method in ("GET", "HEAD") or (method, code) == ("PATCH", 307):
                return
            raise UnusableAnswer(self.repository.host, f"status {code}")
        if code == 404 and self.repository.owns(response.request.url):
            raise NotInRegistry
        body = self._read(response, MOST_TEXT)[:_SHOWN_TEXT].decode("utf-8", "replace")
        shown = "".join(char if char.isprintable() else " " for char in body).strip()
        wait = _wait(response.headers.get("retry-after"))
        elsewhere = not self.repository.owns(response.request.url)
        raise RegistryRefused(code, shown, wait, elsewhere=elsewhere)

    def _read(self, response: httpx.Response, most: int) -> bytes:
        data = b""
        for piece in response.iter_raw():
            data += piece
            if len(data) > most:
                break
        return data


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: httpx.URL
    headers: dict[str, str]
    content: Content | None
    patient: bool

    def to(self, url: httpx.URL) -> "_Request":
        return _Request(self.method, url, self.headers, self.content, self.patient)


def _wait(text: str | None) -> float | None:
    """Seconds, from a number or a date; None where there is neither."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text.strip()[:12])
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
