"""The end of a process while a model decodes in it: prompt, without a core, and nothing stays."""

import signal
import subprocess
import sys

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = [pytest.mark.native, pytest.mark.parametrize("engine", ["local", "worker"])]

PATIENCE = 120
"""Seconds: an exit takes two on a machine that has nothing else to do, an answer ten minutes."""

SHARED = "from ollama_nb.service.shared import shared_service\nservice = shared_service()\n"
OWN = "from ollama_nb.service import Service\nservice = Service()\n"
BEGIN = """
import os, sys, threading, time
import psutil
from ollama_nb.wire import GenerateRequest

def begin(prompt="Hello", **options):
    options = {"num_predict": 10**6, "num_ctx": 32_768, **options}
    return service.generate(GenerateRequest(model="endless", prompt=prompt, options=options))

def ready():
    workers = [str(child.pid) for child in psutil.Process().children(recursive=True)]
    os.write(1, " ".join(["ready", *workers, "\\n"]).encode())
"""
ONE = "stream = begin()\nnext(iter(stream))\nready()\n"
FOUR = "streams = [begin() for _ in range(4)]\n[next(iter(one)) for one in streams]\nready()\n"
PROMPT = "stream = begin('word ' * 20_000)\nready()\ntime.sleep(0.05)\n"
THREAD = """
def follow():
    try:
        for _ in begin():
            told.set()
    except Exception:
        pass

told = threading.Event()
threading.Thread(target=follow, daemon=True).start()
told.wait()
ready()
"""
SLEEP = "time.sleep(600)\n"


@pytest.fixture
def end(environment, tmp_path, cores, gone):
    """Run a script until it says that it is ready, then to its end: (status, errors)."""

    def end(engine, script, how=None):
        with subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env=environment(engine),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            ready, *workers = process.stdout.readline().split() or [""]
            assert ready, process.stderr.read()
            if how is not None:
                process.send_signal(how)
            try:
                _, errors = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
        assert len(workers) == (engine == "worker")
        assert all(gone(int(worker)) for worker in workers)
        assert not list(tmp_path.iterdir())
        return process.returncode, errors

    return end


@pytest.mark.parametrize(
    "work",
    [OWN + BEGIN + ONE, SHARED + BEGIN + PROMPT, SHARED + BEGIN + THREAD],
    ids=["answer", "prompt", "thread"],
)
def test_a_program_that_ends_in_the_middle(end, engine, work):
    assert end(engine, work) == (0, "")


def test_exit_in_the_middle_of_four_answers(end, engine):
    assert end(engine, SHARED + BEGIN + FOUR + "sys.exit(3)") == (3, "")


def test_termination_in_the_middle_of_an_answer(end, engine):
    assert end(engine, SHARED + BEGIN + ONE + SLEEP, signal.SIGTERM) == (-signal.SIGTERM, "")


def test_an_interrupt_that_nobody_catches(end, engine):
    status, errors = end(engine, SHARED + BEGIN + ONE + "list(stream)", signal.SIGINT)
    assert (status, errors.splitlines()[-1]) == (-signal.SIGINT, "KeyboardInterrupt")


def test_a_kernel_that_is_shut_down_while_a_cell_answers(
    engine, environment, tmp_path, cores, gone
):
    manager, client = start_new_kernel(
        startup_timeout=PATIENCE,
        kernel_name="python3",
        env=environment(engine),
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        process = manager.provisioner.process
        client.execute("%load_ext ollama_nb", reply=True, timeout=PATIENCE)
        client.execute("%%ollama generate -m endless --options num_ctx=32768\nHello")
        while True:
            message = client.get_iopub_msg(timeout=PATIENCE)
            if message["msg_type"] == "update_display_data":
                break
        workers = [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
        manager.shutdown_wait_time = PATIENCE  # before it is killed
        manager.shutdown_kernel()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert process.returncode == 0
    assert len(workers) == (engine == "worker")
    assert all(gone(worker) for worker in workers)
    assert not list(tmp_path.iterdir())
