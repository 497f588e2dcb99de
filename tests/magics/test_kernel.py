"""The magics in a real kernel with the real engine: streaming, interrupts, what is left behind."""

import os
import time

import pytest
from endless_guide import add_endless_guide
from guide_registry import guide_registry
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.native

PATIENCE = 300
EMBED_LINES = "%ollama embed -m endless --lines -o found {{ long }}"
BEARABLE = 60
"""Seconds, where nothing would take minutes: no promise, but more than any machine needs."""
WATCH = """
import pathlib, threading, time
from ollama_nb.service.shared import shared_service

def tell_when_at_work(path):
    def watch():
        while not any(one.leases for one in shared_service().scheduler.loaded()):
            time.sleep(0.01)
        pathlib.Path(path).touch()

    threading.Thread(target=watch, daemon=True).start()
"""


class Kernel:
    """A running kernel, spoken to in cells."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client

    def start(self, source):
        """Begin to run a cell."""
        self._request = self.client.execute(source)

    def next_output(self):
        """Wait for the cell's next output; None when there are no more."""
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != self._request:
                continue
            content = message["content"]
            if content.get("execution_state") == "idle":
                return None
            if message["msg_type"] in (
                "stream", "display_data", "update_display_data", "execute_result", "error",
            ):  # fmt: skip
                return message["msg_type"], content

    def outputs(self):
        """Wait for all that is still to come."""
        return list(iter(self.next_output, None))

    def run(self, source):
        """Run a cell to its end: every output."""
        self.start(source)
        return self.outputs()

    def value(self, expression):
        """Evaluate an expression in the kernel."""
        outputs = self.run(f"print(repr({expression}))")
        assert {kind for kind, _ in outputs} == {"stream"}, outputs
        return eval("".join(content["text"] for _, content in outputs))  # a slow kernel cuts it

    def interrupt(self):
        """Press the stop button: the outputs that follow, which are there in any bearable time."""
        began = time.monotonic()
        self.manager.interrupt_kernel()
        outputs = self.outputs()
        assert time.monotonic() - began < BEARABLE
        return outputs


@pytest.fixture(scope="module")
def kernel(models, tmp_path_factory):
    add_endless_guide(models)
    environment = os.environ | {
        "OLLAMA_NB_DISPLAY": "stream",
        "IPYTHONDIR": str(tmp_path_factory.mktemp("ipython")),
    }
    manager, client = start_new_kernel(
        startup_timeout=PATIENCE, kernel_name="python3", env=environment
    )
    kernel = Kernel(manager, client)
    assert kernel.run("%load_ext ollama_nb") == []
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel()


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with guide_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


def plain(output):
    return output[1]["data"]["text/plain"]


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_cell_streams_into_one_display(kernel):
    first, *rest = kernel.run("%%ollama generate -m endless --options num_predict=1500\nHello")
    assert first[0] == "display_data"
    assert {kind for kind, _ in rest} == {"update_display_data"}
    assert {content["transient"]["display_id"] for _, content in rest} == {
        first[1]["transient"]["display_id"]
    }
    assert len(rest) >= 2
    assert "1500 answer tokens" in plain(rest[-1])


def test_a_result_is_bound_and_the_same_seed_gives_the_same_text(kernel):
    for name in ("one", "two"):
        kernel.run(
            f"%%ollama generate -o {name} --seed 7 --options temperature=0.8 num_predict=50\n"
            "How do I pull a model?"
        )
    assert kernel.value("one.text == two.text != ''")
    assert kernel.value("_ollama is two")
    assert kernel.value("one.stats.prompt_tokens > 0 and one.stats.tokens_per_second > 0")
    assert kernel.value("one.stats.done_reason") in ("stop", "length")


def test_a_line_is_one_result(kernel):
    ((kind, content),) = kernel.run("%ollama run guide How do I pull a model?")
    assert kind == "execute_result"
    assert "%ollama pull" in content["data"]["text/markdown"]


def test_texts_become_an_array(kernel):
    ((kind, content),) = kernel.run(
        "%%ollama embed -m guide --lines -o found\nHow do I pull a model?\n{{ 1 + 1 }}\n"
    )
    assert kind == "execute_result"
    assert content["data"]["text/plain"].startswith("guide · 2 vectors of 256 numbers · ")
    assert kernel.value("found.vectors.shape") == (2, 256)
    assert kernel.value("found.texts") == ("How do I pull a model?", "2")
    assert kernel.value("bool(abs((found.vectors ** 2).sum(1) - 1).max() < 1e-3)")


def test_tab_completes_model_names(kernel):
    source = "%%ollama generate -m gui"
    reply = kernel.client.complete(source, reply=True, timeout=PATIENCE)["content"]
    assert "guide" in reply["matches"]
    assert reply["cursor_start"] == len("%%ollama generate -m ")


def test_list_and_ps_show_what_is_there(kernel):
    kernel.run("%ollama run guide Hello")
    assert "guide:latest" in plain(kernel.run("%ollama list")[0])
    assert "100% CPU" in plain(kernel.run("%ollama ps")[0])
    assert plain(kernel.run("%ollama stop guide")[0]) == "guide is unloaded"


