"""jupyter ollama pull from a real registry: in a real terminal, and into pipes."""

import os
import re
import subprocess
import sys
import time

import pexpect
import pytest
from guide_registry import guide_registry

COLUMNS = 100
PATIENCE = 300
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with guide_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def environment(registry, tmp_path):
    """A user with an empty store; the registry is as fast as it can."""
    registry.proxy.forget()
    return os.environ | {"OLLAMA_MODELS": str(tmp_path / "models"), "HOME": str(tmp_path)}


@pytest.fixture
def terminal(environment):
    """Begin a command in a terminal."""
    started = []

    def start(*words):
        child = pexpect.spawn(
            sys.executable, ["-m", "ollama_nb", *words], env=environment, timeout=PATIENCE,
            dimensions=(30, COLUMNS), encoding="utf-8",
        )  # fmt: skip
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


@pytest.fixture
def piped(environment):
    """Run a command whose outputs are pipes."""

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "ollama_nb", *words], env=environment, capture_output=True,
            text=True, timeout=PATIENCE,
        )  # fmt: skip

    return run


def finished(child):
    """What is still to come, and the exit code."""
    text = child.read()
    child.close()
    return text, child.exitstatus


def screen(text):
    """What a terminal shows in the end: lines, of which later texts overwrite earlier ones."""
    rows, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if piece == "\x1b[A":
            row -= 1
        elif piece == "\x1b[K":
            rows[row] = rows[row][:column]
        elif piece == "\r":
            column = 0
        elif piece == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        else:
            line = rows[row].ljust(column)
            rows[row] = line[:column] + piece + line[column + len(piece) :]
            column += len(piece)
    return [line.rstrip() for line in rows]


def test_a_terminal_shows_bars_and_keeps_lines(terminal, registry):
    first, second = registry.held(500_000, 3_000_000)
    child = terminal("pull", "--insecure", registry.name)
    child.expect("pulling manifest")
    before = child.before + child.after
    digits = registry.weights.removeprefix("sha256:")[:12]
    child.expect(rf"pulling {digits}: +\d+%\|")
    before += child.before + child.after
    first.set()
    child.expect(r"5\d%\|.*\| 3\.\d+M/5\.\d+M \[\d\d:\d\d<\d\d:\d\d, [\d.]+[kM]B/s\]")
    before += child.before + child.after
    second.set()
    rest, code = finished(child)
    assert code == 0
    *layers, last, _ = screen(before + rest)
    assert len(layers) == 5
    assert re.fullmatch(rf"{digits} · 5\.\d MB · [\d.]+ (s|ms|min .*) · [\d.]+ [MK]B/s", layers[0])
    assert all(re.fullmatch(r"[0-9a-f]{12} · [\d.]+ K?B", line) for line in layers[1:])
    assert re.fullmatch(rf"success: {registry.name} · 5\.\d MB in .*", last)


def test_at_most_ten_updates_a_second(terminal, registry):
    registry.slow(2_000_000)
    began = time.monotonic()
    text, _ = finished(terminal("pull", "--insecure", registry.name))
    seconds = time.monotonic() - began
    assert seconds > 2
    assert text.count("5.2") <= 10 * seconds + 20


def test_an_interrupt_keeps_what_has_come_and_the_next_pull_goes_on(
    terminal, piped, registry, tmp_path
):
    registry.held(2_000_000)
    child = terminal("pull", "--insecure", registry.name)
    child.expect(r"3\d%")
    while registry.noted(tmp_path / "models") < 2_000_000:  # a busy disk may not note it at the end
        time.sleep(0.01)
    child.sendintr()
    text, code = finished(child)
    assert code == 130
    again = f"jupyter ollama pull --insecure {registry.name}"
    assert f"interrupted: what has arrived is kept, {again} goes on" in text
    assert "Traceback" not in text
    registry.proxy.forget()
    child = terminal("pull", "--insecure", registry.name)
    text, code = finished(child)
    assert code == 0
    served = registry.proxy.served(registry.weights)
    assert 0 < served < 4_500_000
    assert piped("verify").returncode == 0


def test_pipes_get_plain_lines(piped, registry):
    done = piped("pull", "--insecure", registry.name)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "pulling manifest", "verifying sha256 digest", "writing manifest",
    ]  # fmt: skip
    *layers, last = done.stdout.splitlines()
    assert len(layers) == 5
    assert last.startswith(f"success: {registry.name} · 5.")
    assert not CONTROLS.search(done.stdout + done.stderr)


def test_a_reader_that_leaves_ends_the_pull(environment, registry):
    registry.slow(2_000_000)
    command = f"{sys.executable} -m ollama_nb pull --insecure {registry.name} 2>&1 | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=PATIENCE,
        check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("pulling manifest\n", "")


def test_there_and_back(piped, registry):
    mine = f"{registry.proxy.host}/library/mine"
    assert piped("cp", "guide", mine).returncode == 0
    pushed = piped("push", "--insecure", mine)
    assert pushed.returncode == 0
    assert pushed.stdout.splitlines()[-1].startswith(f"success: {mine} · 5.")
    assert "MB freed" in piped("rm", mine).stdout
    assert piped("pull", "--insecure", mine).returncode == 0
    assert mine in piped("list").stdout


def test_a_damaged_model_is_pulled_again(piped, registry, tmp_path):
    assert piped("pull", "--insecure", registry.name).returncode == 0
    weights = tmp_path / "models" / "blobs" / registry.weights.replace(":", "-")
    data = bytearray(weights.read_bytes())
    data[1_000_000] ^= 1
    weights.unlink()  # never in place: files of a store can be links into another one
    weights.write_bytes(data)
    done = piped("verify")
    assert done.returncode == 1
    assert f"{registry.name} is damaged" in done.stdout
    assert f"jupyter ollama pull {registry.name} fetches it again" in done.stdout
    done = piped("verify", "--pull", "--insecure")
    assert done.returncode == 0
    assert f"success: {registry.name}" in done.stdout
    assert piped("verify").returncode == 0


def test_what_goes_wrong_is_explained(piped, registry):
    done = piped("pull", registry.name)
    assert done.returncode == 1
    assert "a registry that speaks plain http needs --insecure" in done.stderr
    done = piped("pull", "--insecure", f"{registry.proxy.host}/library/giude")
    assert done.stderr.endswith(
        f"file does not exist; is library/giude:latest what {registry.proxy.host} calls it?\n"
    )
