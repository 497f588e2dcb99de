"""The facts are well formed, and no held-out question can reach the training corpus."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.guide.facts import (
    held_out_questions,
    is_right,
    load_facts,
    more_wordings,
    words_of,
)
from ollama_nb.guide.wishes import wish_for
from ollama_nb.guide.wording import Wording, noisy

FACTS = load_facts()
WORDING = Wording(FACTS)


def test_there_are_enough():
    assert len(FACTS) >= 300


def test_ids_are_unique():
    assert [id for id, count in Counter(fact.id for fact in FACTS).items() if count > 1] == []


def test_every_answer_contains_its_key():
    assert [fact.id for fact in FACTS if not is_right(fact.answer, fact)] == []


def test_every_fact_can_be_asked_for_and_is_examined():
    assert [f.id for f in FACTS if not (f.tasks or f.things or f.ask)] == []
    assert [f.id for f in FACTS if len(f.held_out) < 2] == []


def test_no_held_out_question_is_a_phrase_to_train_on():
    held_out = held_out_questions(FACTS)
    phrases = {words_of(p) for f in FACTS for p in (*f.tasks, *f.things, *f.ask)}
    assert held_out & phrases == set()


def test_no_held_out_question_is_drawn_for_training():
    held_out = held_out_questions(FACTS)
    rng = random.Random(7)
    drawn = {words_of(wish_for(fact, WORDING, rng).question) for fact in FACTS for _ in range(40)}
    assert held_out & drawn == set()


@given(st.text(alphabet="abc ?.!", max_size=30), st.integers(0, 1000))
def test_no_wording_comes_out_empty(text, seed):
    assert noisy(text, random.Random(seed))


def test_the_same_seed_draws_the_same_questions():
    def draw() -> list[str]:
        rng = random.Random(3)
        return [wish_for(fact, WORDING, rng).question for fact in FACTS]

    assert draw() == draw()


def test_additional_wordings_belong_to_facts():
    assert set(more_wordings()) - {fact.id for fact in FACTS} == set()


def test_no_phrase_asks_for_two_facts():
    owners: dict[str, set[str]] = {}
    for fact in FACTS:
        for phrase in (*fact.tasks, *fact.things, *fact.ask):
            owners.setdefault(words_of(phrase), set()).add(fact.id)
    assert {phrase: ids for phrase, ids in owners.items() if len(ids) > 1} == {}