def test_an_interrupt_while_decoding_keeps_the_text(kernel):
    kernel.start("%%ollama generate -m endless -o answer\nHello")
    seen = ""
    while len(seen) < 100:
        seen = plain(kernel.next_output())
    outputs = kernel.interrupt()
    assert {kind for kind, _ in outputs} == {"update_display_data"}
    assert "(interrupted)" in plain(outputs[-1])
    assert kernel.value("answer.stats.done_reason") == "interrupted"
    assert kernel.value("answer.stats.answer_tokens") > 0
    beginning = seen.split("\n\nendless …")[0]
    assert kernel.value("answer.text").startswith(beginning)


def test_an_interrupt_while_the_prompt_is_read(kernel):
    kernel.start(
        "%%ollama generate -m endless --raw -o answer"
        " --options num_ctx=32768 num_thread=1 num_batch=64\n"
        "{{ 'one more word and ' * 7000 }}"
    )
    assert kernel.next_output()[0] == "display_data"
    outputs = kernel.interrupt()
    assert "(interrupted)" in plain(outputs[-1])
    assert kernel.value("(answer.text, answer.stats.done_reason)") == ("", "interrupted")


def test_an_interrupt_while_texts_are_embedded(kernel, tmp_path):
    kernel.run("%ollama embed -m endless load")
    kernel.run("long = chr(10).join(['word ' * 4000] * 300)")  # minutes of work
    kernel.run(WATCH)
    begun = tmp_path / "begun"
    kernel.start(f"tell_when_at_work({str(begun)!r})\n" + EMBED_LINES)
    until(begun.exists)
    outputs = kernel.interrupt()
    assert [plain(output) for output in outputs] == ["endless · interrupted"]
    assert kernel.value("(found.interrupted, len(found), len(found.texts))") == (True, 0, 300)
    kernel.run("%ollama embed -m endless -o found again")
    assert kernel.value("len(found)") == 1


def test_the_next_cell_works_after_an_interrupt(kernel):
    kernel.start("%%ollama generate -m endless\nHello")
    while len(plain(kernel.next_output())) < 50:
        pass
    kernel.interrupt()
    outputs = kernel.run("%%ollama generate -o answer\nHow do I pull a model?")
    assert "%ollama pull" in plain(outputs[-1])
    assert kernel.value("answer.stats.done_reason") == "stop"


def test_a_pull_is_bars_and_then_their_lines(kernel, registry):
    registry.slow(4_000_000)
    shown, emptied, result = kernel.run(f"%ollama pull --insecure {registry.name}")
    assert shown[0] == "display_data"
    assert "application/vnd.jupyter.widget-view+json" in shown[1]["data"]
    assert (emptied[0], emptied[1]["data"]) == ("update_display_data", {})
    assert emptied[1]["transient"] == shown[1]["transient"]
    assert result[0] == "execute_result"
    assert f"success: {registry.name} · 5.2 MB in " in plain(result)
    assert kernel.value("type(_).__name__") == "Transfer"
    assert "MB freed" in plain(kernel.run(f"%ollama rm {registry.name}")[0])


def test_an_interrupted_pull_goes_on_where_it_stopped(kernel, registry, models):
    registry.held(2_000_000)
    kernel.start(f"done = %ollama pull --insecure {registry.name}")
    assert kernel.next_output()[0] == "display_data"
    until(lambda: registry.noted(models) == 2_000_000)
    outputs = kernel.interrupt()
    assert [(kind, content["data"]) for kind, content in outputs] == [("update_display_data", {})]
    assert kernel.value("done.interrupted")
    assert kernel.value("str(done).splitlines()[-1]") == (
        f"interrupted: what has arrived is kept, %ollama pull --insecure {registry.name} goes on"
    )
    registry.proxy.forget()
    kernel.run(f"done = %ollama pull --insecure {registry.name}")
    assert not kernel.value("done.interrupted")
    assert registry.proxy.served(registry.weights) < 5_000_000
    assert (
        kernel.value(
            "len([each for each in __import__('threading').enumerate()"
            " if each.name.startswith(('ollama-nb-fetch', 'TMonitor'))])"
        )
        == 0
    )


def test_errors_are_error_outputs_of_one_line(kernel):
    for source, name in (
        ("%ollama run giude Hi", "ModelNotFound"),
        ("%ollama create x", "UsageProblem"),
        ("%%ollama generate", "UsageProblem"),
    ):
        ((kind, content),) = kernel.run(source)
        assert (kind, content["ename"]) == ("error", name)
        assert len(content["traceback"]) == 1


def test_unloading_frees_the_models(kernel):
    kernel.run("%ollama run guide Hello")
    assert kernel.run("%unload_ext ollama_nb") == []
    assert kernel.run("%ollama list")[0][0] in ("stream", "error")
    kernel.run("%load_ext ollama_nb")
    assert plain(kernel.run("%ollama ps")[0]).startswith("No model is loaded")
