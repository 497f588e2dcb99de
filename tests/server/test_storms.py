"""A server under requests that are many, cancelled, or hit by the death of the engine's process."""

import asyncio
import json
import os
import random
import signal

import httpx
import psutil
import pytest
from patient_http import PATIENCE, post, stream
from servers import standalone_server

QUESTION = {"model": "guide", "prompt": "How do I pull a model?", "stream": False}
ENDLESS = {
    "model": "endless",
    "prompt": "a",
    "raw": True,
    "options": {"num_predict": 300_000, "temperature": 0},
}


@pytest.fixture
def serve(tmp_path, stocked):
    def serve(**settings):
        return standalone_server(tmp_path / "server", stocked, **settings)

    return serve


def answers_truthfully(server):
    answer = post(f"{server.url}/api/generate", json=QUESTION)
    return "%ollama pull" in answer.json()["response"]


def workers(server):
    return psutil.Process(server.process.pid).children()


def memory(server):
    processes = [psutil.Process(server.process.pid), *workers(server)]
    return sum(process.memory_info().rss for process in processes)


def test_a_storm_of_cancelled_requests_leaves_a_server_that_answers(serve):
    draw = random.Random(1)

    async def storm(client, count):
        async def one(at_once):
            async with at_once:
                try:
                    async with asyncio.timeout(draw.uniform(0, 0.2)):
                        await client.post("/api/generate", json=ENDLESS)
                except TimeoutError:
                    return

        at_once = asyncio.Semaphore(40)
        await asyncio.gather(*(one(at_once) for _ in range(count)))

    async def run(server):
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as client:
            await storm(client, 100)
            before = memory(server)
            await storm(client, 500)
            return memory(server) - before

    with serve(OLLAMA_NUM_PARALLEL="4") as server:
        assert answers_truthfully(server)
        grown = asyncio.run(run(server))
        assert answers_truthfully(server)
        assert grown < 100 << 20


def test_more_requests_than_the_queue_takes_are_refused_and_the_others_answered(serve):
    long = {**ENDLESS, "stream": False, "options": {"num_predict": 200, "temperature": 0}}

    async def run(server):
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(
            base_url=server.url, timeout=PATIENCE, limits=limits
        ) as client:
            posts = (client.post("/api/generate", json=long) for _ in range(150))
            return await asyncio.gather(*posts)

    with serve(OLLAMA_MAX_QUEUE="20", OLLAMA_NUM_PARALLEL="1") as server:
        assert answers_truthfully(server)
        answers = asyncio.run(run(server))
        assert {answer.status_code for answer in answers} == {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["error"].startswith("server busy, please try again.  maximum")
            else:
                assert answer.json()["eval_count"] == 200
        assert sum(answer.status_code == 200 for answer in answers) >= 21


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_the_death_of_a_model_costs_its_requests_and_no_more(serve, how):
    with serve() as server:
        with stream("POST", f"{server.url}/api/generate", json=ENDLESS) as answer:
            lines = answer.iter_lines()
            next(lines)
            (worker,) = workers(server)
            os.kill(worker.pid, how)
            *_, last = lines
        assert "the next request loads it again" in json.loads(last).get("error", ""), last
        assert answers_truthfully(server)
        assert worker.pid not in [one.pid for one in workers(server)]


def test_stopping_the_server_takes_the_models_along(serve):
    with serve() as server:
        with stream("POST", f"{server.url}/api/generate", json=ENDLESS) as answer:
            next(answer.iter_lines())
            running = workers(server)
            server.process.terminate()
            server.process.wait(PATIENCE)
        assert running
        assert not any(one.is_running() for one in running)
