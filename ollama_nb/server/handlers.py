"""One handler for the whole route table: who may ask, what may be sent, and the answer's delivery.

Bodies are taken chunk by chunk, for two reasons: a request is refused before its body is read, and
Tornado does not take a body for a form. (It would: curl declares every body a form, and a prompt
with ``&token=`` in it would then be somebody's token.)
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth import IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler
from jupyter_server.extension.handler import ExtensionHandlerMixin
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from ollama_nb.errors import BodyTooLarge, Cancelled, OllamaError, UnreadableBody
from ollama_nb.http import (
    BODY_LIMIT,
    SERVER,
    Body,
    Request,
    Response,
    Route,
    check_body_headers,
    error_response,
    find,
)
from ollama_nb.http.dialects import anthropic_error, dialect_of
from ollama_nb.loop import BLOCK, Arrivals

from .bridge import Bridge
from .refusals import FOREIGN_HOST, explain
from .uploads import Upload

WRITE_TIMEOUT = 60.0
"""Seconds that a reader may take for what is already written before it counts as gone."""

BODY_TIMEOUT = 300.0
"""Seconds until all of a JSON body must be there. What is taken in pieces may take any time."""

_ONE_PERSON = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)
"""jupyter-server's own providers: whoever gets in is the server's user."""

_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")

_WITHOUT_CHUNKS = "HTTP/1.0"

_ANY_SIZE = 1 << 62
"""What is taken in pieces is limited by the disk, not by jupyter-server's max_body_size."""


