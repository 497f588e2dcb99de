"""The numbers that stand for images among tokens: what they are, and where patches begin."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.pictures import find_patches, stand_ins
from ollama_nb.engine.sequence import Picture
from ollama_nb.errors import EngineError

WHITE, BLACK = Picture(1, 2, b"\xff" * 6), Picture(1, 2, b"\0" * 6)


@dataclass(frozen=True)
class Piece:
    num_positions: int
    tokens: tuple[int, ...] = ()


def patches(*lengths):
    return [Piece(length) for length in lengths]


def words(*tokens):
    return Piece(len(tokens), tokens)


def test_a_number_below_zero_for_each_position():
    numbers = stand_ins(WHITE, patches(3))
    assert len(numbers) == 3
    assert len(set(numbers)) == 1
    assert max(numbers) < 0


def test_the_numbers_are_the_pixels_and_the_shape():
    numbers = {
        stand_ins(picture, patches(1))[0]
        for picture in (
            WHITE,
            BLACK,
            Picture(2, 1, WHITE.pixels),
            Picture(1, 2, b"\xff" * 5 + b"0"),
        )
    }
    assert len(numbers) == 4
    assert stand_ins(WHITE, patches(1)) == stand_ins(Picture(1, 2, bytes([255] * 6)), patches(1))


def test_pieces_of_one_picture_differ_and_their_text_stays():
    numbers = stand_ins(WHITE, [words(7, 8), Piece(2), words(9), Piece(2)])
    assert [one for one in numbers if one >= 0] == [7, 8, 9]
    first, last = numbers[2], numbers[-1]
    assert first != last
    assert numbers == [7, 8, first, first, 9, last, last]


def test_the_numbers_fit_into_64_bits():
    for byte in range(256):
        picture = Picture(1, 1, bytes([byte] * 3))
        assert min(stand_ins(picture, patches(*[1] * 70))) >= -(1 << 63)


def test_patches_are_found_where_they_begin():
    white, black = patches(2, 3)
    tokens = [5, *stand_ins(WHITE, [white]), 6, 7, *stand_ins(BLACK, [black]), 8]
    assert find_patches(tokens, [white, black]) == {1: white, 5: black}
    assert find_patches([5, 6], []) == {}
    assert find_patches([], []) == {}


def test_equal_pictures_side_by_side_are_two():
    first, second = patches(2, 2)
    numbers = stand_ins(WHITE, [first])
    found = find_patches([*numbers, *numbers, 5], [first, second])
    assert list(found) == [0, 2]
    assert found[0] is first
    assert found[2] is second


@pytest.mark.parametrize(
    ("tokens", "lengths", "fault"),
    [
        ([-5, -5, 1], [], "not those"),
        ([-5, -5, 1], [3], "not those"),
        ([-5, -6, 1], [2], "not those"),
        ([-5, -5], [3], "not those"),
        ([-5, -5, -5, 1], [2], "not those"),
        ([-5, 1, -5, 1], [2], "not those"),
        ([-5, 1], [0], "not those"),
        ([1, 2], [2], "lost an image"),
        ([-5, -5, 1], [2, 2], "lost an image"),
    ],
)
def test_tokens_and_patches_that_do_not_belong_together(tokens, lengths, fault):
    with pytest.raises(EngineError, match=fault):
        find_patches(tokens, patches(*lengths))


parts = st.lists(
    st.one_of(
        st.lists(st.integers(0, 99), max_size=4),
        st.tuples(st.sampled_from([WHITE, BLACK]), st.lists(st.integers(1, 5), max_size=3)),
    )
)


@given(parts)
def test_whatever_the_prompt_each_patch_is_found_at_its_own_numbers(prompt):
    tokens, placed = [], []
    for part in prompt:
        if isinstance(part, list):
            tokens += part
            continue
        picture, lengths = part
        at = len(tokens)
        tokens += stand_ins(picture, patches(*lengths))
        for length in lengths:
            placed.append((at, Piece(length)))
            at += length
    assert list(find_patches(tokens, [piece for _, piece in placed]).items()) == placed


@given(parts, st.data())
def test_a_prompt_that_was_cut_is_noticed(prompt, data):
    tokens, pieces = [], []
    for part in prompt:
        if isinstance(part, list):
            tokens += part
        else:
            tokens += stand_ins(part[0], patches(*part[1]))
            pieces += patches(*part[1])
    images = [at for at, token in enumerate(tokens) if token < 0]
    if images:
        at = data.draw(st.sampled_from(images))
        with pytest.raises(EngineError):
            find_patches(tokens[:at], pieces)
