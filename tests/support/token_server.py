"""Tokens for a docker-registry, given to those who prove an ed25519 key as Ollama's users do."""

import base64
import binascii
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from local_http import Handler, LocalServer
from registry import TokenAuth
from token_key import TokenKey

_EMPTY = "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ=="
"""Base64 of the SHA-256, in hex, of an empty body."""


@dataclass(frozen=True)
class TokenRequest:
    """A request for a token: what it carried and what was wrong with it."""

    url: str
    query: dict[str, list[str]]
    authorization: str
    wrong: str
    """Empty when a token was given."""

    @property
    def key(self) -> str:
        """The public key as it was sent: base64 of the SSH wire format."""
        return self.authorization.partition(":")[0]

    @property
    def scopes(self) -> list[str]:
        return [scope for text in self.query.get("scope", []) for scope in text.split()]


class TokenServer(LocalServer):
    """Listens on a loopback port; any path is the realm.

    The URL that was signed is taken from the Host header, so a proxy may stand in front.
    """

    def __init__(self, key: TokenKey | None = None):
        super().__init__(_Handler)
        self.signer = key or TokenKey()
        self.auth: TokenAuth | None = None
        self.requests: list[TokenRequest] = []
        self.forget()

    def auth_for(self, realm: str, root: Path) -> TokenAuth:
        """What a registry must know in order to take our tokens."""
        self.auth = TokenAuth(realm, self.signer.write_certificate(root / "certificate.pem"))
        return self.auth

    def forget(self) -> None:
        """No memories; any key may pull and push."""
        self.requests.clear()
        self.keys: set[str] | None = None
        """The public keys that are known (base64 of the SSH wire format); None: every one."""
        self.actions = {"pull", "push", "delete"}
        self.lifetime = 300
        """Seconds; the registry allows a minute more."""
        self.body: bytes | None = None
        """Said instead of a token."""

    def answer(self, request: TokenRequest) -> tuple[int, bytes]:
        """Status and body."""
        with self.lock:
            self.requests.append(request)
        if request.wrong:
            error = {"code": "UNAUTHORIZED", "message": f"unauthorized: {request.wrong}"}
            return 401, json.dumps({"errors": [error]}).encode()
        return 200, self.body or json.dumps({"token": self._token(request)}).encode()

    def wrong_with(self, url: str, authorization: str) -> str:
        """What keeps this request from getting a token."""
        query = parse_qs(urlsplit(url).query)
        if missing := {"nonce", "ts", "service", "scope"} - set(query):
            return f"{', '.join(sorted(missing))} missing"
        if wrong := _wrong_nonce(query["nonce"]) or _wrong_time(query["ts"]):
            return wrong
        if self.auth and query["service"] != [self.auth.service]:
            return "another service"
        key, _, signature = authorization.partition(":")
        if wrong := _wrong_signature(f"GET,{url},{_EMPTY}", key, signature):
            return wrong
        if self.keys is not None and key not in self.keys:
            return f'unknown ollama key "ssh-ed25519 {key}"'
        return ""

    def _token(self, request: TokenRequest) -> str:
        now = int(time.time())
        claims = {
            "iss": self.auth.issuer if self.auth else "",
            "sub": request.key,
            "aud": self.auth.service if self.auth else "",
            "exp": now + self.lifetime,
            "nbf": now - 600,
            "iat": now - 600,
            "jti": secrets.token_hex(8),
            "access": [self._access(scope) for scope in request.scopes],
        }
        return self.signer.sign(claims)

    def _access(self, scope: str) -> dict[str, object]:
        kind, name, actions = scope.split(":")
        granted = [action for action in actions.split(",") if action in self.actions]
        return {"type": kind, "name": name, "actions": granted}


def _wrong_nonce(nonces: list[str]) -> str:
    try:
        size = len(base64.b64decode(nonces[0] + "==", altchars=b"-_", validate=True))
    except binascii.Error:
        return "nonce is no base64url"
    return "" if size == 16 and "=" not in nonces[0] else "nonce is not 16 bytes without padding"


def _wrong_time(times: list[str]) -> str:
    near = times[0].isdecimal() and abs(int(times[0]) - time.time()) < 300
    return "" if near else "ts is not now"


def _wrong_signature(text: str, key: str, signature: str) -> str:
    try:
        public = load_ssh_public_key(f"ssh-ed25519 {key}".encode())
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return "no key and signature"
    if not isinstance(public, Ed25519PublicKey):
        return "no ed25519 key"
    try:
        public.verify(raw, text.encode())
    except InvalidSignature:
        return "bad signature"
    return ""


class _Handler(Handler):
    server: TokenServer

    def serve(self) -> None:
        for _ in self.body():
            pass
        url = f"http://{self.headers['Host']}{self.path}"
        authorization = self.headers.get("Authorization", "")
        wrong = self.server.wrong_with(url, authorization)
        if self.command != "GET":
            wrong = "only GET is answered"
        query = parse_qs(urlsplit(url).query)
        status, body = self.server.answer(TokenRequest(url, query, authorization, wrong))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
