"""One service, many threads: nobody's answer depends on who else is asking."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.native

PATIENCE = 600
PROMPTS = (
    "How do I pull a model?",
    "What is a token?",
    "What does keep_alive do?",
    "How do I see which models are loaded?",
)
WILD = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "num_predict": 12, "repeatable": True}


@pytest.fixture
def ask(either, make_request):
    """Text and tokens of an answer, from wherever one is called."""

    def ask(prompt, seed, **options):
        request = make_request(prompt=prompt, options=WILD | {"seed": seed} | options)
        answer = either.generate(request).fold()
        return answer.response, answer.context, answer.done_reason

    return ask


def together(work, count):
    """Call ``work`` on so many threads at the same time: what each call returned."""
    start = threading.Barrier(count)

    def one(number):
        start.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count), timeout=PATIENCE))


@pytest.mark.parametrize("prompts", [PROMPTS[:2], PROMPTS[:1] * 2], ids=["different", "same"])
def test_two_threads_at_once(ask, prompts):
    alone = [ask(prompt, seed=5, num_predict=60) for prompt in prompts]
    for _ in range(5):
        asked = together(lambda number: ask(prompts[number], seed=5, num_predict=60), 2)
        assert asked == alone


def test_eight_threads_with_a_dozen_requests_each(ask):
    cases = [(prompt, seed) for prompt in PROMPTS for seed in range(3)]
    alone = {case: ask(*case) for case in cases}

    def dozen(number):
        mine = cases[number:] + cases[:number]  # everybody begins with something else
        return [(case, ask(*case)) for case in mine]

    answers = [one for each in together(dozen, 8) for one in each]
    assert len(answers) == 96
    assert len({text for text, *_ in alone.values()}) > 6
    assert all(answer == alone[case] for case, answer in answers)
