"""Durations and times as Ollama writes them: Go durations, RFC 3339, nanoseconds inside."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from ollama_nb.errors import InvalidDuration

FOREVER = 2**63 - 1
"""Nanoseconds that stand for "never": the largest Go duration, 292 years."""

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PAIR = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)", re.ASCII)

# 9999-12-31: what datetime can still write, for times further away than that.
_LAST_SECOND = 253_402_300_799


def parse_duration(text: str) -> int:
    """Nanoseconds of a Go duration such as ``1h30m`` or ``-300ms``.

    Raises InvalidDuration with Go's own words.
    """
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest:
        raise InvalidDuration(f'time: invalid duration "{text}"')
    total = 0
    while rest:
        amount, rest = _pair(rest, text)
        total += amount
    return sign * min(total, FOREVER)


def _pair(rest: str, text: str) -> tuple[int, str]:
    """Take one number with its unit off ``rest``: (nanoseconds, what is left)."""
    match = _PAIR.match(rest)
    whole, fraction, unit = match.groups() if match else ("", "", "")
    if not (whole or fraction) or len(whole) + len(fraction or "") > 30:
        raise InvalidDuration(f'time: invalid duration "{text}"')
    if not unit:
        raise InvalidDuration(f'time: missing unit in duration "{text}"')
    if unit not in _UNITS:
        raise InvalidDuration(f'time: unknown unit "{unit}" in duration "{text}"')
    scale = _UNITS[unit]
    amount = int(whole or "0") * scale
    if fraction:
        amount += int(fraction) * scale // 10 ** len(fraction)
    return amount, rest[match.end() if match else 0 :]


def parse_keep_alive(value: object) -> int | None:
    """Nanoseconds of a request's ``keep_alive``; None where it is not given, FOREVER if negative.

    A number is seconds, a string a Go duration (4.1). Raises InvalidDuration.
    """
    match value:
        case None:
            return None
        case bool():
            raise InvalidDuration("Unsupported type: 'bool'")
        case int() | float():
            duration = _from_seconds(value)
        case str():
            duration = parse_duration(value)
        case _:
            kind = "[]interface {}" if isinstance(value, list) else "map[string]interface {}"
            raise InvalidDuration(f"Unsupported type: '{kind}'")
    return FOREVER if duration < 0 else duration


def parse_keep_alive_setting(text: str) -> int | None:
    """Nanoseconds of OLLAMA_KEEP_ALIVE: a Go duration or whole seconds; None for nonsense."""
    try:
        duration = _from_seconds(int(text)) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
        duration = parse_duration(text) if duration is None else duration
    except InvalidDuration:
        return None
    return FOREVER if duration < 0 else duration


def _from_seconds(seconds: float) -> int:
    if seconds != seconds or seconds >= FOREVER // 1_000_000_000:
        return FOREVER
    return -1 if seconds < 0 else int(seconds * 1_000_000_000)


def now_utc() -> str:
    """This moment for ``created_at``: UTC, microseconds, ``Z``."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


@lru_cache(maxsize=4096)
def local_time(epoch_ns: int) -> str:
    """A moment for ``modified_at`` and ``expires_at``: local offset, as fine as it is known."""
    seconds, fraction = divmod(epoch_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(min(seconds, _LAST_SECOND - 86_400)).astimezone()
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{digits}{moment.isoformat()[-6:]}"
