"""The answer to a registry that asks who we are: a token, given to the owner of a key.

Pure but for the key file; the request itself is made by whoever has the connections.
"""

import base64
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import httpx
import msgspec

from ollama_nb.errors import AccessDenied, InsecureProtocol, RegistryRefused, UnsafeAddress

from .keys import Key, own_key

_BEARER = re.compile(r"(?:^|,)\s*bearer\s+", re.IGNORECASE)
_PARAMETER = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')
_EMPTY = "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ=="
"""Base64 of the SHA-256, in hex, of an empty body."""

Get = Callable[[httpx.URL, str], bytes]
"""Fetches a small answer with this Authorization. Raises RegistryRefused."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What WWW-Authenticate says."""

    realm: str
    service: str = ""
    scope: str = ""

    @classmethod
    def parse(cls, header: str) -> "Challenge | None":
        """The Bearer challenge among those of a header, if there is one with a realm."""
        start = _BEARER.search(header)
        if start is None:
            return None
        found: dict[str, str] = {}
        at = start.end()
        while match := _PARAMETER.match(header, at):
            quoted, bare = match[2], match[3]
            text = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found.setdefault(match[1].lower(), text)
            at = match.end()
        if not found.get("realm"):
            return None
        return cls(found["realm"], found.get("service", ""), found.get("scope", ""))

    def url(self, nonce: str, seconds: int) -> httpx.URL:
        """What the token is asked from. Raises UnsafeAddress where the realm is no address."""
        try:
            realm = httpx.URL(self.realm)
        except httpx.InvalidURL:
            raise UnsafeAddress.realm(self.realm[:100], "") from None
        scopes = [("scope", scope) for scope in self.scope.split()]
        own = dict(parse_qsl(realm.query.decode(), keep_blank_values=True))
        own |= {"nonce": nonce, "service": self.service, "ts": str(seconds)}
        own.pop("scope", None)
        query = urlencode(sorted([*own.items(), *scopes], key=lambda pair: pair[0]))
        return realm.copy_with(query=query.encode(), fragment=None)


class _Token(msgspec.Struct):
    token: str = ""


class _Error(msgspec.Struct):
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


def fetch_token(challenge: Challenge, asked: httpx.URL, get: Get) -> str:
    """A token for the request that was challenged at ``asked``. Raises RegistryError."""
    nonce = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
    url = challenge.url(nonce, int(time.time()))
    if (url.scheme, asked.scheme) == ("http", "https"):
        raise InsecureProtocol
    if url.netloc.lower() != asked.netloc.lower():
        raise UnsafeAddress.realm(url.netloc.decode(), asked.netloc.decode())
    try:
        answer = get(url, authorization(own_key(), str(url)))
    except RegistryRefused as error:
        raise _explained(error) from error
    try:
        token = msgspec.json.decode(answer, type=_Token).token
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        token = ""
    if not token or not token.isascii() or not token.isprintable():
        raise AccessDenied("unauthorized: the registry gave no token")
    return token


def authorization(key: Key, url: str) -> str:
    """The proof that whoever asks for a token at this URL has the key."""
    signature = base64.b64encode(key.sign(f"GET,{url},{_EMPTY}".encode())).decode()
    return f"{key.public}:{signature}"


def _explained(error: RegistryRefused) -> RegistryRefused:
    """The registry's own words for an unknown key, out of the JSON around them."""
    if error.code != 401:
        return error
    try:
        told = msgspec.json.decode(error.body.encode(), type=_Errors).errors
    except (msgspec.DecodeError, RecursionError):
        told = []
    return AccessDenied(told[0].message) if told and told[0].message else AccessDenied()
