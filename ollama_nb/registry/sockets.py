"""Sockets for httpcore that can be stopped at any moment and notice when nothing moves."""

import contextlib
import errno
import functools
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore

from ollama_nb.errors import Cancelled, RegistryStalled

from .addresses import Reach
from .patience import Deadline, Patience

_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)
_EARLY_BYTES = 64 << 10
_MOST_HEAD = 512 << 10
"""Bytes before an answer's body: h11 bounds each head, but not how many 1xx answers there are."""
_heads = threading.local()
_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class Sockets(httpcore.NetworkBackend):
    """Connects where ``reach`` allows it; without one (to a proxy), anywhere."""

    def __init__(self, reach: Reach | None, patience: Patience, stop: threading.Event) -> None:
        self._reach = reach
        self._patience = patience
        self._stop = stop

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """To the first of the host's addresses that answers."""
        failure: Exception = OSError("it has no address")
        for family, address in self._addresses(host, port):
            if self._reach:
                self._reach.check(host, address[0])
            try:
                connection = self._connect(family, address, timeout)
            except OSError as error:
                failure = error
                continue
            if self._reach:
                self._reach.connected(host, address[0])
            return _Stream(connection, host, self._patience, self._stop)
        raise httpcore.ConnectError(failure.args[-1]) from failure

    def _addresses(self, host: str, port: int) -> list[_Address]:
        """Resolve on another thread, since it cannot be stopped."""
        found: list[_Address] = []
        failures: list[Exception] = []
        done = threading.Event()

        def resolve() -> None:
            try:
                for family, _, _, _, address in socket.getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                ):
                    found.append((family, address))
            except (OSError, UnicodeError) as error:
                failures.append(error)
            finally:
                done.set()

        threading.Thread(target=resolve, name="ollama-nb-resolve", daemon=True).start()
        deadline = Deadline(self._patience.connect)
        while not done.wait(deadline.step):
            self._go_on(deadline, "its name was not resolved")
        if failures:
            raise httpcore.ConnectError(failures[0].args[-1]) from failures[0]
        return found

    def _connect(
        self, family: socket.AddressFamily, address: tuple[Any, ...], timeout: float | None
    ) -> socket.socket:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            code = connection.connect_ex(address)
            deadline = Deadline(timeout)
            while code in _UNDER_WAY:
                if _ready(connection, select.POLLOUT, deadline.step):
                    code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                elif self._stop.is_set():
                    raise Cancelled
                elif deadline.passed:
                    code = errno.ETIMEDOUT
            if code:
                raise OSError(code, os.strerror(code))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            connection.close()
            raise
        return connection

    def _go_on(self, deadline: Deadline, what: str) -> None:
        if self._stop.is_set():
            raise Cancelled
        if deadline.passed:
            raise httpcore.ConnectTimeout(what)


class _Stream(httpcore.NetworkStream):
    def __init__(
        self, connection: socket.socket, host: str, patience: Patience, stop: threading.Event
    ) -> None:
        self._connection = connection
        self._host = host
        self._patience = patience
        self._stop = stop
        self._early: bytes | None = None
        """The beginning of an answer that came while its request was still being sent."""
        self._received = 0
        self._waited = 0.0
        """What came, and how long it was waited for, since the rate was last looked at."""
        self._begun = False
        """Whether an answer's first bytes came; the wait for them says nothing of the rate."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._early is not None:
            early, self._early, self._begun = self._early, None, True
            return early
        began = time.monotonic()
        with _named(httpcore.ReadError):
            data: bytes = self._patiently(
                lambda: self._connection.recv(max_bytes), select.POLLIN, timeout
            )
        _count_head(len(data))
        if self._begun:
            self._rate(len(data), time.monotonic() - began)
        self._begun = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        self._received, self._waited, self._begun = 0, 0.0, False
        while rest:
            if self._answered():
                raise httpcore.WriteError("answered before the end")
            send = functools.partial(self._connection.send, rest)
            with _named(httpcore.WriteError):
                rest = rest[self._patiently(send, select.POLLOUT, timeout) :]

    def close(self) -> None:
        self._connection.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        with _named(httpcore.ConnectError, (OSError, ValueError)):  # a name that cannot be one
            try:
                connection = ssl_context.wrap_socket(
                    self._connection,
                    server_hostname=server_hostname,
                    do_handshake_on_connect=False,
                )
                stream = _Stream(connection, self._host, self._patience, self._stop)
                self._connection = connection
                stream._patiently(connection.do_handshake, select.POLLIN, timeout)
            except BaseException:
                self.close()
                raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return _ready(self._connection, select.POLLIN, 0)
        if info == "ssl_object" and isinstance(self._connection, ssl.SSLSocket):
            return self._connection
        return None

    def _patiently(self, act: Callable[[], Any], events: int, timeout: float | None) -> Any:
        """Do what does not block, as soon as it can be done."""
        deadline = Deadline(timeout)
        while not self._stop.is_set():
            try:
                return act()
            except BlockingIOError:
                wanted = events
            except ssl.SSLWantReadError:
                wanted = select.POLLIN
            except ssl.SSLWantWriteError:
                wanted = select.POLLOUT
            if not _ready(self._connection, wanted, deadline.step) and deadline.passed:
                raise RegistryStalled(self._host, f"nothing for {timeout:g} seconds")
        raise Cancelled

    def _answered(self) -> bool:
        """Whether the other side speaks already; then it will not read on."""
        if self._early is None and _ready(self._connection, select.POLLIN, 0):
            with (
                _named(httpcore.WriteError),
                contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError),
            ):
                self._early = self._connection.recv(_EARLY_BYTES)
        return self._early is not None

    def _rate(self, received: int, waited: float) -> None:
        self._received += received
        self._waited += waited
        if self._waited < self._patience.rate_seconds:
            return
        if self._received < self._patience.rate * self._waited:
            raise RegistryStalled(
                self._host, f"{self._received:,} bytes in {self._waited:.0f} seconds"
            )
        self._received, self._waited = 0, 0.0


def _ready(connection: socket.socket, events: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, events)
    return bool(poll.poll(seconds * 1000))


@contextlib.contextmanager
def _named(
    kind: type[Exception], causes: tuple[type[Exception], ...] = (OSError,)
) -> Iterator[None]:
    """OSErrors in httpcore's terms."""
    try:
        yield
    except causes as error:
        raise kind(getattr(error, "strerror", None) or str(error)) from error


@contextlib.contextmanager
def bounded_head() -> Iterator[None]:
    """What this thread reads in here is an answer's head, with all that may come before it."""
    _heads.left = _MOST_HEAD
    try:
        yield
    finally:
        _heads.left = None


def _count_head(received: int) -> None:
    left = getattr(_heads, "left", None)
    if left is not None:
        _heads.left = left - received
        if _heads.left < 0:
            raise httpcore.RemoteProtocolError("its headers do not end")
