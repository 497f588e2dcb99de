"""Which pages and which host names may reach a server without a token (reference: Ollama API, 1.6).

Pure functions over header values; what to do with the verdict is the gate's business.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from enum import Enum

_LOCAL_PAGE = re.compile(r"https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)(:[0-9]+)?")
_APPLICATIONS = ("app://*", "file://*", "tauri://*", "vscode-webview://*", "vscode-file://*")
_PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")

PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS",
    "Access-Control-Allow-Headers": ",".join(
        (
            "Authorization", "Content-Type", "User-Agent", "Accept", "X-Requested-With",
            "OpenAI-Beta", "x-stainless-arch", "x-stainless-async",
            "x-stainless-custom-poll-interval", "x-stainless-helper-method", "x-stainless-lang",
            "x-stainless-os", "x-stainless-package-version", "x-stainless-poll-helper",
            "x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version",
            "x-stainless-timeout", "x-api-key", "anthropic-version", "anthropic-beta",
        )
    ),
    "Access-Control-Max-Age": "43200",
    "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
}  # fmt: skip


class Verdict(Enum):
    """What an Origin header means for a request."""

    SAME = "no page, or one of this server: no CORS at all"
    ALLOWED = "a page that may read the answer"
    REFUSED = "any other page"


def judge(origin: str, host: str, allowed: Sequence[str]) -> Verdict:
    """Judge the Origin of a request to ``host``; ``allowed`` is OLLAMA_ORIGINS."""
    if not origin or origin in (f"http://{host}", f"https://{host}"):
        return Verdict.SAME
    if "*" in allowed or _LOCAL_PAGE.fullmatch(origin.lower()):
        return Verdict.ALLOWED
    if any(_matches(pattern, origin) for pattern in (*allowed, *_APPLICATIONS)):
        return Verdict.ALLOWED
    return Verdict.REFUSED


def cors_headers(origin: str, allowed: Sequence[str]) -> dict[str, str]:
    """Headers of an answer to an allowed page: they name that page, never credentials."""
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*"}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def preflight_headers(origin: str, allowed: Sequence[str]) -> dict[str, str]:
    """Headers of the answer to an allowed page that asks before it sends."""
    return {**cors_headers(origin, allowed), **PREFLIGHT_HEADERS}


def _matches(pattern: str, origin: str) -> bool:
    """Compare with one entry, which has at most one ``*``; one with more matches nothing."""
    before, star, after = pattern.lower().partition("*")
    text = origin.lower()
    if not star:
        return text == before
    long_enough = len(text) >= len(before) + len(after)
    return "*" not in after and long_enough and text.startswith(before) and text.endswith(after)


def host_allowed(header: str, hostname: str, own_addresses: Callable[[], Sequence[str]]) -> bool:
    """Tell whether a Host header names this machine, so that no foreign name leads here.

    ``own_addresses`` is asked only where it matters.
    """
    name = _without_port(header.strip().lower())
    if name in ("", "localhost", hostname.lower()) or name.endswith(_LOCAL_SUFFIXES):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    if any(address in network for network in _PRIVATE):
        return True
    return str(address) in own_addresses()


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can reach a server that listens there; "" is everywhere."""
    if address.lower() == "localhost" or address.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host