@web.stream_request_body
class ContractHandler(ExtensionHandlerMixin, APIHandler):
    """Answers every route that needs authentication, and what is no route at all."""

    def initialize(self, name: str, bridge: Bridge, mount: str) -> None:
        """Take the extension's name, the way to the service, and where the contract is mounted."""
        super().initialize(name)
        self.bridge = bridge
        self._mount = mount
        self._body = bytearray()
        self._upload: Upload | None = None
        self._arrivals: Arrivals | None = None
        self._gone = False
        self._foreign_host = False

    # Who may ask, and with which body. All of it happens before the body is read.

    async def prepare(self) -> None:  # type: ignore[override]
        """Check Host, identity, XSRF and Origin (jupyter-server's), permission, and the body."""
        self._route = self._find_route()
        self._track_activity = self._works
        self._read_key()
        connection = cast("Any", self.request.connection)
        connection.set_body_timeout(BODY_TIMEOUT)
        await super().prepare()
        if self.request.method == "OPTIONS":
            return
        await self._authorize()
        if self._route is not None and self._route.in_pieces:
            connection.set_body_timeout(None)
            connection.set_max_body_size(_ANY_SIZE)
            self._upload = Upload(self, self.bridge)
            await self._upload.begin(self._contract_request())
        elif self.request.method in _WITH_BODY:
            self._check_body()

    @property
    def _works(self) -> bool:
        """Whether this request is work; being looked at does not keep a server awake."""
        return self._route is not None and self._route.action not in ("", "read")

    def _find_route(self) -> Route | None:
        try:
            return find(str(self.request.method), self._contract_path())
        except OllamaError:
            return None

    def _read_key(self) -> None:
        """Take the key that Anthropic's clients send for a token (2), for any identity provider."""
        headers = self.request.headers
        key = headers.get("X-API-Key")
        expected = dialect_of(self._contract_path()) is anthropic_error
        if expected and key and not headers.get("Authorization"):
            headers["Authorization"] = f"Bearer {key}"

    def check_host(self) -> bool:
        """Check the Host header, and remember what came of it: a refusal says nothing else."""
        known = super().check_host()
        self._foreign_host = not known
        return known

    async def _authorize(self) -> None:
        """Ask jupyter-server's authorizer; a path that is no route needs an identity all the same.

        Not with its decorator, which remembers the names of the first request it saw.
        """
        route = self._route
        if route is not None and route.public:
            return
        if self.current_user is None:
            raise web.HTTPError(403)
        if route is None:
            return
        resource = f"ollama:{route.resource}"
        allowed = self.authorizer.is_authorized(self, self.current_user, route.action, resource)
        if not await ensure_async(allowed):
            message = f"User is not authorized to {route.action} on resource: {resource}."
            raise web.HTTPError(403, message)

    def _check_body(self) -> None:
        """Refuse bodies that would not be read, and those that a foreign page could have sent.

        A page can make a browser send its cookies along with a form, never with JSON.
        """
        request = self._contract_request()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            check_body_headers(request, packing=self._route.packing if self._route else "")
            if self.demands_json and kind != "application/json":
                raise UnreadableBody("requests without a token must be sent as application/json")
        except OllamaError as error:
            self.refuse(error)

    @property
    def demands_json(self) -> bool:
        """Whether the caller might be a browser that follows a foreign page's orders."""
        return not self.token_authenticated

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass the body on as it comes, or collect it up to the limit, if it is for anything."""
        if self._finished or self.request.method not in _WITH_BODY:
            return None
        if self._upload is not None:
            return self._upload.take(chunk)
        self._body += chunk
        if len(self._body) > BODY_LIMIT:
            self._body.clear()
            self.refuse(BodyTooLarge(BODY_LIMIT))
        return None

    # The answer.

    @web.authenticated
    async def get(self, *args: str) -> None:
        """Answer; the same for every method, the table knows which a path has."""
        await self._answer()

    @web.authenticated
    async def head(self, *args: str) -> None:
        """Answer without a body."""
        await self._answer()

    @web.authenticated
    async def post(self, *args: str) -> None:
        """Answer."""
        await self._answer()

    @web.authenticated
    async def put(self, *args: str) -> None:
        """Answer."""
        await self._answer()

    @web.authenticated
    async def patch(self, *args: str) -> None:
        """Answer."""
        await self._answer()

    @web.authenticated
    async def delete(self, *args: str) -> None:
        """Answer."""
        await self._answer()

    async def _answer(self) -> None:
        if self._upload is not None:
            await self._upload.finish()
            return
        request = self._contract_request()
        self._body.clear()
        work = self.bridge.working(user=request.user)
        try:
            with work if self._works else contextlib.nullcontext():
                await self._deliver(await self.bridge.handle(request))
        except OllamaError as error:
            self.refuse(error)

    def _user_name(self) -> str:
        """Return who asks; empty where there is one person, whom each request names anew."""
        if self.current_user is None or type(self.identity_provider) in _ONE_PERSON:
            return ""
        return str(self.current_user.username)

    async def _deliver(self, response: Response) -> None:
        if isinstance(response.body, bytes):
            self.send(response)
            return
        try:
            await self._stream(response, response.body)
        except StreamClosedError:
            self._gone = True
        except OllamaError as error:
            self.refuse(self.bridge.reason(error))
        finally:
            if not response.body.done:
                response.body.cancel()
        if not self._finished:
            await self._end()

    async def _stream(self, response: Response, body: Body) -> None:
        """Write what arrives as it arrives. Status and headers wait for the first piece (1.4)."""
        self._arrivals = Arrivals(body, self.bridge.bell, self.bridge.call)
        if self._gone:
            self._arrivals.leave()
        self.set_status(Cancelled.status)
        async with contextlib.aclosing(self._arrivals.pieces()) as pieces:
            async for data in pieces:
                if not self._headers_written:
                    self._begin(response)
                self.write(data)
                if body.streams or len(data) >= BLOCK:
                    await self._flush()

    def send(self, response: Response) -> None:
        """Answer with what is ready."""
        self._begin(response)
        self.finish(response.body if isinstance(response.body, bytes) else b"")

    def refuse(self, error: OllamaError) -> None:
        """Answer with an error, in the words of whom the path is for."""
        self.send(error_response(error, self._contract_path()))

    def send_unfinished(self, response: Response) -> None:
        """Answer with what is ready, and go on reading the request; ``finish`` is still to come."""
        body = response.body if isinstance(response.body, bytes) else b""
        self._begin(response)
        self.set_header("Content-Length", len(body))
        self.write(body)
        self.flush()

    def _begin(self, response: Response) -> None:
        self.set_status(response.status)
        self.clear_header("Content-Type")
        for name, value in response.headers.items():
            self.set_header(name, value)

    async def _end(self) -> None:
        """End the answer; in HTTP/1.0 the connection ends one that has been sent without a length.

        Tornado keeps it open where that was asked for, and the reader would wait for more.
        """
        without_length = self._headers_written
        ended = self.finish()
        if without_length and self.request.version == _WITHOUT_CHUNKS:
            with contextlib.suppress(StreamClosedError):
                await ended
            cast("Any", self.request.connection).stream.close()

    async def _flush(self) -> None:
        """Wait until the reader has taken what is written, but not for ever."""
        if self.request.version == _WITHOUT_CHUNKS:
            self.request.headers["Connection"] = "close"  # or Tornado would promise to keep it
        flushed = self.flush()
        if flushed.done():  # as nearly always: the system has taken it
            return flushed.result()
        timer = asyncio.get_running_loop().call_later(WRITE_TIMEOUT, self.drop, "takes")
        try:
            await flushed
        finally:
            timer.cancel()

    def drop(self, what: str) -> None:
        """Close the connection to who neither ``takes`` nor ``sends`` anything."""
        address = self.request.remote_ip
        self.log.info("%s %s nothing any more; its request is dropped", address, what)
        cast("Any", self.request.connection).stream.close()

    def on_connection_close(self) -> None:
        """Stop the engine. While it reads a prompt nothing is written, so only this tells."""
        super().on_connection_close()
        self._gone = True
        if self._upload is not None:
            self._upload.leave()
        if self._arrivals is not None:
            self._arrivals.leave()

    def on_finish(self) -> None:
        """Let go of what the request has held."""
        super().on_finish()
        if self._upload is not None:
            self._upload.end()

    # How it looks.

    def set_default_headers(self) -> None:
        """Name ourselves."""
        super().set_default_headers()
        self.set_header("Server", SERVER)

    def set_cors_headers(self) -> None:
        """Leave jupyter-server's out where no page asks: it would send an empty one."""
        if self.request.headers.get("Origin"):
            super().set_cors_headers()

    def compute_etag(self) -> None:
        """Answer in full always; Ollama knows no 304."""

    def finish(self, chunk: Any = None) -> "asyncio.Future[None]":
        """Finish with the content type that was set, past APIHandler, which would replace it."""
        self.update_api_activity()
        return super(APIHandler, self).finish(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Turn what Tornado and jupyter-server raise into the contract's errors."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        reason = error.log_message if isinstance(error, web.HTTPError) else None
        if self._foreign_host:
            reason = FOREIGN_HOST
        self.send(explain(status_code, reason or "", self._contract_path()))

    def _contract_request(self) -> Request:
        """The request as the contract sees it, with as much of the body as has been collected."""
        return Request(
            str(self.request.method),
            self._contract_path(),
            {name.lower(): value for name, value in self.request.headers.items()},
            bytes(self._body),
            user=self._user_name(),
        )

    def _contract_path(self) -> str:
        """Path and query as a server at the root would see them."""
        uri = str(self.request.uri)
        path, mark, query = uri.partition("?")
        base = url_path_join(self.base_url, self._mount).rstrip("/")
        return (path.removeprefix(base) or "/") + mark + query


class PublicHandler(ContractHandler):
    """Answers the routes that need no authentication: the heartbeat and the version."""

    @allow_unauthenticated
    async def get(self, *args: str) -> None:
        """Answer anybody."""
        await self._answer()

    @allow_unauthenticated
    async def head(self, *args: str) -> None:
        """Answer anybody, without a body."""
        await self._answer()
