"""Where images stand in a prompt: what is written, what is marked, what people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.prompt.images import mark_images, named_images, split_images, without_marks

EDGE = "\ufdd1"


def split(text, count):
    return split_images(mark_images(text, count), count)


@pytest.mark.parametrize(
    ("text", "count", "pieces"),
    [
        ("what?", 0, ["what?"]),
        ("what?", 2, [0, 1, "what?"]),
        ("", 1, [0]),
        ("", 0, []),
        ("a [img] b", 1, ["a ", 0, " b"]),
        ("a [img] b [img] c", 2, ["a ", 0, " b ", 1, " c"]),
        ("a [img] b", 2, [1, "a ", 0, " b"]),
        ("a [img-1] b [img-0] c", 2, ["a ", 1, " b ", 0, " c"]),
        ("a [img-1] b", 3, [0, 2, "a ", 1, " b"]),
        ("[img][img]", 2, [0, 1]),
        ("a [img-0]", 1, ["a ", 0]),
    ],
)
def test_images_stand_where_the_text_says_else_in_front(text, count, pieces):
    assert split(text, count) == pieces


@pytest.mark.parametrize(
    ("text", "count", "pieces"),
    [
        ("a [img] b", 0, ["a [img] b"]),
        ("a [img] b [img] c", 1, ["a ", 0, " b [img] c"]),
        ("a [img-7] b", 1, [0, "a [img-7] b"]),
        ("a [img-0] b [img-0] c", 1, ["a ", 0, " b [img-0] c"]),
        ("a [img-0] b [img] c", 1, ["a ", 0, " b [img] c"]),
        ("[img-], [img--1], [img-x], [img 0], [IMG]", 1, [0, ...]),
        ("[img-99999]", 1, [0, ...]),
        ("[img-\u0660]", 1, [0, ...]),
    ],
)
def test_what_names_no_image_stays_text(text, count, pieces):
    assert split(text, count) == [text if piece is ... else piece for piece in pieces]


def test_people_read_the_numbers():
    marked = mark_images("a [img] b", 2)
    assert named_images(marked) == "[img-1]a [img-0] b"
    assert named_images("no image") == "no image"


def test_a_text_cannot_bring_its_own_marks():
    forged = f"a {EDGE}0{EDGE} b"
    assert split(forged, 1) == [0, "a 0 b"]
    assert split(forged, 0) == ["a 0 b"]
    assert without_marks(forged) == "a 0 b"
    assert split(f"a [im{EDGE}g] b", 1) == ["a ", 0, " b"]


def test_marks_that_a_template_writes_itself_mean_nothing():
    assert split_images(f"a{EDGE}7{EDGE}b", 1) == ["a", "b"]
    assert split_images(f"a{EDGE}0{EDGE}b", 0) == ["a", "b"]
    endless = f"{EDGE}{'9' * 5000}{EDGE}"
    assert split_images(endless, 1) == [endless]
    assert named_images(endless) == endless
    assert split_images(f"{EDGE}{EDGE}-1{EDGE}", 1) == [f"{EDGE}{EDGE}-1{EDGE}"]


def test_no_image_is_given_twice_however_often_a_prompt_names_it():
    assert split_images(f"a{EDGE}0{EDGE}" * 3, 1) == ["a", 0, "a", "a"]


pieces_of_text = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(["[img]", "[img-0]", "[img-1]", "[img-3]", "[img-", "]", EDGE, f"{EDGE}0"]),
    )
)


@given(pieces_of_text.map("".join), st.integers(0, 4))
def test_every_image_is_there_once_and_no_text_is_lost(text, count):
    pieces = split(text, count)
    assert sorted(piece for piece in pieces if isinstance(piece, int)) == list(range(count))
    assert all(pieces[at] for at, piece in enumerate(pieces) if isinstance(piece, str))
    written = [f"[img-{piece}]" if isinstance(piece, int) else piece for piece in pieces]
    assert "".join(written) == named_images(mark_images(text, count))
    assert EDGE not in "".join(written)
    kept = "".join(piece for piece in pieces if isinstance(piece, str))
    plain = without_marks(text)
    assert len(plain) - len(kept) <= count * len("[img-0000]")
    assert is_subsequence(kept, plain)


@given(st.text(), st.integers(0, 4))
def test_a_text_without_names_is_kept_as_it_is(text, count):
    plain = text.replace("[", "(")
    assert split(plain, count) == [*range(count), *filter(None, [without_marks(plain)])]


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(letter in rest for letter in part)
