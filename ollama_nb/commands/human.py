"""Sizes and times in words, as Ollama's command line writes them. Pure functions."""

import math
from datetime import UTC, datetime

_SIZES = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3))
_FOREVER_YEARS = 20


def human_size(count: int) -> str:
    """``2.0 GB``, ``37 MB``: powers of 1000, one decimal below ten."""
    for unit, scale in _SIZES:
        if count >= scale:
            value = count / scale
            shown = f"{value:.1f}" if value < 10 and value != int(value) else str(int(value))
            return f"{shown} {unit}"
    return f"{count} B"


def human_duration(seconds: float) -> str:
    """``About a minute``, ``3 hours``, ``2 weeks``: one unit, roughly."""
    whole = int(seconds)
    hours = round(seconds / 3600)
    if whole < 60:
        return plural(whole, "second") if whole else "Less than a second"
    if whole < 3600:
        return plural(whole // 60, "minute") if whole >= 120 else "About a minute"
    if hours < 48:
        return plural(hours, "hour") if hours > 1 else "About an hour"
    days = hours // 24
    for limit, unit, length in ((14, "day", 1), (60, "week", 7), (730, "month", 30)):
        if days < limit:
            return plural(days // length, unit)
    return plural(days // 365, "year")


def human_past(moment: str, now: datetime) -> str:
    """Say how long ago an RFC 3339 time was."""
    seconds = _seconds_after(now, moment)
    return f"{human_duration(max(-seconds, 0.0))} ago"


def human_future(moment: str, now: datetime) -> str:
    """Say in how long an RFC 3339 time will be: ``4 minutes from now`` or ``Forever``."""
    seconds = _seconds_after(now, moment)
    if seconds <= 0:
        return "Stopping..."
    if seconds > _FOREVER_YEARS * 365 * 86_400:
        return "Forever"
    return f"{human_duration(seconds)} from now"


def human_rate(tokens_per_second: float) -> str:
    """Three digits of a rate are all that it is worth."""
    if tokens_per_second >= 100:
        return str(round(tokens_per_second))
    return f"{tokens_per_second:.1f}"


def human_seconds(seconds: float) -> str:
    """A measured duration: ``1.24 s``, ``37.2 ms``."""
    if seconds >= 60:
        minutes, rest = divmod(seconds, 60)
        return f"{math.floor(minutes)} min {rest:.1f} s"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def plural(count: int, unit: str) -> str:
    """``1 text``, ``2 texts``."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _seconds_after(now: datetime, moment: str) -> float:
    then = datetime.fromisoformat(moment)
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return (then - now).total_seconds()
