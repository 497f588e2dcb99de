"""Blobs by their digest: is it there, and take it (reference: Ollama API, 11)."""

from contextlib import ExitStack

from ollama_nb.errors import NotFound
from ollama_nb.service import Service
from ollama_nb.store import NewBlob

from .messages import Request, Response, check_encoding
from .sinks import Sink


def find_blob(service: Service, request: Request) -> Response:
    """HEAD /api/blobs/:digest: 200 if it is there."""
    if not service.has_blob(request.item):
        raise NotFound(f'blob "{request.item}" not found')
    return Response(200, {})


def take_blob(service: Service, request: Request) -> Response | Sink:
    """POST /api/blobs/:digest: store the body, unless it is there."""
    if service.has_blob(request.item):
        return Response(200, {})
    check_encoding(request)
    return _Upload(service.new_blob(request.announced), request.item)


class _Upload:
    """A Sink: the body becomes a blob if its digest is the one in the path."""

    def __init__(self, blob: NewBlob, digest: str) -> None:
        self._held = ExitStack()
        self._blob = self._held.enter_context(blob)
        self._digest = digest

    def write(self, piece: bytes | bytearray) -> None:
        self._blob.write(memoryview(piece))

    def finish(self) -> Response:
        with self._held:
            self._blob.keep(self._digest)
        return Response(201, {})

    def abort(self) -> None:
        self._held.close()
