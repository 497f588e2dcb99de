"""Bodies packed with zstd: on the one route that takes them, within bounds (Ollama API, 14.6)."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, BodyTooLarge
from ollama_nb.http import Request, handle
from ollama_nb.http.packing import MOST_FRAMES, UNPACKED_LIMIT, unpacked

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def packed(body, encoding="zstd"):
    return Request("POST", "/v1/responses", {"content-encoding": encoding}, body)


def asked(service, path, **headers):
    body = zstd.compress(b'{"model": "nope", "input": "hi"}')
    return handle(service, Request("POST", path, {"content-encoding": "zstd"} | headers, body))


@given(st.binary(max_size=2000), st.sampled_from(["zstd", " ZSTD "]))
def test_what_was_packed_comes_back(body, encoding):
    assert unpacked(packed(zstd.compress(body), encoding)).body == body


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_what_was_packed_in_several_frames_comes_back(parts):
    frames = b"".join(zstd.compress(part) for part in parts)
    assert unpacked(packed(frames)).body == b"".join(parts)


def test_frames_without_content_are_passed_over():
    skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    assert unpacked(packed(skipped + zstd.compress(b"x") + skipped)).body == b"x"


@pytest.mark.parametrize("rest", [b"{}", zstd.compress(b"y")[:-1]])
def test_what_follows_a_frame_must_be_one(rest):
    with pytest.raises(BadRequest, match=r"^the body cannot be unpacked: "):
        unpacked(packed(zstd.compress(b"x") + rest))


def test_frames_share_one_limit():
    half = zstd.compress(b" " * (UNPACKED_LIMIT // 2))
    assert len(unpacked(packed(half * 2)).body) == UNPACKED_LIMIT
    with pytest.raises(BodyTooLarge):
        unpacked(packed(half * 2 + zstd.compress(b" ")))


def test_frames_are_counted():
    assert unpacked(packed(zstd.compress(b"x") * MOST_FRAMES)).body == b"x" * MOST_FRAMES
    with pytest.raises(BadRequest, match=f"it has more than {MOST_FRAMES} frames"):
        unpacked(packed(zstd.compress(b"x") * (MOST_FRAMES + 1)))


def test_what_is_not_packed_stays_as_it_is():
    request = Request("POST", "/v1/responses", {}, zstd.compress(b"x"))
    assert unpacked(request) is request


@given(st.binary(max_size=200))
def test_anything_else_is_refused(body):
    with pytest.raises(BadRequest, match=r"^the body cannot be unpacked: "):
        unpacked(packed(body.replace(zstd.compress(b"")[:4], b"")))


def test_a_body_that_ends_too_early():
    with pytest.raises(BadRequest, match="it ends too early"):
        unpacked(packed(zstd.compress(b"x" * 1000)[:-1]))


def test_a_small_body_that_unpacks_to_a_large_one():
    full = zstd.compress(b" " * UNPACKED_LIMIT)
    assert len(unpacked(packed(full)).body) == UNPACKED_LIMIT
    bomb = zstd.compress(b" " * (UNPACKED_LIMIT + 1))
    assert len(bomb) < 5000
    with pytest.raises(BodyTooLarge, match="request body is larger than 20 MiB"):
        unpacked(packed(bomb))


def test_a_body_that_points_too_far_back():
    options = {zstd.CompressionParameter.window_log: 27}
    # Streamed, so that the frame does not tell its size and the window stands as it was asked for.
    packer = zstd.ZstdCompressor(options=options)
    body = packer.compress(b"x" * 1000) + packer.flush()
    with pytest.raises(BadRequest, match="the body cannot be unpacked"):
        unpacked(packed(body))


def test_responses_takes_it(service):
    answer = asked(service, "/v1/responses")
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (
        404,
        "model 'nope' not found",
    )


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/api/chat"])
def test_no_other_route_does(service, path):
    assert asked(service, path).status == 415


def test_responses_takes_no_other_packing(service):
    assert asked(service, "/v1/responses", **{"content-encoding": "gzip"}).status == 415
