"""What is read from registries and disks, whatever it is."""

import httpx
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ollama_nb.errors import OllamaError, UnsafeAddress
from ollama_nb.registry.challenge import Challenge
from ollama_nb.registry.manifest import parse_manifest
from ollama_nb.registry.parts import Part, cut, joined, parse_part
from ollama_nb.registry.ranges import parse_content_range, wrong_with_range

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
NUMBERS = st.integers(0, 10**18)


@given(TEXTS.filter(bool), TEXTS, TEXTS)
def test_challenges_survive_their_quoting(realm, service, scope):
    header = ",".join(
        f'{key}="{value.translate({34: chr(92) + chr(34), 92: chr(92) * 2})}"'
        for key, value in (("realm", realm), ("service", service), ("scope", scope))
    )
    assert Challenge.parse(f"Bearer {header}") == Challenge(realm, service, scope)


@given(st.text(max_size=200))
@example("Bearer " + 'a="' * 10_000)
@example("Bearer realm=" + "\\" * 10_000)
@example("," * 10_000)
def test_any_text_may_be_a_challenge(header):
    found = Challenge.parse(header)
    assert found is None or found.realm


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('Bearer realm="http://a/b",service="s",scope="x:y:pull z:w:push"',
         Challenge("http://a/b", "s", "x:y:pull z:w:push")),
        ('Basic realm="x", Bearer realm="y" , service=s', Challenge("y", "s")),
        ('bearer REALM="y"', Challenge("y")),
        ('Bearer realm="y",realm="z"', Challenge("y")),
        ("Bearer", None),
        ('Bearer service="x"', None),
        ('Basic realm="x"', None),
        ("", None),
    ],
)  # fmt: skip
def test_challenges(header, found):
    assert Challenge.parse(header) == found


def test_the_url_of_a_token_has_its_keys_in_order():
    challenge = Challenge("https://a/t?zz=1&b=x%20y", "s v", "one two")
    assert str(challenge.url("N", 7)) == (
        "https://a/t?b=x+y&nonce=N&scope=one&scope=two&service=s+v&ts=7&zz=1"
    )
    with pytest.raises(UnsafeAddress):
        Challenge("http://a:b").url("N", 7)


@given(NUMBERS, NUMBERS, st.none() | NUMBERS)
def test_ranges(first, last, total):
    text = f"bytes {first}-{last}/{'*' if total is None else total}"
    sound = first <= last and (total is None or last < total)
    assert parse_content_range(text) == ((first, last, total) if sound else None)


@given(st.text(max_size=60))
@example("bytes 0-1/" + "9" * 5000)
@example("bytes \u0660-1/2")
def test_any_text_may_be_a_range(text):
    found = parse_content_range(text)
    assert found is None or found[0] <= found[1]


def test_a_shorter_range_than_asked_for_is_fit():
    def answer(span, length):
        return httpx.Response(206, headers={"Content-Range": span, "Content-Length": length})

    assert wrong_with_range(answer("bytes 5-7/10", "3"), 5, 9, 10) == ""
    assert wrong_with_range(answer("bytes 5-7/*", "3"), 5, 9, 10) == ""
    assert wrong_with_range(answer("bytes 5-7/11", "3"), 5, 9, 10)
    assert wrong_with_range(answer("bytes 4-7/10", "4"), 5, 9, 10)
    assert wrong_with_range(answer("bytes 5-9/10", "4"), 5, 9, 10)


@given(st.integers(1, 10**12), st.integers(10**6, 10**12))
def test_cut_parts_are_the_whole(total, size):
    if total // size > 2000:
        size = total // 2000 + 1
    parts = cut(total, size)
    assert joined(reversed(parts), total) == parts
    assert joined(parts, total + 1) is None
    assert joined(parts[1:], total) is None
    assert joined([*parts, parts[0]], total) is None


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_journals_are_ollamas(number, offset, size, completed):
    part = Part(number=number, offset=offset, size=size, completed=completed)
    text = f'{{"N":{number},"Offset":{offset},"Size":{size},"Completed":{completed}}}'
    assert msgspec.json.encode(part) == text.encode()
    assert parse_part(f"{text}\n".encode()) == (part if completed <= size else None)


@given(st.binary(max_size=100))
@example(b"[" * 100_000)
@example(b'{"N":-1,"Offset":0,"Size":1}')
@example(b'{"N":0,"Offset":-1,"Size":1}')
def test_any_bytes_may_be_a_journal(data):
    part = parse_part(data)
    assert part is None or 0 <= part.completed <= part.size


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["layers", "config", "digest", "size", "mediaType", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_may_be_a_manifest(document):
    try:
        found = parse_manifest(msgspec.json.encode(document), "host", "library/x")
    except OllamaError:
        return
    for blob in found.blobs:
        assert len(blob.hex) == 64
        assert blob.size >= 0
