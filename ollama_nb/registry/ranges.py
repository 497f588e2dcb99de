"""What an answer to a request for a range says about itself."""

import re

import httpx

_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
_NUMBER = re.compile(r"[0-9]{1,19}")


def parse_content_range(text: str) -> tuple[int, int, int | None] | None:
    """First and last byte and, if it is said, how many there are; None for anything else."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    total = None if match[3] == "*" else int(match[3])
    if last < first or (total is not None and last >= total):
        return None
    return first, last, total


def content_length(response: httpx.Response) -> int | None:
    """The announced size of the body, if there is one."""
    text = response.headers.get("content-length", "")
    return int(text) if _NUMBER.fullmatch(text) else None


def wrong_with_range(response: httpx.Response, first: int, last: int, total: int) -> str:
    """What makes a 206 answer unfit for the bytes that were asked for; nothing if it is fit.

    It may stop earlier than asked.
    """
    given = parse_content_range(response.headers.get("content-range", ""))
    if given is None:
        return "it does not say which bytes it has"
    if given[0] != first or given[1] > last or given[2] not in (None, total):
        return f"bytes {given[0]}-{given[1]} instead of {first}-{last}"
    if content_length(response) not in (None, given[1] - given[0] + 1):
        return "its length is not that of its range"
    return ""


def wrong_with_whole(response: httpx.Response, total: int) -> str:
    """What makes a 200 answer unfit for a blob of this size; nothing if it may be it."""
    length = content_length(response)
    if length in (None, total):
        return ""
    kind = response.headers.get("content-type", "something")
    return f"{length:,} bytes of {kind:.60} instead of {total:,}"
