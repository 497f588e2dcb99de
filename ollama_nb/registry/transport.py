"""The border to the HTTP library: our own sockets carry its requests, its errors become ours."""

import contextlib
import functools
import ipaddress
import os
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from typing import cast

import httpcore
import httpx

from ollama_nb.errors import InsecureProtocol, RegistryStalled, RegistryUnreachable, UnusableAnswer

from .addresses import Reach
from .patience import Patience
from .sockets import Sockets, bounded_head


class Transport(httpx.BaseTransport):
    """Connections of one operation, straight or by the proxies that the environment names."""

    def __init__(self, reach: Reach, patience: Patience, stop: threading.Event) -> None:
        self._reach = reach
        self._patience = patience
        self._stop = stop
        self._pools: dict[tuple[str, str], httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and return the answer with its body still to come. Raises RegistryError."""
        url = request.url
        host = url.netloc.decode()
        with _translated(host), bounded_head():
            response = self._pool(url).handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=url.raw_scheme,
                        host=url.raw_host,
                        port=url.port,
                        target=url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=cast("Iterable[bytes]", request.stream),
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response, host)
        )

    def close(self) -> None:
        """End every connection."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        if url.scheme not in ("http", "https"):
            raise InsecureProtocol(url.scheme)
        key = (url.scheme, proxy_for(url))
        if key[1] and (address := _literal(_host(url))):  # the proxy would connect anywhere
            self._reach.check(_host(url), address)
            self._reach.connected(_host(url), address)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._new_pool(*key)
            return self._pools[key]

    def _new_pool(self, scheme: str, proxy: str) -> httpcore.ConnectionPool:
        tls = _tls_of_environment() if scheme == "https" else None
        most = self._patience.connections + 1
        if not proxy:
            sockets = Sockets(self._reach, self._patience, self._stop)
            return httpcore.ConnectionPool(tls, max_connections=most, network_backend=sockets)
        server = _server(proxy)
        return httpcore.HTTPProxy(
            str(server.url),
            proxy_auth=server.raw_auth,
            ssl_context=tls,
            max_connections=most,
            network_backend=Sockets(None, self._patience, self._stop),
        )


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, host: str) -> None:
        self._response = response
        self._host = host

    def __iter__(self) -> Iterator[bytes]:
        with _translated(self._host):
            yield from cast("Iterable[bytes]", self._response.stream)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._response.close()


def proxy_for(url: httpx.URL) -> str:
    """The proxy that the environment names for it, or nothing; as in Go, never for loopback."""
    host = _host(url)
    if host == "localhost" or _is_loopback(host) or urllib.request.proxy_bypass(host):
        return ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(url: httpx.URL) -> str:
    """As it is connected to; ``url.host`` would decode it, and fail where that is no IDNA."""
    return url.raw_host.decode("ascii")


def _literal(host: str) -> str:
    """The IP address that a host is, in any way of writing it; or nothing: it is a name."""
    host = host.rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return str(ipaddress.IPv4Address(socket.inet_aton(host)))
    except OSError:
        return ""


def _server(proxy: str) -> httpx.Proxy:
    """Raises ConnectError where it is none that can be used. Its address may hold a password."""
    scheme = proxy.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        raise httpcore.ConnectError(
            f"the environment names a proxy of the kind {scheme:.20}; only http and https are known"
        )
    try:
        server = httpx.Proxy(proxy)
    except (ValueError, httpx.InvalidURL):
        server = None
    if server is None or not server.url.raw_host:
        raise httpcore.ConnectError("the environment names a proxy whose address is none")
    return server


_TLS_SETTINGS = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _tls_of_environment() -> ssl.SSLContext:
    settings = [os.environ.get(name) for name in _TLS_SETTINGS]
    try:
        return _tls(*settings)
    except OSError as error:
        named = " or ".join(
            name for name, value in zip(_TLS_SETTINGS, settings, strict=True) if value
        )
        raise httpcore.ConnectError(
            f"the certificates of {named or 'this system'} cannot be read: "
            f"{error.strerror or error}"
        ) from error


@functools.lru_cache(maxsize=2)
def _tls(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Whom to believe; by the environment, which the library reads."""
    return httpx.create_ssl_context()


@contextlib.contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise RegistryStalled(host, str(error)) from error
    except (httpcore.NetworkError, httpcore.ProxyError) as error:
        raise RegistryUnreachable(host, error) from error
    except httpcore.RemoteProtocolError as error:
        raise RegistryUnreachable(host, error) from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise UnusableAnswer(host, str(error)) from error
