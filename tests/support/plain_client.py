"""A registry's client in plain HTTP calls, written from the protocol alone: no code of ours."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
IMAGE = "application/vnd.ollama.image."
_EMPTY = base64.b64encode(hashlib.sha256(b"").hexdigest().encode()).decode()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Message
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class PlainClient:
    """One connection for each request; with a token it shows it."""

    def __init__(self, host: str, token: str = "", timeout: float = 180):
        self.host = host
        self.token = token
        self._timeout = timeout

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        **headers: str,
    ) -> Reply:
        """Send it; header names are written with underscores. A full URL goes where it says."""
        url = urlsplit(path)
        path = f"{url.path}?{url.query}" if url.query else url.path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        connection = HTTPConnection(url.netloc or self.host, timeout=self._timeout)
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def start_upload(self, repository: str, query: str = "") -> Reply:
        return self.send("POST", f"/v2/{repository}/blobs/uploads/{query}")

    def push_blob(self, repository: str, data: bytes) -> str:
        """One PATCH, as Ollama does with less than 100 MB. The blob's digest."""
        digest = digest_of(data)
        session = self.start_upload(repository).headers["Location"]
        if data:
            span = f"0-{len(data) - 1}"
            reply = self.send(
                "PATCH", session, data,
                Content_Type="application/octet-stream", Content_Range=span, X_Redirect_Uploads="1",
            )  # fmt: skip
            assert reply.status == 202, reply
            session = reply.headers["Location"]
        query = urlencode({"digest": digest, "etag": "0123456789abcdef-1"})
        reply = self.send("PUT", f"{session}&{query}")
        assert reply.status == 201, reply
        return digest

    def push_model(self, name: str, **layers: bytes) -> bytes:
        """Push these layers (``model=b"GGUF…", template=b"…"``) and the manifest. Its bytes.

        ``name`` is the repository and the tag: ``library/tiny:latest``.
        """
        repository, _, tag = name.partition(":")
        config = b'{"model_format":"gguf","architecture":"amd64","os":"linux"}\n'
        entries = [_entry(IMAGE + kind, data) for kind, data in layers.items()]
        for data in (*layers.values(), config):
            self.push_blob(repository, data)
        manifest = _manifest(_entry(CONFIG, config), entries)
        reply = self.put_manifest(repository, tag, manifest)
        assert reply.status == 201, reply
        return manifest

    def put_manifest(self, repository: str, tag: str, manifest: bytes) -> Reply:
        path = f"/v2/{repository}/manifests/{tag}"
        return self.send("PUT", path, manifest, Content_Type=MANIFEST)

    def manifest(self, repository: str, tag: str) -> Reply:
        return self.send("GET", f"/v2/{repository}/manifests/{tag}", Accept=MANIFEST)

    def blob(self, repository: str, digest: str, span: str = "") -> Reply:
        """The blob, or a range of it: ``0-99``."""
        headers = {"Range": f"bytes={span}"} if span else {}
        return self.send("GET", f"/v2/{repository}/blobs/{digest}", **headers)


def token(host: str, realm: str, scope: str, key: Ed25519PrivateKey, **query: str) -> Reply:
    """Ask for a token as Ollama does."""
    nonce = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
    fields = {"nonce": nonce, "scope": scope, "service": "registry", "ts": str(int(time.time()))}
    url = f"{realm}?{urlencode(sorted((fields | query).items()))}"
    signature = base64.b64encode(key.sign(f"GET,{url},{_EMPTY}".encode())).decode()
    return PlainClient(host).send("GET", url, Authorization=f"{public_text(key)}:{signature}")


def public_text(key: Ed25519PrivateKey) -> str:
    """The middle word of ``id_ed25519.pub``."""
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line.split()[1].decode()


def _entry(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _manifest(config: dict[str, object], layers: list[dict[str, object]]) -> bytes:
    fields = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"
